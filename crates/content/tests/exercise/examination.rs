//! What must hold for any message that a worker examines, and for any answer of a worker, shared by
//! the fuzz target and the test that replays its corpus.

use content::examination::{Examination, examine};
use content::{Limits, Lists};
use mail::index::Index;

/// The bytes as a message, and as the answer of a worker that was taken over.
pub(crate) fn exercise(bytes: &[u8]) {
    let limits = Limits { members_max: 200, unpacked_max: 1 << 20, ..Limits::default() };
    let found = examine(bytes, &Lists::default(), &limits);
    let index = Index::of(bytes);
    for looked in &found.looked {
        assert!(looked.place.start <= looked.place.end && looked.place.end <= index.size);
        assert!(looked.part.is_none_or(|part| part < index.parts.len()));
        assert!(looked.names.len() <= 8 && looked.names.iter().all(|name| name.len() <= 255));
        assert_eq!(looked.sha256.is_empty(), looked.hits.is_empty());
        for hit in &looked.hits {
            assert!(hit.path.len() <= 16 && hit.path.iter().all(|step| step.len() <= 200));
            assert!(hit.detail.len() <= 200);
        }
    }
    if let Some(rebuilt) = &found.rebuilt {
        assert!(found.is_harmless() && !found.ambiguities.is_empty());
        assert!(rebuilt.kept.iter().all(|range| range.start < range.end));
        assert!(rebuilt.kept.iter().all(|range| range.end <= index.size));
    }
    assert_eq!(Examination::decode(&found.encode()).as_ref(), Some(&found));

    // What such an answer says may be nonsense; reading it does no harm, and it stays what it is.
    if let Some(told) = Examination::decode(bytes) {
        assert_eq!(Examination::decode(&told.encode()), Some(told));
    }
}
