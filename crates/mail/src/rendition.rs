//! What a mailbox shows of a blob: pieces to insert and ranges to copy.
//!
//! The blob stays as it was received, for ever; Return-Path, trace fields and removed fields exist
//! only in the rendition. Its size is fixed when it is made.

use std::ops::Range;

/// One piece of a rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes, which the blob does not have.
    Insert(Vec<u8>),
    /// These bytes of the blob.
    Copy(Range<u64>),
}

/// A message as a mailbox shows it: a list of pieces over its blob.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendition {
    pieces: Vec<Piece>,
}

impl Rendition {
    /// The blob as it is.
    pub fn whole(blob_size: u64) -> Self {
        Self { pieces: vec![Piece::Copy(0..blob_size)] }
    }

    /// A rendition of these pieces; empty pieces are dropped.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let kept = |piece: &Piece| match piece {
            Piece::Insert(bytes) => !bytes.is_empty(),
            Piece::Copy(range) => !range.is_empty(),
        };
        Self { pieces: pieces.into_iter().filter(kept).collect() }
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Size in bytes of what is shown.
    pub fn size(&self) -> u64 {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Insert(bytes) => bytes.len() as u64,
                Piece::Copy(range) => range.end.saturating_sub(range.start),
            })
            .fold(0, u64::saturating_add)
    }

    /// The stored form: for each piece a tag byte (0 insert, 1 copy) and little-endian numbers
    /// (insert: u32 length and the bytes; copy: u64 start, u64 end).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Insert(bytes) => {
                    out.push(0);
                    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                    out.extend_from_slice(bytes);
                }
                Piece::Copy(range) => {
                    out.push(1);
                    out.extend_from_slice(&range.start.to_le_bytes());
                    out.extend_from_slice(&range.end.to_le_bytes());
                }
            }
        }
        out
    }

    /// Reads the stored form back; `None` if it is damaged.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut pieces = Vec::new();
        while let Some((tag, rest)) = bytes.split_first() {
            bytes = rest;
            match tag {
                0 => {
                    let len = u32::from_le_bytes(take(&mut bytes)?) as usize;
                    let (text, rest) = bytes.split_at_checked(len)?;
                    pieces.push(Piece::Insert(text.to_vec()));
                    bytes = rest;
                }
                1 => {
                    let start = u64::from_le_bytes(take(&mut bytes)?);
                    let end = u64::from_le_bytes(take(&mut bytes)?);
                    if end < start {
                        return None;
                    }
                    pieces.push(Piece::Copy(start..end));
                }
                _ => return None,
            }
        }
        Some(Self { pieces })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::{Piece, Rendition};
    use proptest::prelude::*;

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let insert = prop::collection::vec(any::<u8>(), 1..40).prop_map(Piece::Insert);
        let copy = (0..1_u64 << 40, 1..1_u64 << 30).prop_map(|(at, n)| Piece::Copy(at..at + n));
        prop::collection::vec(prop_oneof![insert, copy], 0..10)
    }

    #[test]
    fn empty_pieces_are_dropped() {
        let empty = [Piece::Insert(Vec::new()), Piece::Copy(5..5)];
        assert_eq!(Rendition::new(empty), Rendition::default());
        assert_eq!(Rendition::new([Piece::Insert(b"ab".to_vec()), Piece::Copy(5..8)]).size(), 5);
        assert_eq!(Rendition::whole(7).size(), 7);
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(pieces in pieces()) {
            let rendition = Rendition::new(pieces);
            prop_assert_eq!(Rendition::decode(&rendition.encode()), Some(rendition));
        }

        /// A form that was cut short is refused, unless the cut is between two pieces.
        #[test]
        fn a_form_cut_short_is_refused(pieces in pieces(), cut in any::<prop::sample::Index>()) {
            let stored = Rendition::new(pieces.clone()).encode();
            let cut = cut.index(stored.len() + 1);
            let whole = (0..=pieces.len())
                .find(|&n| Rendition::new(pieces.iter().take(n).cloned()).encode().len() == cut);
            let decoded = Rendition::decode(stored.get(..cut).unwrap_or_default());
            let expected = whole.map(|n| Rendition::new(pieces.iter().take(n).cloned()));
            prop_assert_eq!(decoded, expected);
        }

        #[test]
        fn damaged_forms_do_no_harm(bytes in prop::collection::vec(0_u8..4, 0..60)) {
            if let Some(rendition) = Rendition::decode(&bytes) {
                // Whatever was read is a rendition that can be kept again.
                rendition.size();
                prop_assert_eq!(Rendition::decode(&rendition.encode()), Some(rendition));
            }
        }
    }

    #[test]
    fn ranges_that_run_backwards_are_refused() {
        let mut stored = Rendition::new([Piece::Copy(3..9)]).encode();
        stored.splice(1..9, 10_u64.to_le_bytes());
        assert_eq!(Rendition::decode(&stored), None);
        assert_eq!(Rendition::decode(&[2]), None);
    }
}
