//! The parts of a message, in the order they stand, as a tree.

use crate::mime::{Structured, TransferEncoding};
use std::ops::Range;

/// What is inside a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inside {
    /// Content.
    #[default]
    Content,
    /// Parts between delimiters.
    Parts,
    /// One message, which is the only child.
    Message,
}

/// One part: the message itself, a part of a multipart, or a message inside a message.
///
/// All offsets count from the start of the message, so that contents can be read in windows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// The part around it; `None` for the message itself.
    pub parent: Option<usize>,
    /// How deep it is; 0 for the message itself.
    pub depth: usize,
    /// The parts directly inside it.
    pub children: Vec<usize>,
    /// What is inside.
    pub inside: Inside,
    /// Its type, `text/plain`: the first Content-Type, or the default where there is none or it
    /// cannot be read (RFC 2045 §5.2, RFC 2046 §5.1.5).
    pub media_type: String,
    /// The first Content-Type as read.
    pub content_type: Option<Structured>,
    /// The first Content-Disposition as read.
    pub disposition: Option<Structured>,
    /// The first Content-Transfer-Encoding.
    pub encoding: TransferEncoding,
    /// The header block, without the empty line.
    pub header: Range<u64>,
    /// The body; for the parts of a multipart without the line end before the delimiter.
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// Whether bytes above 127 were seen directly in the body (not in parts inside it).
    pub eight_bit: bool,
    /// Where the kept header block is in the index's header bytes.
    pub(super) kept: Range<usize>,
}

impl Part {
    /// The name that most programs show: `filename` of the disposition, else `name` of the type.
    pub fn name(&self) -> Option<String> {
        let filename = self.disposition.as_ref().and_then(|d| d.get("filename"));
        filename.or_else(|| self.content_type.as_ref().and_then(|t| t.get("name")))
    }

    /// Every name that some program could show, the usual one first.
    pub fn names(&self) -> Vec<String> {
        let disposition = self.disposition.iter().flat_map(|d| d.readings("filename"));
        let content_type = self.content_type.iter().flat_map(|t| t.readings("name"));
        let mut names: Vec<String> = Vec::new();
        for name in disposition.chain(content_type) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
