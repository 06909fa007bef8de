//! Walks through a message and gives what is seen.

use super::blocks;
use super::budget::Budget;
use super::decode::Encoding;
use super::doubt::{Weight, has_hidden_parts, hidden, is_doubtful};
use super::facts::Facts;
use super::place::{At, Frame, range};
use super::shape::{drop_encoding, is_usual_between, looks_like_message, without_delimiter};
use super::{Outcome, Seen, Source, UnionLimits, base64, cuts, limit_of, quoted};
use crate::index::{Ambiguity, Index, Inside, Part, Sighting};
use memchr::memchr;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;

/// What a reading has so far.
pub(super) struct Reader<'r> {
    pub(super) limits: &'r UnionLimits,
    pub(super) budget: Budget,
    each: &'r mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    /// Keyed at random, so that nobody makes two contents that count as one.
    hasher: RandomState,
    /// What was given: content with its facts.
    given: HashSet<(u64, u64)>,
    /// What was given: content alone.
    contents: HashSet<u64>,
    /// Messages inside parts that were read.
    messages: HashSet<u64>,
    /// Whether contents may come twice, so that they are worth a hash.
    pub(super) watching: bool,
    /// Whether one decoding of each body is enough.
    pub(super) brief: bool,
    /// Whether the next content is given even if the same was given before: each part of the
    /// preferred reading has its own.
    always: bool,
    outcome: Outcome,
    stopped: bool,
}

impl<'r> Reader<'r> {
    pub(super) fn new(
        size: u64,
        limits: &'r UnionLimits,
        each: &'r mut dyn FnMut(Seen<'_>) -> ControlFlow<()>,
    ) -> Self {
        Self {
            limits,
            budget: Budget::new(size, limits),
            each,
            hasher: RandomState::new(),
            given: HashSet::new(),
            contents: HashSet::new(),
            messages: HashSet::new(),
            watching: false,
            brief: false,
            always: false,
            outcome: Outcome::default(),
            stopped: false,
        }
    }

    pub(super) fn finish(self) -> Outcome {
        self.outcome
    }

    /// Reads the message received.
    pub(super) fn top(&mut self, bytes: &[u8], index: &Index) {
        self.frame(&Frame { bytes, around: None, depth: 0, counts: true }, index);
    }

    pub(super) fn is_over(&self) -> bool {
        self.stopped
    }

    /// What is over a limit ends the reading.
    pub(super) fn over(&mut self, limit: &'static str) {
        self.incomplete(limit);
        self.stopped = true;
    }

    /// What is over a limit is left out, and the reading goes on.
    pub(super) fn incomplete(&mut self, limit: &'static str) {
        self.outcome.incomplete.get_or_insert(limit);
    }

    pub(super) fn paid(&mut self, payment: Result<(), &'static str>) -> bool {
        if let Err(limit) = payment {
            self.over(limit);
        }
        !self.stopped
    }

    fn note(&mut self, ambiguity: Ambiguity, part: usize, at: u64) {
        let known = self.outcome.ambiguities.iter().filter(|s| s.ambiguity == ambiguity).count();
        if known < crate::index::PER_KIND_MAX {
            let sighting = Sighting { at, ambiguity, part, detail: String::new() };
            self.outcome.ambiguities.push(sighting);
        }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// Reads a message inside a part, unless it was read before. Where mail programs do not show it
    /// as a message, but as a file, it does not matter for the ambiguities: `counts` is false.
    pub(super) fn message(&mut self, bytes: &[u8], at: &At, counts: bool) {
        if at.depth >= self.limits.depth_max {
            return self.incomplete("union_depth_max");
        }
        let hash = self.hash(bytes);
        let payment = self.budget.bytes(bytes.len());
        if !self.messages.insert(hash) || !self.paid(payment) {
            return;
        }
        let index = Index::of(bytes);
        let around = Some(At { base: at.base, ..at.clone() });
        self.frame(&Frame { bytes, around, depth: at.depth + 1, counts }, &index);
    }

    fn frame(&mut self, frame: &Frame<'_>, index: &Index) {
        let frame = &Frame {
            around: frame.around.clone().map(|at| At { depth: frame.depth, ..at }),
            ..*frame
        };
        let stray = has_hidden_parts(frame.bytes, index);
        self.ambiguities(frame, index, stray);
        let doubtful = stray || is_doubtful(frame.bytes, index);
        let before = self.watching;
        self.watching |= doubtful;
        for (number, part) in index.parts.iter().enumerate() {
            if self.stopped {
                return;
            }
            self.part(frame, index, number, part);
        }
        self.without_mime(frame, index);
        if doubtful && !self.stopped {
            self.regions(frame, index);
            self.sweep(frame);
        }
        self.watching = before;
    }

    /// `stray`: whether there are parts that the index does not have.
    fn ambiguities(&mut self, frame: &Frame<'_>, index: &Index, stray: bool) {
        let (base, around) = match &frame.around {
            Some(at) => (Some(at.place.start), at.part),
            None => (None, None),
        };
        let has_cr = memchr(b'\r', frame.bytes).is_some();
        let place = |part: usize, at: u64| (around.unwrap_or(part), base.unwrap_or(at));
        for sighting in &index.ambiguities {
            if let Some(limit) = limit_of(sighting.ambiguity) {
                self.incomplete(limit);
            }
            // Lines that all end in LF are lines to every reader.
            let lines = sighting.ambiguity == Ambiguity::BareLf && !has_cr;
            if frame.counts && !lines && Weight::of(sighting.ambiguity) != Weight::Text {
                let (part, at) = place(sighting.part, sighting.at);
                let detail = sighting.detail.clone();
                let known = Sighting { part, at, detail, ..*sighting };
                if self.outcome.ambiguities.len() < AMBIGUITIES_MAX {
                    self.outcome.ambiguities.push(known);
                }
            }
        }
        if !frame.counts {
            return;
        }
        if stray {
            let (number, at) = place(0, 0);
            self.note(Ambiguity::StrayDelimiter, number, at);
        }
        for (number, part) in index.parts.iter().enumerate() {
            if let Some(ambiguity) = hidden(index, part) {
                let (number, at) = place(number, part.header.start);
                self.note(ambiguity, number, at);
            }
        }
    }

    fn part(&mut self, frame: &Frame<'_>, index: &Index, number: usize, part: &Part) {
        let at = frame.at(number, part);
        let body_range = range(&part.body);
        let body = frame.bytes.get(body_range.clone()).unwrap_or_default();
        let at_body =
            At { base: at.base.map(|_| frame.at_range(&body_range)).and_then(|a| a.base), ..at };
        match part.inside {
            Inside::Content => {
                let facts = Facts::of(index.header_of(part).bytes(), &part.media_type);
                self.always = frame.around.is_none();
                self.leaf(&at_body, &facts, body, Source::Part, Look::All);
                self.always = false;
            }
            Inside::Message => {
                // The message inside is a part of the index; that it is there has a name and type.
                let facts = Facts::of(index.header_of(part).bytes(), &part.media_type);
                self.fragment(&at_body, &facts, body);
            }
            Inside::Parts => {
                self.between(frame, index, part);
                let encoded = |s: &Sighting| {
                    s.ambiguity == Ambiguity::EncodedComposite && s.at == part.header.start
                };
                if index.ambiguities.iter().any(encoded) {
                    let facts = Facts::of(index.header_of(part).bytes(), &part.media_type);
                    self.encoded_multipart(&at_body, &facts, index.header_of(part).bytes(), body);
                }
            }
        }
    }

    /// What a message inside a message is to a reader that shows it as a file.
    fn fragment(&mut self, at: &At, facts: &Facts, body: &[u8]) {
        if !facts.names.is_empty() || facts.types.len() > 1 || !facts.has_mime {
            self.give(at, facts, Source::Part, body);
        }
    }

    /// A multipart with a transfer encoding: to some readers its parts are inside the decoded
    /// bytes.
    pub(super) fn encoded_multipart(&mut self, at: &At, facts: &Facts, header: &[u8], body: &[u8]) {
        for encoding in facts.encodings.clone() {
            if !matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable) {
                continue;
            }
            self.decoded(encoding, body, &mut |reader, _, content| {
                if content.is_empty() {
                    return;
                }
                let held = header.len() + content.len();
                let payment = reader.budget.hold(held);
                if !reader.paid(payment) {
                    return;
                }
                let mut message = drop_encoding(header);
                message.reserve_exact(content.len() + 2);
                message.extend_from_slice(b"\r\n");
                message.extend_from_slice(content);
                reader.message(&message, &at.decoded(), true);
                reader.budget.release(held);
            });
        }
    }

    /// The preamble and the epilogue, which some readers show or decode.
    fn between(&mut self, frame: &Frame<'_>, index: &Index, part: &Part) {
        let body = range(&part.body);
        if body.is_empty() {
            return;
        }
        let children = || part.children.iter().filter_map(|child| index.parts.get(*child));
        let first = children().map(|child| range(&child.header).start).next();
        let last = children().next_back().map(|child| range(&child.body).end);
        for stretch in [body.start..first.unwrap_or(body.end), last.unwrap_or(body.end)..body.end] {
            let stretch = without_delimiter(frame.bytes, stretch);
            let text = frame.bytes.get(stretch.clone()).unwrap_or_default();
            if is_usual_between(text) {
                continue;
            }
            let at = frame.at_range(&stretch);
            self.text(&at, text);
            if looks_like_message(text) {
                self.message(text, &at, true);
            }
        }
    }

    /// Without MIME-Version, all is text to a strict reader.
    fn without_mime(&mut self, frame: &Frame<'_>, index: &Index) {
        let Some(root) = index.root() else { return };
        let missing = |s: &Sighting| s.ambiguity == Ambiguity::MissingMimeVersion && s.part == 0;
        if root.inside == Inside::Content && root.encoding.is_identity()
            || !index.ambiguities.iter().any(missing)
        {
            return;
        }
        let body = range(&root.body);
        self.text(&frame.at_range(&body), frame.bytes.get(body.clone()).unwrap_or_default());
    }

    /// Plain text that only some readers see.
    pub(super) fn text(&mut self, at: &At, text: &[u8]) {
        let facts = Facts::of(b"", "text/plain");
        self.content(at, &facts, Source::OtherReading, text, Look::Blocks);
    }

    /// A body, decoded in every way that its header allows.
    /// `look` says what is looked for in the bytes as they are.
    pub(super) fn leaf(&mut self, at: &At, facts: &Facts, body: &[u8], source: Source, look: Look) {
        if facts.over {
            self.incomplete("union_names_max");
        }
        let watching = self.watching;
        for (number, &encoding) in facts.encodings.iter().enumerate() {
            if self.stopped {
                break;
            }
            self.watching |= facts.encodings.len() > 1;
            let source = if number == 0 { source } else { Source::OtherReading };
            match encoding {
                Encoding::Identity => self.content(at, facts, source, body, look),
                Encoding::Base64 | Encoding::QuotedPrintable => {
                    let decoded = at.decoded();
                    self.decoded(encoding, body, &mut |reader, number, content| {
                        let source = if number == 0 { source } else { Source::OtherReading };
                        reader.content(&decoded, facts, source, content, Look::All);
                    });
                }
                Encoding::Uuencode => self.whole_block(blocks::Kind::Uuencode, at, facts, body),
                Encoding::Yenc => self.whole_block(blocks::Kind::Yenc, at, facts, body),
                Encoding::BinHex => self.whole_block(blocks::Kind::BinHex, at, facts, body),
            }
        }
        self.watching = watching;
    }

    /// Calls `each` with every decoding of `body` and its number.
    fn decoded(
        &mut self,
        encoding: Encoding,
        body: &[u8],
        each: &mut dyn FnMut(&mut Self, usize, &[u8]),
    ) {
        let held = match encoding {
            Encoding::Base64 => body.len() / 4 * 3 + 3,
            _ => body.len(),
        };
        let payment = self.budget.hold(held);
        if !self.paid(payment) {
            return;
        }
        // What is inside is read in full.
        let brief = std::mem::take(&mut self.brief);
        let mut out = Vec::new();
        let clean = encoding == Encoding::Base64 && base64::clean(body, &mut out);
        if clean {
            each(self, 0, &out);
        } else {
            let watching = std::mem::replace(&mut self.watching, true);
            let mut number = 0;
            let mut variant = |content: &[u8]| {
                each(self, number, content);
                number += 1;
                // Reading costs, whether or not it is given.
                let payment = self.budget.bytes(body.len() / 4);
                self.paid(payment) && !brief
            };
            if encoding == Encoding::Base64 {
                base64::readings(body, &mut out, &mut variant);
                // Where nothing can be decoded, some readers give the text.
                if !self.stopped && !brief {
                    each(self, number.max(1), body);
                }
            } else {
                quoted::readings(body, &mut out, &mut variant);
            }
            self.watching = watching;
        }
        self.brief = brief;
        self.budget.release(held);
    }

    /// Gives a content and what is inside it.
    pub(super) fn content(
        &mut self,
        at: &At,
        facts: &Facts,
        source: Source,
        content: &[u8],
        look: Look,
    ) {
        if !self.give(at, facts, source, content) {
            return;
        }
        self.blocks(at, content);
        if look == Look::Blocks || self.stopped {
            return;
        }
        let is_der = facts.is_smime() || content.starts_with(b"\x30");
        let signed = if is_der { self.signed(at, content) } else { Vec::new() };
        self.apple(at, facts, content);
        if look == Look::Files {
            return;
        }
        let is_read = |cut: usize| signed.iter().any(|string| string.contains(&cut));
        let stray = at.base.is_some() && looks_like_message(content);
        if stray && !facts.is_message() && facts.names.is_empty() {
            self.note(Ambiguity::StrayHeader, at.part.unwrap_or(0), at.place.start);
        }
        if facts.is_message()
            || looks_like_message(content)
            || at.base.is_none() && cuts::has_hidden(content, &is_read)
        {
            self.message(content, at, facts.is_message() || stray);
        }
    }

    /// Gives a content; `false` if it was given before with the same facts, or all is over.
    pub(super) fn give(&mut self, at: &At, facts: &Facts, source: Source, content: &[u8]) -> bool {
        let always = std::mem::take(&mut self.always);
        if self.stopped {
            return false;
        }
        if self.watching {
            // Comparing costs too, whether or not it is given then.
            let payment = self.budget.bytes(content.len() / 4 + SEEN_COST);
            if !self.paid(payment) {
                return false;
            }
            let hash = self.hash(content);
            let new = self.contents.insert(hash);
            if source == Source::Sweep && !new {
                return false;
            }
            let facts = self.hasher.hash_one((&facts.names, &facts.types));
            if !self.given.insert((hash, facts)) && !always {
                return false;
            }
        }
        let payment = self.budget.seen().and_then(|()| self.budget.bytes(content.len()));
        if !self.paid(payment) {
            return false;
        }
        if matches!(source, Source::OtherReading | Source::Sweep) {
            self.outcome.others += 1;
        }
        let seen = Seen {
            part: at.part,
            place: at.place.clone(),
            source,
            names: facts.names.clone(),
            types: facts.types.clone(),
            content,
            held: self.budget.held(),
        };
        self.stopped = (self.each)(seen).is_break();
        !self.stopped
    }
}

/// How much is looked for in a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Blocks of uuencode and their kin.
    Blocks,
    /// Files of other kinds too.
    Files,
    /// Messages too.
    All,
}

/// What the least content costs in bytes where contents are compared.
const SEEN_COST: usize = 256;

/// Ambiguities told of a message with all that is inside it.
const AMBIGUITIES_MAX: usize = 1_000;
