//! AUTH (RFC 4954): PLAIN, LOGIN and SCRAM, with and without an initial response.
//!
//! Whether AUTH may be said at all is decided in `verbs.rs`. What SCRAM says is `mail::scram`'s
//! business; here its messages are carried.

use super::command::LOGIN_LINE_MAX;
use super::fault::Fault;
use super::state::{Pending, Stage, State};
use super::{Answer, Credentials, Machine, Mechanism, Question, Step};
use crate::reply::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Secret;
use mail::input::Line;
use mail::scram::{self, SCRAM, SCRAM_PLUS};

/// `Username:` in base64, as clients of LOGIN expect it.
const ASK_USER: &str = "VXNlcm5hbWU6";
/// `Password:` in base64.
const ASK_PASSWORD: &str = "UGFzc3dvcmQ6";

/// What the next line of the client is.
#[derive(Debug)]
pub(super) enum Exchange {
    /// PLAIN's only message.
    Plain,
    /// LOGIN's name.
    User,
    /// LOGIN's password, for this name.
    Password(String),
    /// SCRAM's next message.
    Scram(scram::Exchange),
}

impl Machine {
    /// AUTH was said where it may be: `mechanism [initial-response]`.
    pub(super) fn begin_login(&mut self, argument: &Secret<String>) {
        let mut words = argument.expose().split_ascii_whitespace();
        let (mechanism, initial) = (words.next().unwrap_or_default(), words.next());
        if mechanism.is_empty() || words.next().is_some() {
            return self.end_login(Fault::Argument);
        }
        let exchange = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => Exchange::Plain,
            "LOGIN" => Exchange::User,
            SCRAM => Exchange::Scram(scram::Exchange::new(false)),
            SCRAM_PLUS => Exchange::Scram(scram::Exchange::new(true)),
            _ => return self.end_login(Fault::Mechanism),
        };
        match initial {
            None => self.expect(exchange),
            // `=` stands for an initial response of no bytes (RFC 4954 §4).
            Some("=") => self.response(exchange, ""),
            Some(text) => self.response(exchange, text),
        }
    }

    /// Takes the client's next line.
    pub(super) fn login_step(&mut self) -> Step {
        let Some(line) = self.input.line(|_| LOGIN_LINE_MAX, self.options.bare_lf_repair) else {
            return Step::Read;
        };
        let State::Login(exchange) = std::mem::replace(&mut self.state, State::Closed) else {
            return Step::Again;
        };
        match line {
            Line::Text { at, repaired } => {
                if repaired {
                    self.note_repair();
                }
                match self.input.take(at) {
                    Some(text) if text.expose() == "*" => self.end_login(Fault::LoginCancelled),
                    Some(text) => self.response(exchange, text.expose()),
                    None => self.end_login(Fault::LoginSyntax),
                }
            }
            Line::TooLong { .. } => self.end_login(Fault::LoginTooLong),
            Line::BareEnd => self.end_login(Fault::BareEnd),
            Line::Nul => self.end_login(Fault::Nul),
        }
        Step::Again
    }

    fn expect(&mut self, exchange: Exchange) {
        self.say(&words::challenge(match exchange {
            Exchange::Plain | Exchange::Scram(_) => "",
            Exchange::User => ASK_USER,
            Exchange::Password(_) => ASK_PASSWORD,
        }));
        self.state = State::Login(exchange);
    }

    fn end_login(&mut self, fault: Fault) {
        self.state = State::Command(Stage::Ready);
        self.fault(fault);
        if matches!(fault, Fault::LoginNonce | Fault::LoginBinding(_)) {
            self.count_failure();
        }
    }

    /// A message of the client's, in base64.
    fn response(&mut self, exchange: Exchange, base64: &str) {
        if let Exchange::Scram(exchange) = exchange {
            return self.scram_message(exchange, base64);
        }
        let Some(text) = decode(base64) else { return self.end_login(Fault::LoginSyntax) };
        match exchange {
            Exchange::User if text.expose().is_empty() => self.end_login(Fault::LoginSyntax),
            Exchange::User => self.expect(Exchange::Password(text.expose().clone())),
            Exchange::Password(user) => self.ask_login(Mechanism::Login, user, text),
            Exchange::Plain => match plain(text.expose()) {
                Some((user, password)) => self.ask_login(Mechanism::Plain, user, password),
                None => self.end_login(Fault::LoginSyntax),
            },
            Exchange::Scram(_) => self.end_login(Fault::LoginSyntax),
        }
    }

    fn scram_message(&mut self, mut exchange: scram::Exchange, base64: &str) {
        match exchange.message(base64) {
            Ok(ask) => self.ask(Pending::Scram(exchange), Question::Scram(ask)),
            Err(scram::Fault::Unreadable) => self.end_login(Fault::LoginSyntax),
            Err(scram::Fault::Nonce) => self.end_login(Fault::LoginNonce),
            Err(scram::Fault::Binding(how)) => self.end_login(Fault::LoginBinding(how)),
        }
    }

    /// What the shell knows of SCRAM; gives the answer back if it is none to the question.
    pub(super) fn scram_told(
        &mut self,
        mut exchange: scram::Exchange,
        answer: Answer,
    ) -> Result<(), Answer> {
        match answer {
            Answer::Scram(told) => match exchange.told(told) {
                Some(challenge) => {
                    self.say(&words::challenge(challenge));
                    self.state = State::Login(Exchange::Scram(exchange));
                    Ok(())
                }
                None => Err(Answer::Allow),
            },
            Answer::LoggedIn(address) if exchange.is_entering() => {
                self.logged_in(address);
                Ok(())
            }
            // Nobody is in before the client has taken our signature for good.
            Answer::LoggedIn(_) => Err(Answer::Allow),
            other => Err(other),
        }
    }

    fn ask_login(&mut self, mechanism: Mechanism, user: String, password: Secret<String>) {
        let credentials = Credentials { mechanism, user, password };
        self.ask(Pending::Login, Question::Login(credentials));
    }
}

/// Text without control characters but NUL, which PLAIN needs.
fn decode(base64: &str) -> Option<Secret<String>> {
    let bytes = Secret::new(STANDARD.decode(base64).ok()?);
    let text = Secret::new(std::str::from_utf8(bytes.expose()).ok()?.to_owned());
    Some(text)
}

/// `[authzid] NUL authcid NUL password` (RFC 4616 §2). Acting for another is not offered: an
/// authorization identity may only repeat the name.
fn plain(text: &str) -> Option<(String, Secret<String>)> {
    let mut parts = text.split('\0');
    let (for_whom, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let good = parts.next().is_none()
        && (for_whom.is_empty() || for_whom == user)
        && !user.is_empty()
        && !password.is_empty();
    good.then(|| (user.to_owned(), Secret::new(password.to_owned())))
}
