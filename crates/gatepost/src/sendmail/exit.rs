//! How a call of sendmail ends: the codes of sysexits.h, which programs act upon.

use smtp::client::{Command, Fault, Outcome, Reply};
use smtp::reply::Severity;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok = 0,
    /// The command line is wrong.
    Usage = 64,
    /// The message or an address in it is wrong.
    Data = 65,
    /// There is no such recipient.
    NoUser = 67,
    /// The server does not take it, for another reason.
    Unavailable = 69,
    /// Standard input or output failed.
    Io = 74,
    /// Not now: the caller may try again.
    TempFail = 75,
    /// The caller may not.
    NoPermission = 77,
    /// The settings cannot be read.
    Config = 78,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// What the connection's end means.
    pub(crate) fn of_fault(fault: &Fault) -> Self {
        let exit = match fault {
            Fault::Refused { command, reply } => of_reply(*command, reply),
            Fault::Unsendable(_) => Exit::Data,
            _ => Exit::TempFail,
        };
        Self::new(exit, fault.to_string())
    }
}

/// What became of one recipient, as a code.
pub(crate) fn of_outcome(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Delivered(_) | Outcome::Accepted(_) => Exit::Ok,
        Outcome::Refused { command, reply } => of_reply(*command, reply),
        Outcome::Unsendable(_) => Exit::Data,
        Outcome::NextTransaction(_) | Outcome::Lost { .. } | Outcome::Unknown(_) => Exit::TempFail,
    }
}

/// What became of one recipient, in words.
pub(crate) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered(reply) | Outcome::Accepted(reply) | Outcome::NextTransaction(reply) => {
            reply.to_string()
        }
        Outcome::Refused { reply, .. } => reply.to_string(),
        Outcome::Lost { fault, .. } => fault.to_string(),
        Outcome::Unknown(fault) => format!("{fault}; it may have been taken all the same"),
        Outcome::Unsendable(why) => why.to_string(),
    }
}

/// The code of a reply: the subject of its enhanced code says what is wrong (RFC 3463 §3).
pub(crate) fn of_reply(command: Command, reply: &Reply) -> Exit {
    let subject = reply.enhanced.map(|(_, subject, detail)| (subject, detail));
    match (reply.severity(), subject) {
        (None, _) => Exit::Ok,
        (Some(Severity::Temporary), _) => Exit::TempFail,
        (_, Some((7, _))) => Exit::NoPermission,
        // Who is refused at the door has no business here.
        _ if command == Command::Connect => Exit::NoPermission,
        (_, Some((1, _))) if command == Command::Rcpt => Exit::NoUser,
        (_, Some((1 | 6, _))) => Exit::Data,
        _ => Exit::Unavailable,
    }
}

/// The one code of several: what cannot be cured before what can.
pub(crate) fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    let weight = |exit: &Exit| match exit {
        Exit::Ok => 0,
        Exit::TempFail => 1,
        _ => 2,
    };
    // `max_by_key` takes the last of equals: the first is the one that is told.
    let exits: Vec<Exit> = exits.into_iter().collect();
    exits.into_iter().rev().max_by_key(weight).unwrap_or(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::{Exit, of_outcome, of_reply, worst};
    use smtp::client::{Command, Fault, Outcome, Reply, Unsendable};

    fn reply(code: u16, enhanced: Option<(u8, u16, u16)>) -> Reply {
        Reply { code, enhanced, text: "words".to_owned() }
    }

    #[test]
    fn replies_have_codes() {
        for (command, code, enhanced, expected) in [
            (Command::Rcpt, 250, Some((2, 1, 5)), Exit::Ok),
            (Command::Rcpt, 550, Some((5, 1, 1)), Exit::NoUser),
            (Command::Rcpt, 550, Some((5, 7, 1)), Exit::NoPermission),
            (Command::Rcpt, 451, Some((4, 3, 0)), Exit::TempFail),
            (Command::Rcpt, 552, Some((5, 2, 2)), Exit::Unavailable),
            (Command::Mail, 553, Some((5, 7, 1)), Exit::NoPermission),
            (Command::Mail, 501, Some((5, 1, 7)), Exit::Data),
            (Command::Mail, 452, Some((4, 3, 1)), Exit::TempFail),
            (Command::Message, 550, Some((5, 6, 0)), Exit::Data),
            (Command::Message, 553, Some((5, 7, 1)), Exit::NoPermission),
            (Command::Message, 552, Some((5, 3, 4)), Exit::Unavailable),
            (Command::Connect, 554, None, Exit::NoPermission),
            (Command::Connect, 421, None, Exit::TempFail),
            (Command::Data, 554, None, Exit::Unavailable),
        ] {
            let found = of_reply(command, &reply(code, enhanced));
            assert_eq!(found, expected, "{command} {code} {enhanced:?}");
        }
    }

    #[test]
    fn several_have_one() {
        let lost = Outcome::Lost { command: Command::Message, fault: Fault::Gone };
        assert_eq!(of_outcome(&lost), Exit::TempFail);
        assert_eq!(of_outcome(&Outcome::Unsendable(Unsendable::Nul)), Exit::Data);
        assert_eq!(worst([]), Exit::Ok);
        assert_eq!(worst([Exit::Ok, Exit::TempFail, Exit::NoUser, Exit::Data]), Exit::NoUser);
        assert_eq!(worst([Exit::TempFail, Exit::Ok]), Exit::TempFail);
    }
}
