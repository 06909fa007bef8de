//! Surgery on a message: what is put in the place of which of its bytes, so that a part is gone,
//! bears another name, or has a warning before it. All other bytes stay as they are.

use crate::rendition::Edit;
use content::examination::Rebuilt;
use mail::index::{Header, Index, Inside, Part};
use mail_builder::headers::Header as _;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;
use std::ops::Range;

/// What follows a name that nothing is to open.
const RENAMED: &str = ".danger";

/// Puts a text in the place of a part.
pub(crate) fn replace(index: &Index, part: &Part, text: &str) -> Vec<Edit> {
    if is_child(index, part) {
        let range = part.header.start..part.body.end;
        return vec![Edit { range, insert: text_part(text) }];
    }
    // The header is also that of a message: only what MIME reads in it goes.
    let mut edits = removed_fields(index, part, is_mime);
    let insert = [b"MIME-Version: 1.0\r\n".as_slice(), &text_part(text)].concat();
    edits.push(Edit { range: part.header.end..part.body.end, insert });
    edits
}

/// Puts a text in the place of some lines of a text.
pub(crate) fn replace_lines(place: Range<u64>, text: &str) -> Vec<Edit> {
    let plain = |c: char| if c.is_ascii() { c } else { '?' };
    let text: String = text.chars().map(plain).collect();
    vec![Edit { range: place, insert: format!("{text}\r\n").into_bytes() }]
}

/// Gives a part a name that nothing opens, and a type that says nothing.
pub(crate) fn rename(index: &Index, part: &Part, name: &str) -> Vec<Edit> {
    let says_type = |name: &str| {
        ["content-type", "content-disposition", "content-description"]
            .iter()
            .any(|field| name.eq_ignore_ascii_case(field))
    };
    let mut edits = removed_fields(index, part, says_type);
    let name = format!("{name}{RENAMED}");
    let mut insert = Vec::new();
    let content_type = ContentType::new("application/octet-stream").attribute("name", &*name);
    field(&mut insert, "Content-Type", &content_type);
    let disposition = ContentType::new("attachment").attribute("filename", &*name);
    field(&mut insert, "Content-Disposition", &disposition);
    edits.push(Edit { range: part.header.end..part.header.end, insert });
    edits
}

/// Puts a text before everything else that the message shows.
pub(crate) fn warn(index: &Index, text: &str, boundary: &str) -> Vec<Edit> {
    let Some(root) = index.root() else { return Vec::new() };
    let first = root.children.first().and_then(|&first| index.parts.get(first));
    if let (Inside::Parts, "multipart/mixed", Some(first)) =
        (root.inside, root.media_type.as_str(), first)
        && let Some(own) = root.content_type.as_ref().and_then(|read| read.get("boundary"))
    {
        let end = format!("\r\n--{own}\r\n");
        let insert = [&text_part(text), end.as_bytes()].concat();
        return vec![Edit { range: first.header.start..first.header.start, insert }];
    }
    let mut edits = removed_fields(index, root, is_mime);
    let header = index.header_of(root);
    let fields = header.fields().filter(|field| is_mime(field.name()));
    let moved: Vec<u8> =
        fields.filter(|field| !field.is("mime-version")).flat_map(|f| f.bytes).copied().collect();
    let head = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\n"
    );
    let next = format!("\r\n--{boundary}\r\n");
    let insert = [head.as_bytes(), &text_part(text), next.as_bytes(), &moved].concat();
    edits.push(Edit { range: root.header.end..root.header.end, insert });
    let close = format!("\r\n--{boundary}--\r\n").into_bytes();
    edits.push(Edit { range: index.size..index.size, insert: close });
    edits
}

/// Puts a message written anew in the place of the one that came.
pub(crate) fn rebuilt(index: &Index, rebuilt: &Rebuilt) -> Vec<Edit> {
    let header_end = index.root().map_or(0, |root| root.header.end);
    let mut edits = Vec::new();
    let mut at = 0;
    for kept in rebuilt.kept.iter().filter(|kept| kept.end <= header_end) {
        if kept.start >= at {
            edits.push(Edit { range: at..kept.start, insert: Vec::new() });
            at = kept.end;
        }
    }
    edits.push(Edit { range: at..index.size, insert: rebuilt.rest.clone() });
    edits.retain(|edit| !edit.range.is_empty() || !edit.insert.is_empty());
    edits
}

/// Whether a part is one of several between delimiters, whose header is its own alone.
fn is_child(index: &Index, part: &Part) -> bool {
    let parent = part.parent.and_then(|parent| index.parts.get(parent));
    parent.is_some_and(|parent| parent.inside == Inside::Parts)
}

/// The fields that MIME reads in a message's header.
fn is_mime(name: &str) -> bool {
    name.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("content-"))
        || name.eq_ignore_ascii_case("mime-version")
}

fn removed_fields(index: &Index, part: &Part, goes: impl Fn(&str) -> bool) -> Vec<Edit> {
    let header: Header<'_> = index.header_of(part);
    let fields = header.fields().filter(|field| goes(field.name()));
    let range = |start: usize, len: usize| {
        let start = part.header.start + start as u64;
        start..start + len as u64
    };
    fields.map(|f| Edit { range: range(f.start, f.bytes.len()), insert: Vec::new() }).collect()
}

/// A text of ours as a part, with its header; encoded where it is not ASCII, so that the message
/// needs nothing of the next server that it did not need before.
fn text_part(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    MimePart::new("text/plain", text).write_part(&mut out);
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &ContentType<'_>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.write_header(out, name.len() + 2);
}

#[cfg(test)]
mod tests;
