//! What a text looks like: a message, a note between parts, a header.

use super::blocks;
use crate::index::split_name;
use memchr::{memchr, memmem};
use std::ops::Range;

/// Bytes that are looked at to tell whether a content is a message.
const LOOK_MAX: usize = 64 * 1024;

/// Whether a content begins with a header that has fields of MIME.
pub(super) fn looks_like_message(content: &[u8]) -> bool {
    let window = content.get(..LOOK_MAX).unwrap_or(content).trim_ascii_start();
    let mut rest = match window.starts_with(b"From ") || window.starts_with(b">From ") {
        true => window.get(memchr(b'\n', window).map_or(window.len(), |at| at + 1)..),
        false => Some(window),
    }
    .unwrap_or_default();
    // Cheap to say no: binary files have no such first line.
    let first_line = memchr(b'\n', rest).or_else(|| memchr(b'\r', rest));
    let first = rest.get(..first_line.unwrap_or(rest.len())).unwrap_or_default();
    if split_name(first).is_none() {
        return false;
    }
    for end in [&b"\r\n\r\n"[..], b"\n\n", b"\r\r"] {
        rest = rest.get(..memmem::find(rest, end).unwrap_or(rest.len())).unwrap_or_default();
    }
    let lower = rest.to_ascii_lowercase();
    [&b"content-type"[..], b"content-transfer-encoding", b"content-disposition", b"mime-version"]
        .iter()
        .any(|name| memmem::find(&lower, name).is_some())
}

/// Whether nothing stands there but line ends, a delimiter, and a short note.
pub(super) fn is_usual_between(text: &[u8]) -> bool {
    text.len() <= 512
        && blocks::marks(text).is_empty()
        && text.iter().all(|b| matches!(b, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
        && memmem::find(&text.to_ascii_lowercase(), b"content-").is_none()
}

/// What is left of a stretch between parts without the delimiter line at its edge.
pub(super) fn without_delimiter(bytes: &[u8], stretch: Range<usize>) -> Range<usize> {
    let text = bytes.get(stretch.clone()).unwrap_or_default();
    // Behind a part the line end before the delimiter comes first.
    let trimmed = text.trim_ascii_start();
    let skipped = text.len() - trimmed.len();
    if skipped <= 2 && trimmed.starts_with(b"--") {
        let end = memchr(b'\n', trimmed).map_or(trimmed.len(), |at| at + 1);
        return stretch.start + skipped + end..stretch.end;
    }
    match memmem::rfind(text, b"\n--") {
        Some(line) => stretch.start..stretch.start + line + 1,
        None => stretch,
    }
}

/// A header without its fields for the encoding: they were obeyed.
pub(super) fn drop_encoding(header: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len());
    let mut dropping = false;
    for line in header.split_inclusive(|b| *b == b'\n') {
        let lower = line.to_ascii_lowercase();
        let has = |word: &[u8]| memmem::find(&lower, word).is_some();
        if has(b"content") && has(b"encoding") {
            dropping = true;
        } else if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            dropping = false;
        }
        if !dropping {
            out.extend_from_slice(line);
        }
    }
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}
