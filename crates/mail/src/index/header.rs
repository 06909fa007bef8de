//! Header blocks: where each field stands, and its value decoded on demand.

use crate::mime;
use memchr::memchr;
use std::ops::Range;

/// A field of a header, by its place in the header block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Range of the whole field in the header block, with its folded lines and line end.
    pub range: Range<usize>,
    /// Length of the name, without blanks before the colon.
    pub name_len: usize,
    /// Where the colon stands, counted from the start of the field.
    pub colon: usize,
}

/// A header block and what stands in it.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    block: &'a [u8],
}

/// One field of a [`Header`].
#[derive(Debug, Clone, Copy)]
pub struct FieldText<'a> {
    /// Where the field begins in its header block; in the top header also in the message.
    pub start: usize,
    /// The whole field, with its folded lines and line end.
    pub bytes: &'a [u8],
    name_len: usize,
    colon: usize,
}

/// What a stretch of a header block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// A field with its continuation lines.
    Field(Field),
    /// A line (with continuations) that is no field.
    Odd(Range<usize>),
}

impl<'a> Header<'a> {
    /// A view on a header block.
    pub fn new(block: &'a [u8]) -> Self {
        Self { block }
    }

    /// The block as received, as far as it was kept.
    pub fn bytes(self) -> &'a [u8] {
        self.block
    }

    /// Its fields in order; lines that are no fields are left out.
    pub fn fields(self) -> impl Iterator<Item = FieldText<'a>> {
        Scan::new(self.block).filter_map(move |stretch| match stretch {
            Stretch::Field(field) => FieldText::of(self.block, &field),
            Stretch::Odd(_) => None,
        })
    }

    /// All fields of this name (any case), in order.
    pub fn named(self, name: &str) -> impl Iterator<Item = FieldText<'a>> {
        self.fields().filter(move |field| field.is(name))
    }
}

impl<'a> FieldText<'a> {
    pub(crate) fn of(block: &'a [u8], field: &Field) -> Option<Self> {
        let bytes = block.get(field.range.clone())?;
        let Field { range, name_len, colon } = field;
        Some(Self { start: range.start, bytes, name_len: *name_len, colon: *colon })
    }

    /// The name as written.
    pub fn name(&self) -> &'a str {
        let name = self.bytes.get(..self.name_len).unwrap_or_default();
        // Only printable ASCII makes a name, see `split_name`.
        std::str::from_utf8(name).unwrap_or_default()
    }

    /// Whether it has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// Whether MIME reads it (RFC 2045 §3); the other fields are the message's own.
    pub fn is_mime(&self) -> bool {
        let head = self.name().get(..8).unwrap_or_default();
        head.eq_ignore_ascii_case("content-") || self.is("mime-version")
    }

    /// What follows the colon, as received, with its folding and line end.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes.get(self.colon + 1..).unwrap_or_default()
    }

    /// The value without the line ends of folding; encoded words stay.
    pub fn unfolded(&self) -> Vec<u8> {
        mime::unfold(self.raw())
    }

    /// The value as people read it: unfolded, words decoded, blanks around it gone.
    pub fn text(&self) -> String {
        mime::text(self.raw())
    }

    /// Whether there are blanks between name and colon (RFC 5322 §4.5.8 in its obsolete form).
    pub fn has_blank_before_colon(&self) -> bool {
        self.colon != self.name_len
    }
}

/// Walks through a header block.
pub(crate) struct Scan<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(block: &'a [u8]) -> Self {
        Self { block, at: 0 }
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.block.get(from..).unwrap_or_default();
        memchr(b'\n', rest).map_or(self.block.len(), |i| from + i + 1)
    }
}

impl Iterator for Scan<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        let start = self.at;
        if start >= self.block.len() {
            return None;
        }
        let first_end = self.line_end(start);
        let mut end = first_end;
        while matches!(self.block.get(end), Some(b' ' | b'\t')) {
            end = self.line_end(end);
        }
        self.at = end;
        let line = self.block.get(start..first_end).unwrap_or_default();
        Some(match split_name(line) {
            Some((name_len, colon)) => Stretch::Field(Field { range: start..end, name_len, colon }),
            None => Stretch::Odd(start..end),
        })
    }
}

/// Length of the name and place of the colon, if the line begins a field (RFC 5322 §2.2, and
/// with blanks before the colon as §4.5 has them).
pub(crate) fn split_name(line: &[u8]) -> Option<(usize, usize)> {
    let colon = memchr(b':', line)?;
    let before = line.get(..colon)?;
    let name = before.trim_ascii_end();
    let proper = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    proper.then_some((name.len(), colon))
}

#[cfg(test)]
mod tests;
