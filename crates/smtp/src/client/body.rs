//! The message itself, from 354 to the answer to its final dot.

use super::command::Command;
use super::data::Unsendable;
use super::state::State;
use super::{Fault, Machine, Outcome, Reply};

impl Machine {
    /// Takes more of the message, after [`super::Action::Body`]: as it is kept, in pieces of any
    /// size, each of which makes at most twice as many bytes of output. At any other moment it does
    /// nothing.
    ///
    /// # Errors
    /// What cannot be sent. The transaction is over then: the connection is closed without an end
    /// of the message, and the recipients have [`Outcome::Unsendable`].
    pub fn body(&mut self, bytes: &[u8]) -> Result<(), Unsendable> {
        let State::Body(encoder) = &mut self.state else { return Ok(()) };
        let result = encoder.encode(bytes, &mut self.output);
        if let Err(why) = result {
            self.end(Fault::Unsendable(why));
        }
        result
    }

    /// That was all of the message: its end is said, and everything depends on the answer.
    pub fn end_body(&mut self) {
        if !matches!(self.state, State::Body(_)) {
            return;
        }
        // The rest of a reply that has begun would be taken for the answer to what comes now.
        if self.reader.has_begun() {
            return self.end(Fault::Unsolicited);
        }
        if let State::Body(encoder) = std::mem::replace(&mut self.state, State::Message) {
            match encoder.finish(&mut self.output) {
                Ok(()) => self.session.awaited.push_back(Command::Message),
                // Not reached: a fault has closed the connection already.
                Err(why) => {
                    self.finish(&Outcome::Unsendable(why));
                    self.end(Fault::Unsendable(why));
                }
            }
        }
    }

    /// A reply to nothing that was said. Within the message it may be a refusal of the rest, which
    /// is believed and not sent; a yes to half a message is not.
    pub(super) fn early_answer(&mut self, reply: Reply) {
        if reply.severity().is_none() {
            return self.end(Fault::Unsolicited);
        }
        let command = Command::Message;
        self.finish(&Outcome::Refused { command, reply: reply.clone() });
        self.end(Fault::Refused { command, reply });
    }

    /// The answer to the final dot.
    pub(super) fn message_answer(&mut self, reply: Reply) {
        let command = Command::Message;
        self.session.half_open = false;
        match (reply.severity(), reply.code) {
            (Some(_), _) => self.finish(&Outcome::Refused { command, reply }),
            (None, 200..=299) => self.finish(&Outcome::Delivered(reply)),
            (None, _) => self.end(Fault::Unexpected { command, reply }),
        }
    }
}
