//! Logging in: USER and PASS (RFC 1939 §7), AUTH with PLAIN and SCRAM (RFC 5034, RFC 4616,
//! RFC 7677). Under TLS only, which `verbs.rs` has seen to.

use super::command::LOGIN_LINE_MAX;
use super::maildrop::Maildrop;
use super::{Action, Answer, Credentials, Item, Machine, Question, State};
use crate::reply::Severity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::scram::{self, SCRAM, SCRAM_PLUS};
use mail::{Reason, Refusal, Secret};

/// What the next line of the client is.
pub(super) enum Exchange {
    /// PLAIN's only message.
    Plain,
    /// SCRAM's next message.
    Scram(scram::Exchange),
}

impl Machine {
    /// The same answer for every name: whether there is such an account is not told
    /// (RFC 1939 §13).
    pub(super) fn user(&mut self, name: String) {
        self.ok("The password, please");
        self.state = State::Authorization(Some(name));
    }

    pub(super) fn pass(&mut self, password: Secret<String>) {
        match std::mem::replace(&mut self.state, State::Authorization(None)) {
            State::Authorization(Some(user)) => self.ask_login(user, password),
            _ => self.fault(Reason::BadSequence, "Give a name first (USER)"),
        }
    }

    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<&Secret<String>>) {
        let exchange = match mechanism {
            "PLAIN" => Exchange::Plain,
            SCRAM => Exchange::Scram(scram::Exchange::new(false)),
            SCRAM_PLUS => Exchange::Scram(scram::Exchange::new(true)),
            _ => return self.fault(Reason::SyntaxError, "The mechanism is not known"),
        };
        match initial.map(|response| response.expose().as_str()) {
            // `=` stands for an initial response of no bytes (RFC 5034 §4).
            Some("=") => self.response(exchange, ""),
            Some(response) => self.response(exchange, response),
            None => {
                self.line("+ ", "");
                self.state = State::Exchange(exchange);
            }
        }
    }

    /// Takes the client's part of AUTH, if it is there.
    pub(super) fn exchange_step(&mut self) -> Option<Action> {
        let Some(line) = self.input.line(|_| LOGIN_LINE_MAX, false) else {
            return Some(Action::Read);
        };
        let state = std::mem::replace(&mut self.state, State::Authorization(None));
        let State::Exchange(exchange) = state else { return None };
        match self.text(line) {
            Some(text) if text.expose() == "*" => {
                self.fault(Reason::SyntaxError, "The log-in is cancelled");
            }
            Some(text) => self.response(exchange, text.expose()),
            None => {}
        }
        None
    }

    fn response(&mut self, exchange: Exchange, base64: &str) {
        match exchange {
            Exchange::Plain => match plain(base64) {
                Some((user, password)) => self.ask_login(user, password),
                None => self.unreadable(),
            },
            Exchange::Scram(mut exchange) => match exchange.message(base64) {
                Ok(ask) => {
                    self.queue.push_back(Action::Ask(Question::Scram(ask)));
                    self.state = State::Scram(exchange);
                }
                Err(scram::Fault::Unreadable) => self.unreadable(),
                Err(scram::Fault::Nonce) => {
                    self.wrong(Reason::BadCredentials, "an old nonce");
                }
                Err(scram::Fault::Binding(how)) => self.wrong(Reason::ChannelBinding, how),
            },
        }
    }

    fn unreadable(&mut self) {
        self.fault(Reason::SyntaxError, "The response cannot be read");
    }

    /// A log-in that fails without the shell: answered as one that the shell refused.
    fn wrong(&mut self, reason: Reason, detail: &str) {
        self.note(reason, detail);
        self.login_failed(Answer::Refuse(Refusal::new(reason)));
    }

    /// What the shell knows of SCRAM. Nobody is in before the client has taken our signature for
    /// good.
    pub(super) fn scram_told(&mut self, mut exchange: scram::Exchange, answer: Answer) {
        match answer {
            Answer::Scram(told) => match exchange.told(told) {
                Some(challenge) => {
                    self.line("+ ", &challenge);
                    self.state = State::Exchange(Exchange::Scram(exchange));
                }
                None => self.login_failed(Answer::Allow),
            },
            Answer::Opened(items) if exchange.is_entering() => self.logged_in(items),
            other => self.login_failed(other),
        }
    }

    pub(super) fn logged_in(&mut self, items: Vec<Item>) {
        let maildrop = Maildrop::new(items);
        self.ok("Logged in");
        self.state = State::Transaction(maildrop);
    }

    fn ask_login(&mut self, user: String, password: Secret<String>) {
        let credentials = Credentials { user, password };
        self.queue.push_back(Action::Ask(Question::Login(credentials)));
        self.state = State::LoggingIn;
    }

    /// A mailbox that is not to be had now is no failed log-in, but an error all the same: trying
    /// on and on is not the way.
    pub(super) fn login_failed(&mut self, answer: Answer) {
        self.state = State::Authorization(None);
        let refusal = match &answer {
            Answer::Refuse(refusal) => Some((Severity::Permanent, refusal)),
            Answer::Later(refusal) => Some((Severity::Temporary, refusal)),
            _ => None,
        };
        let Some((severity, refusal)) = refusal else {
            self.not_done(answer);
            return self.count();
        };
        self.refuse(severity, refusal);
        if matches!(
            refusal.reason,
            Reason::BadCredentials
                | Reason::CredentialUnfit
                | Reason::ChannelBinding
                | Reason::LoginBudget
        ) {
            self.login_failures += 1;
            if self.login_failures >= self.options.login_failures_max {
                return self.close();
            }
        }
        self.count();
    }
}

/// `[authzid] NUL authcid NUL password` in base64 (RFC 4616 §2). Acting for another is not
/// offered: an authorization identity may only repeat the name.
fn plain(base64: &str) -> Option<(String, Secret<String>)> {
    let bytes = Secret::new(STANDARD.decode(base64).ok()?);
    let text = std::str::from_utf8(bytes.expose()).ok()?;
    let mut parts = text.split('\0');
    let (for_whom, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let good = parts.next().is_none()
        && (for_whom.is_empty() || for_whom == user)
        && !user.is_empty()
        && !password.is_empty();
    good.then(|| (user.to_owned(), Secret::new(password.to_owned())))
}
