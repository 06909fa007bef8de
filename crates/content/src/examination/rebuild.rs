//! A message written anew: the parts of the preferred reading, and behind them whatever only other
//! readers would see, each with one type, one name and one encoding.
//!
//! The fields of the message's own header stay as they are, but for those that MIME reads; lines
//! that are no fields go.

use crate::writing::{base64, base64_len, field};
use mail::index::{Header, Index, Inside, Part};
use mail::union::{self, Seen, Source, UnionLimits};
use mail_builder::headers::content_type::ContentType;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

/// Bytes of content that a rebuilt message may have. It is kept in the database beside the message
/// as it came; larger ones are put into quarantine.
const CONTENT_MAX: usize = 16 << 20;
/// Things that only other readers see which are put behind the preferred reading.
const EXTRAS_MAX: usize = 20;
/// Encoded messages inside one another. Honest mail has one.
const DEPTH_MAX: usize = 4;
/// Parameters of a type without which its content would be read as something else: texts
/// (RFC 2046 §4.1.2, RFC 3676 §4), S/MIME (RFC 8551 §3.2.2) and calendars (RFC 5545 §8.1).
const PARAMETERS: [&str; 5] = ["charset", "format", "delsp", "smime-type", "method"];

/// How to write a message anew from the one that came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rebuilt {
    /// The fields of the header that stay, in order.
    pub kept: Vec<Range<u64>>,
    /// What follows them: the fields of MIME, an empty line, the body.
    #[serde(skip)]
    pub rest: Vec<u8>,
}

/// Writes a message anew; `None` if it is too large for that, or if there would be several readings
/// again: of what is signed, which has to stay as it is.
pub(super) fn rebuild(message: &[u8], index: &Index) -> Option<Rebuilt> {
    let contents = Contents::gather(message, index, CONTENT_MAX)?;
    let digest: String =
        Sha256::digest(message).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let kept = kept_fields(Header::new(&index.header));
    let mut anew = Vec::with_capacity(base64_len(contents.size) + 64 * 1024);
    for field in &kept {
        let field = field.start as usize..field.end as usize;
        anew.extend_from_slice(message.get(field).unwrap_or_default());
    }
    let header = anew.len();
    // Nobody can have put a boundary that depends on all of the message into the message.
    let mut boundaries = Boundaries { digest, multiparts: 0 };
    let left = CONTENT_MAX - contents.size;
    let mut writer = Writer::new(index, &contents, &mut boundaries, left, 0);
    writer.whole(&mut anew);
    let failed = writer.failed;
    drop(contents);
    if failed || !has_one_reading(&anew) {
        return None;
    }
    anew.drain(..header);
    Some(Rebuilt { kept, rest: anew })
}

/// Whether all readers see the same in a message.
fn has_one_reading(message: &[u8]) -> bool {
    let all = &mut |_: Seen<'_>| ControlFlow::Continue(());
    let outcome = union::read(message, &Index::of(message), &UnionLimits::default(), all);
    !outcome.is_ambiguous() && outcome.incomplete.is_none()
}

/// The fields of a header that stay: whole, well-formed, and not MIME's.
fn kept_fields(header: Header<'_>) -> Vec<Range<u64>> {
    let fields = header.fields().filter(|field| !field.is_mime() && is_sound(field.bytes));
    fields.map(|field| field.start as u64..(field.start + field.bytes.len()) as u64).collect()
}

/// Writes the fields that stay of a message inside.
fn write_kept(header: Header<'_>, out: &mut Vec<u8>) {
    for range in kept_fields(header) {
        let range = range.start as usize..range.end as usize;
        out.extend_from_slice(header.bytes().get(range).unwrap_or_default());
    }
}

/// Whether all programs agree where a field ends: proper line ends, no line of blanks within.
fn is_sound(field: &[u8]) -> bool {
    field.ends_with(b"\r\n")
        && field.split_inclusive(|&b| b == b'\n').all(|line| {
            let text = line.strip_suffix(b"\r\n").unwrap_or_default();
            !text.trim_ascii().is_empty() && !text.iter().any(|b| matches!(b, b'\r' | 0))
        })
}

/// The contents of a message, by the parts of its preferred reading.
#[derive(Default)]
struct Contents {
    parts: HashMap<usize, Leaf>,
    extras: Vec<Leaf>,
    /// Bytes of them all.
    size: usize,
}

struct Leaf {
    media_type: String,
    /// Whether it is a message whose encoding hides its parts from some readers.
    is_message: bool,
    /// Parameters that stay, and their values.
    parameters: Vec<(&'static str, String)>,
    name: Option<String>,
    is_inline: bool,
    content: Vec<u8>,
}

impl Contents {
    /// All of them; `None`: more than `size_max` bytes, or too many.
    fn gather(message: &[u8], index: &Index, size_max: usize) -> Option<Self> {
        let mut found = Self::default();
        let mut too_large = false;
        union::read(message, index, &UnionLimits::default(), &mut |seen| {
            if !found.is_new(&seen) {
                return ControlFlow::Continue(());
            }
            found.size += seen.content.len();
            too_large = found.size > size_max || found.extras.len() == EXTRAS_MAX;
            if too_large {
                return ControlFlow::Break(());
            }
            found.take(&seen, index);
            ControlFlow::Continue(())
        });
        (!too_large).then_some(found)
    }

    /// Whether this has to be in the new message: the preferred reading of each part, and of others
    /// what a person would miss.
    fn is_new(&self, seen: &Seen<'_>) -> bool {
        if let (Source::Part, Some(part)) = (seen.source, seen.part) {
            return !self.parts.contains_key(&part);
        }
        let known = self.parts.values().chain(&self.extras);
        let attached = !seen.names.is_empty() && seen.source != Source::Sweep;
        attached && !seen.content.is_empty() && known.into_iter().all(|l| l.content != seen.content)
    }

    fn take(&mut self, seen: &Seen<'_>, index: &Index) {
        let part = seen.part.and_then(|part| index.parts.get(part));
        let declared = seen.types.first().map(String::as_str);
        let media_type = match (seen.source, part) {
            (Source::Part, Some(part)) => part.media_type.as_str(),
            _ => declared.unwrap_or("application/octet-stream"),
        };
        let read = part.and_then(|part| part.content_type.as_ref());
        let disposition = part.and_then(|part| part.disposition.as_ref());
        let leaf = Leaf {
            media_type: leaf_type(media_type),
            is_message: matches!(media_type, "message/rfc822" | "message/global"),
            parameters: PARAMETERS
                .iter()
                .filter_map(|key| Some((*key, read?.get(key)?)))
                .filter(|(_, value)| is_token(value))
                .collect(),
            name: seen.names.first().map(|name| clean_name(name)),
            is_inline: disposition.is_some_and(|d| d.value.eq_ignore_ascii_case("inline")),
            content: seen.content.to_vec(),
        };
        match (seen.source, seen.part) {
            (Source::Part, Some(part)) => drop(self.parts.insert(part, leaf)),
            _ => self.extras.push(leaf),
        }
    }
}

/// The type of a leaf, which is no composite any more.
fn leaf_type(media_type: &str) -> String {
    let composite = media_type.starts_with("multipart/") || media_type.starts_with("message/");
    let proper = media_type.split_once('/').is_some_and(|(a, b)| is_token(a) && is_token(b));
    match (composite, proper) {
        (true, _) => "text/plain".to_owned(),
        (false, true) => media_type.to_owned(),
        (false, false) => "application/octet-stream".to_owned(),
    }
}

fn is_token(text: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$&+-^_.".contains(&b);
    !text.is_empty() && text.len() < 128 && text.bytes().all(token)
}

/// A name without what programs read differently.
fn clean_name(name: &str) -> String {
    let shown = |c: char| if c.is_control() || "\"\\/:*?<>|".contains(c) { '_' } else { c };
    let name: String = name.chars().map(shown).take(120).collect();
    match name.trim_matches(['.', ' ']) {
        "" => "unnamed".to_owned(),
        name => name.to_owned(),
    }
}

impl Leaf {
    fn write(&self, out: &mut Vec<u8>) {
        let mut content_type = ContentType::new(self.media_type.as_str());
        for (key, value) in &self.parameters {
            content_type = content_type.attribute(*key, value.as_str());
        }
        let disposition = if self.is_inline { "inline" } else { "attachment" };
        let mut disposition = ContentType::new(disposition);
        if let Some(name) = &self.name {
            content_type = content_type.attribute("name", name.as_str());
            disposition = disposition.attribute("filename", name.as_str());
        }
        field(out, "Content-Type", &content_type);
        if self.name.is_some() {
            field(out, "Content-Disposition", &disposition);
        }
        base64(out, &self.content);
    }
}

fn end(boundary: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
}

/// Makes boundaries, each another one.
struct Boundaries {
    digest: String,
    multiparts: usize,
}

struct Writer<'a> {
    index: &'a Index,
    contents: &'a Contents,
    boundaries: &'a mut Boundaries,
    /// Bytes of content that messages inside may have.
    left: usize,
    depth: usize,
    /// Whether something is missing in what was written.
    failed: bool,
}

impl<'a> Writer<'a> {
    fn new(
        index: &'a Index,
        contents: &'a Contents,
        boundaries: &'a mut Boundaries,
        left: usize,
        depth: usize,
    ) -> Self {
        Self { index, contents, boundaries, left, depth, failed: false }
    }

    /// Writes everything behind the fields that stay.
    fn whole(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MIME-Version: 1.0\r\n");
        let contents = self.contents;
        if contents.extras.is_empty() {
            return self.part(0, out);
        }
        let boundary = self.begin("mixed", out);
        self.child(&boundary, out, |writer, out| writer.part(0, out));
        for extra in &contents.extras {
            self.child(&boundary, out, |writer, out| writer.leaf(extra, out));
        }
        end(&boundary, out);
    }

    /// Writes a part with what is inside it. The index bounds how deep that goes.
    fn part(&mut self, at: usize, out: &mut Vec<u8>) {
        let (index, contents) = (self.index, self.contents);
        let Some(part) = index.parts.get(at) else { return };
        match (part.inside, contents.parts.get(&at)) {
            (Inside::Parts, _) if !part.children.is_empty() => self.multipart(part, out),
            (Inside::Message, _) if part.children.len() == 1 => self.message(part, out),
            (_, Some(leaf)) => self.leaf(leaf, out),
            (_, None) => out.extend_from_slice(b"Content-Type: text/plain\r\n\r\n"),
        }
    }

    /// Writes a leaf; a message that was encoded as the message that it is.
    fn leaf(&mut self, leaf: &Leaf, out: &mut Vec<u8>) {
        if !leaf.is_message {
            return leaf.write(out);
        }
        let index = Index::of(&leaf.content);
        let contents = match self.depth < DEPTH_MAX {
            true => Contents::gather(&leaf.content, &index, self.left),
            false => None,
        };
        let Some(contents) = contents else {
            self.failed = true;
            return;
        };
        let left = self.left - contents.size;
        out.extend_from_slice(b"Content-Type: message/rfc822\r\n\r\n");
        write_kept(Header::new(&index.header), out);
        let boundaries = &mut *self.boundaries;
        let mut inside = Writer::new(&index, &contents, boundaries, left, self.depth + 1);
        inside.whole(out);
        self.failed |= inside.failed;
    }

    fn multipart(&mut self, part: &Part, out: &mut Vec<u8>) {
        // Others need parameters that may not hold any more.
        let subtype = match part.media_type.as_str() {
            "multipart/alternative" => "alternative",
            "multipart/related" => "related",
            _ => "mixed",
        };
        let boundary = self.begin(subtype, out);
        for &child in &part.children {
            self.child(&boundary, out, |writer, out| writer.part(child, out));
        }
        end(&boundary, out);
    }

    fn message(&mut self, part: &Part, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Content-Type: message/rfc822\r\n\r\n");
        let Some(&child) = part.children.first() else { return };
        if let Some(inner) = self.index.parts.get(child) {
            write_kept(self.index.header_of(inner), out);
        }
        out.extend_from_slice(b"MIME-Version: 1.0\r\n");
        self.part(child, out);
    }

    fn begin(&mut self, subtype: &str, out: &mut Vec<u8>) -> String {
        let Boundaries { digest, multiparts } = &mut *self.boundaries;
        *multiparts += 1;
        // The number first: no boundary may begin with another.
        let boundary = format!("=_{multiparts}.{digest}");
        let head = format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        boundary
    }

    fn child(
        &mut self,
        boundary: &str,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Self, &mut Vec<u8>),
    ) {
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        write(self, out);
    }
}
