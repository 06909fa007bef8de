//! What a user of this machine may ask at the submit socket besides sending: XQUEUE and XFLUSH.
//!
//! No other door knows these commands. Which entries are the user's own is policy's and the
//! store's business; here is only when they may be asked for.

use super::fault::Fault;
use super::state::{Pending, Stage, State};
use super::verbs::{GREET_FIRST, NOT_IN_TRANSACTION};
use super::{Machine, Question};
use crate::reply::words;
use mail::Door;

/// Reads XQUEUE and XFLUSH; `None` where it is another command.
pub(super) fn parse(verb: &str, argument: &str) -> Option<Result<Question, Fault>> {
    Some(match (verb, argument) {
        ("XQUEUE", "") => Ok(Question::OwnEntries { after: 0 }),
        ("XQUEUE", after) => {
            let digits = after.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.then(|| after.parse().ok()).flatten();
            number.map(|after| Question::OwnEntries { after }).ok_or(Fault::Argument)
        }
        ("XFLUSH", "") => Ok(Question::Flush),
        ("XFLUSH", _) => Err(Fault::Argument),
        _ => return None,
    })
}

impl Machine {
    /// Asks for the user's own entries of the queue, or has them tried again.
    pub(super) fn own_entries(&mut self, stage: Stage, question: Result<Question, Fault>) {
        let fault = match &stage {
            _ if self.options.door != Door::Local => Fault::Unknown,
            Stage::Unwelcome | Stage::Fresh => Fault::Sequence(GREET_FIRST),
            Stage::Mail(_) => Fault::Sequence(NOT_IN_TRANSACTION),
            Stage::Ready => match question {
                Ok(question) => return self.ask(Pending::OwnEntries, question),
                Err(fault) => fault,
            },
        };
        self.state = State::Command(stage);
        self.fault(fault);
    }

    /// The answer to that, as lines.
    pub(super) fn told(&mut self, lines: Vec<String>) {
        self.state = State::Command(Stage::Ready);
        self.idle(&words::told(lines));
    }
}
