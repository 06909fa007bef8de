//! Patterns with wildcards and gaps: parsed, found by a literal core, verified where it stands.

use aho_corasick::{AhoCorasick, MatchKind};
use std::ops::Range;

/// Bytes that `*` may skip: a pattern is about one place, not about a whole file.
pub const GAP_MAX: usize = 1_024;
/// Bytes of a pattern, its gaps at their longest included.
pub const PATTERN_MAX: usize = 8_192;
/// Whole bytes in a row that a pattern needs before its first gap: fewer are found everywhere.
pub const CORE_MIN: usize = 4;
/// Steps of verification for each byte that is looked at, beyond [`STEPS_FROM`]: content that is
/// made to begin every pattern everywhere ends there, and is told as too complex.
const STEPS_PER_BYTE: usize = 32;
const STEPS_FROM: usize = 1 << 20;

/// One byte of a pattern: what is left of it under the mask must be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Byte {
    value: u8,
    mask: u8,
}

/// Bytes in a row, and the gap before them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    gap: Range<usize>,
    bytes: Vec<Byte>,
}

/// A pattern with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    name: String,
    /// The first has no gap.
    segments: Vec<Segment>,
    /// Where the core stands in the first segment.
    core: Range<usize>,
}

impl Pattern {
    /// Reads hexadecimal digits with `?`, `*` and `{n-m}`.
    pub(super) fn hex(name: String, body: &str) -> Result<Self, String> {
        let mut segments = vec![Segment { gap: 0..1, bytes: Vec::new() }];
        let mut rest = body;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix('*') {
                segments.push(Segment { gap: 0..GAP_MAX + 1, bytes: Vec::new() });
                rest = after;
            } else if let Some((gap, after)) =
                rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            {
                segments.push(Segment { gap: parse_gap(gap)?, bytes: Vec::new() });
                rest = after;
            } else if first.is_whitespace() {
                rest = rest.trim_start();
            } else {
                let (byte, after) = parse_byte(rest)?;
                if let Some(segment) = segments.last_mut() {
                    segment.bytes.push(byte);
                }
                rest = after;
            }
        }
        Self::new(name, segments)
    }

    /// Reads words with `*`.
    pub(super) fn text(name: String, body: &str) -> Result<Self, String> {
        let pieces = body.split('*').enumerate();
        let segments = pieces.map(|(number, piece)| {
            // A blank beside a gap is part of the gap.
            let bytes = folded(piece.trim().as_bytes());
            let gap = if number == 0 { 0..1 } else { 0..GAP_MAX + 1 };
            let bytes = bytes.into_iter().map(|value| Byte { value, mask: 0xFF }).collect();
            Segment { gap, bytes }
        });
        Self::new(name, segments.collect())
    }

    fn new(name: String, segments: Vec<Segment>) -> Result<Self, String> {
        if segments.iter().any(|segment| segment.bytes.is_empty()) {
            return Err("a gap stands between bytes".to_owned());
        }
        let longest: usize =
            segments.iter().map(|segment| segment.gap.end + segment.bytes.len()).sum();
        if longest > PATTERN_MAX {
            return Err(format!("it can match more than {PATTERN_MAX} bytes"));
        }
        let first = segments.first().map(|segment| segment.bytes.as_slice()).unwrap_or_default();
        let core = longest_whole(first);
        if core.len() < CORE_MIN {
            let text = format!("{CORE_MIN} whole bytes in a row are needed before its first gap");
            return Err(text);
        }
        Ok(Self { name, segments, core })
    }

    fn literal(&self) -> Vec<u8> {
        let first = self.segments.first().map(|segment| segment.bytes.as_slice());
        let core = first.and_then(|bytes| bytes.get(self.core.clone())).unwrap_or_default();
        core.iter().map(|byte| byte.value).collect()
    }

    /// Whether it matches with its core at `at`; takes from `steps` what that costs.
    fn matches(&self, bytes: &[u8], at: usize, steps: &mut usize) -> bool {
        let Some(start) = at.checked_sub(self.core.start) else { return false };
        // Places where the next segment's gap may begin, in order.
        let mut places = vec![start];
        for segment in &self.segments {
            let mut next = Vec::new();
            let mut tried = 0;
            for place in &places {
                // Gaps overlap: no place is tried twice.
                let from = (place + segment.gap.start).max(tried);
                let to = (place + segment.gap.end).min(bytes.len());
                tried = tried.max(to);
                for place in from..to {
                    *steps = steps.saturating_sub(1);
                    let end = place + segment.bytes.len();
                    if bytes.get(place..end).is_some_and(|have| fits(have, &segment.bytes)) {
                        next.push(end);
                    }
                }
            }
            places = next;
        }
        !places.is_empty()
    }
}

/// All patterns of a kind, found in one pass.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    patterns: Vec<Pattern>,
    cores: Option<AhoCorasick>,
}

impl Matcher {
    /// The automaton over the cores.
    pub(super) fn new(patterns: Vec<Pattern>) -> Result<Self, String> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        let cores = patterns.iter().map(Pattern::literal);
        let cores = AhoCorasick::builder().match_kind(MatchKind::Standard).build(cores);
        Ok(Self { patterns, cores: Some(cores.map_err(|error| error.to_string())?) })
    }

    /// Whether there are no patterns.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Calls `found` with the name of each pattern that matches; `false`: it was given up.
    pub(super) fn matches(&self, bytes: &[u8], found: &mut dyn FnMut(&str)) -> bool {
        let Some(cores) = &self.cores else { return true };
        let mut steps = STEPS_FROM.saturating_add(bytes.len().saturating_mul(STEPS_PER_BYTE));
        let mut done = vec![false; self.patterns.len()];
        for core in cores.find_overlapping_iter(bytes) {
            let number = core.pattern().as_usize();
            steps = steps.saturating_sub(1);
            let (Some(pattern), Some(done)) = (self.patterns.get(number), done.get_mut(number))
            else {
                continue;
            };
            if !*done && pattern.matches(bytes, core.start(), &mut steps) {
                *done = true;
                found(&pattern.name);
            }
            if steps == 0 {
                return false;
            }
        }
        true
    }
}

/// Text as text patterns see it: lower case, one blank for all that separates, no NUL.
pub(super) fn folded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut blank = false;
    for byte in bytes {
        match byte {
            0 => {}
            b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => blank = true,
            other => {
                if blank {
                    out.push(b' ');
                    blank = false;
                }
                out.push(other.to_ascii_lowercase());
            }
        }
    }
    out
}

fn fits(have: &[u8], want: &[Byte]) -> bool {
    have.iter().zip(want).all(|(have, want)| have & want.mask == want.value)
}

/// The longest run of bytes without wildcards.
fn longest_whole(bytes: &[Byte]) -> Range<usize> {
    let (mut best, mut start) = (0..0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        if byte.mask != 0xFF {
            start = at + 1;
        } else if at + 1 - start > best.len() {
            best = start..at + 1;
        }
    }
    best
}

/// Two digits or `?`.
fn parse_byte(text: &str) -> Result<(Byte, &str), String> {
    let mut byte = Byte { value: 0, mask: 0 };
    let mut chars = text.chars();
    for shift in [4, 0] {
        match chars.next() {
            Some('?') => {}
            Some(digit) if digit.is_ascii_hexdigit() => {
                let digit = digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                byte.value |= digit.unwrap_or_default() << shift;
                byte.mask |= 0xF << shift;
            }
            Some(other) => return Err(format!("{other:?} is no hexadecimal digit")),
            None => return Err("an odd number of digits".to_owned()),
        }
    }
    Ok((byte, chars.as_str()))
}

/// `n` or `n-m`.
fn parse_gap(text: &str) -> Result<Range<usize>, String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|n| *n <= GAP_MAX);
    match (number(low), number(high)) {
        (Some(low), Some(high)) if low <= high => Ok(low..high + 1),
        _ => Err(format!("a gap is {{n}} or {{n-m}} with numbers up to {GAP_MAX}")),
    }
}
