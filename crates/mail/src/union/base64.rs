//! Base64 (RFC 2045 §6.8), in every way that readers decode it.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memchr;

/// Bytes of text that are decoded at once: a multiple of four that stays in the fastest cache.
const CHUNK: usize = 8 * 1024;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes what every reader decodes alike; `false` if they may differ, and then `out` is of no
/// use.
pub(super) fn clean(body: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    out.reserve(body.len() / 4 * 3 + 3);
    let mut text = Vec::with_capacity(CHUNK + 1024);
    let mut rest = body.trim_ascii_end();
    let mut whole = true;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        let line = line.trim_ascii_end();
        // What is odd is what `Base64OddLine` is: a group over the end of a line.
        if !whole || line.len() % 4 != 0 && !rest.is_empty() {
            return false;
        }
        whole = !line.ends_with(b"=");
        if line.len() >= CHUNK {
            if !flush(&mut text, out) || !append(line, out) {
                return false;
            }
            continue;
        }
        text.extend_from_slice(line);
        if text.len() >= CHUNK && !flush(&mut text, out) {
            return false;
        }
    }
    text.len() % 4 == 0 && flush(&mut text, out)
}

fn flush(text: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    let good = append(text, out);
    text.clear();
    good
}

fn append(text: &[u8], out: &mut Vec<u8>) -> bool {
    ENGINE.decode_vec(text, out).is_ok()
}

/// What a reader does with padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// It ends a group; what follows begins a new one.
    Restart,
    /// It ends everything.
    Stop,
    /// It ends everything where it is due, and is nothing elsewhere.
    StopWhereDue,
    /// It is nothing.
    Skip,
    /// It is a member of a group of four, and all groups are read.
    Member,
    /// As `Member`; the first group that has it is the last.
    MemberStop,
}

/// One way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    padding: Padding,
    /// Whether a byte outside the alphabet ends everything.
    stops_at_junk: bool,
    /// Whether each line stands for itself.
    by_line: bool,
    /// Whether `-` and `_` stand for `+` and `/` (RFC 4648 §5).
    url: bool,
    /// Whether a group that is cut short gives what it has.
    gives_rest: bool,
}

const USUAL: Way = Way {
    padding: Padding::Restart,
    stops_at_junk: false,
    by_line: false,
    url: false,
    gives_rest: true,
};

/// What is odd about a body, so that only ways that can matter are gone.
#[derive(Debug, Clone, Copy, Default)]
struct Odd {
    junk: bool,
    url: bool,
    inner_padding: bool,
    lines: bool,
    rest: bool,
}

/// Calls `each` with what each reader makes of a body that is not [`clean`], the most lenient
/// reading first; equal results may come more than once. Stops when `each` says so.
pub(super) fn readings(body: &[u8], out: &mut Vec<u8>, each: &mut dyn FnMut(&[u8]) -> bool) {
    let odd = look(body);
    let mut ways = vec![USUAL];
    if odd.inner_padding {
        let paddings = [
            Padding::Stop,
            Padding::StopWhereDue,
            Padding::Skip,
            Padding::Member,
            Padding::MemberStop,
        ];
        ways.extend(paddings.map(|padding| Way { padding, ..USUAL }));
        ways.push(Way { padding: Padding::Member, gives_rest: false, ..USUAL });
    }
    if odd.rest {
        ways.push(Way { gives_rest: false, ..USUAL });
    }
    if odd.lines || odd.inner_padding {
        ways.push(Way { by_line: true, ..USUAL });
        ways.push(Way { by_line: true, gives_rest: false, ..USUAL });
    }
    if odd.url {
        ways.push(Way { url: true, ..USUAL });
    }
    if odd.junk || odd.url {
        ways.push(Way { stops_at_junk: true, ..USUAL });
    }
    for way in ways {
        decode(body, way, out);
        if !each(out) {
            return;
        }
    }
}

fn look(body: &[u8]) -> Odd {
    let mut odd = Odd::default();
    let (mut held, mut padded) = (0_usize, 0_usize);
    for &b in body {
        match b {
            b'\n' => odd.lines |= !held.is_multiple_of(4),
            b'\r' | b' ' | b'\t' => (),
            b'=' => {
                odd.inner_padding |= held % 4 < 2 || padded >= 2;
                padded += 1;
            }
            _ if value(b, false).is_some() => {
                odd.inner_padding |= padded > 0;
                held += 1;
            }
            b'-' | b'_' => odd.url = true,
            _ => odd.junk = true,
        }
    }
    odd.rest = !(held + padded).is_multiple_of(4);
    // What is skipped moves the padding out of its place.
    odd.inner_padding |= padded > 0 && (odd.junk || odd.url || odd.rest);
    odd
}

/// The usual lenient reading: junk is skipped, padding ends a group and not everything.
pub(super) fn lenient(body: &[u8], out: &mut Vec<u8>) {
    decode(body, USUAL, out);
}

fn decode(body: &[u8], way: Way, out: &mut Vec<u8>) {
    out.clear();
    out.reserve(body.len() / 4 * 3 + 3);
    let mut group = Group::default();
    for &b in body {
        if let Some(value) = value(b, way.url) {
            group.push(Some(value), out);
            continue;
        }
        match b {
            b'=' => match way.padding {
                Padding::Stop => break,
                Padding::StopWhereDue if group.len >= 2 => break,
                Padding::StopWhereDue | Padding::Skip => (),
                Padding::Restart => group.end(out, true),
                Padding::Member => {
                    group.push(None, out);
                }
                Padding::MemberStop => {
                    if group.push(None, out) {
                        return;
                    }
                }
            },
            b'\n' if way.by_line => group.end(out, way.gives_rest),
            b'\r' | b'\n' | b' ' | b'\t' => (),
            _ if way.stops_at_junk => break,
            _ => (),
        }
    }
    group.end(out, way.gives_rest);
}

/// A group of four under way.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    bits: u32,
    len: u32,
    /// How many values came before padding.
    values: u32,
    padded: bool,
}

impl Group {
    /// Takes a value, or padding as a member. Whether it completed a group with padding.
    fn push(&mut self, value: Option<u8>, out: &mut Vec<u8>) -> bool {
        self.bits = self.bits << 6 | u32::from(value.unwrap_or(0));
        self.len += 1;
        self.padded |= value.is_none();
        if !self.padded {
            self.values += 1;
        }
        if self.len < 4 {
            return false;
        }
        let [_, bytes @ ..] = self.bits.to_be_bytes();
        let count = self.values.saturating_sub(1) as usize;
        out.extend(bytes.iter().take(count));
        let padded = self.padded;
        *self = Self::default();
        padded
    }

    /// Ends it early.
    fn end(&mut self, out: &mut Vec<u8>, gives_rest: bool) {
        if gives_rest && self.values >= 2 {
            let [_, bytes @ ..] = (self.bits << (6 * (4 - self.len))).to_be_bytes();
            out.extend(bytes.iter().take(self.values as usize - 1));
        }
        *self = Self::default();
    }
}

fn value(b: u8, url: bool) -> Option<u8> {
    Some(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        b'-' if url => 62,
        b'_' if url => 63,
        _ => return None,
    })
}
