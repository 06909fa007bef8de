//! What happens to a message: findings once, a verdict for each recipient, a rendition.

use crate::{AccountId, Finding, MailboxId, Onward, Refusal, Rendition};

/// The filter's whole answer about one message.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Everything that the stages found.
    pub findings: Vec<Finding>,
    /// What SPF, DKIM, DMARC and ARC proved, in words of the trace; empty where nobody asked.
    pub authentication: String,
    /// Whether the sender may be told what becomes of the message: we know who it is. Notices to
    /// others would reach people who never sent it.
    pub sender_known: bool,
    /// One verdict for each recipient of the envelope, in its order.
    pub verdicts: Vec<Verdict>,
    /// How mailboxes show the message: trace fields in, forged fields out.
    pub rendition: Rendition,
    /// How it is sent on; only where a recipient is elsewhere.
    pub onward: Option<Rendition>,
}

/// What happens to the message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is put into these mailboxes, and into the spool for these addresses elsewhere, by the
    /// accept commit. One of the two may be empty.
    Deliver(Vec<Placement>, Vec<Onward>),
    /// Refused in the session.
    Refuse(Refusal),
    /// Try again later.
    Later(Refusal),
    /// Accepted in words only; the trace says why.
    Discard(Refusal),
}

/// A place in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Placement {
    /// Whose it is.
    pub account: AccountId,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Flags that the entry starts with, as a bit set of the store (0 = none).
    pub flags: i64,
}
