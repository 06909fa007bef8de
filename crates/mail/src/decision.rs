//! What policy and filter answer: allowed with something, refused, or later, always with a reason.

use crate::Reason;
use serde::{Deserialize, Serialize};

/// The answer to a question about a session, a sender, a recipient or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision<T> {
    /// Allowed, with what the asker needs to go on.
    Allow(T),
    /// Refused for good (5xx).
    Refuse(Refusal),
    /// Refused for now (4xx): time may cure it.
    Later(Refusal),
    /// Accepted in words only: the peer hears success, nothing is kept, the trace says why.
    Discard(Refusal),
}

/// Why something was not allowed, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason, from the closed list.
    pub reason: Reason,
    /// The rule that decided, as an administrator finds it: `access /etc/mail/access:12`,
    /// `subject 4711`, `limit session.errors_max`; empty where the protocol itself decided.
    pub rule: String,
    /// Facts for the trace, never for the peer.
    pub detail: String,
    /// What the administrator wants the peer to read instead of the reason's own text.
    pub text: Option<ReplyText>,
}

/// A reply that an administrator wrote: `ERROR:5.7.1:553 text` in the access map, a subject rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyText {
    /// Three digits, 400 to 599.
    pub code: u16,
    /// Class, subject and detail (RFC 3463); `None` chooses the reason's own.
    pub enhanced: Option<(u8, u16, u16)>,
    /// Printable text without line ends, at most 400 bytes.
    pub text: String,
}

impl Refusal {
    /// A refusal for `reason` that no named rule made.
    pub fn new(reason: Reason) -> Self {
        Self { reason, rule: String::new(), detail: String::new(), text: None }
    }

    /// Names the rule that decided.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Adds facts for the trace.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Puts the administrator's own words in place of the reason's text.
    #[must_use]
    pub fn text(mut self, text: ReplyText) -> Self {
        self.text = Some(text);
        self
    }
}
