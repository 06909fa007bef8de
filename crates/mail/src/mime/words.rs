//! Encoded words (RFC 2047) in unstructured text, phrases, and, against the standard, parameters.
//!
//! Adjacent words of one charset are joined before they are decoded, because real programs split
//! characters between words. Words are recognised anywhere, as most mail programs do.

use super::{Fault, charset};
use memchr::memmem;

/// Longest text of one word that is looked for. The standard has 75 bytes; without a limit a field
/// of words that never end would take quadratic time.
const WORD_MAX: usize = 8 * 1024;

/// Decodes an unfolded value; what is not well formed stays as it is.
pub fn decode(unfolded: &[u8]) -> String {
    decode_noting(unfolded, &mut |_| ())
}

/// As [`decode`], and tells what other programs could read differently.
pub fn decode_noting(unfolded: &[u8], note: &mut dyn FnMut(Fault)) -> String {
    let mut out = Output { text: String::with_capacity(unfolded.len()), charset: &[], run: vec![] };
    let mut rest = unfolded;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, from_word) = rest.split_at(at);
        match Word::read(from_word, note) {
            Some((word, behind)) => {
                if out.run.is_empty() || !is_blank(before) {
                    out.plain(before, note);
                }
                out.word(&word, note);
                rest = behind;
            }
            None => {
                let (mark, behind) = from_word.split_at(2.min(from_word.len()));
                out.plain(before, note);
                out.plain(mark, note);
                rest = behind;
            }
        }
    }
    out.plain(rest, note);
    out.text
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t'))
}

struct Output<'a> {
    text: String,
    /// Charset of the run of words that waits.
    charset: &'a [u8],
    /// Its bytes.
    run: Vec<u8>,
}

impl<'a> Output<'a> {
    fn plain(&mut self, bytes: &[u8], note: &mut dyn FnMut(Fault)) {
        self.flush(note);
        if !bytes.is_ascii() {
            note(Fault::EightBit);
        }
        charset::one_line(&charset::guess(bytes), &mut self.text);
    }

    fn word(&mut self, word: &Word<'a>, note: &mut dyn FnMut(Fault)) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(note);
            self.charset = word.charset;
        }
        self.run.extend_from_slice(&word.bytes);
    }

    fn flush(&mut self, note: &mut dyn FnMut(Fault)) {
        if self.run.is_empty() {
            return;
        }
        let text = charset::decode(self.charset, &self.run).unwrap_or_else(|| {
            note(Fault::UnknownCharset);
            charset::guess(&self.run)
        });
        charset::one_line(&text, &mut self.text);
        self.run.clear();
        self.charset = &[];
    }
}

struct Word<'a> {
    charset: &'a [u8],
    bytes: Vec<u8>,
}

impl<'a> Word<'a> {
    /// Reads a word at the start of `input`, and gives what is behind it.
    fn read(input: &'a [u8], note: &mut dyn FnMut(Fault)) -> Option<(Self, &'a [u8])> {
        let inner = input.strip_prefix(b"=?")?;
        let (label, rest) = split_once(inner, b'?')?;
        if label.is_empty() || !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let (method, rest) = split_once(rest, b'?')?;
        let window = rest.get(..WORD_MAX).unwrap_or(rest);
        let (Some(end), [method]) = (memmem::find(window, b"?="), method) else {
            note(Fault::OddWord);
            return None;
        };
        let (text, behind) = rest.split_at(end);
        if text.iter().any(|b| matches!(b, b' ' | b'\t' | b'?') || !b.is_ascii()) {
            note(Fault::OddWord);
        }
        let bytes = match method {
            b'q' | b'Q' => decode_q(text, note),
            b'b' | b'B' => decode_base64(text, note),
            _ => {
                note(Fault::OddWord);
                return None;
            }
        };
        // RFC 2231 §5: the charset may carry a language.
        let charset = label.split(|&b| b == b'*').next().unwrap_or(label);
        Some((Self { charset, bytes }, behind.get(2..).unwrap_or_default()))
    }
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let i = memchr::memchr(at, bytes)?;
    Some((bytes.get(..i)?, bytes.get(i + 1..)?))
}

/// The Q encoding (RFC 2047 §4.2); an escape that is none stays as it is.
fn decode_q(text: &[u8], note: &mut dyn FnMut(Fault)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match (b, hex_pair(tail)) {
            (b'=', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'_', _) => out.push(b' '),
            (b'=', None) => {
                note(Fault::OddWord);
                out.push(b);
            }
            _ => out.push(b),
        }
    }
    out
}

/// Two hexadecimal digits at the start of `bytes`.
pub(crate) fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let [high, low, ..] = bytes else { return None };
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    Some(digit(*high)? << 4 | digit(*low)?)
}

/// Base64 as lenient as the most lenient reader: junk is skipped, padding ends a group, not all.
pub(crate) fn decode_base64(text: &[u8], note: &mut dyn FnMut(Fault)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held, mut padded, mut faulty) = (0_u32, 0_u32, false, false);
    for &b in text {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // Padding is due when 12 or 18 bits have come, or after other padding.
                faulty |= !(padded || held == 2 || held == 4);
                (held, bits, padded) = (0, 0, true);
                continue;
            }
            _ => {
                faulty = true;
                continue;
            }
        };
        faulty |= padded;
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        // `held` is how many bits of `bits` were not given out yet.
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    if faulty || held != 0 {
        note(Fault::WordBase64);
    }
    out
}

#[cfg(test)]
mod tests;
