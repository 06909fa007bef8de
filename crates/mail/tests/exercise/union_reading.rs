//! What must hold for any message that is read in every way, shared by the fuzz target and the test
//! that replays its corpus.

use mail::index::{Index, Inside};
use mail::mime::TransferEncoding;
use mail::union::{Marks, Source, UnionLimits, is_plain, read};
use std::ops::ControlFlow;

/// A whole message: it ends, its places are sound, its limits hold, and what needs no look inside
/// has nothing inside.
pub(crate) fn exercise(message: &[u8]) {
    let index = Index::of(message);
    let limits = UnionLimits { seen_max: 500, bytes_free: 1 << 18, ..UnionLimits::default() };
    let (mut count, mut bytes, mut others) = (0, 0, 0);
    let mut plain = true;
    let outcome = read(message, &index, &limits, &mut |item| {
        count += 1;
        bytes += item.content.len() as u64;
        others += usize::from(matches!(item.source, Source::OtherReading | Source::Sweep));
        plain &= item.source == Source::Part && item.names.is_empty();
        assert!(item.place.start <= item.place.end && item.place.end <= index.size);
        assert!(item.part.is_none_or(|part| part < index.parts.len()));
        assert!(!item.types.is_empty());
        ControlFlow::Continue(())
    });
    assert!(count <= limits.seen_max && others == outcome.others);
    assert!(bytes <= index.size * limits.sizes_max + limits.bytes_free);
    assert!(outcome.ambiguities.iter().all(|sighting| sighting.at <= index.size));
    if is_plain(&index) && !has_marks(message, &index) && outcome.incomplete.is_none() {
        assert!(plain, "not plain: {:?}", String::from_utf8_lossy(message));
    }
}

/// Whether some text could hold a file, whatever the pieces it comes in.
fn has_marks(message: &[u8], index: &Index) -> bool {
    let contents = index.parts.iter().filter(|part| part.inside == Inside::Content);
    contents.fold(false, |found, part| {
        let encoding = match part.encoding {
            TransferEncoding::QuotedPrintable => TransferEncoding::QuotedPrintable,
            _ => TransferEncoding::SevenBit,
        };
        let range = part.body.start as usize..part.body.end as usize;
        let body = message.get(range).unwrap_or_default();
        let (mut whole, mut pieces) = (Marks::new(encoding), Marks::new(encoding));
        whole.feed(body);
        body.chunks(3).for_each(|piece| pieces.feed(piece));
        assert_eq!(whole.finish(), pieces.finish());
        found || whole.finish()
    })
}
