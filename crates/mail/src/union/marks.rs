//! Tells, while the body of a text goes by, whether a reader could find a file in it.

use crate::index::split_name;
use crate::mime::{TransferEncoding, hex_pair};
use memchr::memchr;

/// Looks for the beginnings of uuencode, yEnc and BinHex, of messages and of parts without a
/// header, in a body that comes in pieces.
///
/// It says yes too often rather than too seldom: a line that begins with `begin ` is enough. It
/// knows lines that end in LF; a message with other line ends is ambiguous, so nobody asks for it.
#[derive(Debug, Clone)]
pub struct Marks {
    quoted: bool,
    /// The line under way, decoded, as far as it decides anything.
    line: Vec<u8>,
    /// An escape of quoted-printable that the piece before did not end.
    escape: Vec<u8>,
    /// Whether nothing but empty lines went by.
    at_start: bool,
    found: bool,
}

/// Bytes of a line that decide.
const LINE_MAX: usize = 128;

/// Lines with a colon that are shorter are smiles: 33 characters of BinHex are an empty file.
const COLON_MIN: usize = 24;

/// Bytes looked at in one step.
const STEP: usize = 16 * 1024;

impl Marks {
    /// For the body of a part with this encoding; of base64 it sees nothing.
    pub fn new(encoding: TransferEncoding) -> Self {
        let quoted = encoding == TransferEncoding::QuotedPrintable;
        Self { quoted, line: Vec::new(), escape: Vec::new(), at_start: true, found: false }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.quoted {
            return self.lines(bytes);
        }
        let mut decoded = Vec::with_capacity(STEP);
        for step in bytes.chunks(STEP) {
            if self.found {
                return;
            }
            decoded.clear();
            self.decode(step, &mut decoded);
            self.lines(&decoded);
        }
    }

    /// Whether a file may stand in what went by; at the end of the body.
    pub fn finish(&self) -> bool {
        self.found || self.is_mark(&self.line)
    }

    fn lines(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.found {
            let end = memchr(b'\n', rest);
            let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if end.is_none() || !self.line.is_empty() {
                let room = LINE_MAX.saturating_sub(self.line.len());
                self.line.extend(line.iter().take(room));
            }
            if end.is_none() {
                return;
            }
            let gathered = std::mem::take(&mut self.line);
            let whole = if gathered.is_empty() { line } else { &gathered };
            let whole = whole.get(..LINE_MAX).unwrap_or(whole);
            self.found = self.is_mark(whole);
            self.at_start &= whole.trim_ascii().is_empty();
            rest = behind.get(1..).unwrap_or_default();
        }
    }

    fn is_mark(&self, line: &[u8]) -> bool {
        let Some(first) = line.first() else { return false };
        if self.at_start && (split_name(line).is_some() || line.starts_with(b"From ")) {
            return true;
        }
        let begins = |word: &[u8]| {
            line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        match first {
            b'b' => begins(b"begin ") || begins(b"begin-"),
            b'=' => begins(b"=y"),
            b'c' | b'C' => begins(b"content-"),
            b' ' | b'\t' => is_indented_delimiter(line),
            // Data of BinHex begins with a colon, and its lines have no blanks.
            b':' => line.len() > COLON_MIN && !line.trim_ascii_end().contains(&b' '),
            _ => false,
        }
    }

    fn decode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut joint = std::mem::take(&mut self.escape);
        joint.extend_from_slice(bytes);
        let mut rest = joint.as_slice();
        while let Some(at) = memchr(b'=', rest) {
            let (before, escape) = rest.split_at(at);
            out.extend_from_slice(before);
            let behind = escape.get(1..).unwrap_or_default();
            rest = match (hex_pair(behind), behind) {
                (Some(byte), [_, _, behind @ ..]) => {
                    out.push(byte);
                    behind
                }
                (None, [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..]) => behind,
                // As much as decides it is not there yet.
                (_, [] | [_]) => {
                    self.escape = escape.to_vec();
                    return;
                }
                _ => {
                    out.push(b'=');
                    behind
                }
            };
        }
        out.extend_from_slice(rest);
    }
}

/// Blanks, two dashes, and something that is neither: a delimiter to some readers.
fn is_indented_delimiter(line: &[u8]) -> bool {
    let name = line.trim_ascii().strip_prefix(b"--");
    name.and_then(|name| name.first()).is_some_and(|b| !matches!(b, b' ' | b'-'))
}
