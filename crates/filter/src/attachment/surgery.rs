//! Surgery on a message: what is put in the place of which of its bytes, so that a part is gone,
//! bears another name, or has a warning before it. All other bytes stay as they are.

use crate::rendition::Edit;
use content::examination::Rebuilt;
use content::writing::{base64, field};
use mail::index::{FieldText, Header, Index, Inside, Part};
use mail_builder::headers::content_type::ContentType;
use std::ops::Range;

/// What follows a name that nothing is to open.
const RENAMED: &str = ".danger";
/// Bytes of a line that needs no encoding; below the 998 of RFC 5322 §2.1.1.
const LINE_MAX: usize = 900;

/// Puts a text in the place of a part.
pub(crate) fn replace(index: &Index, part: &Part, text: &str) -> Vec<Edit> {
    if is_child(index, part) {
        let range = part.header.start..part.body.end;
        return vec![Edit { range, insert: text_part(text) }];
    }
    // The header is also that of a message: only what MIME reads in it goes.
    let mut edits = removed_fields(index, part, |field| field.is_mime());
    let insert = [b"MIME-Version: 1.0\r\n".as_slice(), &text_part(text)].concat();
    edits.push(Edit { range: part.header.end..part.body.end, insert });
    edits
}

/// Puts a text in the place of some lines of a text.
pub(crate) fn replace_lines(place: Range<u64>, text: &str) -> Vec<Edit> {
    let plain = |c: char| if c.is_ascii() { c } else { '?' };
    let mut insert = Vec::new();
    for line in text.lines() {
        let line: String = line.chars().map(plain).take(LINE_MAX).collect();
        // Names are a stranger's: none is to be read as a delimiter.
        let apart = if line.starts_with('-') { " " } else { "" };
        insert.extend_from_slice(format!("{apart}{line}\r\n").as_bytes());
    }
    vec![Edit { range: place, insert }]
}

/// Gives a part a name that nothing opens, and a type that says nothing.
pub(crate) fn rename(index: &Index, part: &Part, name: &str) -> Vec<Edit> {
    let says_type = |field: &FieldText<'_>| {
        ["content-type", "content-disposition", "content-description"]
            .iter()
            .any(|name| field.is(name))
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
    let mut edits = removed_fields(index, root, |field| field.is_mime());
    let header = index.header_of(root);
    let fields = header.fields().filter(FieldText::is_mime);
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

fn removed_fields(index: &Index, part: &Part, goes: impl Fn(&FieldText<'_>) -> bool) -> Vec<Edit> {
    let header: Header<'_> = index.header_of(part);
    let fields = header.fields().filter(goes);
    let range = |start: usize, len: usize| {
        let start = part.header.start + start as u64;
        start..start + len as u64
    };
    fields.map(|f| Edit { range: range(f.start, f.bytes.len()), insert: Vec::new() }).collect()
}

/// A text of ours as a part, with its header; encoded where it is not plain ASCII, so that the
/// message needs nothing of the next server that it did not need before. Quoted-printable would
/// not do: it breaks lines, and what a stranger's name says could come to stand where a delimiter
/// stands.
fn text_part(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let plain = ContentType::new("text/plain").attribute("charset", "utf-8");
    field(&mut out, "Content-Type", &plain);
    let goes_as_it_is = |line: &str| line.len() <= LINE_MAX && !line.starts_with('-');
    let text = text.lines().collect::<Vec<_>>();
    if text.iter().all(|line| line.is_ascii() && goes_as_it_is(line)) {
        out.extend_from_slice(b"Content-Transfer-Encoding: 7bit\r\n\r\n");
        out.extend_from_slice(text.join("\r\n").as_bytes());
    } else {
        base64(&mut out, text.join("\r\n").as_bytes());
    }
    out
}

#[cfg(test)]
mod tests;
