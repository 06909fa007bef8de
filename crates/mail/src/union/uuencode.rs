//! Uuencode, as it stands in the text of a letter (POSIX `uuencode`, with its base64 form).

use super::base64;
use super::blocks::{Block, Lines};
use crate::mime::charset;

/// The readings of the block whose first line begins at `at`; none if it is none.
pub(super) fn read(text: &[u8], at: usize) -> Vec<Block> {
    let mut lines = Lines::new(text, at);
    let Some((first, _, body)) = lines.next() else { return Vec::new() };
    let is_base64 = first.starts_with(b"begin-base64");
    let word = if is_base64 { &b"begin-base64"[..] } else { b"begin" };
    let rest = first.strip_prefix(word).unwrap_or_default();
    let (mode, name) = mode_and_name(rest);
    let names: Vec<String> = name.into_iter().collect();
    if is_base64 {
        return base64_form(text, at, body, names);
    }
    let next = Lines::new(text, body).find(|(line, ..)| !line.trim_ascii().is_empty());
    let begun = next.is_some_and(|(line, ..)| data(line).is_some());
    // With mode and name some programs make a file of nothing.
    if !(begun || mode && !names.is_empty()) {
        return Vec::new();
    }
    let mut block = Block { range: at..body, names, bytes: Vec::new() };
    let mut readings = Vec::new();
    for (line, _, end) in Lines::new(text, body) {
        if is_end(line) {
            block.range.end = end;
            break;
        }
        match data(line) {
            Some((count, characters)) => {
                append(characters, count, &mut block.bytes);
                block.range.end = end;
            }
            // Nothing more, or a line whose only blank was taken away.
            None if matches!(line.trim_ascii(), b"" | b"`") => (),
            // Some programs stop at a line that is none, others go on.
            None if readings.is_empty() => readings.push(block.clone()),
            None => (),
        }
    }
    if readings.iter().all(|reading| reading.bytes != block.bytes) {
        readings.push(block);
    }
    readings
}

/// A body of such lines without the first one.
pub(super) fn lines(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (line, ..) in Lines::new(body, 0) {
        if is_end(line) {
            break;
        }
        if let Some((count, characters)) = data(line) {
            append(characters, count, &mut out);
        }
    }
    (!out.is_empty()).then_some(out)
}

fn is_end(line: &[u8]) -> bool {
    line.trim_ascii() == b"end"
}

/// Whether a mode is given, and the name.
fn mode_and_name(rest: &[u8]) -> (bool, Option<String>) {
    let rest = rest.trim_ascii();
    let digits = rest.iter().take_while(|b| (b'0'..=b'7').contains(b)).count();
    let (mode, name) = rest.split_at(digits);
    let mode = (1..=6).contains(&mode.len())
        && !matches!(name.first(), Some(b) if *b != b' ' && *b != b'\t');
    let name = if mode { name.trim_ascii() } else { rest };
    let name = charset::guess(name);
    (mode, (!name.is_empty()).then_some(name))
}

/// The count and the characters of a line of data.
fn data(line: &[u8]) -> Option<(usize, &[u8])> {
    let (first, characters) = line.split_first()?;
    if !(b' '..=b'`').contains(first) {
        return None;
    }
    let count = usize::from((first - b' ') & 63);
    let needed = count.div_ceil(3) * 4;
    let characters = characters.get(..needed).unwrap_or(characters);
    // Blanks at the end may have been taken away; a checksum may stand behind.
    let behind = line.len() - 1 - characters.len();
    let proper = characters.iter().all(|b| (b' '..=b'`').contains(b));
    let shortened = needed - characters.len();
    (proper && behind <= 2 && (shortened == 0 || shortened <= needed / 2 + 4) && count > 0)
        .then_some((count, characters))
}

fn append(characters: &[u8], count: usize, out: &mut Vec<u8>) {
    let mut left = count;
    let value = |at: usize, group: &[u8]| {
        let b = group.get(at).copied().unwrap_or(b' ');
        u32::from(b.wrapping_sub(b' ') & 63)
    };
    let mut groups = characters.chunks(4);
    while left > 0 {
        let group = groups.next().unwrap_or_default();
        let bits = (0..4).fold(0, |bits, at| bits << 6 | value(at, group));
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes.iter().take(left));
        left = left.saturating_sub(3);
    }
}

/// `begin-base64` to `====`.
fn base64_form(text: &[u8], at: usize, body: usize, names: Vec<String>) -> Vec<Block> {
    let is_close = |(line, ..): &(&[u8], usize, usize)| line.trim_ascii() == b"====";
    let close = Lines::new(text, body).find(is_close);
    let (inner_end, end) = close.map_or((text.len(), text.len()), |(_, start, end)| (start, end));
    let mut bytes = Vec::new();
    base64::lenient(text.get(body..inner_end).unwrap_or_default(), &mut bytes);
    vec![Block { range: at..end, names, bytes }]
}
