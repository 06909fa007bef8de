//! One reading of a message that is the union of all readings.
//!
//! Mail programs and filters disagree about broken MIME, and what a filter does not see passes it.
//! [`read`] gives everything that some reasonable reader would see as content: the parts of the
//! preferred reading (the [`Index`]), decoded in every plausible way; the parts of other readings
//! of the structure, where there is doubt about it; what is inside uuencode, yEnc, BinHex, Apple's
//! files, S/MIME and messages in messages. The caller judges each and acts on the worst.
//!
//! It never decides what is dangerous, and never writes anything. Whatever a stranger sends, it
//! costs time in proportion to the message's size, and what is over a limit is told as
//! [`Outcome::incomplete`], which is never clean.

mod apple;
mod base64;
mod binhex;
mod blocks;
mod budget;
mod cuts;
mod decode;
mod der;
mod doubt;
mod facts;
mod inside;
mod limits;
mod marks;
mod naive;
mod place;
mod quoted;
mod reader;
mod regions;
mod shape;
mod sweep;
mod uuencode;
mod yenc;

pub use doubt::Weight;
pub use limits::UnionLimits;
pub use marks::Marks;

use crate::index::{Ambiguity, Index, Inside, Part, Sighting};
use crate::mime::TransferEncoding;
use std::ops::{ControlFlow, Range};

/// Which reader sees a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The preferred reading: a part of the index, or of the index of a message inside a part.
    Part,
    /// Another reading of the structure, or of the bytes of a part.
    OtherReading,
    /// A uuencoded block.
    Uuencode,
    /// A block of yEnc.
    Yenc,
    /// BinHex 4.0: its data fork or its resource fork.
    BinHex,
    /// AppleSingle or AppleDouble (RFC 1740): one of its forks.
    Apple,
    /// The last net under an ambiguous structure: whatever looks like base64, wherever it stands.
    Sweep,
}

impl Source {
    /// Its word, in snake case, as the trace has it.
    pub fn word(self) -> &'static str {
        match self {
            Source::Part => "part",
            Source::OtherReading => "other_reading",
            Source::Uuencode => "uuencode",
            Source::Yenc => "yenc",
            Source::BinHex => "binhex",
            Source::Apple => "apple",
            Source::Sweep => "sweep",
        }
    }
}

/// One thing that some reader would see as content.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The part of the index that it belongs to, if the preferred reader sees it there.
    pub part: Option<usize>,
    /// The bytes of the message to take out so that it is gone: header and body of the part around
    /// it, or the block where that stands as it is.
    pub place: Range<u64>,
    /// Which reader sees it.
    pub source: Source,
    /// Every name that some reader could give it, decoded and as written; not normalised.
    pub names: Vec<String>,
    /// Every media type that is declared for it, in lower case.
    pub types: Vec<String>,
    /// The bytes, decoded.
    pub content: &'a [u8],
    /// Bytes of memory that the reading holds beside the message meanwhile, these among them.
    pub held: u64,
}

/// What is to be known after a reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What two readers could see differently: what the index noted, except what concerns only
    /// texts, and what was found beyond that; the same for messages inside parts, with the offsets
    /// of the part. In the order found.
    pub ambiguities: Vec<Sighting>,
    /// How many contents were given that the preferred reading does not have.
    pub others: usize,
    /// The limit that kept it from seeing everything. Never clean.
    pub incomplete: Option<&'static str>,
}

impl Outcome {
    /// Whether two readers could see different parts, or different bytes in a part. Names that
    /// disagree do not count: all of them are in [`Seen::names`].
    pub fn is_ambiguous(&self) -> bool {
        self.ambiguities.iter().any(|sighting| Weight::of(sighting.ambiguity) == Weight::Parts)
    }
}

/// Gives `each` everything that some reader would see in `message`, one at a time, the preferred
/// reading first, until it breaks.
///
/// `index` is the index of `message`. A message inside a part is read in the same way.
pub fn read(
    message: &[u8],
    index: &Index,
    limits: &UnionLimits,
    each: &mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
) -> Outcome {
    let mut reader = reader::Reader::new(message.len() as u64, limits, each);
    reader.top(message, index);
    reader.finish()
}

/// Whether nobody needs to look inside: text without names and without anything that two readers
/// would see differently, nor anything outside the parts. What the body of each part with
/// [`Inside::Content`] holds is for [`Marks`] to tell.
pub fn is_plain(index: &Index) -> bool {
    let harmless = |sighting: &Sighting| Weight::of(sighting.ambiguity) == Weight::Text;
    index.ambiguities.iter().all(harmless)
        && !doubt::has_hidden(index)
        && index.parts.iter().all(|part| {
            let header = index.header_of(part);
            let simple = match part.inside {
                Inside::Message => false,
                Inside::Parts => {
                    matches!(part.media_type.as_str(), "multipart/mixed" | "multipart/alternative")
                        && !has_preamble(index, part)
                }
                Inside::Content => {
                    part.media_type == "text/plain" && part.encoding != TransferEncoding::Base64
                }
            };
            simple && facts::Facts::of(header.bytes(), &part.media_type).names.is_empty()
        })
}

/// Whether anything stands before the first delimiter, a note about MIME too.
fn has_preamble(index: &Index, part: &Part) -> bool {
    let first = part.children.first().and_then(|child| index.parts.get(*child));
    let boundary = part.content_type.as_ref().and_then(|t| t.plain("boundary").next());
    let (Some(first), Some(boundary)) = (first, boundary) else { return true };
    // Dashes and line end of the delimiter, and an empty line before it.
    first.header.start.saturating_sub(part.body.start) > boundary.len() as u64 + 6
}

/// Gives `each` what every reader makes of the body of a text with this encoding, until it says
/// that it wants no more. Base64 is given as it is written.
pub fn text_readings(encoding: TransferEncoding, body: &[u8], each: &mut dyn FnMut(&[u8]) -> bool) {
    match encoding {
        TransferEncoding::QuotedPrintable => quoted::readings(body, &mut Vec::new(), each),
        _ => drop(each(body)),
    }
}

/// Whether an ambiguity is the sign of a limit of the index.
fn limit_of(ambiguity: Ambiguity) -> Option<&'static str> {
    match ambiguity {
        Ambiguity::HeaderTooLarge
        | Ambiguity::PartHeadersTooLarge
        | Ambiguity::TooManyFields
        | Ambiguity::TooManyParts
        | Ambiguity::TooDeep => Some(ambiguity.word()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
