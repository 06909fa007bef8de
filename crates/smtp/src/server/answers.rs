//! What each answer of the shell leads to.

use super::body::Receiving;
use super::state::{Pending, Stage, State, Transaction};
use super::{Answer, Fate, Machine};
use crate::reply::{self, Reply, Severity, words};
use mail::{MessageId, Reason, Refusal};

/// Log-ins that may fail in one session.
const LOGIN_FAILURES_MAX: usize = 3;

/// A refusal in the form that all questions share.
struct No {
    refusal: Refusal,
    severity: Severity,
    close: bool,
}

impl Machine {
    /// Gives the answer to the question that [`super::Action::Ask`] asked. An answer of the wrong
    /// kind is taken as an inner error (451), never as a yes; one without a question is ignored.
    pub fn answer(&mut self, answer: Answer) {
        let pending = match std::mem::replace(&mut self.state, State::Closed) {
            State::Asked(pending) => pending,
            other => {
                self.state = other;
                return;
            }
        };
        let (pending, answer) = match pending {
            Pending::Scram(exchange) => match self.scram_told(exchange, answer) {
                Ok(()) => return,
                Err(answer) => (Pending::Login, answer),
            },
            pending => (pending, answer),
        };
        let no = match (&pending, answer) {
            (Pending::Login, Answer::LoggedIn(address)) => return self.logged_in(address),
            (Pending::Message, Answer::Accepted(message)) if !self.is_lmtp() => {
                self.state = State::Command(Stage::Ready);
                return self.kept(message);
            }
            (Pending::Message, Answer::Each(fates))
                if self.is_lmtp() && fates.len() == self.session.owed =>
            {
                self.state = State::Command(Stage::Ready);
                return self.each(fates);
            }
            (Pending::OwnEntries, Answer::Told(lines)) => return self.told(lines),
            (Pending::Login | Pending::Message | Pending::OwnEntries, Answer::Allow) => None,
            (_, Answer::Allow) => return self.allowed(pending),
            (_, Answer::Refuse(refusal)) => Some((refusal, Severity::Permanent, false)),
            (_, Answer::Later(refusal)) => Some((refusal, Severity::Temporary, false)),
            (_, Answer::RefuseAndClose(refusal)) => {
                let severity = reply::usual_severity(refusal.reason);
                Some((refusal, severity, true))
            }
            (
                _,
                Answer::LoggedIn(_)
                | Answer::Scram(_)
                | Answer::Accepted(_)
                | Answer::Each(_)
                | Answer::Told(_),
            ) => None,
        };
        let (refusal, severity, close) =
            no.unwrap_or_else(|| (Refusal::new(Reason::InternalError), Severity::Temporary, false));
        self.refused(pending, No { refusal, severity, close });
    }

    fn kept(&mut self, message: MessageId) {
        self.session.errors = 0;
        self.session.idle_commands = 0;
        self.say(&words::kept(message));
    }

    /// A reply for each recipient, in the order of their RCPTs (RFC 2033 §4.2). However many were
    /// refused, it was one message: one error, and none where one was kept.
    fn each(&mut self, fates: Vec<Fate>) {
        let mut last_no = None;
        let mut is_kept = false;
        for fate in fates {
            let (severity, refusal) = match fate {
                Fate::Kept(message) => {
                    self.kept(message);
                    is_kept = true;
                    continue;
                }
                Fate::Refused(refusal) => (Severity::Permanent, refusal),
                Fate::Later(refusal) => (Severity::Temporary, refusal),
            };
            let reply = reply::for_refusal(severity, &refusal);
            self.say(&reply);
            last_no = Some(reply);
        }
        if let Some(reply) = last_no.filter(|_| !is_kept) {
            self.count(&reply);
        }
    }

    fn allowed(&mut self, pending: Pending) {
        match pending {
            Pending::Connect { early: true } => self.early_talker(),
            Pending::Connect { early: false } => {
                self.state = State::Command(Stage::Fresh);
                let greeting = words::greeting(&self.options.hostname, self.is_lmtp());
                self.say(&greeting);
            }
            Pending::Helo { esmtp, .. } => {
                self.state = State::Command(Stage::Ready);
                let (host, size_max) = (&self.options.hostname, self.options.size_max);
                let reply = match esmtp {
                    true => words::ehlo(host, size_max, self.tls_offer(), self.login_offered()),
                    false => words::helo(host),
                };
                self.idle(&reply);
            }
            Pending::Sender(transaction) => {
                self.state = State::Command(Stage::Mail(transaction));
                self.say(&words::sender_ok());
            }
            Pending::Recipient(transaction) => {
                let accepted = transaction.accepted + 1;
                let transaction = Transaction { accepted, ..transaction };
                self.state = State::Command(Stage::Mail(transaction));
                self.say(&words::recipient_ok());
            }
            Pending::Body => {
                self.state = State::Data(Receiving::new(&self.options));
                self.say(&words::go_on());
            }
            // Not reached: `answer` takes no mere yes for these.
            Pending::Login | Pending::Scram(_) | Pending::Message | Pending::OwnEntries => {}
        }
    }

    fn early_talker(&mut self) {
        let refusal = Refusal::new(Reason::EarlyTalker);
        let reply = reply::for_greeting(Severity::Permanent, &refusal);
        self.say(&reply);
        self.note(Reason::EarlyTalker, "", reply.code);
        self.close();
    }

    pub(super) fn logged_in(&mut self, address: String) {
        self.session.login = Some(address);
        self.state = State::Command(Stage::Ready);
        self.say(&words::logged_in());
    }

    fn refused(&mut self, pending: Pending, no: No) {
        let reply = match &pending {
            Pending::Connect { .. } => reply::for_greeting(no.severity, &no.refusal),
            Pending::Helo { .. } => reply::for_refusal(no.severity, &no.refusal).plain(),
            Pending::Login | Pending::Scram(_) => reply::for_login(no.severity),
            _ => reply::for_refusal(no.severity, &no.refusal),
        };
        let login = matches!(pending, Pending::Login | Pending::Scram(_));
        let owed = if matches!(pending, Pending::Message) { self.session.owed } else { 1 };
        self.state = State::Command(match pending {
            Pending::Connect { .. } => Stage::Unwelcome,
            Pending::Helo { before, .. } => before,
            Pending::Sender(_)
            | Pending::Login
            | Pending::Scram(_)
            | Pending::Body
            | Pending::Message
            | Pending::OwnEntries => Stage::Ready,
            Pending::Recipient(transaction) => {
                let refused = transaction.refused + 1;
                Stage::Mail(Transaction { refused, ..transaction })
            }
        });
        if no.close {
            return self.say_last(reply, no.severity);
        }
        (0..owed).for_each(|_| self.say(&reply));
        self.count(&reply);
        if login {
            self.count_failure();
        }
    }

    /// Counts a log-in that failed; too many end the session.
    pub(super) fn count_failure(&mut self) {
        if !matches!(self.state, State::Command(_)) {
            return;
        }
        self.session.login_failures += 1;
        if self.session.login_failures >= LOGIN_FAILURES_MAX {
            let detail = format!("login_failures={LOGIN_FAILURES_MAX}");
            self.close_with(Reason::TooManyErrors, detail);
        }
    }

    /// The last reply of a session: a temporary one is a 421 (RFC 5321 §4.2.2).
    fn say_last(&mut self, mut reply: Reply, severity: Severity) {
        if severity == Severity::Temporary {
            reply.code = 421;
        }
        self.say(&reply);
        self.close();
    }
}
