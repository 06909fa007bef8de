//! MAIL, RCPT and DATA: in groups where the server offers PIPELINING, else one by one.

use super::command::{self, Command};
use super::data::{self, Encoder};
use super::state::State;
use super::{Fault, Machine, Outcome, Reply};

/// Most commands of a group that are not answered. Their answers, of at most 512 bytes each by the
/// standard, fit the smallest buffers of real connections, so that no server has to wait for us to
/// read while we wait for it (RFC 2920 §3.1).
const GROUP_MAX: usize = 50;

impl Machine {
    /// Says as much of the envelope as may be said now.
    pub(super) fn say_envelope(&mut self) {
        let most = if self.session.extensions.pipelining { GROUP_MAX } else { 1 };
        while self.session.awaited.len() < most {
            let Some(delivery) = &mut self.delivery else { return };
            let Some((command, recipient)) = delivery.next_command() else { return };
            let (transaction, extensions) = (&delivery.transaction, &self.session.extensions);
            let line = match command {
                Command::Mail => command::mail(transaction, extensions),
                Command::Rcpt => match transaction.recipients.get(recipient) {
                    Some(recipient) => command::rcpt(recipient, extensions),
                    None => return,
                },
                Command::Rset => "RSET\r\n".to_owned(),
                _ => "DATA\r\n".to_owned(),
            };
            self.say(command, &line);
        }
    }

    /// An answer within the envelope.
    pub(super) fn envelope_answer(&mut self, command: Command, reply: Reply) {
        let refused = reply.severity().is_some();
        let good = match command {
            Command::Data => 300..=399,
            _ => 200..=299,
        };
        if !refused && !good.contains(&reply.code) {
            return self.end(Fault::Unexpected { command, reply });
        }
        let Some(delivery) = &mut self.delivery else { return };
        match command {
            // A server that cannot forget is not told anything more.
            Command::Rset if refused => return self.end(Fault::Refused { command, reply }),
            Command::Mail if refused => {
                delivery.sender_refused = true;
                delivery.settle(&Outcome::Refused { command, reply });
            }
            Command::Mail => self.session.half_open = true,
            Command::Rcpt => delivery.recipient(reply),
            Command::Data if refused => {
                delivery.settle(&Outcome::Refused { command, reply });
            }
            Command::Data => return self.begin_body(reply),
            _ => {}
        }
        self.say_envelope();
        if self.session.awaited.is_empty() {
            // All is settled: DATA was refused, or there was nobody to send it for.
            let command = Command::Data;
            self.finish(&Outcome::Lost { command, fault: Fault::Abandoned });
        }
    }

    /// DATA was answered with 354.
    fn begin_body(&mut self, reply: Reply) {
        let Some(delivery) = &mut self.delivery else { return };
        if delivery.accepted() > 0 {
            self.state = State::Body(Encoder::default());
        } else if delivery.confused {
            // The server refused the sender and took a recipient: it might deliver an empty
            // message.
            self.end(Fault::Unexpected { command: Command::Data, reply });
        } else {
            // Nobody was accepted, and DATA was said before that was known (RFC 2920 §3.1).
            self.state = State::Message;
            self.output.extend_from_slice(data::END);
            self.session.awaited.push_back(Command::Message);
        }
    }
}
