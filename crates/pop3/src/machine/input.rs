//! What the peer has sent and nobody has looked at yet; and lines cut from it.
//!
//! Holds one unfinished line at most, besides what one call of `receive` brought: an over-long
//! line is swallowed as it comes.

use mail::Secret;

/// The unread bytes.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    /// Where the unread part begins.
    start: usize,
    /// How much of the unread part has no LF: it is not searched again.
    searched: usize,
    /// A line longer than allowed is being swallowed.
    swallowing: bool,
}

/// A line taken from the input.
pub(super) enum Line {
    /// A good line, without its end. It may hold a password.
    Text(Secret<String>),
    /// Longer than its limit; it has been swallowed to its end.
    TooLong,
    /// It ends in a bare LF, or holds a bare CR.
    BareEnd,
    /// It holds a NUL byte, or is not UTF-8.
    NotText,
}

impl Input {
    /// Takes what the peer sent.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether everything has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.start >= self.buffer.len()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.buffer.fill(0);
        *self = Self::default();
    }

    /// Gives unused memory back.
    pub(super) fn shrink(&mut self) {
        self.buffer.drain(..self.start.min(self.buffer.len()));
        self.start = 0;
        self.buffer.shrink_to_fit();
    }

    /// How much memory it takes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether the bytes are anywhere in memory, read or not.
    #[cfg(test)]
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        self.buffer.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Takes the next line, if all of it is there. `limit` gives the longest line allowed, its end
    /// included, from how the line begins.
    pub(super) fn line(&mut self, limit: impl Fn(&[u8]) -> usize) -> Option<Line> {
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        let rest = unread.get(self.searched..).unwrap_or_default();
        let Some(found) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = unread.len();
            if self.swallowing || unread.len() > limit(unread) {
                self.swallowing = true;
                self.take(self.buffer.len());
            }
            return None;
        };
        let end = self.searched + found + 1;
        let too_long = std::mem::take(&mut self.swallowing) || end > limit(unread);
        let line = unread.get(..end).unwrap_or_default();
        let line = if too_long { Line::TooLong } else { read(line) };
        self.take(self.start + end);
        Some(line)
    }

    /// Marks everything up to `end` as read, and overwrites it: it may have been a password.
    fn take(&mut self, end: usize) {
        self.buffer.get_mut(self.start..end).unwrap_or_default().fill(0);
        self.start = end;
        self.searched = 0;
    }
}

fn read(line: &[u8]) -> Line {
    let Some(text) = line.strip_suffix(b"\r\n") else { return Line::BareEnd };
    if text.contains(&b'\r') {
        return Line::BareEnd;
    }
    match std::str::from_utf8(text) {
        Ok(text) if !text.contains('\0') => Line::Text(Secret::new(text.to_owned())),
        _ => Line::NotText,
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Line};

    fn check(input: &[u8], expected: &[&str]) {
        for size in [1, 2, 3, input.len().max(1)] {
            let mut lines = Input::default();
            let mut seen = Vec::new();
            for piece in input.chunks(size) {
                lines.receive(piece);
                while let Some(line) = lines.line(|_| 8) {
                    seen.push(match line {
                        Line::Text(text) => text.expose().clone(),
                        Line::TooLong => "(too long)".to_owned(),
                        Line::BareEnd => "(bare end)".to_owned(),
                        Line::NotText => "(not text)".to_owned(),
                    });
                }
                assert!(lines.capacity() < 64, "over-long lines are kept");
            }
            assert_eq!(seen, expected, "for {input:?} in pieces of {size}");
        }
    }

    #[test]
    fn lines() {
        check(b"NOOP\r\nQUIT\r\nrest", &["NOOP", "QUIT"]);
        check(b"123456\r\n1234567\r\nA\r\n", &["123456", "(too long)", "A"]);
        check(b"12345678901234567890\r\r\nA\r\n", &["(too long)", "A"]);
        check(b"A\nB\r\n\n", &["(bare end)", "B", "(bare end)"]);
        check(b"A\rB\r\nC\r\r\n", &["(bare end)", "(bare end)"]);
        check(b"A\0B\r\n\xff\r\n\xc3\xa4\r\n", &["(not text)", "(not text)", "\u{e4}"]);
        check(b"\r\n", &[""]);
    }

    #[test]
    fn what_was_read_is_overwritten() {
        let mut lines = Input::default();
        lines.receive(b"PASS secret\r\nNOOP\r\n");
        assert!(lines.line(|_| 255).is_some());
        assert!(!lines.holds(b"secret") && lines.holds(b"NOOP"));
    }
}
