//! What each command does in each state (RFC 1939 §4 to §6).

use super::command::{self, Command, Unreadable};
use super::content::Content;
use super::maildrop::{Kind, Listing, Maildrop};
use super::{Action, Machine, Question, State};
use mail::input::Line;
use mail::{Reason, Secret};

/// What is offered always (RFC 2449 §6). LOGIN-DELAY is not: the budgets of failed log-ins do that.
const CAPABILITIES: &[&str] =
    &["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"];
/// What is offered under TLS alone. UTF8 is among it because STLS may not follow it
/// (RFC 6856 §2.1): whoever said it too early could never log in.
const UNDER_TLS: &[&str] = &["USER", "SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "UTF8 USER"];

impl Machine {
    /// Takes the next command, if there is one.
    pub(super) fn command_step(&mut self) -> Option<Action> {
        let Some(line) = self.input.line(command::limit, false) else {
            return Some(Action::Read);
        };
        let text = self.text(line)?;
        match command::parse(text.expose()) {
            Ok(command) => self.run(command),
            Err(Unreadable::Unknown) => {
                self.fault(Reason::UnknownCommand, "The command is not known");
            }
            Err(Unreadable::Argument) => {
                self.fault(Reason::SyntaxError, "The arguments cannot be read");
            }
        }
        None
    }

    /// The text of a line, which may hold a password; a line without is answered here.
    pub(super) fn text(&mut self, line: Line) -> Option<Secret<String>> {
        let text = match line {
            Line::Text { at, .. } => self.input.take(at),
            Line::Nul => None,
            Line::TooLong { .. } => {
                self.fault(Reason::CommandTooLong, "The line is too long");
                return None;
            }
            Line::BareEnd => {
                self.fault(Reason::BareLineEnd, "Lines end in CR and LF");
                return None;
            }
        };
        if text.is_none() {
            self.fault(Reason::SyntaxError, "The line is no text in UTF-8");
        }
        text
    }

    fn run(&mut self, command: Command) {
        match command {
            Command::Capa => return self.capa(),
            Command::Quit => return self.quit(),
            _ => {}
        }
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Transaction(maildrop) => self.in_mailbox(maildrop, command),
            state => {
                self.state = state;
                self.before_login(command);
            }
        }
    }

    fn before_login(&mut self, command: Command) {
        match command {
            Command::Stls => self.stls(),
            Command::User(_) | Command::Pass(_) | Command::Auth(..) | Command::Utf8
                if !self.tls =>
            {
                // RFC 2595 §2.1: a server may refuse log-ins in the clear; this one always does.
                self.fault(Reason::TlsRequired, "[SYS/PERM] Start TLS first (STLS)");
            }
            // Names and passwords may be UTF-8 anyway, and messages are sent as they are.
            Command::Utf8 => self.ok("UTF-8 it is"),
            Command::User(name) => self.user(name),
            Command::Pass(password) => self.pass(password),
            Command::Auth(mechanism, initial) => self.auth(&mechanism, initial.as_ref()),
            _ => self.fault(Reason::BadSequence, "Log in first"),
        }
    }

    fn in_mailbox(&mut self, mut maildrop: Maildrop, command: Command) {
        let done = match command {
            Command::Stat => Some(format!("{} {}", maildrop.count(), maildrop.size())),
            Command::List(None) => {
                let (count, size) = (maildrop.count(), maildrop.size());
                self.ok(&format!("{count} messages ({size} octets)"));
                self.state = State::Listing(maildrop, Listing::new(Kind::Sizes));
                return;
            }
            Command::Uidl(None) => {
                self.ok("Unique ids follow");
                self.state = State::Listing(maildrop, Listing::new(Kind::Ids));
                return;
            }
            Command::List(Some(number)) => maildrop.line(Kind::Sizes, number),
            Command::Uidl(Some(number)) => maildrop.line(Kind::Ids, number),
            Command::Retr(number) => return self.open(maildrop, number, None),
            Command::Top(number, lines) => return self.open(maildrop, number, Some(lines)),
            Command::Dele(number) => {
                maildrop.delete(number).then(|| "Marked for deletion".to_owned())
            }
            Command::Noop => Some("Nothing done".to_owned()),
            Command::Rset => {
                maildrop.reset();
                Some("No message is marked any more".to_owned())
            }
            _ => {
                self.state = State::Transaction(maildrop);
                return self.fault(Reason::BadSequence, "You are logged in already");
            }
        };
        self.state = State::Transaction(maildrop);
        match done {
            Some(text) => self.ok(&text),
            None => self.no_such_message(),
        }
    }

    fn open(&mut self, maildrop: Maildrop, number: usize, lines: Option<u64>) {
        match maildrop.get(number) {
            Some(item) => {
                self.queue.push_back(Action::Ask(Question::Message(item)));
                let text = match lines {
                    None => format!("{} octets", item.size),
                    Some(_) => "The top of it follows".to_owned(),
                };
                self.state = State::Opening(maildrop, text, Content::new(lines));
            }
            None => {
                self.state = State::Transaction(maildrop);
                self.no_such_message();
            }
        }
    }

    fn no_such_message(&mut self) {
        self.error("No such message");
        self.count();
    }

    /// RFC 2449 §5, in both states alike.
    fn capa(&mut self) {
        self.ok("What can be done here");
        let by_tls = if self.tls { UNDER_TLS } else { &["STLS"] };
        for capability in CAPABILITIES.iter().chain(by_tls) {
            self.line(capability, "");
        }
        self.line(".", "");
    }

    /// RFC 2595 §4.
    fn stls(&mut self) {
        if self.tls {
            return self.fault(Reason::BadSequence, "TLS is active already");
        }
        self.ok("Begin TLS");
        self.state = State::Handshake;
        if self.input.unread().is_empty() {
            self.queue.push_back(Action::StartTls);
        } else {
            // Commands sent along in the clear would be taken as if they had come under TLS.
            self.data_before_handshake();
        }
    }

    /// The one way to UPDATE: only here are messages removed (RFC 1939 §6).
    fn quit(&mut self) {
        let deleted = match &self.state {
            State::Transaction(maildrop) => maildrop.deleted(),
            _ => Vec::new(),
        };
        if deleted.is_empty() {
            self.ok("Bye");
            self.close();
        } else {
            self.queue.push_back(Action::Ask(Question::Remove(deleted)));
            self.state = State::Removing;
        }
    }
}
