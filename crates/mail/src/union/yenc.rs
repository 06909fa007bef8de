//! yEnc 1.3, as it stands in the text of a letter.

use super::blocks::{Block, Lines};
use crate::mime::charset;
use memchr::memmem;

/// The block whose first line begins at `at`.
pub(super) fn read(text: &[u8], at: usize) -> Option<Block> {
    let (first, _, body) = Lines::new(text, at).next()?;
    let name = memmem::find(first, b"name=").and_then(|name| first.get(name + 5..));
    let names = name.map(|name| charset::guess(name.trim_ascii())).filter(|name| !name.is_empty());
    let mut end = text.len();
    let mut inner = body..text.len();
    for (line, start, next) in Lines::new(text, body) {
        if line.starts_with(b"=ypart") && start == inner.start {
            inner.start = next;
        } else if line.starts_with(b"=yend") {
            (inner.end, end) = (start, next);
            break;
        }
    }
    let bytes = decode(text.get(inner).unwrap_or_default());
    Some(Block { range: at..end, names: names.into_iter().collect(), bytes })
}

/// Lines of data; lines of yEnc's own words among them are left out.
pub(super) fn decode(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for (line, ..) in Lines::new(data, 0) {
        if line.starts_with(b"=y") {
            continue;
        }
        let mut bytes = line.iter();
        while let Some(&b) = bytes.next() {
            let b = match b {
                b'=' => match bytes.next() {
                    Some(escaped) => escaped.wrapping_sub(64),
                    None => break,
                },
                b => b,
            };
            out.push(b.wrapping_sub(42));
        }
    }
    out
}
