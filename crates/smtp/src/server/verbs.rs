//! What each command does in each state. Legality here, effects through questions.

use super::command::{self, Command, Greeting, LOGIN_LINE_MAX};
use super::fault::Fault;
use super::state::{Pending, Stage, State, Transaction};
use super::{Machine, Question, Queued, Step};
use crate::reply::words;
use mail::input::Line;
use mail::{Door, Reason};

/// Commands without effect (NOOP, HELP, RSET, HELO, EHLO) that a client may send for each message
/// it brings; each one more counts as an error. Bounds what a batch of them can make us say.
const IDLE_COMMANDS_MAX: usize = 100;

pub(super) const GREET_FIRST: &str = "Say EHLO or HELO first";
const GREET_BY_LMTP: &str = "Say LHLO first";
const MAIL_FIRST: &str = "Say MAIL first";
const RCPT_FIRST: &str = "Say RCPT first";
const ALREADY_MAIL: &str = "There is a sender already";
const ALREADY_TLS: &str = "TLS is active already";
const ALREADY_LOGIN: &str = "You are logged in already";
pub(super) const NOT_IN_TRANSACTION: &str = "Not within a transaction";
const UNWELCOME: &str = "Say QUIT";

impl Machine {
    /// Takes the next command line, if no shutdown is due.
    pub(super) fn command_step(&mut self) -> Step {
        if self.session.draining && !self.in_transaction() {
            self.close_with(Reason::ShuttingDown, String::new());
            return Step::Again;
        }
        let Some(line) = self.input.line(command::line_limit, self.options.bare_lf_repair) else {
            return Step::Read;
        };
        match line {
            Line::Text { at, repaired } => {
                if repaired {
                    self.note_repair();
                }
                let text = self.input.slice(at.clone());
                let (secret, parsed) = (command::is_secret(text), command::parse(text));
                if secret {
                    self.input.wipe(at);
                }
                self.command(parsed);
            }
            Line::TooLong { limit: LOGIN_LINE_MAX } => self.fault(Fault::LoginTooLong),
            Line::TooLong { .. } => self.fault(Fault::TooLong),
            Line::BareEnd => self.fault(Fault::BareEnd),
            Line::Nul => self.fault(Fault::Nul),
        }
        Step::Again
    }

    pub(super) fn note_repair(&mut self) {
        if !std::mem::replace(&mut self.session.repair_noted, true) {
            self.note(Reason::BareLineEndRepaired, "part=command", 0);
        }
    }

    /// Does a command. The stage is put back unless the command moves on from it.
    fn command(&mut self, parsed: Result<Command, Fault>) {
        let State::Command(stage) = std::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        if let Stage::Unwelcome = stage
            && !matches!(parsed, Ok(Command::Quit))
        {
            return self.stay(stage, Fault::Sequence(UNWELCOME));
        }
        match parsed {
            Err(fault) => self.stay(stage, fault),
            Ok(Command::Helo { name, greeting }) => self.helo(stage, name, greeting),
            Ok(Command::Mail(mail)) => self.mail(stage, mail),
            Ok(Command::Rcpt { path, ascii, dsn }) => {
                self.rcpt(stage, ascii, Question::Recipient { path, dsn });
            }
            Ok(Command::Data) => self.data(stage),
            Ok(Command::Rset) => {
                self.state = State::Command(match stage {
                    Stage::Mail(_) => Stage::Ready,
                    other => other,
                });
                self.idle(&words::ok());
            }
            Ok(Command::Noop) => {
                self.state = State::Command(stage);
                self.idle(&words::ok());
            }
            Ok(Command::Help) => {
                self.state = State::Command(stage);
                self.idle(&words::help());
            }
            Ok(Command::Quit) => {
                self.say(&words::bye());
                self.close();
            }
            Ok(Command::OwnEntries(question)) => self.own_entries(stage, question),
            Ok(Command::StartTls) => self.start_tls(stage),
            Ok(Command::Auth(argument)) => match self.may_login(&stage) {
                Ok(()) => self.begin_login(&argument),
                Err(fault) => self.stay(stage, fault),
            },
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, pending: Pending, question: Question) {
        self.state = State::Asked(pending);
        self.queue.push_back(Queued::Ask(question));
    }

    /// Answers a fault; nothing else changes.
    fn stay(&mut self, stage: Stage, fault: Fault) {
        self.state = State::Command(stage);
        self.fault(fault);
    }

    /// Answers a command without effect, and counts it.
    pub(super) fn idle(&mut self, reply: &crate::reply::Reply) {
        self.say(reply);
        self.session.idle_commands += 1;
        if self.session.idle_commands > IDLE_COMMANDS_MAX {
            self.session.errors += 1;
            if self.session.errors >= self.options.errors_max {
                let detail = format!("idle_commands={}", self.session.idle_commands);
                self.close_with(Reason::TooManyErrors, detail);
            }
        }
    }

    /// Each protocol has its own word, so that a client of one never talks to a server of the other
    /// (RFC 2033 §4.1).
    fn helo(&mut self, stage: Stage, name: String, greeting: Greeting) {
        let fault = match (greeting, self.is_lmtp()) {
            (Greeting::Lhlo, true) | (Greeting::Helo | Greeting::Ehlo, false) => None,
            (Greeting::Helo | Greeting::Ehlo, true) => Some(Fault::Unknown),
            (Greeting::Lhlo, false) => Some(Fault::Disabled),
        };
        if let Some(fault) = fault {
            return self.stay(stage, fault);
        }
        let esmtp = greeting != Greeting::Helo;
        let question = Question::Helo { name, esmtp };
        self.ask(Pending::Helo { esmtp, before: stage }, question);
    }

    /// Whether the session speaks LMTP: the same machine, another greeting, and an answer for each
    /// recipient behind the data.
    pub(super) fn is_lmtp(&self) -> bool {
        self.options.door == Door::Lmtp
    }

    fn mail(&mut self, stage: Stage, mail: command::Mail) {
        let fault = match &stage {
            Stage::Unwelcome | Stage::Fresh => Some(self.greet_first()),
            Stage::Mail(_) => Some(Fault::Sequence(ALREADY_MAIL)),
            Stage::Ready if mail.auth && !self.login_exists() => Some(Fault::UnknownParameter),
            Stage::Ready if mail.require_tls && !self.session.tls => Some(Fault::UnknownParameter),
            Stage::Ready if mail.size > Some(self.options.size_max) => Some(Fault::TooLarge),
            Stage::Ready => None,
        };
        if let Some(fault) = fault {
            return self.stay(stage, fault);
        }
        let command::Mail { path, size, body, smtputf8, require_tls, dsn, .. } = mail;
        let transaction = Transaction { smtputf8, accepted: 0, refused: 0 };
        let question = Question::Sender { path, size, body, smtputf8, require_tls, dsn };
        self.ask(Pending::Sender(transaction), question);
    }

    fn rcpt(&mut self, stage: Stage, ascii: bool, question: Question) {
        let mut transaction = match stage {
            Stage::Mail(transaction) => transaction,
            other => return self.stay(other, Fault::Sequence(MAIL_FIRST)),
        };
        if !ascii && !transaction.smtputf8 {
            transaction.refused += 1;
            return self.stay(Stage::Mail(transaction), Fault::NeedsSmtputf8);
        }
        if transaction.accepted >= self.options.recipients_max {
            transaction.refused += 1;
            return self.stay(Stage::Mail(transaction), Fault::TooManyRecipients);
        }
        self.ask(Pending::Recipient(transaction), question);
    }

    fn data(&mut self, stage: Stage) {
        match stage {
            Stage::Mail(Transaction { accepted: accepted @ 1.., .. }) => {
                self.session.owed = if self.is_lmtp() { accepted } else { 1 };
                self.ask(Pending::Body, Question::Body);
            }
            // RFC 2033 §4.2.
            Stage::Mail(Transaction { refused: 1.., .. }) if self.is_lmtp() => {
                self.stay(stage, Fault::Sequence(RCPT_FIRST));
            }
            // A pipelining client could not know (RFC 2920 §3.1): no error of its own.
            Stage::Mail(transaction @ Transaction { refused: 1.., .. }) => {
                self.state = State::Command(Stage::Mail(transaction));
                self.say(&words::no_recipients());
            }
            Stage::Mail(_) => self.stay(stage, Fault::Sequence(RCPT_FIRST)),
            other => self.stay(other, Fault::Sequence(MAIL_FIRST)),
        }
    }

    /// RFC 3207: what follows the command in the clear ends the session, whether it came in the
    /// same segment or later. The 220 is said in either case, so that both look the same.
    fn start_tls(&mut self, stage: Stage) {
        let fault = match &stage {
            _ if !self.options.tls_offered => Fault::Disabled,
            _ if self.session.tls => Fault::Sequence(ALREADY_TLS),
            Stage::Unwelcome | Stage::Fresh => self.greet_first(),
            Stage::Ready | Stage::Mail(_) => {
                self.say(&words::start_tls());
                self.state = State::Handshake;
                if self.input.unread().is_empty() {
                    self.queue.push_back(Queued::StartTls);
                } else {
                    self.data_before_handshake();
                }
                return;
            }
        };
        self.stay(stage, fault);
    }

    fn greet_first(&self) -> Fault {
        Fault::Sequence(if self.is_lmtp() { GREET_BY_LMTP } else { GREET_FIRST })
    }

    /// Whether this door knows log-in at all.
    fn login_exists(&self) -> bool {
        self.options.auth && matches!(self.options.door, Door::Submission | Door::Submissions)
    }

    /// Whether AUTH is offered now: never without TLS (RFC 4954 §4).
    pub(super) fn login_offered(&self) -> bool {
        self.login_exists() && self.session.tls && self.session.login.is_none()
    }

    /// What EHLO's answer says of TLS now.
    pub(super) fn tls_offer(&self) -> words::Offer {
        match (self.session.tls, self.tls_offered()) {
            (true, _) => words::Offer::Active,
            (false, true) => words::Offer::StartTls,
            (false, false) => words::Offer::Nothing,
        }
    }

    /// Whether STARTTLS is offered now.
    pub(super) fn tls_offered(&self) -> bool {
        self.options.tls_offered && !self.session.tls
    }

    fn may_login(&self, stage: &Stage) -> Result<(), Fault> {
        if !self.login_exists() {
            Err(Fault::Disabled)
        } else if !self.session.tls {
            Err(Fault::TlsRequired)
        } else if self.session.login.is_some() {
            Err(Fault::Sequence(ALREADY_LOGIN))
        } else {
            match stage {
                Stage::Unwelcome | Stage::Fresh => Err(Fault::Sequence(GREET_FIRST)),
                Stage::Ready => Ok(()),
                Stage::Mail(_) => Err(Fault::Sequence(NOT_IN_TRANSACTION)),
            }
        }
    }
}
