//! What an attempt met, for one copy: what the trace, the lists and the sender's notice tell of it.

use mail::{Reason, Timestamp};
use smtp::client::{Fault, Outcome, Reply, Unfit};
use smtp::reply::{Enhanced, Severity, for_reason};
use store::Attempt;

/// How it ended, as far as the attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The other server has it.
    Delivered,
    /// Time may cure it.
    Later,
    /// It will not.
    Never,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Reason,
    /// The remote's code, 0 where it gave none.
    pub(crate) reply: u16,
    /// RFC 3463.
    pub(crate) status: Enhanced,
    /// In words: the remote's, cleaned, or ours.
    pub(crate) text: String,
    /// The server that was asked; empty where none was reached.
    pub(crate) host: String,
    /// Whether that server tells senders what becomes of what it took (DSN).
    pub(crate) tells: bool,
}

impl Met {
    /// Something that no server said.
    pub(crate) fn ours(severity: Severity, reason: Reason, text: impl Into<String>) -> Self {
        let status = for_reason(severity, reason).enhanced.unwrap_or((class(severity), 0, 0));
        let verdict = verdict(severity);
        let (text, host) = (text.into(), String::new());
        Self { verdict, reason, reply: 0, status, text, host, tells: false }
    }

    /// What became of a recipient, by the server that was asked.
    pub(crate) fn outcome(outcome: &Outcome, host: &str) -> Self {
        let host = host.to_owned();
        match outcome {
            Outcome::Delivered(reply) => {
                let status = reply.enhanced.unwrap_or((2, 0, 0));
                let (verdict, reason) = (Verdict::Delivered, Reason::RemoteAccepted);
                let text = reply.text.clone();
                Self { verdict, reason, reply: reply.code, status, text, host, tells: false }
            }
            Outcome::Refused { command, reply } => Self::refused(command.word(), reply, host),
            // The second is not reached: nothing is probed here.
            Outcome::NextTransaction(reply) | Outcome::Accepted(reply) => {
                Self::refused("RCPT", reply, host)
            }
            Outcome::Lost { fault, .. } => Self::fault(fault, host),
            Outcome::Unknown(fault) => {
                let met = Self::fault(fault, host);
                // It may have been taken: whatever the fault says, it is sent again.
                let text = format!("{} (after the message, so it may have been taken)", met.text);
                Self { verdict: Verdict::Later, text, ..met }
            }
            Outcome::Unsendable(why) => {
                let met = Self::ours(Severity::Permanent, Reason::RemoteFault, why.to_string());
                Self { status: (5, 6, 0), host, ..met }
            }
        }
    }

    /// The connection came to nothing.
    pub(crate) fn fault(fault: &Fault, host: String) -> Self {
        if let Fault::Refused { command, reply } = fault {
            let met = Self::refused(command.word(), reply, host);
            return Self { verdict: verdict(fault.severity()), ..met };
        }
        let reason = match fault {
            Fault::Gone | Fault::TimedOut | Fault::Abandoned => Reason::RemoteUnreachable,
            _ => Reason::RemoteFault,
        };
        Self { host, ..Self::ours(fault.severity(), reason, fault.to_string()) }
    }

    /// The message does not fit what the server takes.
    pub(crate) fn unfit(unfit: Unfit, host: String) -> Self {
        let met = Self::ours(Severity::Permanent, Reason::RemoteRefused, unfit.to_string());
        let status = match unfit {
            Unfit::TooLarge { .. } => (5, 3, 4),
            Unfit::EightBit => (5, 6, 3),
            Unfit::Smtputf8 => (5, 6, 7),
            Unfit::RequireTls => (5, 7, 30),
            Unfit::Recipients | Unfit::NotReady => (5, 3, 0),
        };
        Self { status, host, ..met }
    }

    fn refused(command: &str, reply: &Reply, host: String) -> Self {
        let severity = reply.severity().unwrap_or(Severity::Temporary);
        let reason = match severity {
            Severity::Permanent => Reason::RemoteRefused,
            Severity::Temporary => Reason::RemoteDeferred,
        };
        let (verdict, class) = (verdict(severity), class(severity));
        let status = reply.enhanced.filter(|status| status.0 == class).unwrap_or((class, 0, 0));
        let text = format!("{} (to {command})", reply.text);
        Self { verdict, reason, reply: reply.code, status, text, host, tells: false }
    }

    /// As the spool remembers it.
    pub(crate) fn attempt(&self, at: Timestamp) -> Attempt {
        Attempt {
            at,
            reply: self.reply,
            reason: self.reason,
            text: self.text.clone(),
            host: self.host.clone(),
        }
    }
}

fn verdict(severity: Severity) -> Verdict {
    match severity {
        Severity::Permanent => Verdict::Never,
        Severity::Temporary => Verdict::Later,
    }
}

fn class(severity: Severity) -> u8 {
    match severity {
        Severity::Permanent => 5,
        Severity::Temporary => 4,
    }
}
