//! What a header says of its part, by every reader: names, types, encodings, boundaries.

use super::decode::{Encoding, encodings};
use super::limits::{FIELDS_MAX, NAMES_MAX, VALUE_MAX};
use super::naive;
use crate::index::{FieldText, Scan, Stretch};
use crate::mime::{Fault, Structured, charset, unfold, words};
use memchr::memchr;

/// Everything that some reader takes out of a header.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Facts {
    /// Every name, decoded and as written.
    pub(super) names: Vec<String>,
    /// Every media type, in lower case; never empty.
    pub(super) types: Vec<String>,
    /// Every way to decode the body, the preferred one first; never empty.
    pub(super) encodings: Vec<Encoding>,
    /// Every reading of every boundary.
    pub(super) boundaries: Vec<Vec<u8>>,
    /// A field of MIME is there.
    pub(super) has_mime: bool,
    /// More was written than is looked at.
    pub(super) over: bool,
}

impl Facts {
    /// Reads a header block; `preferred_type` is what the preferred reader takes the part for.
    pub(super) fn of(block: &[u8], preferred_type: &str) -> Self {
        let mut facts = Self::default();
        facts.types.push(preferred_type.to_owned());
        facts.block(block);
        if has_bare_cr(block) || memchr(0, block).is_some() {
            // Who takes the lines as they are may see no encoding.
            facts.identity();
            facts.block(&repaired(block));
        }
        for (word, encoding) in [("binhex", Encoding::BinHex), ("uuencode", Encoding::Uuencode)] {
            if facts.types.iter().any(|media_type| media_type.contains(word)) {
                facts.identity();
                facts.encodings.push(encoding);
            }
        }
        // Some readers decode no message.
        if facts.encodings.is_empty() || facts.is_message() {
            facts.identity();
        }
        facts
    }

    /// The body may be the content as it is.
    pub(super) fn identity(&mut self) {
        if !self.encodings.contains(&Encoding::Identity) {
            self.encodings.push(Encoding::Identity);
        }
    }

    /// Whether some reader takes the part for a multipart.
    pub(super) fn is_multipart(&self) -> bool {
        self.types.iter().any(|media_type| media_type.starts_with("multipart"))
    }

    /// Whether some reader takes the part for a message.
    pub(super) fn is_message(&self) -> bool {
        self.types.iter().any(|media_type| media_type.starts_with("message/"))
    }

    /// Whether some reader takes it for S/MIME.
    pub(super) fn is_smime(&self) -> bool {
        self.types.iter().any(|t| t.contains("pkcs7"))
            || self.names.iter().any(|name| {
                let name = name.to_ascii_lowercase();
                [".p7m", ".p7s", ".p7c", ".p7z"].iter().any(|end| name.ends_with(end))
            })
    }

    fn block(&mut self, block: &[u8]) {
        let mut count = 0;
        for stretch in Scan::new(block) {
            if count > FIELDS_MAX {
                self.over = true;
                return;
            }
            match stretch {
                Stretch::Field(field) => {
                    if let Some(field) = FieldText::of(block, &field) {
                        count += usize::from(self.field(&field));
                    }
                }
                Stretch::Odd(range) => {
                    count += 1;
                    self.odd_line(&unfold(block.get(range).unwrap_or_default()));
                }
            }
        }
    }

    /// Whether it is a field of MIME.
    fn field(&mut self, field: &FieldText<'_>) -> bool {
        let name = field.name();
        let Some((head, kind)) = name.split_at_checked(8) else { return false };
        if !head.eq_ignore_ascii_case("content-") {
            return false;
        }
        match kind.to_ascii_lowercase().as_str() {
            "type" => self.structured(&field.unfolded(), true),
            "disposition" => self.structured(&field.unfolded(), false),
            "transfer-encoding" | "encoding" => {
                self.encoding(&field.unfolded());
                // Some readers take the folding for a part of the word.
                if memchr(b'\n', field.raw().trim_ascii_end()).is_some() {
                    self.identity();
                }
            }
            "description" | "location" | "name" => {
                let value = field.unfolded();
                self.name(words::decode(value.trim_ascii()));
                self.name(charset::guess(value.trim_ascii()));
            }
            _ => return false,
        }
        self.has_mime = true;
        true
    }

    /// A line that is no field: to a reader that finds one in it all the same.
    fn odd_line(&mut self, line: &[u8]) {
        let lower = line.to_ascii_lowercase();
        let has = |word: &[u8]| memchr::memmem::find(&lower, word).is_some();
        if has(b"content") {
            self.has_mime = true;
            if has(b"encoding") {
                self.encoding(line);
            }
            for family in [&b"multipart/"[..], b"message/", b"application/", b"text/"] {
                if let Some(at) = memchr::memmem::find(&lower, family) {
                    self.media_type(lower.get(at..).unwrap_or_default());
                }
            }
        }
        self.naive(line);
    }

    fn structured(&mut self, value: &[u8], is_type: bool) {
        let structured = Structured::parse(value);
        self.over |= structured.faults.contains(&Fault::TooManyParameters);
        if is_type {
            self.media_type(structured.value.as_bytes());
        }
        for key in ["filename", "name"] {
            for reading in structured.readings(key) {
                self.name(reading);
            }
        }
        if let Some(boundary) = structured.get("boundary") {
            self.boundary(boundary.as_bytes());
            for reading in structured.readings("boundary") {
                self.boundary(reading.as_bytes());
            }
        }
        for plain in structured.plain("boundary") {
            self.boundary(plain);
        }
        if !structured.faults.is_empty()
            || structured.parameters.iter().any(|p| is_marked(&p.name))
            // The value itself was left out.
            || structured.value.contains('=')
        {
            self.naive(value);
            if is_type {
                self.media_type(value);
            }
        }
    }

    fn naive(&mut self, value: &[u8]) {
        let mut found = Vec::new();
        naive::parameters(value, &mut |key, value| found.push((key, value.to_vec())));
        for (key, value) in found {
            match key {
                naive::Key::Name => {
                    self.name(words::decode(&value));
                    self.name(charset::guess(&value));
                }
                naive::Key::Boundary => self.boundary(&value),
            }
        }
    }

    fn encoding(&mut self, value: &[u8]) {
        for encoding in encodings(value) {
            if !self.encodings.contains(&encoding) {
                self.encodings.push(encoding);
            }
        }
    }

    /// `value` begins with a type, or has one behind quotes and blanks.
    fn media_type(&mut self, value: &[u8]) {
        let text = charset::guess(value.get(..VALUE_MAX).unwrap_or(value)).to_ascii_lowercase();
        let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let end = text.find(|c: char| c.is_whitespace() || ";,()\"'".contains(c));
        let word = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        if !word.is_empty() && !self.types.iter().any(|known| known == word) {
            self.types.push(word.to_owned());
        }
        self.over |= self.types.len() > NAMES_MAX;
        self.types.truncate(NAMES_MAX);
    }

    fn name(&mut self, name: String) {
        if name.is_empty() || self.names.contains(&name) {
            return;
        }
        if self.names.len() >= NAMES_MAX {
            self.over = true;
            return;
        }
        self.names.push(name);
    }

    fn boundary(&mut self, boundary: &[u8]) {
        let known = self.boundaries.iter().any(|known| known == boundary);
        if known || boundary.is_empty() {
            return;
        }
        if self.boundaries.len() >= NAMES_MAX {
            self.over = true;
            return;
        }
        self.boundaries.push(boundary.to_vec());
    }
}

/// Whether a parameter has marks of RFC 2231, which old readers take for parts of its name.
fn is_marked(name: &str) -> bool {
    name.contains('*')
}

/// Whether a CR stands anywhere but before an LF.
pub(super) fn has_bare_cr(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', bytes).any(|at| bytes.get(at + 1) != Some(&b'\n'))
}

/// As a reader sees it to whom each CR ends a line and a NUL is nothing.
fn repaired(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.len() + 16);
    for (at, &b) in block.iter().enumerate() {
        match b {
            0 => (),
            b'\r' if block.get(at + 1) != Some(&b'\n') => out.extend_from_slice(b"\r\n"),
            _ => out.push(b),
        }
    }
    out
}
