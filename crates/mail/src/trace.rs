//! What is written down of every decision, and what happened to each recipient.

use crate::{MessageId, Reason, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a trace row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A connection was refused or cut.
    Connection,
    /// A command was refused.
    Command,
    /// A log-in succeeded or failed.
    Login,
    /// A sender was refused.
    Sender,
    /// A recipient was refused (allowed ones are told by what became of the message).
    Recipient,
    /// A message as a whole was accepted, refused, deferred or discarded.
    Message,
    /// A recipient's copy was placed in mailboxes.
    Delivered,
    /// A recipient's copy was put into the spool, to be sent on.
    Queued,
    /// Another server took a recipient's copy.
    Relayed,
    /// An attempt to send a recipient's copy on failed for now.
    Deferred,
    /// A recipient's copy cannot be sent on; the sender is told, or not for a reason.
    Failed,
    /// A recipient's copy was discarded by a named rule.
    Discarded,
    /// A recipient's copy, or a part of the message, was put into the quarantine.
    Quarantined,
    /// Something was released from the quarantine.
    Released,
    /// An entry left its mailbox, or a copy the quarantine: by the owner, an administrator,
    /// retention.
    Removed,
    /// Something was found or changed in a message (a finding that did not decide alone).
    Finding,
    /// An administrator changed something.
    Administration,
}

impl Event {
    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Event::Connection => "connection",
            Event::Command => "command",
            Event::Login => "login",
            Event::Sender => "sender",
            Event::Recipient => "recipient",
            Event::Message => "message",
            Event::Delivered => "delivered",
            Event::Queued => "queued",
            Event::Relayed => "relayed",
            Event::Deferred => "deferred",
            Event::Failed => "failed",
            Event::Discarded => "discarded",
            Event::Quarantined => "quarantined",
            Event::Released => "released",
            Event::Removed => "removed",
            Event::Finding => "finding",
            Event::Administration => "administration",
        }
    }
}

/// One row of the trace. Text fields are bounded by the store (255 bytes; `detail` 1,000).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRow {
    /// When.
    pub at: Timestamp,
    /// What kind of thing happened.
    pub event: Event,
    /// The session, if there was one.
    pub session: Option<SessionId>,
    /// The message, if there was one.
    pub message: Option<MessageId>,
    /// The door's word; empty where there was none.
    pub door: String,
    /// The peer's address as text; empty where there was none.
    pub peer: String,
    /// The envelope sender; `<>` for the null path, empty where not known.
    pub sender: String,
    /// The recipient; empty where the row is not about one.
    pub recipient: String,
    /// Three digits of the reply given, 0 where there was none.
    pub reply: u16,
    /// The reason.
    pub reason: Reason,
    /// The rule that decided.
    pub rule: String,
    /// Facts, `key=value` separated by blanks.
    pub detail: String,
}
