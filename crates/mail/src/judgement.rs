//! What happens to a message: findings once, a verdict for each recipient, a rendition.

use crate::{AccountId, Finding, MailboxId, Onward, Reason, Refusal, Rendition};
use std::ops::Range;

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
    /// Whether aligned SPF or DKIM vouches for the domain of the header From; never where nobody
    /// asked, as of our own users, who are known otherwise.
    pub author_known: bool,
    /// One verdict for each recipient of the envelope, in its order.
    pub verdicts: Vec<Verdict>,
    /// How mailboxes show the message: trace fields in, forged fields out.
    pub rendition: Rendition,
    /// How it is sent on; only where a recipient is elsewhere. Where the message as a whole is held
    /// it shows all of it, for a release sends it so.
    pub onward: Option<Rendition>,
    /// How a release shows the message: our trace fields in, forged ones out, and every part. Only
    /// where something is held.
    pub full: Option<Rendition>,
    /// Parts that [`Judgement::rendition`] does not show, because they are held. The blob has them.
    pub held: Vec<HeldPart>,
}

/// A part of a message that is held in the quarantine while the rest is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPart {
    /// Where it is in the blob, with its header: bytes.
    pub place: Range<u64>,
    /// Its name as it is shown: at most 255 bytes, the store cuts it.
    pub name: String,
    /// Its type by its content, or as it was declared.
    pub media_type: String,
    /// Bytes, decoded.
    pub size: u64,
    /// SHA-256 of the decoded bytes, in hexadecimal digits.
    pub sha256: String,
    /// Why it is held.
    pub reason: Reason,
    /// The rule that decided, as an administrator finds it.
    pub rule: String,
    /// Facts for the trace.
    pub detail: String,
}

/// What happens to the message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is put into these mailboxes, and into the spool for these addresses elsewhere, by the
    /// accept commit. One of the two may be empty.
    Deliver(Vec<Placement>, Vec<Onward>),
    /// Accepted and held, for this reason. Released, it goes into these mailboxes, and to these
    /// addresses elsewhere.
    Quarantine(Refusal, Vec<Placement>, Vec<Onward>),
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
