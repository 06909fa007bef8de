//! The quarantine: what is asked of it, and what it answers.

use crate::{Page, Paging};
use mail::{Address, MessageId, Reason, Timestamp, TraceRow};
use serde::{Deserialize, Serialize};

/// An operation on what is held.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum QuarantineRequest {
    /// List it.
    List {
        /// Which.
        filter: QuarantineFilter,
        /// Which page.
        #[serde(flatten)]
        paging: Paging,
    },
    /// All that is known of one, with the head of the message.
    Show {
        /// Its number, from the list.
        id: i64,
    },
    /// Put the whole message where it belongs.
    Release {
        /// Its number.
        id: i64,
        /// Into the INBOX of this account instead.
        to: Option<Address>,
    },
    /// Delete it; nobody is told.
    Delete {
        /// Its number.
        id: i64,
    },
    /// A window of the message as it came.
    Read {
        /// Its number.
        id: i64,
        /// Where the window begins: bytes.
        offset: u64,
    },
    /// Note that somebody wants it released.
    Request {
        /// Its number.
        id: i64,
        /// Who.
        by: Address,
    },
}

/// Which rows of the quarantine are meant; what is left out means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineFilter {
    /// Those of this recipient.
    pub recipient: Option<String>,
    /// Those from this sender.
    pub sender: Option<String>,
    /// Those for this reason.
    pub reason: Option<Reason>,
    /// Those of this message.
    pub message: Option<MessageId>,
    /// Only those that somebody asked for.
    #[serde(default)]
    pub requested: bool,
    /// Also those that are held no more.
    #[serde(default)]
    pub all: bool,
}

/// What the quarantine answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineResponse {
    /// What is held.
    List(Page<HeldView>),
    /// One of it.
    One(Box<HeldDetails>),
}

/// Something in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldView {
    /// Its number.
    pub id: i64,
    /// The message, for the trace.
    pub message: MessageId,
    /// `message` where the recipient got nothing, `part` where it got the rest.
    pub kind: String,
    /// The envelope's sender.
    pub sender: String,
    /// Whose it is.
    pub recipient: String,
    /// Why.
    pub reason: Reason,
    /// The rule that decided.
    pub rule: String,
    /// Bytes of the message.
    pub size: u64,
    /// Since when.
    pub since: Timestamp,
    /// When it is deleted by itself; none where it is held for ever, or no more.
    pub until: Option<Timestamp>,
    /// `held`, `released`, `deleted` or `expired`.
    pub state: String,
    /// When somebody asked for a release.
    pub requested: Option<Timestamp>,
    /// Who did.
    pub requested_by: String,
}

/// All that is known of something in the quarantine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldDetails {
    /// What the list shows.
    pub held: HeldView,
    /// The facts of the rule.
    pub detail: String,
    /// The domain that a release sends it on to; empty where it stays here.
    pub destination: String,
    /// When its state changed last, and by whom.
    pub state_at: Timestamp,
    /// `administrator`, `retention`, an address; empty while it is held.
    pub state_by: String,
    /// From of the message, decoded; empty where its body is gone.
    pub from: String,
    /// Its subject, decoded.
    pub subject: String,
    /// Its date, as it was written.
    pub date: String,
    /// The parts that are held; none where all of it is.
    pub parts: Vec<HeldPartView>,
    /// What the trace has of the message, at most 100 rows.
    pub trace: Vec<TraceRow>,
}

/// A part that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPartView {
    /// Its name.
    pub name: String,
    /// Its type.
    pub media_type: String,
    /// Bytes, decoded.
    pub size: u64,
    /// SHA-256 of the decoded bytes.
    pub sha256: String,
    /// Why.
    pub reason: Reason,
    /// The rule that decided.
    pub rule: String,
    /// Its facts.
    pub detail: String,
}
