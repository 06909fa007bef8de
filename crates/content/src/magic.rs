//! What a file is by its content, whatever it is called.
//!
//! What is dangerous is known by our own code, which asks for more than a signature where text
//! could begin like it; what is harmless is told by a table of signatures, for the reader of a
//! report. Reads the head of the content, and the tail where a format is marked there.

mod images;
mod programs;
mod signatures;
mod text;

use crate::Class;

pub(crate) use text::{decoded, decoded_size};

/// Bytes at the beginning that are read to tell texts apart.
const HEAD_MAX: usize = 4 * 1024;

/// Which inspection of documents a content needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// None.
    Plain,
    /// Text without a further form.
    Text,
    /// Pages and everything in angle brackets: HTML, SVG, XML.
    Markup,
    /// OLE2 compound files.
    Compound,
    /// Zip, and so office documents.
    Zip,
    /// PDF.
    Pdf,
    /// RTF.
    Rtf,
    /// OneNote sections.
    Notebook,
    /// iCalendar and vCard.
    Calendar,
    /// A message or a saved page with its parts.
    Message,
}

impl Shape {
    /// What a desktop takes content for that is called so.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, letters) = name.trim_end_matches(['.', ' ', '"', '\'']).rsplit_once('.')?;
        Some(match letters.to_ascii_lowercase().as_str() {
            "html" | "htm" | "xhtml" | "xht" | "xhtm" | "shtml" | "svg" | "xml" | "hta" | "htc" => {
                Shape::Markup
            }
            "pdf" => Shape::Pdf,
            "rtf" | "doc" => Shape::Rtf,
            "ics" | "ical" | "ifb" | "vcs" | "vcf" | "vcard" => Shape::Calendar,
            "mht" | "mhtml" | "eml" => Shape::Message,
            _ => return None,
        })
    }

    /// What a program takes content for that is declared so.
    pub fn of_media_type(declared: &str) -> Option<Self> {
        let bare = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match bare.as_str() {
            "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "text/xml"
            | "application/xml" => Shape::Markup,
            "application/pdf" => Shape::Pdf,
            "application/rtf" | "text/rtf" | "application/msword" => Shape::Rtf,
            "text/calendar" | "text/vcard" | "text/x-vcard" | "text/directory" => Shape::Calendar,
            "multipart/related" | "message/rfc822" => Shape::Message,
            _ => return None,
        })
    }
}

/// What a content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its word, as reports have it.
    pub word: &'static str,
    /// What danger it is by itself, if it is one.
    pub class: Option<Class>,
    /// How it is to be looked into.
    pub shape: Shape,
}

impl Kind {
    const fn harmless(word: &'static str, shape: Shape) -> Self {
        Self { word, class: None, shape }
    }

    const fn danger(word: &'static str, class: Class) -> Self {
        Self { word, class: Some(class), shape: Shape::Plain }
    }
}

/// Tells what `bytes` are.
pub fn kind(bytes: &[u8]) -> Kind {
    programs::kind(bytes)
        .or_else(|| signatures::kind(bytes))
        .or_else(|| images::kind(bytes))
        .unwrap_or_else(|| text::kind(bytes.get(..HEAD_MAX).unwrap_or(bytes)))
}

/// A program that begins behind the first byte.
pub(crate) fn program_later(bytes: &[u8]) -> Option<Kind> {
    programs::later(bytes)
}

/// Where compound files begin behind the first byte.
pub(crate) fn compound_later(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(bytes, signatures::COMPOUND).filter(|at| *at > 0)
}

/// Whether `needle` stands at `at`.
fn has(bytes: &[u8], at: usize, needle: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(needle))
}

/// The four bytes at `at` as a number, the lowest first.
pub(crate) fn little(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    four.try_into().ok().map(u32::from_le_bytes)
}

fn big(bytes: &[u8], at: usize) -> Option<u32> {
    little(bytes, at).map(u32::swap_bytes)
}

#[cfg(test)]
mod tests;
