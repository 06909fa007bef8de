//! Parameters as simple readers find them: by their `=`, wherever it stands.

use super::limits::{NAMES_MAX, VALUE_MAX};
use memchr::{memchr, memchr_iter};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// `name` or `filename`.
    Name,
    /// `boundary`.
    Boundary,
}

/// Calls `found` with every reading of every name and boundary in an unfolded value. Each reading
/// may come more than once.
pub(super) fn parameters(value: &[u8], found: &mut dyn FnMut(Key, &[u8])) {
    let mut count = 0;
    for at in memchr_iter(b'=', value) {
        let (before, behind) = value.split_at(at);
        let Some(key) = key(before) else { continue };
        count += 1;
        if count > NAMES_MAX {
            return;
        }
        let behind = behind.get(1..).unwrap_or_default();
        readings(behind.get(..VALUE_MAX).unwrap_or(behind), &mut |reading| found(key, reading));
    }
}

/// The key at the end of `before`, whatever blanks and marks are around it.
fn key(before: &[u8]) -> Option<Key> {
    let before = before.trim_ascii_end();
    let window = before.get(before.len().saturating_sub(64)..).unwrap_or(before);
    let lower = window.to_ascii_lowercase();
    let is_mark = |b: &u8| b.is_ascii_digit() || b"* \t\"'".contains(b);
    let end = lower.iter().rposition(|b| !is_mark(b))? + 1;
    let word = lower.get(..end)?;
    if word.ends_with(b"name") {
        Some(Key::Name)
    } else if word.ends_with(b"boundary") {
        Some(Key::Boundary)
    } else {
        None
    }
}

/// What readers take for the value that begins here.
fn readings(text: &[u8], found: &mut dyn FnMut(&[u8])) {
    let text = text.trim_ascii_start();
    let until = |ends: &[u8]| {
        let end = text.iter().position(|b| ends.contains(b)).unwrap_or(text.len());
        text.get(..end).unwrap_or_default()
    };
    for ends in [&b"; \t\r\n"[..], b";", b"(", b"\r\n", b","] {
        let reading = until(ends);
        found(reading);
        let trimmed = reading.trim_ascii();
        found(trimmed);
        let unquoted: Vec<u8> = trimmed.iter().copied().filter(|b| *b != b'"').collect();
        found(&unquoted);
        let bare = unquoted.strip_prefix(b"'").unwrap_or(&unquoted);
        found(bare.strip_suffix(b"'").unwrap_or(bare));
    }
    if let Some((b'"', inner)) = text.split_first() {
        let end = memchr(b'"', inner).unwrap_or(inner.len());
        let reading = inner.get(..end).unwrap_or_default();
        found(reading);
        found(reading.trim_ascii());
        found(&unescaped(inner));
    }
    found(&without_comments(until(b";\r\n")));
    // `charset'language'value` to a reader that does not decode it.
    if let Some(last) = until(b";\r\n").rsplit(|b| *b == b'\'').next() {
        found(last.trim_ascii());
    }
}

/// To the closing quote, backslashes gone.
fn unescaped(inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = inner.iter();
    while let Some(&b) = bytes.next() {
        match b {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            _ => out.push(b),
        }
    }
    out
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut depth = 0_usize;
    for &b in text {
        match b {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(b),
            _ => (),
        }
    }
    out.trim_ascii().to_vec()
}
