//! How mailboxes show a message: our trace fields in, forged ones out, every other byte as it came.

use crate::headers::Forged;
use mail::index::Index;
use mail::{Piece, Rendition};
use std::ops::Range;

/// Bytes of a message that are not shown, and what is shown in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The bytes that go; empty: something is put before this one.
    pub(crate) range: Range<u64>,
    /// What stands in their place.
    pub(crate) insert: Vec<u8>,
}

/// All edits of a message in its order. What lies within another edit goes with it.
pub(crate) fn edits(forged: &[Forged], more: &[Range<u64>], surgery: Vec<Edit>) -> Vec<Edit> {
    let left_out = |range: &Range<u64>| Edit { range: range.clone(), insert: Vec::new() };
    let mut edits = surgery;
    edits.extend(forged.iter().map(|field| left_out(&field.range)));
    edits.extend(more.iter().map(left_out));
    // Of edits that begin at one place, the widest is the one that others lie within; what is put
    // before it comes first.
    edits.sort_by_key(|edit| {
        (edit.range.start, !edit.range.is_empty(), std::cmp::Reverse(edit.range.end))
    });
    let mut at = 0;
    edits.retain_mut(|edit| {
        let lies_within = edit.range.start < at && edit.range.end <= at;
        // What two edits share goes once, and so does all that either of them covers.
        edit.range.start = edit.range.start.max(at);
        at = at.max(edit.range.end);
        !lies_within
    });
    edits
}

/// Puts `fields` before the message and makes the edits, which are in its order.
pub(crate) fn build(index: &Index, mut fields: String, edits: &[Edit]) -> Rendition {
    if lacks_header(index) {
        // The first line of the body would otherwise be read as a field of ours.
        fields.push_str("\r\n");
    }
    let mut pieces = Vec::with_capacity(2 + edits.len() * 2);
    pieces.push(Piece::Insert(fields.into_bytes()));
    let mut at = 0;
    for edit in edits {
        pieces.push(Piece::Copy(at..edit.range.start));
        pieces.push(Piece::Insert(edit.insert.clone()));
        at = edit.range.end;
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

    use super::{build, edits};
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
        let rendition =
            build(&index, "Received: us\r\n".to_owned(), &edits(&forged, &[], Vec::new()));
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
            let rendition = build(&index, "R: x\r\n".to_owned(), &edits(&forged, &[], Vec::new()));
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
