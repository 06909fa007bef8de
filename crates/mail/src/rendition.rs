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
            .sum()
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
