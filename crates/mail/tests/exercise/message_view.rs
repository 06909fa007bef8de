//! What must hold for any message, shared by the fuzz target and the test that replays its corpus.

use mail::index::{Ambiguity, Index, IndexBuilder, PER_KIND_MAX};

/// A whole message: any cuts give the same index, its offsets are sound, it can be shown.
///
/// The first byte says how long the pieces are.
pub(crate) fn exercise(bytes: &[u8]) {
    let Some((&cut, message)) = bytes.split_first() else { return };
    let index = Index::of(message);
    let mut builder = IndexBuilder::new();
    for piece in message.chunks(usize::from(cut).max(1)) {
        builder.push(piece);
    }
    assert_eq!(builder.finish(), index);
    assert_eq!(index.size, message.len() as u64);
    for part in &index.parts {
        assert!(part.header.start <= part.header.end && part.header.end <= part.body.start);
        assert!(part.body.start <= part.body.end && part.body.end <= index.size);
        if let Some(parent) = part.parent.and_then(|parent| index.parts.get(parent)) {
            assert!(parent.body.start <= part.header.start && part.body.end <= parent.body.end);
        }
        part.names();
    }
    let kinds = Ambiguity::ALL.len();
    assert!(index.ambiguities.len() <= kinds * (PER_KIND_MAX + 1));
    assert!(serde_json::to_string(&index.view()).is_ok());
}
