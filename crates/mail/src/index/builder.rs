//! The push parser: cuts what arrives into header lines, delimiter lines and bodies.
//!
//! Whatever the cuts between pieces, the same index results: a decision is taken only on whole
//! lines, or on as much of a line as decides it.

use super::Index;
use super::ambiguity::Ambiguity;
use super::census;
use super::check::Checker;
use super::content::{self, Block, Role};
use super::header::{Field, Scan, Stretch};
use super::limits::Limits;
use super::part::{Inside, Part};
use super::tree::{Delimiter, Place, Tree};
use crate::mime::{TransferEncoding, without_line_end};
use memchr::{memchr, memmem};

/// Builds an [`Index`] while bytes arrive.
#[derive(Debug)]
pub struct IndexBuilder {
    limits: Limits,
    tree: Tree,
    mode: Mode,
    /// The line under way, in modes that look at lines.
    line: Vec<u8>,
    /// Whether bytes of it were dropped.
    line_cut: bool,
    /// Where the line under way begins.
    line_at: u64,
    /// Bytes counted so far; a delimiter line is counted when it is whole.
    offset: u64,
    lines: u64,
    /// The last byte counted.
    previous: u8,
    /// Length of the last line end counted.
    line_end: u64,
    /// Which odd bytes were noted for the open part: NUL, bare CR, bare LF.
    noted: [bool; 3],
    checker: Checker,
    /// The header of the message.
    header: Vec<u8>,
    /// The headers of all other parts.
    part_headers: Vec<u8>,
    /// Whether lines of the header under way were dropped.
    header_cut: bool,
    finder: memmem::Finder<'static>,
}

/// What the bytes to come are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Lines of a header.
    Header,
    /// In a body, at the start of a line (or behind as much of it as `line` holds).
    LineStart,
    /// In a body, where no delimiter can begin before the next line.
    Body,
}

impl Default for IndexBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl IndexBuilder {
    /// An empty builder with the default limits.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty builder.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            tree: Tree::new(),
            mode: Mode::Header,
            line: Vec::new(),
            line_cut: false,
            line_at: 0,
            offset: 0,
            lines: 0,
            previous: 0,
            line_end: 0,
            noted: [false; 3],
            checker: Checker::Idle,
            header: Vec::new(),
            part_headers: Vec::new(),
            header_cut: false,
            finder: memmem::Finder::new(b"\n--"),
        }
    }

    /// Takes the next bytes of the message, in a piece of any size.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.mode {
                Mode::Header => self.header(rest),
                Mode::LineStart => self.line_start(rest),
                Mode::Body => self.body(rest),
            };
        }
    }

    /// Ends the message.
    pub fn finish(mut self) -> Index {
        let line = std::mem::take(&mut self.line);
        match self.mode {
            Mode::Header => {
                if !line.is_empty() {
                    self.header_line(&line, self.line_cut, self.line_end);
                }
                if self.mode == Mode::Header {
                    self.end_header(self.offset, false);
                }
            }
            Mode::LineStart => self.candidate(&line, false),
            Mode::Body => (),
        }
        if self.previous == b'\r' {
            self.tree.note(Ambiguity::BareCr, self.offset.saturating_sub(1), "");
        }
        self.end_content();
        self.tree.close_all(Place { at: self.offset, line_end: 0, lines: self.lines });
        let fields = Scan::new(&self.header).filter_map(|stretch| match stretch {
            Stretch::Field(field) => Some(field),
            Stretch::Odd(_) => None,
        });
        let fields: Vec<Field> = fields.take(self.limits.fields_max).collect();
        Index {
            size: self.offset,
            fields,
            header: self.header,
            parts: self.tree.parts,
            ambiguities: self.tree.sightings.finish(),
            part_headers: self.part_headers,
        }
    }

    /// Takes a line, or what there is of it, in a header.
    fn header<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let len = memchr(b'\n', bytes).map(|i| i + 1);
        let (taken, rest) = bytes.split_at(len.unwrap_or(bytes.len()));
        let line_end = self.line_end;
        self.count(taken);
        if len.is_some() && self.line.is_empty() && !self.line_cut {
            self.header_line(taken, false, line_end);
            return rest;
        }
        // One byte more than can be kept tells that it is too much.
        let max = self.limits.header_bytes_max.max(self.limits.part_header_bytes_max) + 1;
        let room = max.saturating_sub(self.line.len());
        self.line_cut |= taken.len() > room;
        self.line.extend(taken.iter().take(room));
        if len.is_some() {
            let mut line = std::mem::take(&mut self.line);
            let cut = std::mem::take(&mut self.line_cut);
            self.header_line(&line, cut, line_end);
            line.clear();
            self.line = line;
        }
        rest
    }

    /// A whole line of a header; `line_end` is the length of the line end before it.
    fn header_line(&mut self, line: &[u8], cut: bool, line_end: u64) {
        let at = std::mem::replace(&mut self.line_at, self.offset);
        let text = without_line_end(line);
        if text.is_empty() && !cut {
            return self.end_header(at, true);
        }
        if text.starts_with(b"--")
            && let Some(delimiter) = self.tree.delimiter(text, cut, at)
        {
            self.tree.note(Ambiguity::DelimiterInHeader, at, "");
            self.end_header(at, false);
            let lines = self.lines - u64::from(line.ends_with(b"\n"));
            return self.cross(delimiter, Place { at, line_end, lines });
        }
        let top = self.tree.current() == 0;
        let (kept, max) = if top {
            (&mut self.header, self.limits.header_bytes_max)
        } else {
            (&mut self.part_headers, self.limits.part_header_bytes_max)
        };
        if !self.header_cut && !cut && kept.len() + line.len() <= max {
            kept.extend_from_slice(line);
        } else if !std::mem::replace(&mut self.header_cut, true) {
            let what = if top { Ambiguity::HeaderTooLarge } else { Ambiguity::PartHeadersTooLarge };
            self.tree.note(what, at, "");
        }
    }

    /// The header of the open part ends at `at`; if it is `complete`, a body follows.
    fn end_header(&mut self, at: u64, complete: bool) {
        let index = self.tree.current();
        let default_type = self.default_type(index);
        let Some(part) = self.tree.parts.get_mut(index) else { return };
        part.header.end = at;
        part.body = self.offset..self.offset;
        let mut read = std::mem::take(part);
        let in_multipart = read.parent.and_then(|p| self.tree.parts.get(p));
        let in_multipart = in_multipart.is_some_and(|p| p.inside == Inside::Parts);
        let kept = if index == 0 { &self.header } else { &self.part_headers };
        read.kept.end = kept.len();
        let block = Block {
            bytes: kept.get(read.kept.clone()).unwrap_or_default(),
            at: read.header.start,
            part: index,
            role: if in_multipart { Role::Part } else { Role::Message },
            default_type,
            fields_max: self.limits.fields_max,
        };
        content::read(&block, &mut read, &mut self.tree.sightings);
        if !complete {
            read.body = at..at;
        }
        if let Some(part) = self.tree.parts.get_mut(index) {
            *part = read;
        }
        self.tree.begin_body(self.lines);
        self.mode = Mode::LineStart;
        if complete {
            self.begin_content(index);
        }
    }

    /// The type of a part that names none (RFC 2046 §5.1.5).
    fn default_type(&self, index: usize) -> &'static str {
        let parent = self.tree.parts.get(index).and_then(|part| part.parent);
        match parent.and_then(|parent| self.tree.parts.get(parent)) {
            Some(parent) if parent.media_type == "multipart/digest" => "message/rfc822",
            _ => "text/plain",
        }
    }

    /// Decides what the body that begins is.
    fn begin_content(&mut self, index: usize) {
        let Some(part) = self.tree.parts.get(index) else { return };
        let (encoding, at) = (part.encoding, part.header.start);
        let is_message = matches!(part.media_type.as_str(), "message/rfc822" | "message/global");
        let is_multipart = part.media_type.starts_with("multipart/");
        let depth = part.depth;
        if (is_message || is_multipart) && !encoding.is_identity() {
            self.tree.note(Ambiguity::EncodedComposite, at, "");
        }
        let is_encoded =
            matches!(encoding, TransferEncoding::Base64 | TransferEncoding::QuotedPrintable);
        if is_multipart || is_message && !is_encoded {
            if depth >= self.limits.depth_max {
                self.tree.note(Ambiguity::TooDeep, at, "");
            } else if is_message {
                if self.begin_part() {
                    self.parent_of_current(|parent| parent.inside = Inside::Message);
                }
                return;
            } else if let Some(boundary) = self.boundary(index) {
                return self.tree.begin_multipart(boundary, at);
            }
        }
        self.checker = Checker::of(encoding);
    }

    fn parent_of_current(&mut self, change: impl FnOnce(&mut Part)) {
        let parent = self.tree.part_mut().and_then(|part| part.parent);
        if let Some(parent) = parent.and_then(|parent| self.tree.parts.get_mut(parent)) {
            change(parent);
        }
    }

    /// Opens the part whose header follows, unless there are too many.
    fn begin_part(&mut self) -> bool {
        if !self.tree.descend(self.offset, &self.limits) {
            self.mode = Mode::LineStart;
            return false;
        }
        let start = self.part_headers.len();
        if let Some(part) = self.tree.part_mut() {
            part.kept = start..start;
        }
        (self.mode, self.line_at) = (Mode::Header, self.offset);
        (self.header_cut, self.noted) = (false, [false; 3]);
        true
    }

    /// The boundary of a multipart, and what is odd about it.
    fn boundary(&mut self, index: usize) -> Option<Vec<u8>> {
        let part = self.tree.parts.get(index)?;
        let at = part.header.start;
        let content_type = part.content_type.as_ref();
        let given: Vec<Vec<u8>> = content_type
            .map(|t| t.plain("boundary").map(<[u8]>::to_vec).collect())
            .unwrap_or_default();
        let marked = content_type.and_then(|t| t.get("boundary")).map(String::into_bytes);
        if given.len() > 1 {
            self.tree.note(Ambiguity::DoubledBoundary, at, "");
        }
        let is_marked = given.is_empty();
        let Some(mut boundary) = given.into_iter().next().or(marked) else {
            self.tree.note(Ambiguity::MissingBoundary, at, "");
            return None;
        };
        if is_marked || !is_proper_boundary(&boundary) {
            let shown = String::from_utf8_lossy(&boundary).into_owned();
            let empty = boundary.trim_ascii().is_empty();
            let what = if empty { Ambiguity::EmptyBoundary } else { Ambiguity::OddBoundary };
            self.tree.note(what, at, &shown);
        }
        // Blanks at the end of a delimiter line are transport padding, so they distinguish nothing.
        boundary.truncate(boundary.trim_ascii_end().len());
        (!boundary.is_empty()).then_some(boundary)
    }

    /// At the start of a line in a body: gathers it while it can be a delimiter.
    fn line_start<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(max) = self.tree.delimiter_line_max() else {
            self.mode = Mode::Body;
            return bytes;
        };
        let mut rest = bytes;
        while self.line.len() < 2 {
            match rest.split_first() {
                Some((b'-', behind)) => {
                    self.line.push(b'-');
                    rest = behind;
                }
                Some(_) => {
                    self.plain_line(false);
                    return rest;
                }
                None => return rest,
            }
        }
        let room = max.saturating_sub(self.line.len()).min(rest.len());
        let (window, _) = rest.split_at(room);
        let len = memchr(b'\n', window).map(|i| i + 1);
        let (taken, behind) = rest.split_at(len.unwrap_or(room));
        self.line.extend_from_slice(taken);
        if len.is_some() || self.line.len() >= max {
            let mut line = std::mem::take(&mut self.line);
            self.candidate(&line, len.is_none());
            line.clear();
            self.line = line;
        }
        behind
    }

    /// The line gathered is no delimiter.
    fn plain_line(&mut self, whole: bool) {
        let mut line = std::mem::take(&mut self.line);
        self.content(&line);
        line.clear();
        self.line = line;
        self.mode = if whole { Mode::LineStart } else { Mode::Body };
    }

    /// A line of a body that begins with two dashes; `cut` if it was too long to be gathered.
    fn candidate(&mut self, line: &[u8], cut: bool) {
        let at = self.offset;
        match self.tree.delimiter(without_line_end(line), cut, at) {
            Some(delimiter) => {
                let place = Place { at, line_end: self.line_end, lines: self.lines };
                self.end_content();
                self.count(line);
                self.cross(delimiter, place);
            }
            None => {
                self.content(line);
                self.mode = if cut { Mode::Body } else { Mode::LineStart };
            }
        }
    }

    /// Goes over a delimiter line that was counted.
    fn cross(&mut self, delimiter: Delimiter, place: Place) {
        self.noted = [false; 3];
        self.mode = Mode::LineStart;
        if self.tree.cross(delimiter, place) {
            self.begin_part();
        }
    }

    /// In a body, inside a line: everything up to where the next delimiter can begin.
    fn body<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.tree.delimiter_line_max().is_none() {
            self.content(bytes);
            return &[];
        }
        let found = self.finder.find(bytes).map(|i| i + 1);
        // A line may have begun just before the end of the piece.
        let begun = || {
            let undashed = bytes.strip_suffix(b"-").unwrap_or(bytes);
            undashed.ends_with(b"\n").then_some(undashed.len())
        };
        let len = found.or_else(begun);
        if len.is_some() {
            self.mode = Mode::LineStart;
        }
        let (taken, rest) = bytes.split_at(len.unwrap_or(bytes.len()));
        self.content(taken);
        rest
    }

    /// Bytes of a body.
    fn content(&mut self, bytes: &[u8]) {
        let (at, tree) = (self.offset, &mut self.tree);
        self.checker.feed(bytes, at, &mut |ambiguity, at| tree.note(ambiguity, at, ""));
        self.tree.between_parts(bytes, at);
        if self.count(bytes)
            && let Some(part) = self.tree.part_mut()
        {
            part.eight_bit = true;
        }
    }

    /// The content of the open part ends.
    fn end_content(&mut self) {
        let tree = &mut self.tree;
        self.checker.end(self.offset, &mut |ambiguity, at| tree.note(ambiguity, at, ""));
    }

    /// Counts bytes and notes odd ones; whether there were any above 127.
    fn count(&mut self, bytes: &[u8]) -> bool {
        let census = census::take(self.previous, bytes);
        let places = [
            (Ambiguity::Nul, census.nul.map(|i| self.offset + i as u64)),
            // The CR stands before the byte that gives it away.
            (Ambiguity::BareCr, census.bare_cr.map(|i| (self.offset + i as u64).saturating_sub(1))),
            (Ambiguity::BareLf, census.bare_lf.map(|i| self.offset + i as u64)),
        ];
        for ((ambiguity, place), noted) in places.into_iter().zip(&mut self.noted) {
            if let Some(at) = place
                && !std::mem::replace(noted, true)
            {
                self.tree.note(ambiguity, at, "");
            }
        }
        if let Some((&last, before)) = bytes.split_last() {
            if last == b'\n' {
                let cr = before.last().copied().unwrap_or(self.previous) == b'\r';
                self.line_end = if cr { 2 } else { 1 };
            }
            self.previous = last;
        }
        self.lines += census.lines;
        self.offset += bytes.len() as u64;
        census.eight_bit
    }
}

/// RFC 2046 §5.1.1: 1 to 70 of these, no blank at the end.
fn is_proper_boundary(boundary: &[u8]) -> bool {
    let proper = |b: &u8| b.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(b);
    (1..=70).contains(&boundary.len()) && boundary.iter().all(proper) && !boundary.ends_with(b" ")
}
