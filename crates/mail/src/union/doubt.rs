//! When other readings are worth their cost: what an ambiguity can change.

use super::cuts;
use crate::index::{Affects, Ambiguity, Index, Inside, Part, Sighting};
use crate::mime::{Fault, Structured};
use memchr::{memchr, memmem};

/// What an ambiguity can change of what readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Texts in headers only, or nothing that is hidden from anybody: every reader decodes
    /// lower-case quoted-printable, and a message without MIME-Version is read as MIME or as text.
    Text,
    /// Names, all of which are seen; or text outside the parts, which is seen too.
    Names,
    /// Which parts there are, or their bytes.
    Parts,
}

impl Weight {
    /// The weight of an ambiguity.
    pub fn of(ambiguity: Ambiguity) -> Self {
        match ambiguity {
            Ambiguity::MissingMimeVersion | Ambiguity::QuotedPrintableLowerCase => Self::Text,
            Ambiguity::Preamble | Ambiguity::Epilogue => Self::Names,
            _ => match ambiguity.affects() {
                Affects::Text => Self::Text,
                Affects::Name => Self::Names,
                Affects::Structure | Affects::Content => Self::Parts,
            },
        }
    }
}

/// Whether the structure is in doubt, so that all other readings of it have to be tried.
pub(super) fn is_doubtful(bytes: &[u8], index: &Index) -> bool {
    let in_doubt = |sighting: &Sighting| match sighting.ambiguity {
        // Told apart by the reader of the parts; they need no other cuts.
        Ambiguity::MissingMimeVersion
        | Ambiguity::Preamble
        | Ambiguity::Epilogue
        | Ambiguity::EncodedComposite => false,
        // Lines that all end in LF are lines to every reader.
        Ambiguity::BareLf => memchr(b'\r', bytes).is_some(),
        // What makes lines to some makes them inside encoded words and parameters too.
        Ambiguity::Nul | Ambiguity::ControlInHeader => true,
        other => other.affects() == Affects::Structure,
    };
    index.ambiguities.iter().any(in_doubt) || has_hidden(index)
}

/// Whether parts stand in the bytes that the index does not have.
pub(super) fn has_hidden_parts(bytes: &[u8], index: &Index) -> bool {
    // Parts stand in the order of their headers.
    let is_known = |at: usize| {
        index.parts.binary_search_by_key(&(at as u64), |part| part.header.start).is_ok()
    };
    cuts::has_hidden(bytes, &is_known)
}

/// Whether there is a doubt that is no ambiguity of the index's list.
pub(super) fn has_hidden(index: &Index) -> bool {
    index.parts.iter().any(|part| hidden(index, part).is_some())
}

/// What the index does not tell of a part: a boundary that is read differently, or one where none
/// belongs.
pub(super) fn hidden(index: &Index, part: &Part) -> Option<Ambiguity> {
    let content_type = part.content_type.as_ref()?;
    let given = || content_type.parameters.iter().any(|p| p.name.starts_with("boundary"));
    if part.media_type.starts_with("multipart/") || part.inside == Inside::Parts {
        let plain = content_type.parameters.iter().any(|p| p.name == "boundary");
        let odd = is_odd(content_type, index.header_of(part).bytes());
        return (odd || !plain).then_some(Ambiguity::BoundaryReadings);
    }
    given().then_some(Ambiguity::BoundaryWithoutMultipart)
}

/// Whether the boundary of this type, in this header, may be read in another way.
fn is_odd(content_type: &Structured, header: &[u8]) -> bool {
    // A character set says nothing about structure.
    let is_fault = |fault: &Fault| *fault != Fault::UnknownCharset;
    content_type.faults.iter().any(is_fault)
        || content_type.plain("boundary").any(|value| {
            let has = |ends: &[u8]| value.iter().any(|b| ends.contains(b));
            // Some readers undo what looks like another notation; some end a token at marks that
            // belong into quotes (RFC 2045 §5.1), all but `=` and `?`, which everybody writes.
            let quoted = || memmem::find(header, &[b"\"", value, b"\""].concat()).is_some();
            has(b"\\\"%")
                || value.starts_with(b"'")
                || memmem::find(value, b"=?").is_some()
                || has(b"()<>@,;:/[] \t") && !quoted()
        })
}
