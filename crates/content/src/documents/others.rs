//! Smaller containers: OneNote, saved pages, Office's ActiveMime.

use super::encoded::{from_base64, from_quoted_printable};
use super::inflate::inflate;
use crate::inspect::{Inspection, Item};
use crate::magic::{self, little};
use crate::{Budget, Class, Trouble};
use mail::index::{Index, Inside};
use mail::mime::TransferEncoding;
use memchr::memmem;

/// Parts and files of one container that are looked into.
const PARTS_MAX: usize = 1_000;
/// FileDataStoreObject (MS-ONESTORE §2.6.13), as it stands in the file.
const FILE_DATA: &[u8; 16] = b"\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC";
/// Behind the GUID: a length of 8 bytes, 4 and 8 unused ones.
const FILE_HEAD: usize = 36;
/// Where the zlib stream of an ActiveMime begins.
const ACTIVE_MIME_AT: usize = 0x32;

/// The files in a OneNote section. A picture is stored the same way, and harmless.
pub(super) fn notebook(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    const PICTURES: &[&str] =
        &["png", "jpeg", "gif", "emf", "wmf", "webp", "tiff", "text", "empty"];
    let mut rest = bytes;
    for _ in 0..PARTS_MAX {
        let Some(at) = memmem::find(rest, FILE_DATA) else { return };
        let size = little(rest, at + 16).and_then(|size| usize::try_from(size).ok());
        let content = rest.get(at + FILE_HEAD..).unwrap_or_default();
        let content = content.get(..size.unwrap_or_default()).unwrap_or(content);
        // No further than the next, so that lengths that overlap cost nothing.
        let next = memmem::find(content, FILE_DATA).unwrap_or(content.len());
        let content = content.get(..next).unwrap_or(content);
        let kind = magic::kind(content).word;
        if !PICTURES.contains(&kind) {
            look.hit(Class::EmbeddedObject, "onenote file", kind);
        }
        look.inside("(file)", &Item { names: &[], types: &[], bytes: content }, budget);
        // From behind its head, whatever length it claims.
        rest = rest.get(at + 16..).unwrap_or_default();
    }
    look.trouble(Trouble::Limit("parts"));
}

/// The parts of a saved message or page (RFC 5322, RFC 2557); Word opens pages as documents too.
pub(super) fn message(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    // The index keeps headers, and one part at a time is decoded.
    let held = bytes.len();
    if let Err(trouble) = budget.look(bytes.len()).and_then(|()| budget.hold(held)) {
        look.trouble(trouble);
        return;
    }
    let index = Index::of(bytes);
    let whole = |part: &&mail::index::Part| part.inside == Inside::Content;
    for part in index.parts.iter().filter(whole).take(PARTS_MAX) {
        let range = usize::try_from(part.body.start).ok().zip(usize::try_from(part.body.end).ok());
        let raw = range.and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default();
        let content = match part.encoding {
            TransferEncoding::Base64 => from_base64(raw),
            TransferEncoding::QuotedPrintable => from_quoted_printable(raw),
            _ => raw.to_vec(),
        };
        let (names, types) = (part.names(), [part.media_type.clone()]);
        look.inside("(part)", &Item { names: &names, types: &types, bytes: &content }, budget);
    }
    if index.parts.len() > PARTS_MAX {
        look.trouble(Trouble::Limit("parts"));
    }
    budget.release(held);
}

/// A compound file with macros, compressed, as Word saves it in pages.
pub(super) fn active_mime(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    look.hit(Class::Macro, "active mime", "macros within a page");
    match inflate(bytes.get(ACTIVE_MIME_AT..).unwrap_or_default(), budget) {
        Ok(content) => {
            let item = Item { names: &[], types: &[], bytes: &content };
            look.inside("(macros)", &item, budget);
            budget.release(content.len());
        }
        Err(trouble) => look.trouble(trouble),
    }
}
