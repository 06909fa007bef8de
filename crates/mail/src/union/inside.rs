//! What is inside a content: blocks in text, the forks of Apple's files, signed messages.

use super::blocks;
use super::decode::Encoding;
use super::facts::Facts;
use super::place::At;
use super::reader::{Look, Reader};
use super::shape::looks_like_message;
use super::{Source, apple, der};
use std::ops::Range;

impl Reader<'_> {
    /// The content of S/MIME (RFC 8551 §3.5.2): every string in it that looks like a part. Where
    /// these stand, so that nobody takes them for text with something around it.
    pub(super) fn signed(&mut self, at: &At, content: &[u8]) -> Vec<Range<usize>> {
        let mut read = Vec::new();
        let mut strings = der::strings(content, self.limits.depth_max);
        while let Some(string) = strings.next_string() {
            let held = string.bytes.len();
            let payment = self.budget.bytes(held).and_then(|()| self.budget.hold(held));
            if !self.paid(payment) {
                break;
            }
            if looks_like_message(&string.bytes) {
                self.message(&string.bytes, &at.decoded(), true);
                read.extend(string.range);
            }
            self.budget.release(held);
        }
        read
    }

    pub(super) fn apple(&mut self, at: &At, facts: &Facts, content: &[u8]) {
        if at.depth >= self.limits.depth_max {
            return;
        }
        let at = At { depth: at.depth + 1, ..at.decoded() };
        for fork in apple::forks(content) {
            let mut names = facts.clone();
            names.encodings = vec![Encoding::Identity];
            names.names.extend(fork.name);
            self.content(&at, &names, Source::Apple, fork.bytes, Look::All);
        }
    }

    /// A body that is declared to be a block as a whole; without a first line too.
    pub(super) fn whole_block(&mut self, kind: blocks::Kind, at: &At, facts: &Facts, body: &[u8]) {
        // With its first line it is found in the text.
        self.content(at, facts, Source::OtherReading, body, Look::Blocks);
        if let Some(content) = blocks::whole(kind, body) {
            let payment = self.budget.hold(content.len());
            if self.paid(payment) {
                self.content(&at.decoded(), facts, kind.source(), &content, Look::All);
                self.budget.release(content.len());
            }
        }
    }

    pub(super) fn blocks(&mut self, at: &At, content: &[u8]) {
        let marks = blocks::marks(content);
        if marks.is_empty() {
            return;
        }
        if at.depth >= self.limits.depth_max {
            return self.incomplete("union_depth_max");
        }
        let watching = std::mem::replace(&mut self.watching, true);
        let mut text_from = 0;
        for (number, mark) in marks.iter().enumerate() {
            let limit = marks.get(number + 1).map_or(content.len(), |next| next.at);
            let readings = blocks::read(content, mark, limit);
            if let Some(block) = readings.last() {
                self.around_block(at, content, text_from..block.range.start);
                text_from = block.range.end;
            }
            let held = readings.iter().map(|block| block.bytes.len()).sum();
            let payment = self.budget.hold(held);
            if !self.paid(payment) {
                return;
            }
            for block in readings {
                let inside = at.inside(&block.range);
                let inside = At { depth: at.depth + 1, base: None, ..inside };
                // A file, with a name or without: not the text that it stands in.
                let names = Facts {
                    names: block.names,
                    types: vec!["application/octet-stream".to_owned()],
                    encodings: vec![Encoding::Identity],
                    ..Facts::default()
                };
                self.content(&inside, &names, mark.kind.source(), &block.bytes, Look::All);
            }
            self.budget.release(held);
        }
        if text_from > 0 {
            self.around_block(at, content, text_from..content.len());
        }
        self.watching = watching;
    }

    /// The text before or behind a block, which is a part of its own to some readers.
    fn around_block(&mut self, at: &At, content: &[u8], range: Range<usize>) {
        let text = content.get(range.clone()).unwrap_or_default();
        if !text.trim_ascii().is_empty() {
            let facts = Facts::of(b"", "text/plain");
            self.give(&at.inside(&range), &facts, Source::OtherReading, text);
        }
    }
}

/// The kinds of blocks and whom they come from.
impl blocks::Kind {
    fn source(self) -> Source {
        match self {
            Self::Uuencode => Source::Uuencode,
            Self::Yenc => Source::Yenc,
            Self::BinHex => Source::BinHex,
        }
    }
}
