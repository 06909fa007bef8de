//! From the greeting to a server that knows us: EHLO or HELO, STARTTLS.

use super::command::Command;
use super::reply::Heard;
use super::state::State;
use super::{Extensions, Fault, Machine, Reply, TlsPolicy};
use crate::reply::Severity;

impl Machine {
    /// 220, or a server that does not want us (RFC 5321 §3.1).
    pub(super) fn greeted(&mut self, reply: Reply) {
        let command = Command::Connect;
        match reply.severity() {
            Some(_) => self.leave(Some(Fault::Refused { command, reply })),
            None if reply.code == 220 => self.say_hello(true),
            None => self.end(Fault::Unexpected { command, reply }),
        }
    }

    pub(super) fn say_hello(&mut self, esmtp: bool) {
        let (command, verb) = match esmtp {
            true => (Command::Ehlo, "EHLO"),
            false => (Command::Helo, "HELO"),
        };
        self.state = State::Opening;
        let line = format!("{verb} {}\r\n", self.options.hostname);
        self.say(command, &line);
    }

    /// The answer to EHLO or HELO. A server that does not know EHLO is told HELO (RFC 5321 §3.2).
    pub(super) fn known(&mut self, command: Command, heard: &Heard) {
        let reply = heard.reply();
        let esmtp = command == Command::Ehlo;
        match reply.severity() {
            Some(Severity::Permanent) if esmtp => self.say_hello(false),
            Some(_) => self.leave(Some(Fault::Refused { command, reply })),
            None if reply.code >= 300 => self.end(Fault::Unexpected { command, reply }),
            None => {
                if esmtp {
                    self.session.extensions = Extensions::read(heard);
                }
                self.secure_or_log_in();
            }
        }
    }

    fn secure_or_log_in(&mut self) {
        let offered = self.session.extensions.starttls;
        match self.options.tls {
            _ if self.session.tls => self.log_in(),
            TlsPolicy::Never => self.log_in(),
            TlsPolicy::IfOffered if !offered => self.log_in(),
            TlsPolicy::Required if !offered => self.leave(Some(Fault::TlsNotOffered)),
            TlsPolicy::IfOffered | TlsPolicy::Required => {
                self.say(Command::StartTls, "STARTTLS\r\n");
            }
        }
    }

    /// The answer to STARTTLS (RFC 3207 §4): what follows it in the clear ends the connection, see
    /// [`Machine::receive`].
    pub(super) fn start_tls(&mut self, reply: Reply) {
        let command = Command::StartTls;
        match (reply.severity(), self.options.tls) {
            (Some(_), TlsPolicy::Required) => self.leave(Some(Fault::Refused { command, reply })),
            (Some(_), _) => self.log_in(),
            (None, _) if reply.code == 220 => self.state = State::Handshake,
            (None, _) => self.end(Fault::Unexpected { command, reply }),
        }
    }
}
