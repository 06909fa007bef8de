//! What a stage of the filter found out: one fact, with what it suggests.

use crate::{Reason, ReplyText};

/// One fact that a stage reports about a message. Deciding is left to `filter::decide`.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The stage: `subject`, `headers`, `attachment`.
    pub stage: &'static str,
    /// The rule that fired, as an administrator finds it.
    pub rule: String,
    /// The reason, from the closed list.
    pub reason: Reason,
    /// Points for scoring stages; 0 elsewhere.
    pub score: f32,
    /// The facts, for the trace.
    pub detail: String,
    /// What the stage suggests should be done.
    pub suggestion: Suggestion,
}

/// What a finding suggests. The strongest suggestion wins in `filter::decide`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// Nothing: it is only noted.
    Note,
    /// Deliver where doubtful mail goes, and send it on to nobody.
    Junk,
    /// Refuse in the session, with the administrator's own words if there are any.
    Refuse(Option<ReplyText>),
    /// Try again later.
    Later,
    /// Say yes, and hold it until somebody releases it.
    Quarantine,
    /// Say yes, keep nothing.
    Discard,
}
