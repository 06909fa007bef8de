//! What a header says of its part: the fields that MIME reads, and what is ambiguous about them.

use super::ambiguity::{Ambiguity, Sightings};
use super::header::{FieldText, Scan, Stretch};
use super::part::Part;
use crate::mime::{Fault, Structured, TransferEncoding, unfold, words};
use memchr::memmem;

/// Whose header it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Of a message: the one received, or one inside it.
    Message,
    /// Of a part of a multipart.
    Part,
}

/// A header block to be read, and the part it belongs to.
pub(super) struct Block<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it begins in the message.
    pub(super) at: u64,
    pub(super) part: usize,
    pub(super) role: Role,
    /// The type where none is given.
    pub(super) default_type: &'static str,
    pub(super) fields_max: usize,
}

/// Fields that may stand once (RFC 5322 §3.6, RFC 2045 §3).
const SINGLE: [(&str, Ambiguity); 18] = [
    ("date", Ambiguity::DoubledField),
    ("from", Ambiguity::DoubledField),
    ("sender", Ambiguity::DoubledField),
    ("reply-to", Ambiguity::DoubledField),
    ("to", Ambiguity::DoubledField),
    ("cc", Ambiguity::DoubledField),
    ("bcc", Ambiguity::DoubledField),
    ("message-id", Ambiguity::DoubledField),
    ("in-reply-to", Ambiguity::DoubledField),
    ("references", Ambiguity::DoubledField),
    ("subject", Ambiguity::DoubledField),
    ("mime-version", Ambiguity::DoubledField),
    ("content-id", Ambiguity::DoubledField),
    ("content-description", Ambiguity::DoubledField),
    ("content-location", Ambiguity::DoubledField),
    ("content-type", Ambiguity::DoubledContentType),
    ("content-transfer-encoding", Ambiguity::DoubledEncoding),
    ("content-disposition", Ambiguity::DoubledDisposition),
];

/// Reads a header block into `part`.
pub(super) fn read(block: &Block<'_>, part: &mut Part, sightings: &mut Sightings) {
    let mut reading = Reading { block, sightings, seen: [false; SINGLE.len()], has_mime: false };
    part.media_type = block.default_type.to_owned();
    for (count, stretch) in Scan::new(block.bytes).enumerate() {
        let start = match &stretch {
            Stretch::Field(field) => field.range.start,
            Stretch::Odd(range) => range.start,
        };
        if count == block.fields_max {
            reading.note(Ambiguity::TooManyFields, start, "");
            break;
        }
        match stretch {
            Stretch::Odd(range) => {
                let line = block.bytes.get(range).unwrap_or_default();
                reading.bytes(line, start, "");
                reading.note(Ambiguity::OddHeaderLine, start, "");
            }
            Stretch::Field(field) => {
                if let Some(field) = FieldText::of(block.bytes, &field) {
                    reading.field(&field, part);
                }
            }
        }
    }
    reading.finish(part);
}

struct Reading<'r, 'b> {
    block: &'r Block<'b>,
    sightings: &'r mut Sightings,
    seen: [bool; SINGLE.len()],
    has_mime: bool,
}

impl Reading<'_, '_> {
    fn note(&mut self, ambiguity: Ambiguity, start: usize, detail: &str) {
        let at = self.block.at + start as u64;
        self.sightings.note(ambiguity, self.block.part, at, detail);
    }

    fn field(&mut self, field: &FieldText<'_>, part: &mut Part) {
        let name = field.name();
        self.bytes(field.bytes, field.start, name);
        if field.has_blank_before_colon() {
            self.note(Ambiguity::BlankBeforeColon, field.start, name);
        }
        if self.is_repeated(field) {
            return;
        }
        if field.is("content-type") {
            self.content_type(field, part);
        } else if field.is("content-transfer-encoding") {
            self.encoding(field, part);
        } else if field.is("content-disposition") {
            let disposition = Structured::parse(&field.unfolded());
            self.faults(&disposition, field);
            part.disposition = Some(disposition);
        } else if field.is("mime-version") {
            self.has_mime = true;
        } else if memmem::find(field.bytes, b"=?").is_some() {
            self.words(field);
        }
    }

    /// What can be wrong with the bytes of any line.
    fn bytes(&mut self, bytes: &[u8], start: usize, detail: &str) {
        if !bytes.is_ascii() {
            self.note(Ambiguity::EightBitHeader, start, detail);
        }
        let control = |&&b: &&u8| b.is_ascii_control() && !matches!(b, b'\t' | b'\r' | b'\n');
        match bytes.iter().find(control) {
            // NUL is told by the census of bytes, with its own offset.
            Some(0) | None => (),
            Some(_) => self.note(Ambiguity::ControlInHeader, start, detail),
        }
        let mut offset = start;
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            if line.trim_ascii().is_empty() {
                self.note(Ambiguity::BlankHeaderLine, offset, detail);
            }
            offset += line.len();
        }
    }

    /// Notes a field that was there before. In parts of a multipart only the fields of MIME count.
    fn is_repeated(&mut self, field: &FieldText<'_>) -> bool {
        let Some(at) = SINGLE.iter().position(|(name, _)| field.is(name)) else { return false };
        let Some((name, ambiguity)) = SINGLE.get(at) else { return false };
        if self.block.role == Role::Part && !name.starts_with("content-") {
            return false;
        }
        let Some(seen) = self.seen.get_mut(at) else { return false };
        let again = std::mem::replace(seen, true);
        if again {
            self.note(*ambiguity, field.start, name);
        }
        again
    }

    fn content_type(&mut self, field: &FieldText<'_>, part: &mut Part) {
        let content_type = Structured::parse(&field.unfolded());
        self.faults(&content_type, field);
        if is_type(&content_type.value) {
            part.media_type.clone_from(&content_type.value);
        } else if !content_type.faults.contains(&Fault::OddValue) {
            self.note(Ambiguity::OddContentType, field.start, &content_type.value);
        }
        part.content_type = Some(content_type);
    }

    fn encoding(&mut self, field: &FieldText<'_>, part: &mut Part) {
        let value = field.unfolded();
        let (encoding, exact) = TransferEncoding::parse(&value);
        part.encoding = encoding;
        let shown = String::from_utf8_lossy(value.trim_ascii());
        if encoding == TransferEncoding::Unknown {
            self.note(Ambiguity::UnknownEncoding, field.start, &shown);
        } else if !exact {
            self.note(Ambiguity::OddEncoding, field.start, &shown);
        }
    }

    fn words(&mut self, field: &FieldText<'_>) {
        let mut faults = Vec::new();
        words::decode_noting(&unfold(field.raw()), &mut |fault| {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        });
        self.list(&faults, field);
    }

    fn faults(&mut self, structured: &Structured, field: &FieldText<'_>) {
        self.list(&structured.faults, field);
    }

    fn list(&mut self, faults: &[Fault], field: &FieldText<'_>) {
        for fault in faults {
            let ambiguity = match fault {
                Fault::OddWord | Fault::WordBase64 => Ambiguity::OddEncodedWord,
                Fault::UnknownCharset => Ambiguity::UnknownCharset,
                // Noted for the whole field already.
                Fault::EightBit | Fault::Control => continue,
                Fault::OddValue if field.is("content-type") => Ambiguity::OddContentType,
                Fault::Doubled => Ambiguity::DoubledParameter,
                Fault::Continuation => Ambiguity::OddContinuation,
                _ => Ambiguity::OddParameters,
            };
            let detail = format!("{}: {}", field.name(), fault.text());
            self.note(ambiguity, field.start, &detail);
        }
    }

    fn finish(mut self, part: &Part) {
        let says_mime = part.content_type.is_some() || part.encoding != TransferEncoding::SevenBit;
        if self.block.role == Role::Message && says_mime && !self.has_mime {
            self.note(Ambiguity::MissingMimeVersion, 0, "");
        }
        self.names(part);
    }

    /// One name written in several ways is no disagreement: encoded and raw forms are compared
    /// after decoding.
    fn names(&mut self, part: &Part) {
        let mut names: Vec<String> = Vec::new();
        let given = [(&part.disposition, "filename"), (&part.content_type, "name")];
        for (structured, parameter) in given {
            let Some(structured) = structured else { continue };
            let plain = structured.plain(parameter).map(words::decode);
            for name in structured.get(parameter).into_iter().chain(plain) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if names.len() > 1 {
            self.note(Ambiguity::NamesDisagree, 0, &names.join(" / "));
        }
    }
}

/// `type/subtype` of tokens (RFC 2045 §5.1).
fn is_type(value: &str) -> bool {
    let token = |t: &str| {
        !t.is_empty()
            && t.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    value.split_once('/').is_some_and(|(main, sub)| token(main) && token(sub))
}
