//! Calendars and cards: files and pages within their properties (RFC 5545, RFC 6350).

use super::encoded::from_base64;
use crate::inspect::{Inspection, Item};
use crate::{Budget, Class};

/// Properties with content that are looked into.
const PROPERTIES_MAX: usize = 500;
/// Addresses that start something on the reader's side.
const STARTS: &[&str] = &["javascript:", "vbscript:", "file:", "search-ms:", "ms-msdt:", "\\\\"];

/// Looks into a calendar or card.
pub(super) fn look(bytes: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) {
    let held = bytes.len();
    if let Err(trouble) = budget.look(bytes.len()).and_then(|()| budget.hold(held)) {
        look.trouble(trouble);
        return;
    }
    let text = unfolded(bytes);
    let mut count = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let Some(at) = colon(line) else { continue };
        let (head, value) = line.split_at(at);
        let head = String::from_utf8_lossy(head.get(..500).unwrap_or(head));
        let value = value.get(1..).unwrap_or_default();
        count += usize::from(property(&head, value, look, budget));
        if count > PROPERTIES_MAX {
            look.trouble(crate::Trouble::Limit("properties"));
            break;
        }
    }
    budget.release(held);
}

/// The colon that ends the name and its parameters, of which some are quoted.
fn colon(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    })
}

/// Looks into one property; whether it had content.
fn property(head: &str, value: &[u8], look: &mut Inspection<'_>, budget: &mut Budget) -> bool {
    let upper = head.to_ascii_uppercase();
    let name = upper.split(';').next().unwrap_or_default().trim();
    let parameter = |wanted: &str| {
        let mut parameters = head.split(';').skip(1).filter_map(|one| one.split_once('='));
        let value = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        value.map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let names: Vec<String> =
        ["FILENAME", "X-FILENAME", "X-APPLE-FILENAME"].into_iter().filter_map(parameter).collect();
    let mut types: Vec<String> = parameter("FMTTYPE").into_iter().collect();
    let encoding = parameter("ENCODING").unwrap_or_default().to_ascii_uppercase();
    let start = value.get(..5).unwrap_or_default();
    let content = if ["BASE64", "B"].contains(&encoding.as_str())
        || upper.contains(";BASE64")
        || parameter("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("binary"))
    {
        from_base64(value)
    } else if start.eq_ignore_ascii_case(b"data:") {
        let comma = memchr::memchr(b',', value).unwrap_or(value.len());
        let kind = String::from_utf8_lossy(value.get(5..comma).unwrap_or_default());
        types.extend(kind.split(';').next().map(str::to_owned));
        from_base64(value.get(comma..).unwrap_or_default())
    } else {
        let is_page = types.iter().any(|kind| kind.eq_ignore_ascii_case("text/html"));
        if ["ATTACH", "URL", "CONFERENCE", "SOURCE"].contains(&name) {
            address(value, look);
        }
        if !is_page {
            if !names.is_empty() {
                look.inside(name, &Item { names: &names, types: &types, bytes: b"" }, budget);
            }
            return false;
        }
        unescaped(value)
    };
    look.inside(name, &Item { names: &names, types: &types, bytes: &content }, budget);
    true
}

fn address(value: &[u8], look: &mut Inspection<'_>) {
    let head = value.get(..64).unwrap_or(value).trim_ascii_start().to_ascii_lowercase();
    if let Some(start) = STARTS.iter().find(|start| head.starts_with(start.as_bytes())) {
        look.hit(Class::ActivePage, "calendar address", start);
    }
}

/// Lines without their folds (RFC 5545 §3.1), CR dropped.
fn unfolded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, after) = rest.split_at(end);
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = match after {
            [b'\n', b' ' | b'\t', tail @ ..] => tail,
            [b'\n', tail @ ..] => {
                out.push(b'\n');
                tail
            }
            _ => after,
        };
    }
    out.extend_from_slice(rest);
    out
}

/// `\n`, `\,` and `\;` (RFC 5545 §3.3.11).
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next().map(|next| match next {
                b'n' | b'N' => b'\n',
                other => *other,
            })),
            other => out.push(*other),
        }
    }
    out
}
