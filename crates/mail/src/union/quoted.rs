//! Quoted-printable (RFC 2045 §6.7), in every way that readers decode it.

use crate::mime::hex_pair;
use memchr::memchr;

/// One way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    /// Whether lower-case digits are digits.
    lower: bool,
    /// Whether blanks may stand between `=` and the line end.
    soft_blanks: bool,
    /// What becomes of an `=` that is no escape.
    odd: Odd,
    /// Whether blanks at the end of a line go, as the standard has it.
    strips: bool,
    /// Whether a CR alone ends a soft line break.
    soft_cr: bool,
    /// Whether an `=` at the very end is text.
    keeps_last: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    Keep,
    Drop,
    /// `==` is one `=`; `=` and CR takes the line along, as CPython's reader does.
    Python,
    /// It and what follows as a pair are dropped.
    DropPair,
    /// What follows is a pair of digits, whatever it is, as in munpack.
    Pair,
}

const USUAL: Way = Way {
    lower: true,
    soft_blanks: true,
    odd: Odd::Keep,
    strips: false,
    soft_cr: false,
    keeps_last: false,
};

/// Calls `each` with what each reader makes of a body, the most lenient reading first; equal
/// results may come more than once. Stops when `each` says so.
pub(super) fn readings(body: &[u8], out: &mut Vec<u8>, each: &mut dyn FnMut(&[u8]) -> bool) {
    let (lower, odd) = decode(body, USUAL, out);
    if !each(out) {
        return;
    }
    let mut ways = Vec::new();
    if lower {
        ways.push(Way { lower: false, ..USUAL });
    }
    if odd || has_blank_ends(body) {
        ways.push(Way { strips: true, ..USUAL });
    }
    if odd {
        ways.extend([
            Way { keeps_last: true, ..USUAL },
            Way { odd: Odd::Pair, soft_blanks: false, keeps_last: true, ..USUAL },
            Way { soft_blanks: false, ..USUAL },
            Way { odd: Odd::Python, soft_blanks: false, ..USUAL },
            Way { odd: Odd::Drop, ..USUAL },
            Way { odd: Odd::DropPair, ..USUAL },
            Way { soft_cr: true, ..USUAL },
        ]);
    }
    for way in ways {
        decode(body, way, out);
        if !each(out) {
            return;
        }
    }
}

/// Whether lower-case digits, and whether escapes that are none, were there.
fn decode(body: &[u8], way: Way, out: &mut Vec<u8>) -> (bool, bool) {
    out.clear();
    out.reserve(body.len());
    let (mut lower, mut odd) = (false, false);
    let mut rest = body;
    while let Some(at) = memchr(b'=', rest) {
        let (before, behind) = rest.split_at(at);
        plain(before, way, out);
        let behind = behind.get(1..).unwrap_or_default();
        let is_lower = behind.iter().take(2).any(u8::is_ascii_lowercase);
        if let Some(byte) = hex_pair(behind).filter(|_| way.lower || !is_lower) {
            lower |= is_lower;
            out.push(byte);
            rest = behind.get(2..).unwrap_or_default();
        } else if let Some((len, exact)) = soft_break(behind, way) {
            odd |= !exact;
            rest = behind.get(len..).unwrap_or_default();
        } else {
            odd = true;
            rest = odd_escape(behind, way.odd, out);
        }
    }
    plain(rest, way, out);
    (lower, odd)
}

fn plain(text: &[u8], way: Way, out: &mut Vec<u8>) {
    if !way.strips {
        out.extend_from_slice(text);
        return;
    }
    for line in text.split_inclusive(|b| *b == b'\n') {
        let Some(inner) = line.strip_suffix(b"\n") else {
            out.extend_from_slice(line);
            continue;
        };
        let (inner, end) = match inner.strip_suffix(b"\r") {
            Some(inner) => (inner, &b"\r\n"[..]),
            None => (inner, &b"\n"[..]),
        };
        let len = inner.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |at| at + 1);
        out.extend_from_slice(inner.get(..len).unwrap_or_default());
        out.extend_from_slice(end);
    }
}

/// Length of the soft line break behind an `=`, and whether it is written as the standard has it.
fn soft_break(behind: &[u8], way: Way) -> Option<(usize, bool)> {
    if behind.is_empty() {
        return (!way.keeps_last).then_some((0, false));
    }
    let blanks = behind.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    if blanks > 0 && !way.soft_blanks {
        return None;
    }
    match behind.get(blanks..).unwrap_or_default() {
        [b'\r', b'\n', ..] => Some((blanks + 2, blanks == 0)),
        [b'\n', ..] => Some((blanks + 1, blanks == 0)),
        [b'\r', ..] if way.soft_cr => Some((blanks + 1, false)),
        _ => None,
    }
}

fn odd_escape<'b>(behind: &'b [u8], odd: Odd, out: &mut Vec<u8>) -> &'b [u8] {
    match (odd, behind.first()) {
        (Odd::Python, Some(b'=')) => {
            out.push(b'=');
            behind.get(1..).unwrap_or_default()
        }
        (Odd::Python, Some(b'\r')) => {
            let end = memchr(b'\n', behind).map_or(behind.len(), |at| at + 1);
            behind.get(end..).unwrap_or_default()
        }
        (Odd::Keep | Odd::Python, _) => {
            out.push(b'=');
            behind
        }
        (Odd::Drop, _) => behind,
        (Odd::Pair, _) => {
            let digit = |at: usize| {
                let b = behind.get(at).copied().unwrap_or(0);
                (b as char).to_digit(16).unwrap_or(127)
            };
            out.push((digit(0) << 4 | digit(1)) as u8);
            behind.get(2..).unwrap_or_default()
        }
        (Odd::DropPair, _) => behind.get(2..).unwrap_or_default(),
    }
}

/// Whether a line ends in blanks.
fn has_blank_ends(body: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', body).any(|at| {
        let line = body.get(..at).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        matches!(line.last(), Some(b' ' | b'\t'))
    })
}
