//! Logging in: USER and PASS (RFC 1939 §7), AUTH PLAIN (RFC 5034, RFC 4616). Under TLS only, which
//! `verbs.rs` has seen to.

use super::command::LOGIN_LINE_MAX;
use super::{Action, Answer, Credentials, Machine, Question, State};
use crate::reply::Severity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::{Reason, Secret};

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
        if mechanism != "PLAIN" {
            return self.fault(Reason::SyntaxError, "The mechanism is not known");
        }
        match initial {
            Some(response) => self.response(response.expose()),
            None => {
                self.line("+ ", "");
                self.state = State::Exchange;
            }
        }
    }

    /// Takes the client's part of AUTH PLAIN, if it is there.
    pub(super) fn exchange_step(&mut self) -> Option<Action> {
        let Some(line) = self.input.line(|_| LOGIN_LINE_MAX, false) else {
            return Some(Action::Read);
        };
        self.state = State::Authorization(None);
        match self.text(line) {
            Some(text) if text.expose() == "*" => {
                self.fault(Reason::SyntaxError, "The log-in is cancelled");
            }
            Some(text) => self.response(text.expose()),
            None => {}
        }
        None
    }

    fn response(&mut self, base64: &str) {
        match plain(base64) {
            Some((user, password)) => self.ask_login(user, password),
            None => self.fault(Reason::SyntaxError, "The response cannot be read"),
        }
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
        if matches!(refusal.reason, Reason::BadCredentials | Reason::LoginBudget) {
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
