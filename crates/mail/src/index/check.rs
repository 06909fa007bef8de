//! Watches the bytes of an encoded body go by, for what decoders read differently.
//!
//! Nothing is decoded or kept; what is noted does not depend on how the bytes were cut.

use super::ambiguity::Ambiguity;
use crate::mime::TransferEncoding;
use memchr::memchr;

/// The state of the body that goes by.
#[derive(Debug, Clone, Default)]
pub(super) enum Checker {
    /// Nothing to check.
    #[default]
    Idle,
    /// Base64.
    Base64(Base64),
    /// Quoted-printable.
    QuotedPrintable(QuotedPrintable),
}

impl Checker {
    pub(super) fn of(encoding: TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Base64 => Self::Base64(Base64::default()),
            TransferEncoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintable::default()),
            _ => Self::Idle,
        }
    }

    /// Looks at the next bytes, which begin at `at` in the message.
    pub(super) fn feed(&mut self, bytes: &[u8], at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        match self {
            Self::Idle => (),
            Self::Base64(state) => state.feed(bytes, at, note),
            Self::QuotedPrintable(state) => state.feed(bytes, at, note),
        }
    }

    /// The body ends at `at`.
    pub(super) fn end(&mut self, at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        if let Self::Base64(state) = self
            && state.held != 0
        {
            note(Ambiguity::Base64CutShort, at);
        }
        *self = Self::Idle;
    }
}

/// Base64 (RFC 2045 §6.8).
#[derive(Debug, Clone, Default)]
pub(super) struct Base64 {
    /// Characters of the group of four that is under way, padding included.
    held: usize,
    padded: bool,
    /// What was noted already: once a body is enough.
    noted: Vec<Ambiguity>,
}

impl Base64 {
    fn feed(&mut self, bytes: &[u8], at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        let mut rest = bytes;
        let mut at = at;
        while !rest.is_empty() {
            let line_end = memchr(b'\n', rest);
            let (line, behind) = rest.split_at(line_end.unwrap_or(rest.len()));
            let text = line.strip_suffix(b"\r").unwrap_or(line);
            if !self.padded && is_alphabet(text) {
                self.held = (self.held + text.len()) % 4;
            } else {
                self.slowly(line, at, note);
            }
            at += line.len() as u64;
            rest = behind;
            if line_end.is_some() {
                if self.held != 0 {
                    self.once(Ambiguity::Base64OddLine, at, note);
                }
                at += 1;
                rest = behind.get(1..).unwrap_or_default();
            }
        }
    }

    fn slowly(&mut self, line: &[u8], at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        for (&b, at) in line.iter().zip(at..) {
            match b {
                b'\r' | b' ' | b'\t' => (),
                b'=' => {
                    if self.held < 2 {
                        self.once(Ambiguity::Base64EarlyPadding, at, note);
                        self.held = 0;
                    } else {
                        self.held = (self.held + 1) % 4;
                    }
                    self.padded = true;
                }
                _ if is_alphabet(&[b]) => {
                    if self.padded {
                        self.once(Ambiguity::Base64AfterPadding, at, note);
                        // From here on as if a new body began: the fast way is open again.
                        (self.padded, self.held) = (false, 0);
                    }
                    self.held = (self.held + 1) % 4;
                }
                _ => self.once(Ambiguity::Base64Junk, at, note),
            }
        }
    }

    fn once(&mut self, what: Ambiguity, at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        if !self.noted.contains(&what) {
            self.noted.push(what);
            note(what, at);
        }
    }
}

/// Whether all bytes are of the alphabet; without branches, so that it is done many at a time.
fn is_alphabet(bytes: &[u8]) -> bool {
    let outside = |b: u8| {
        let letter = (b | 0x20).wrapping_sub(b'a') < 26;
        // '/' and the digits are neighbours.
        let rest = b.wrapping_sub(b'/') < 11 || b == b'+';
        !(letter | rest)
    };
    !bytes.iter().fold(false, |any, &b| any | outside(b))
}

/// Quoted-printable (RFC 2045 §6.7).
#[derive(Debug, Clone, Default)]
pub(super) struct QuotedPrintable {
    state: Escape,
    noted_odd: bool,
    noted_case: bool,
}

/// What came after the last `=`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Escape {
    /// No escape is under way.
    #[default]
    None,
    /// Just the `=`.
    Equals,
    /// One hexadecimal digit.
    Digit,
    /// A CR: a soft line break, if LF follows.
    Cr,
}

impl QuotedPrintable {
    fn feed(&mut self, bytes: &[u8], at: u64, note: &mut dyn FnMut(Ambiguity, u64)) {
        let mut i = 0;
        while let Some(&b) = bytes.get(i) {
            let here = at + i as u64;
            i += 1;
            self.state = match self.state {
                Escape::None if b == b'=' => Escape::Equals,
                Escape::None => {
                    let Some(next) = bytes.get(i..).and_then(|rest| memchr(b'=', rest)) else {
                        return;
                    };
                    i += next + 1;
                    Escape::Equals
                }
                Escape::Equals | Escape::Digit if b.is_ascii_hexdigit() => {
                    if b.is_ascii_lowercase() && !self.noted_case {
                        self.noted_case = true;
                        note(Ambiguity::QuotedPrintableLowerCase, here);
                    }
                    if self.state == Escape::Equals { Escape::Digit } else { Escape::None }
                }
                Escape::Equals if b == b'\r' => Escape::Cr,
                Escape::Equals | Escape::Cr if b == b'\n' => Escape::None,
                _ => {
                    if !self.noted_odd {
                        self.noted_odd = true;
                        note(Ambiguity::QuotedPrintableOdd, here);
                    }
                    if b == b'=' { Escape::Equals } else { Escape::None }
                }
            };
        }
    }
}

#[cfg(test)]
mod tests;
