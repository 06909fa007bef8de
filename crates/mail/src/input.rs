//! What a peer has sent and nobody has looked at yet; and lines cut from it.
//!
//! For the machines of every protocol that speaks in lines: what stands between two lines (a body,
//! a literal) is taken from the same bytes by its length. Holds one unfinished line at most,
//! besides what one call of `receive` brought: an over-long line is swallowed as it comes.

use crate::Secret;
use memchr::{memchr, memchr2};
use std::ops::Range;

/// The unread bytes, and how far the search for a line end has come.
#[derive(Default)]
pub struct Input {
    buffer: Vec<u8>,
    /// Where the unread part begins.
    start: usize,
    /// How much of the unread part has no LF: not searched again (10 times the input must not cost
    /// 100 times the work when it comes byte by byte).
    searched: usize,
    /// A line longer than this is being swallowed.
    swallowing: Option<usize>,
    /// The last byte swallowed was CR.
    after_cr: bool,
}

/// A line taken from an [`Input`].
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A good line, without its end; `repaired` where that end was a bare LF.
    Text {
        /// Where the text is: see [`Input::slice`].
        at: Range<usize>,
        /// Whether it ended in a bare LF that may be taken for CRLF.
        repaired: bool,
    },
    /// Longer than its limit; it has been swallowed to its end.
    TooLong {
        /// The limit that it passed.
        limit: usize,
    },
    /// It holds a bare CR, or ends in a bare LF that may not be repaired.
    BareEnd,
    /// It holds a NUL byte.
    Nul,
}

impl Input {
    /// Takes what the peer sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// What has not been read.
    pub fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Marks the next `count` bytes as read; their slice stays good until the next `receive`.
    pub fn consume(&mut self, count: usize) -> Range<usize> {
        let from = self.start;
        self.start = (from + count).min(self.buffer.len());
        self.searched = 0;
        from..self.start
    }

    /// Bytes that were read before.
    pub fn slice(&self, at: Range<usize>) -> &[u8] {
        self.buffer.get(at).unwrap_or_default()
    }

    /// The text of a line that may be a secret, overwritten here; `None` if it is not UTF-8.
    pub fn take(&mut self, at: Range<usize>) -> Option<Secret<String>> {
        let text = std::str::from_utf8(self.slice(at.clone())).ok();
        let text = text.map(|text| Secret::new(text.to_owned()));
        self.wipe(at);
        text
    }

    /// Overwrites bytes that held a secret.
    pub fn wipe(&mut self, at: Range<usize>) {
        self.buffer.get_mut(at).unwrap_or_default().fill(0);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buffer.fill(0);
        *self = Self::default();
    }

    /// Gives unused memory back.
    pub fn shrink(&mut self) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        self.buffer.shrink_to_fit();
    }

    /// How much memory it takes.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether the bytes are anywhere in memory, read or not: no secret may be.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(&self.buffer, bytes).is_some()
    }

    /// Takes the next line, if all of it is there. One that is no [`Line::Text`] is overwritten.
    ///
    /// Only CRLF ends a line, and a bare LF where `repair` allows it. `limit` gives the longest
    /// line allowed, its end included, from how the line begins.
    pub fn line(&mut self, limit: impl Fn(&[u8]) -> usize, repair: bool) -> Option<Line> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        let rest = unread.get(self.searched..).unwrap_or_default();
        let Some(found) = memchr(b'\n', rest) else {
            self.searched = unread.len();
            let passed = self.passed(unread.len(), || limit(unread));
            if let (Some(limit), Some(last)) = (passed, unread.last()) {
                self.after_cr = *last == b'\r';
                self.swallowing = Some(limit);
                let swallowed = self.consume(self.buffer.len() - self.start);
                self.wipe(swallowed);
            }
            return None;
        };
        let end = self.searched + found;
        let text = unread.get(..end).unwrap_or_default();
        let (text, crlf) = match text.split_last() {
            Some((b'\r', text)) => (text, true),
            Some(_) => (text, false),
            None => (text, self.swallowing.is_some() && self.after_cr),
        };
        let passed = self.passed(end + 1, || limit(unread));
        let line = if !crlf && !repair {
            Line::BareEnd
        } else if let Some(limit) = passed {
            Line::TooLong { limit }
        } else {
            match memchr2(b'\r', 0, text).and_then(|at| text.get(at)) {
                Some(0) => Line::Nul,
                Some(_) => Line::BareEnd,
                None => Line::Text { at: self.start..self.start + text.len(), repaired: !crlf },
            }
        };
        self.swallowing = None;
        let whole = self.consume(end + 1);
        if !matches!(line, Line::Text { .. }) {
            self.wipe(whole);
        }
        Some(line)
    }

    /// The limit that a line of `length` bytes passes, or has passed already.
    fn passed(&self, length: usize, limit: impl Fn() -> usize) -> Option<usize> {
        self.swallowing.or_else(|| Some(limit()).filter(|limit| length > *limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], repair: bool, expected: &[&str]) {
        for size in [1, 2, 3, input.len().max(1)] {
            let mut lines = Input::default();
            let mut seen = Vec::new();
            for piece in input.chunks(size) {
                lines.receive(piece);
                while let Some(line) = lines.line(|_| 8, repair) {
                    seen.push(match line {
                        Line::Text { at, repaired } => {
                            let text = String::from_utf8_lossy(lines.slice(at)).into_owned();
                            if repaired { format!("{text} (repaired)") } else { text }
                        }
                        Line::TooLong { .. } => "TooLong".to_owned(),
                        other => format!("{other:?}"),
                    });
                }
                assert!(lines.unread().len() <= 8, "over-long lines are kept");
            }
            assert_eq!(seen, expected, "for {input:?} in pieces of {size}");
        }
    }

    #[test]
    fn lines() {
        check(b"NOOP\r\nQUIT\r\nrest", false, &["NOOP", "QUIT"]);
        check(b"123456\r\n1234567\r\nA\r\n", false, &["123456", "TooLong", "A"]);
        check(b"12345678901234567890\r\r\nA\r\n", false, &["TooLong", "A"]);
        check(b"12345678901234567890\nA\r\n", false, &["BareEnd", "A"]);
        check(b"12345678901234567890\nA\r\n", true, &["TooLong", "A"]);
        check(b"A\nB\r\n\n", false, &["BareEnd", "B", "BareEnd"]);
        check(b"A\nB\r\n\n", true, &["A (repaired)", "B", " (repaired)"]);
        check(b"A\rB\r\nC\r\r\n", false, &["BareEnd", "BareEnd"]);
        check(b"A\0B\r\n\0\r\r\n\r\0\r\n", false, &["Nul", "Nul", "BareEnd"]);
        check(b"\r\n", false, &[""]);
    }
    #[test]
    fn secrets_are_overwritten() {
        let mut lines = Input::default();
        lines.receive(b"PASS secret\r\n\xff\r\nNOOP\r\n");
        let Some(Line::Text { at, .. }) = lines.line(|_| 255, false) else { panic!("no line") };
        let text = lines.take(at).map(|text| text.expose().clone());
        assert_eq!(text.as_deref(), Some("PASS secret"));
        assert!(!lines.holds(b"secret") && lines.holds(b"NOOP"));
        let Some(Line::Text { at, .. }) = lines.line(|_| 255, false) else { panic!("no line") };
        assert!(lines.take(at).is_none(), "not UTF-8");
        for bad in [b"secret\n".as_slice(), b"secret\0\r\n", b"a longer secret", b"secret\r\n"] {
            lines.receive(bad);
            while lines.line(|_| 10, false).is_some() {}
            assert!(!lines.holds(b"secret"), "of {bad:?}");
        }
    }

    #[test]
    fn what_is_no_line_is_taken_by_its_length() {
        let mut input = Input::default();
        input.receive(b"A {3}\r\n\n\0xB\r\n");
        assert!(matches!(input.line(|_| 80, false), Some(Line::Text { .. })));
        let literal = input.consume(3);
        assert_eq!(input.slice(literal), b"\n\0x");
        assert!(matches!(input.line(|_| 80, false), Some(Line::Text { at, .. }) if at.len() == 1));
        assert!(input.unread().is_empty());
    }
}
