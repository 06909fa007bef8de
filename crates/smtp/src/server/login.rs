//! AUTH (RFC 4954): PLAIN and LOGIN, with and without an initial response.
//!
//! Whether AUTH may be said at all is decided in `verbs.rs`. SCRAM-SHA-256 (RFC 7677) comes here as
//! another [`Exchange`], whose first message asks the shell for the verifier.

use super::command::LOGIN_LINE_MAX;
use super::fault::Fault;
use super::state::{Pending, Stage, State};
use super::{Credentials, Machine, Mechanism, Question, Step};
use crate::reply::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Secret;
use mail::input::Line;

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
            Exchange::Plain => "",
            Exchange::User => ASK_USER,
            Exchange::Password(_) => ASK_PASSWORD,
        }));
        self.state = State::Login(exchange);
    }

    fn end_login(&mut self, fault: Fault) {
        self.state = State::Command(Stage::Ready);
        self.fault(fault);
    }

    /// A message of the client's, in base64.
    fn response(&mut self, exchange: Exchange, base64: &str) {
        let Some(text) = decode(base64) else { return self.end_login(Fault::LoginSyntax) };
        match exchange {
            Exchange::User if text.expose().is_empty() => self.end_login(Fault::LoginSyntax),
            Exchange::User => self.expect(Exchange::Password(text.expose().clone())),
            Exchange::Password(user) => self.ask_login(Mechanism::Login, user, text),
            Exchange::Plain => match plain(text.expose()) {
                Some((user, password)) => self.ask_login(Mechanism::Plain, user, password),
                None => self.end_login(Fault::LoginSyntax),
            },
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
