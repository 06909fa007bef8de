//! What a server answers: its lines, as they come, become one [`Reply`] (RFC 5321 §4.2).
//!
//! A server is a stranger like any other. What is held of its reply is bounded, and what is kept of
//! its words is short, printable ASCII: it ends up in traces, bounces and pages. **Only CRLF ends a
//! line**: a bare CR or LF is a blank within its text, so that no word that a server repeats after
//! somebody else can become a reply of its own.

use crate::reply::{Enhanced, Severity};
use memchr::memchr;

/// Longest line, CRLF included: eight times what RFC 5321 §4.5.3.1.5 allows, since large providers
/// do exceed it.
const LINE_MAX: usize = 4_096;
/// Most lines of one reply; the longest that are known, of EHLO and HELP, have about thirty.
const LINES_MAX: usize = 200;
/// Most bytes of one reply, all lines together.
const SIZE_MAX: usize = 65_536;
/// Longest text that is kept of a reply: a thousand recipients may each have one.
pub const TEXT_MAX: usize = 1_000;

/// A server's answer to one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200 to 599.
    pub code: u16,
    /// The enhanced code in front of the text (RFC 2034 §4), if it has the class of the code.
    pub enhanced: Option<Enhanced>,
    /// The text of all lines, joined by blanks: printable ASCII, at most [`TEXT_MAX`] bytes. What
    /// was no ASCII is `?`, control characters are blanks.
    pub text: String,
}

/// Why something that a server sent is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    /// A line without a code from 200 to 599, or without blank or hyphen behind it.
    #[error("a line does not begin with a reply code")]
    NoCode,
    /// The lines of one reply have different codes (RFC 5321 §4.2.1).
    #[error("the lines of a reply have different codes")]
    CodesDiffer,
    /// A line is longer than 4,096 bytes.
    #[error("a line of a reply is too long")]
    LineTooLong,
    /// A reply of more than 200 lines or 65,536 bytes.
    #[error("a reply is too long")]
    TooLong,
}

impl Reply {
    /// Whether time may cure what it refuses; `None` for what is no refusal.
    pub fn severity(&self) -> Option<Severity> {
        match self.code {
            400..=499 => Some(Severity::Temporary),
            500..=599 => Some(Severity::Permanent),
            _ => None,
        }
    }

    /// Whether the server says that it closes the connection (RFC 5321 §3.8).
    pub(super) fn is_last(&self) -> bool {
        self.code == 421
    }
}

/// As in the protocol: `550 5.1.1 No such user`.
impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}

/// A whole reply, line by line: EHLO's has a meaning in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) code: u16,
    /// At least one: the cleaned text behind the code.
    pub(super) lines: Vec<String>,
}

impl Heard {
    /// The reply as it is kept.
    pub(super) fn reply(&self) -> Reply {
        let class = self.code / 100;
        let split = |line| split_enhanced(line).filter(|(code, _)| u16::from(code.0) == class);
        let enhanced = self.lines.first().and_then(|line| split(line)).map(|(code, _)| code);
        let mut text = String::new();
        for line in &self.lines {
            let words = match split(line) {
                Some((code, rest)) if Some(code) == enhanced => rest,
                _ => line.as_str(),
            };
            if !text.is_empty() && !words.is_empty() {
                text.push(' ');
            }
            text.push_str(words);
        }
        // All of it is ASCII.
        text.truncate(TEXT_MAX);
        text.truncate(text.trim_end().len());
        Reply { code: self.code, enhanced, text }
    }
}

/// Reads replies from a server's bytes, however they are cut.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The line that is not ended.
    line: Vec<u8>,
    /// The code and texts of the lines before.
    code: Option<u16>,
    lines: Vec<String>,
    size: usize,
}

impl Reader {
    /// Reads on; returns how many bytes were used, and the reply that ended with them. After
    /// [`Garbage`] nothing more may be read.
    pub(super) fn read(&mut self, input: &[u8]) -> (usize, Option<Result<Heard, Garbage>>) {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let end = memchr(b'\n', rest).map_or(rest.len(), |lf| lf + 1);
            // One byte above the limit is enough to see that it was passed.
            let taken = end.min((LINE_MAX + 1).saturating_sub(self.line.len()));
            self.line.extend_from_slice(rest.get(..taken).unwrap_or_default());
            used += taken;
            if self.line.len() > LINE_MAX {
                return (used, Some(Err(Garbage::LineTooLong)));
            }
            if self.line.ends_with(b"\r\n") {
                match self.end_of_line() {
                    Ok(None) => {}
                    Ok(Some(heard)) => return (used, Some(Ok(heard))),
                    Err(garbage) => return (used, Some(Err(garbage))),
                }
            }
        }
        (used, None)
    }

    /// Whether a reply has begun and is not ended.
    pub(super) fn has_begun(&self) -> bool {
        !self.line.is_empty() || self.code.is_some()
    }

    /// How much memory it takes, about.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let lines = self.lines.iter().map(|line| size_of::<String>() + line.capacity());
        self.line.capacity() + lines.sum::<usize>()
    }

    fn end_of_line(&mut self) -> Result<Option<Heard>, Garbage> {
        let line = std::mem::take(&mut self.line);
        let (code, last, text) = split_line(line.strip_suffix(b"\r\n").unwrap_or(&line))?;
        if self.code.is_some_and(|first| first != code) {
            return Err(Garbage::CodesDiffer);
        }
        self.code = Some(code);
        self.size += line.len();
        self.lines.push(clean(text));
        if self.lines.len() > LINES_MAX || self.size > SIZE_MAX {
            return Err(Garbage::TooLong);
        }
        if !last {
            return Ok(None);
        }
        let Self { lines, .. } = std::mem::take(self);
        Ok(Some(Heard { code, lines }))
    }
}

/// Takes a line apart: its code, whether it is the reply's last, its text. A code alone is a reply
/// too (RFC 5321 §4.2).
fn split_line(line: &[u8]) -> Result<(u16, bool, &[u8]), Garbage> {
    let (code, rest) = line.split_at_checked(3).ok_or(Garbage::NoCode)?;
    if !code.iter().all(u8::is_ascii_digit) {
        return Err(Garbage::NoCode);
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..=599).contains(&code) {
        return Err(Garbage::NoCode);
    }
    match rest.split_first() {
        None => Ok((code, true, rest)),
        Some((b' ', text)) => Ok((code, true, text)),
        Some((b'-', text)) => Ok((code, false, text)),
        Some(_) => Err(Garbage::NoCode),
    }
}

fn clean(text: &[u8]) -> String {
    let shown = text.iter().map(|byte| match byte {
        b' '..=b'~' => char::from(*byte),
        0x80.. => '?',
        _ => ' ',
    });
    let text: String = shown.collect();
    text.trim_end().to_owned()
}

/// Splits `5.1.1 text` (RFC 3463 §2).
fn split_enhanced(text: &str) -> Option<(Enhanced, &str)> {
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = code.split('.');
    let class = number(parts.next()?).filter(|class| matches!(class, 2 | 4 | 5))?;
    let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
    let class = u8::try_from(class).ok()?;
    parts.next().is_none().then_some(((class, subject, detail), rest.trim_start()))
}

fn number(digits: &str) -> Option<u16> {
    let good = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    good.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
