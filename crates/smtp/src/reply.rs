//! What a peer reads: the one place where a decision becomes protocol text.
//!
//! [`for_refusal`] serves every room that refuses something to an SMTP peer; the table behind it
//! has one row for each [`Reason`]. No detail of a refusal ever gets here: details are for the
//! trace.

use mail::{Reason, Refusal, ReplyText};
use std::borrow::Cow;

/// Longest reply line, CRLF included (RFC 5321 §4.5.3.1.5).
pub const LINE_MAX: usize = 512;
/// Longest text of one line: leaves room for code, enhanced code and CRLF.
const TEXT_MAX: usize = 480;

/// Whether time may cure a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Never: 5yz.
    Permanent,
    /// Perhaps: 4yz.
    Temporary,
}

/// An enhanced status code: class, subject, detail (RFC 3463).
pub type Enhanced = (u8, u16, u16);

/// One reply, of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The enhanced code in front of each line's text, where RFC 2034 §4 wants one.
    pub enhanced: Option<Enhanced>,
    /// At least one line, without line ends.
    pub lines: Vec<Cow<'static, str>>,
}

impl Reply {
    /// A reply of one line.
    pub fn new(code: u16, enhanced: Option<Enhanced>, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced, lines: vec![text.into()] }
    }

    /// The same without its enhanced code: the greeting and the answers to HELO and EHLO have none
    /// (RFC 2034 §4).
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.enhanced = None;
        self
    }

    /// Whether the code says that time will not cure it.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// Appends the reply in wire form. Whatever the text holds, each line is printable ASCII and
    /// at most [`LINE_MAX`] bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        let last = self.lines.len().saturating_sub(1);
        for (index, text) in self.lines.iter().enumerate() {
            let mark = if index == last { ' ' } else { '-' };
            out.extend_from_slice(format!("{:03}{mark}", self.code % 1_000).as_bytes());
            if let Some((class, subject, detail)) = self.enhanced {
                out.extend_from_slice(format!("{class}.{subject}.{detail} ").as_bytes());
            }
            let shown = text.chars().map(|c| if (' '..='~').contains(&c) { c as u8 } else { b'?' });
            out.extend(shown.take(TEXT_MAX));
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The reply to something that was refused: the administrator's own words where a rule has some,
/// else the reason's row of the table.
pub fn for_refusal(severity: Severity, refusal: &Refusal) -> Reply {
    match &refusal.text {
        Some(text) => in_own_words(refusal.reason, text),
        None => for_reason(severity, refusal.reason),
    }
}

/// The reply in place of the greeting: 554 or 421 (RFC 5321 §3.1, §3.8), also with an
/// administrator's own words, whose code is meant for MAIL and RCPT.
pub fn for_greeting(severity: Severity, refusal: &Refusal) -> Reply {
    let mut reply = for_refusal(severity, refusal).plain();
    let permanent = match &refusal.text {
        Some(text) => text.code >= 500,
        None => severity == Severity::Permanent,
    };
    reply.code = match (permanent, reply.code) {
        // RFC 7504 §3: a host that never takes mail from there may say so.
        (true, 521) => 521,
        (true, _) => 554,
        (false, _) => 421,
    };
    reply
}

/// The reply to a log-in that failed (RFC 4954 §6): the same for a wrong name, a wrong password, a
/// disabled account or a spent budget, except for whether time may cure it.
pub fn for_login(severity: Severity) -> Reply {
    match severity {
        Severity::Permanent => for_reason(severity, Reason::BadCredentials),
        Severity::Temporary => for_reason(severity, Reason::LoginBudget),
    }
}

/// The reply that the table gives for `reason`.
pub fn for_reason(severity: Severity, reason: Reason) -> Reply {
    let row = table::row(reason);
    let (class, code) = match severity {
        Severity::Permanent => (5, row.permanent),
        Severity::Temporary => (4, row.temporary),
    };
    Reply::new(code, Some((class, row.subject, row.detail)), row.text)
}

/// Whether `reason` is one that time may cure, for callers whose refusal does not say.
pub fn usual_severity(reason: Reason) -> Severity {
    table::row(reason).usual
}

/// The code decides: an enhanced code of another class takes the code's (RFC 3463 §2).
fn in_own_words(reason: Reason, words: &ReplyText) -> Reply {
    let class: u8 = if words.code >= 500 { 5 } else { 4 };
    let row = table::row(reason);
    let (_, subject, detail) = words.enhanced.unwrap_or((class, row.subject, row.detail));
    Reply::new(words.code, Some((class, subject, detail)), words.text.clone())
}

mod table;
#[cfg(test)]
mod tests;
pub(crate) mod words;
