//! The names and streams of a PDF, found in one pass.

use memchr::memmem;
use std::collections::HashSet;
use std::ops::Range;

/// Bytes of a name that are read; the longest of interest has 13.
const NAME_MAX: usize = 64;
/// How far before `stream` its dictionary begins at most.
const DICTIONARY_MAX: usize = 4 * 1024;
/// Streams that are remembered: a book has some ten thousand.
const STREAMS_MAX: usize = 200_000;
/// References to files, and names of files, that are remembered.
const FILES_MAX: usize = 1_000;
/// Places where such may stand that are read: each costs up to [`TEXT_MAX`] bytes.
const PLACES_MAX: usize = 10_000;
/// Bytes of a file's name that are read.
const TEXT_MAX: usize = 1_000;

/// A stream and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// The number of its object, if it can be seen.
    pub(super) number: Option<u32>,
    /// Where its dictionary begins.
    pub(super) dictionary: usize,
    /// Its data.
    pub(super) start: usize,
    pub(super) end: usize,
    /// It holds objects.
    pub(super) is_objects: bool,
    /// It says that it is an embedded file.
    pub(super) is_file: bool,
}

/// What a PDF holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) is_encrypted: bool,
    /// What acts, in words, each once.
    pub(super) active: Vec<&'static str>,
    pub(super) streams: Vec<Stream>,
    /// Numbers of objects that are embedded files.
    pub(super) files: HashSet<u32>,
    /// Names of files that are embedded or referred to.
    pub(super) file_names: Vec<String>,
    places: usize,
}

/// Where a name stands: in compressed data short names come by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Objects,
    Data,
}

impl Scan {
    /// Scans a file.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut from = 0;
        let words = memmem::Finder::new("stream");
        let ends = memmem::Finder::new("endstream");
        let mut search = 0;
        while let Some(at) = words.find(bytes.get(search..).unwrap_or_default()) {
            let at = search + at;
            search = at + 6;
            let Some(start) = data_start(bytes, at) else { continue };
            scan.names(bytes.get(from..at).unwrap_or_default(), Place::Objects);
            let rest = bytes.get(start..).unwrap_or_default();
            let end = start + ends.find(rest).unwrap_or(rest.len());
            scan.stream(bytes, from..at, start..end);
            scan.names(bytes.get(start..end).unwrap_or_default(), Place::Data);
            from = end;
            search = (end + 9).min(bytes.len());
        }
        scan.names(bytes.get(from..).unwrap_or_default(), Place::Objects);
        scan
    }

    /// Scans the objects of an object stream.
    pub(super) fn add_objects(&mut self, text: &[u8]) {
        self.names(text, Place::Objects);
    }

    /// Notes a stream, whose dictionary stands in `before`.
    fn stream(&mut self, bytes: &[u8], before: Range<usize>, data: Range<usize>) {
        let least = before.end.saturating_sub(DICTIONARY_MAX).max(before.start);
        let before = bytes.get(least..before.end).unwrap_or_default();
        let head = memmem::rfind(before, b"obj").unwrap_or(0);
        let dictionary = before.get(head..).unwrap_or_default();
        let mut stream = Stream {
            number: object_number(before.get(..head).unwrap_or_default()),
            dictionary: least + head,
            start: data.start,
            end: data.end,
            is_objects: false,
            is_file: false,
        };
        each_name(dictionary, |name, _| {
            stream.is_objects |= name == b"ObjStm";
            stream.is_file |= name == b"EmbeddedFile";
        });
        if self.streams.len() < STREAMS_MAX {
            self.streams.push(stream);
        }
    }

    fn names(&mut self, region: &[u8], place: Place) {
        each_name(region, |name, after| {
            let active = match name {
                b"JavaScript" => Some("script"),
                b"JS" if place == Place::Objects => Some("script"),
                b"Launch" => Some("launch"),
                // Fetches from a file server, and so tells it the user's password hash.
                b"ImportData" => Some("import"),
                b"RichMedia" | b"RichMediaContent" => Some("rich media"),
                b"XFA" if place == Place::Objects => Some("xfa form"),
                _ => None,
            };
            if let Some(active) = active.filter(|active| !self.active.contains(active)) {
                self.active.push(active);
            }
            if place == Place::Data || self.places > PLACES_MAX {
                self.is_encrypted |= place == Place::Objects && name == b"Encrypt";
                return;
            }
            self.places += usize::from(matches!(name, b"EF" | b"F" | b"UF"));
            match name {
                b"Encrypt" => self.is_encrypted = true,
                b"EF" => self.references(after),
                b"F" | b"UF" => self.file_name(after),
                _ => {}
            }
        });
    }

    /// `<< /F 12 0 R /UF 12 0 R >>`.
    fn references(&mut self, after: &[u8]) {
        let dictionary = after.get(..TEXT_MAX).unwrap_or(after);
        let end = memmem::find(dictionary, b">>").unwrap_or(dictionary.len());
        let text = String::from_utf8_lossy(dictionary.get(..end).unwrap_or_default()).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        for three in words.windows(3) {
            if let [number, _, last] = three
                && last.starts_with('R')
                && let Ok(number) = number.parse()
                && self.files.len() < FILES_MAX
            {
                self.files.insert(number);
            }
        }
    }

    /// `(name.exe)` or `<FEFF...>`.
    fn file_name(&mut self, after: &[u8]) {
        let after = after.trim_ascii_start();
        let text = after.get(..TEXT_MAX).unwrap_or(after);
        let raw = match text.first() {
            Some(b'(') => literal(text.get(1..).unwrap_or_default()),
            Some(b'<') if text.get(1) != Some(&b'<') => {
                super::stream::from_hex(text.get(1..).unwrap_or_default())
            }
            _ => return,
        };
        let name = match raw.strip_prefix(b"\xFE\xFF") {
            Some(units) => mail::mime::charset::decode(b"utf-16be", units).unwrap_or_default(),
            None => mail::mime::charset::guess(&raw),
        };
        if self.file_names.len() < FILES_MAX && !self.file_names.contains(&name) {
            self.file_names.push(name);
        }
    }
}

/// Where the data of a stream begins, if `stream` at `at` begins one: behind a dictionary, before
/// a line end (ISO 32000-1 §7.3.8.1; readers take CR alone too).
fn data_start(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes.get(at.saturating_sub(64)..at).unwrap_or_default();
    if !before.trim_ascii_end().ends_with(b">>") {
        return None;
    }
    let rest = bytes.get(at + 6..)?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    match rest.get(blanks..)? {
        [b'\r', b'\n', ..] => Some(at + 6 + blanks + 2),
        [b'\r' | b'\n', ..] => Some(at + 6 + blanks + 1),
        _ => None,
    }
}

/// `12 0 ` before `obj`.
fn object_number(before: &[u8]) -> Option<u32> {
    let tail = before.get(before.len().saturating_sub(32)..)?;
    let text = String::from_utf8_lossy(tail);
    let mut words = text.split_whitespace().rev();
    words.next()?.parse::<u32>().ok()?;
    words.next()?.parse().ok()
}

/// Calls `found` with each name of interest, undone, and what follows it.
fn each_name(region: &[u8], mut found: impl FnMut(&[u8], &[u8])) {
    for at in memchr::memchr_iter(b'/', region) {
        let rest = region.get(at + 1..).unwrap_or_default();
        // By its first letter most are passed over.
        if !matches!(
            rest.first(),
            Some(b'#' | b'I' | b'J' | b'L' | b'R' | b'X' | b'E' | b'F' | b'U' | b'O')
        ) {
            continue;
        }
        let end = rest.iter().take(NAME_MAX).take_while(|byte| !is_delimiter(**byte)).count();
        let (name, after) = rest.split_at(end);
        if memchr::memchr(b'#', name).is_some() {
            found(&unescaped(name), after);
        } else {
            found(name, after);
        }
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32) || b"()<>[]{}/%".contains(&byte)
}

/// `#4A` is `J` (ISO 32000-1 §7.3.5).
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| {
            let byte = after.get(at).filter(|_| *first == b'#')?;
            u8::try_from(char::from(*byte).to_digit(16)?).ok()
        };
        match (digit(0), digit(1)) {
            (Some(high), Some(low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// A literal string without its opening parenthesis (ISO 32000-1 §7.3.4.2).
fn literal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b'(' => depth += 1,
            b'\\' => {
                let digits = text.get(at..).unwrap_or_default().iter().take(3);
                let digits: Vec<u8> =
                    digits.take_while(|byte| matches!(byte, b'0'..=b'7')).copied().collect();
                if digits.is_empty() {
                    out.extend(text.get(at));
                    at += 1;
                } else {
                    let value =
                        digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                    out.push(value.to_le_bytes()[0]);
                    at += digits.len();
                }
                continue;
            }
            _ => {}
        }
        out.push(*byte);
    }
    out
}
