//! The parts under construction: which are open, by which boundaries they end.

use super::ambiguity::{Ambiguity, Sightings};
use super::limits::{DELIMITER_TAIL_MAX, Limits, PREAMBLE_KEPT};
use super::part::{Inside, Part};
use memchr::memmem;

/// The parts so far, and the path to the one that is open.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) parts: Vec<Part>,
    pub(super) sightings: Sightings,
    /// From the message itself to the innermost open part; never empty while bytes arrive.
    open: Vec<Open>,
    /// Length of the longest open boundary.
    boundary_len: Option<usize>,
}

#[derive(Debug)]
struct Open {
    part: usize,
    /// Lines before the body.
    lines_before: u64,
    multipart: Option<Multipart>,
}

#[derive(Debug)]
struct Multipart {
    boundary: Vec<u8>,
    region: Region,
    /// What the preamble holds, as far as it is kept.
    preamble: Vec<u8>,
    epilogue_noted: bool,
}

/// Where in a multipart the bytes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Preamble,
    Parts,
    Epilogue,
}

/// A delimiter line of an open multipart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter {
    level: usize,
    close: bool,
}

/// A place between two lines: what a part that ends there needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Offset in the message.
    pub(super) at: u64,
    /// Length of the line end before, which belongs to the delimiter (RFC 2046 §5.1.1).
    pub(super) line_end: u64,
    /// Lines before it.
    pub(super) lines: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut tree = Self {
            parts: Vec::new(),
            sightings: Sightings::new(),
            open: Vec::new(),
            boundary_len: None,
        };
        tree.add(None, 0);
        tree
    }

    /// The innermost open part.
    pub(super) fn current(&self) -> usize {
        self.open.last().map_or(0, |open| open.part)
    }

    pub(super) fn part_mut(&mut self) -> Option<&mut Part> {
        let current = self.current();
        self.parts.get_mut(current)
    }

    /// Notes something about the innermost open part.
    pub(super) fn note(&mut self, ambiguity: Ambiguity, at: u64, detail: &str) {
        let part = self.current();
        self.sightings.note(ambiguity, part, at, detail);
    }

    /// How many bytes of a line decide whether it is a delimiter; `None` while nothing can be.
    pub(super) fn delimiter_line_max(&self) -> Option<usize> {
        self.boundary_len.map(|len| len + DELIMITER_TAIL_MAX)
    }

    /// Opens a part inside the innermost open one, unless there are too many already.
    pub(super) fn descend(&mut self, at: u64, limits: &Limits) -> bool {
        let parent = self.current();
        if self.parts.len() >= limits.parts_max {
            self.note(Ambiguity::TooManyParts, at, "");
            return false;
        }
        self.add(Some(parent), at);
        true
    }

    fn add(&mut self, parent: Option<usize>, at: u64) {
        let index = self.parts.len();
        let mut depth = 0;
        if let Some(parent) = parent.and_then(|parent| self.parts.get_mut(parent)) {
            parent.children.push(index);
            depth = parent.depth + 1;
        }
        let part = Part { parent, depth, header: at..at, body: at..at, ..Part::default() };
        self.parts.push(part);
        self.open.push(Open { part: index, lines_before: 0, multipart: None });
    }

    /// The header of the innermost open part is read; its body begins.
    pub(super) fn begin_body(&mut self, lines: u64) {
        if let Some(open) = self.open.last_mut() {
            open.lines_before = lines;
        }
    }

    /// From here on the innermost open part is a multipart with this boundary.
    pub(super) fn begin_multipart(&mut self, boundary: Vec<u8>, at: u64) {
        let others = self.open.iter().filter_map(|open| open.multipart.as_ref());
        let (mut repeated, mut prefix) = (false, false);
        for other in others {
            let (a, b) = (&other.boundary, &boundary);
            repeated |= a == b;
            prefix |= a != b && (a.starts_with(b) || b.starts_with(a));
        }
        let shown = String::from_utf8_lossy(&boundary).into_owned();
        if repeated {
            self.note(Ambiguity::RepeatedBoundary, at, &shown);
        }
        if prefix {
            self.note(Ambiguity::BoundaryPrefix, at, &shown);
        }
        let region = Region::Preamble;
        let multipart = Multipart { boundary, region, preamble: Vec::new(), epilogue_noted: false };
        if let Some(open) = self.open.last_mut() {
            open.multipart = Some(multipart);
        }
        self.measure();
        if let Some(part) = self.part_mut() {
            part.inside = Inside::Parts;
        }
    }

    fn measure(&mut self) {
        let multiparts = self.open.iter().filter_map(|open| open.multipart.as_ref());
        self.boundary_len = multiparts.map(|multipart| multipart.boundary.len()).max();
    }

    /// Whether a line (without its line end) is a delimiter of an open multipart, the innermost
    /// first. `cut` tells that the line goes on with bytes that nobody kept.
    pub(super) fn delimiter(&mut self, line: &[u8], cut: bool, at: u64) -> Option<Delimiter> {
        let text = line.strip_prefix(b"--")?;
        let (mut found, mut odd) = (None, None);
        for (level, open) in self.open.iter().enumerate().rev() {
            let Some(multipart) = &open.multipart else { continue };
            let Some(tail) = text.strip_prefix(multipart.boundary.as_slice()) else { continue };
            let (close, tail) = match tail.strip_prefix(b"--") {
                Some(tail) => (true, tail),
                None => (false, tail),
            };
            if cut || !tail.iter().all(|b| matches!(b, b' ' | b'\t')) {
                odd = odd.or(Some((Ambiguity::DelimiterWithText, open.part)));
            } else if multipart.region == Region::Epilogue {
                odd = odd.or(Some((Ambiguity::DelimiterAfterClose, open.part)));
            } else {
                let blanks = Some((Ambiguity::DelimiterWithBlanks, open.part));
                odd = blanks.filter(|_| !tail.is_empty());
                found = Some(Delimiter { level, close });
                break;
            }
        }
        if let Some((ambiguity, part)) = odd {
            self.sightings.note(ambiguity, part, at, "");
        }
        found
    }

    /// Ends the parts inside the delimiter's multipart. If a part follows, it is to be opened.
    pub(super) fn cross(&mut self, delimiter: Delimiter, place: Place) -> bool {
        while self.open.len() > delimiter.level + 1 {
            self.close(place);
        }
        if let Some(Open { part, multipart: Some(multipart), .. }) = self.open.last_mut() {
            if multipart.region == Region::Preamble && !is_usual_note(&multipart.preamble) {
                let at = self.parts.get(*part).map_or(place.at, |part| part.body.start);
                self.sightings.note(Ambiguity::Preamble, *part, at, "");
            }
            multipart.preamble = Vec::new();
            multipart.region = if delimiter.close { Region::Epilogue } else { Region::Parts };
        }
        !delimiter.close
    }

    /// Ends everything that is open.
    pub(super) fn close_all(&mut self, place: Place) {
        while !self.open.is_empty() {
            self.close(place);
        }
    }

    fn close(&mut self, place: Place) {
        let Some(open) = self.open.pop() else { return };
        let region = open.multipart.as_ref().map(|multipart| multipart.region);
        let missing = match region {
            Some(Region::Preamble) => Some(Ambiguity::MissingDelimiter),
            Some(Region::Parts) => Some(Ambiguity::MissingCloseDelimiter),
            Some(Region::Epilogue) | None => None,
        };
        if let Some(ambiguity) = missing {
            self.sightings.note(ambiguity, open.part, place.at, "");
        }
        let last_child = self.parts.get(open.part).and_then(|part| part.children.last());
        let last_child = last_child.and_then(|&child| self.parts.get(child));
        let inside = last_child.map_or(0, |child| child.body.end);
        if let Some(part) = self.parts.get_mut(open.part) {
            // Where nothing stands behind the empty line, that is the delimiter's line end, and
            // the body is as empty as can be.
            let end = place.at.saturating_sub(place.line_end).max(part.header.end).max(inside);
            part.body = part.body.start.min(end)..end;
            if !part.body.is_empty() {
                let lines = place.lines.saturating_sub(open.lines_before);
                part.lines = lines.saturating_sub(u64::from(end < place.at));
            }
        }
        if open.multipart.is_some() {
            self.measure();
        }
    }

    /// Bytes in a multipart, but outside its parts.
    pub(super) fn between_parts(&mut self, bytes: &[u8], at: u64) {
        let Some(Open { part, multipart: Some(multipart), .. }) = self.open.last_mut() else {
            return;
        };
        match multipart.region {
            Region::Preamble => {
                let room = (PREAMBLE_KEPT + 1).saturating_sub(multipart.preamble.len());
                multipart.preamble.extend(bytes.iter().take(room));
            }
            Region::Epilogue if !multipart.epilogue_noted => {
                if let Some(first) = bytes.iter().position(|b| !b.is_ascii_whitespace()) {
                    multipart.epilogue_noted = true;
                    self.sightings.note(Ambiguity::Epilogue, *part, at + first as u64, "");
                }
            }
            Region::Epilogue | Region::Parts => (),
        }
    }
}

/// Whether a preamble is nothing, or the sentence that mailers put there for old readers.
fn is_usual_note(preamble: &[u8]) -> bool {
    let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    preamble.iter().all(u8::is_ascii_whitespace)
        || preamble.len() <= PREAMBLE_KEPT
            && preamble.iter().all(plain)
            && memmem::find(preamble, b"MIME").is_some()
            && memmem::find(preamble, b"Content-").is_none()
}
