//! How mailboxes show a message: our trace fields in, forged ones out, every other byte as it came.

use crate::headers::Forged;
use mail::index::Index;
use mail::{Piece, Rendition};
use std::ops::Range;

/// The ranges that are not shown, in the message's order, each once.
pub(crate) fn left_out(forged: &[Forged], more: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut ranges: Vec<_> = forged.iter().map(|field| field.range.clone()).collect();
    ranges.extend_from_slice(more);
    ranges.sort_by_key(|range| range.start);
    ranges.dedup();
    ranges
}

/// Puts `fields` before the message and leaves out some of it (in the message's order).
pub(crate) fn build(index: &Index, mut fields: String, left_out: &[Range<u64>]) -> Rendition {
    if lacks_header(index) {
        // The first line of the body would otherwise be read as a field of ours.
        fields.push_str("\r\n");
    }
    let mut pieces = Vec::with_capacity(2 + left_out.len());
    pieces.push(Piece::Insert(fields.into_bytes()));
    let mut at = 0;
    for range in left_out {
        pieces.push(Piece::Copy(at..range.start));
        at = range.end;
    }
    pieces.push(Piece::Copy(at..index.size));
    Rendition::new(pieces)
}

/// Whether the message begins with its body: no field at all, and no empty line to begin with.
fn lacks_header(index: &Index) -> bool {
    let begins_empty =
        index.root().is_some_and(|root| root.header.is_empty() && root.body.start > 0);
    index.fields.is_empty() && index.size > 0 && !begins_empty
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::{build, left_out};
    use crate::headers::forged;
    use mail::index::Index;
    use mail::{Origin, Piece, Rendition};
    use proptest::prelude::*;

    fn show(rendition: &Rendition, message: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for piece in rendition.pieces() {
            match piece {
                Piece::Insert(bytes) => shown.extend_from_slice(bytes),
                Piece::Copy(range) => {
                    shown.extend_from_slice(&message[range.start as usize..range.end as usize]);
                }
            }
        }
        shown
    }

    fn rendered(message: &[u8]) -> Vec<u8> {
        let index = Index::of(message);
        let forged = forged(&index, Origin::Session, |domain| domain.as_str() == "mx.example.org");
        let rendition = build(&index, "Received: us\r\n".to_owned(), &left_out(&forged, &[]));
        let shown = show(&rendition, message);
        assert_eq!(rendition.size(), shown.len() as u64);
        shown
    }

    fn check(message: &str, expected: &str) {
        let shown = rendered(message.as_bytes());
        assert_eq!(String::from_utf8_lossy(&shown), expected, "{message:?}");
    }

    #[test]
    fn forged_fields_go_and_everything_else_stays() {
        check("A: b\r\n\r\nx\r\n", "Received: us\r\nA: b\r\n\r\nx\r\n");
        check(
            "Return-Path: <x>\r\nA: b\r\nX-Spam-Flag: no\r\n more\r\nC: d\r\n\r\nX-Spam-Flag: x\r\n",
            "Received: us\r\nA: b\r\nC: d\r\n\r\nX-Spam-Flag: x\r\n",
        );
        check("Delivered-To: x\r\n\r\nx\r\n", "Received: us\r\n\r\nx\r\n");
        check("\r\nonly a body\r\n", "Received: us\r\n\r\nonly a body\r\n");
        check("only a body\r\n", "Received: us\r\n\r\nonly a body\r\n");
        check("Hello Anna\r\n\r\nyou?\r\n", "Received: us\r\n\r\nHello Anna\r\n\r\nyou?\r\n");
        check("", "Received: us\r\n");
    }

    const FIELDS: &[(&str, bool)] = &[
        ("Subject: x\r\n\ty\r\n", false),
        ("RETURN-PATH: <a@b>\r\n", true),
        ("X-Spam-Level:\r\n *****\r\n", true),
        ("Authentication-Results: mx.example.org; none\r\n", true),
        ("Authentication-Results: other.example; none\r\n", false),
        ("X: X-Spam-Level: 1\r\n", false),
    ];

    proptest! {
        #[test]
        fn what_is_shown_is_the_message_less_what_is_forged(
            picks in proptest::collection::vec(0..FIELDS.len(), 1..12),
            body in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut message = Vec::new();
            let mut expected = b"Received: us\r\n".to_vec();
            for (field, forged) in picks.into_iter().map(|pick| FIELDS[pick]) {
                message.extend_from_slice(field.as_bytes());
                if !forged {
                    expected.extend_from_slice(field.as_bytes());
                }
            }
            for text in [&mut message, &mut expected] {
                text.extend_from_slice(b"\r\n");
                text.extend_from_slice(&body);
            }
            prop_assert_eq!(rendered(&message), expected);
        }

        #[test]
        fn whatever_is_sent_only_whole_ranges_go(
            message in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let index = Index::of(&message);
            let forged = forged(&index, Origin::Session, |_| true);
            let rendition = build(&index, "R: x\r\n".to_owned(), &left_out(&forged, &[]));
            let removed: u64 = forged.iter().map(|field| field.range.end - field.range.start).sum();
            let shown = show(&rendition, &message);
            let inserted: u64 = rendition.pieces().iter().map(|piece| match piece {
                Piece::Insert(bytes) => bytes.len() as u64,
                Piece::Copy(_) => 0,
            }).sum();
            prop_assert_eq!(shown.len() as u64, inserted + message.len() as u64 - removed);
        }
    }
}
