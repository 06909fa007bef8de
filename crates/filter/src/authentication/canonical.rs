//! The two ways of writing a message so that a relay's harmless changes do not show (RFC 6376
//! §3.4), for header fields at hand and for bodies that come in pieces.
//!
//! Pure; what comes out does not depend on where the pieces were cut.

use memchr::{memchr, memchr3};

/// How header or body are written before they are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Canonicalization {
    /// Byte by byte, but for empty lines at the end of the body (RFC 6376 §3.4.1, §3.4.3).
    Simple,
    /// Blanks count as one, folding and the case of field names do not matter (RFC 6376 §3.4.2,
    /// §3.4.4).
    Relaxed,
}

/// Empty lines that are written out in one go.
const LINES_AT_ONCE: u64 = 4_096;

impl Canonicalization {
    /// Reads the word of a `c=` tag, in any case.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            _ if word.eq_ignore_ascii_case("simple") => Some(Self::Simple),
            _ if word.eq_ignore_ascii_case("relaxed") => Some(Self::Relaxed),
            _ => None,
        }
    }

    /// Appends a whole header field to `out`, with its line end.
    pub(crate) fn field(self, field: &[u8], out: &mut Vec<u8>) {
        let text = without_line_end(field);
        match self {
            Self::Simple => out.extend_from_slice(text),
            Self::Relaxed => relaxed_field(text, out),
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn relaxed_field(field: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(b':', field).unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    let Some(value) = value.strip_prefix(b":") else { return };
    out.push(b':');
    let start = out.len();
    let mut blank = false;
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' => blank = true,
            // A line end within a field is one of folding: a blank follows it.
            b'\r' if bytes.peek() == Some(&b'\n') => {
                bytes.next();
            }
            _ => {
                if blank && out.len() > start {
                    out.push(b' ');
                }
                blank = false;
                out.push(byte);
            }
        }
    }
}

/// A field without the line end behind it.
pub(crate) fn without_line_end(field: &[u8]) -> &[u8] {
    let text = field.strip_suffix(b"\n").unwrap_or(field);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// A body on its way through a canonicalisation, in pieces of any size.
#[derive(Debug, Clone)]
pub(crate) struct BodyCanonicalizer {
    how: Canonicalization,
    /// Line ends that count only if something follows them.
    line_ends: u64,
    /// Whether blanks came that count only if something follows them on their line.
    blank: bool,
    /// Whether the last byte was a CR, which may begin a line end.
    cr: bool,
    /// Whether anything was written.
    written: bool,
}

impl BodyCanonicalizer {
    pub(crate) fn new(how: Canonicalization) -> Self {
        Self { how, line_ends: 0, blank: false, cr: false, written: false }
    }

    /// Takes the next bytes of the body; what is certain of them goes to `out` in pieces.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some((&first, behind)) = rest.split_first() {
            if std::mem::take(&mut self.cr) {
                if first == b'\n' {
                    self.line_ends += 1;
                    self.blank = false;
                    rest = behind;
                    continue;
                }
                // A CR by itself is a byte like any other.
                self.flush(out);
                out(b"\r");
            }
            match (first, self.how) {
                (b'\r', _) => {
                    self.cr = true;
                    rest = behind;
                }
                (b' ' | b'\t', Canonicalization::Relaxed) => {
                    self.blank = true;
                    rest = behind;
                }
                _ => {
                    let end = match self.how {
                        Canonicalization::Simple => memchr(b'\r', rest),
                        Canonicalization::Relaxed => memchr3(b'\r', b' ', b'\t', rest),
                    };
                    let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
                    self.flush(out);
                    out(run);
                    rest = behind;
                }
            }
        }
    }

    /// Ends the body.
    pub(crate) fn finish(mut self, out: &mut dyn FnMut(&[u8])) {
        if self.cr {
            self.flush(out);
            out(b"\r");
        }
        // An empty body is one line end in the simple form and nothing in the relaxed one; any
        // other ends with exactly one.
        if self.written || self.how == Canonicalization::Simple {
            out(b"\r\n");
        }
    }

    /// Writes out what waited for something to follow it.
    fn flush(&mut self, out: &mut dyn FnMut(&[u8])) {
        self.written = true;
        while self.line_ends > 1 {
            let now = self.line_ends.min(LINES_AT_ONCE);
            out(b"\r\n".repeat(now as usize).as_slice());
            self.line_ends -= now;
        }
        if std::mem::take(&mut self.line_ends) == 1 {
            out(b"\r\n");
        }
        if std::mem::take(&mut self.blank) {
            out(b" ");
        }
    }
}

#[cfg(test)]
mod tests;
