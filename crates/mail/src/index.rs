//! The index of a message: what the parser noticed while its bytes arrived.
//!
//! A push parser ([`IndexBuilder`]) takes the bytes once, in pieces of any size, and keeps only
//! header blocks and offsets, never bodies: its memory is bounded whatever is sent.

use std::ops::Range;

/// What the push parser learned of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Size of the whole message in bytes.
    pub size: u64,
    /// The header block of the message itself, as received (without the empty line), bounded.
    pub header: Vec<u8>,
    /// Where each field of the message's header stands.
    pub fields: Vec<Field>,
}

/// A field of a header, by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Range of the whole field in the header block, with its line end.
    pub range: Range<usize>,
    /// Length of the name, before the colon.
    pub name_len: usize,
}

/// Builds an [`Index`] while bytes arrive.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    index: Index,
}

impl IndexBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the message, in a piece of any size.
    pub fn push(&mut self, bytes: &[u8]) {
        self.index.size += bytes.len() as u64;
    }

    /// Ends the message.
    pub fn finish(self) -> Index {
        self.index
    }
}
