//! AUTH (RFC 4954) at a smarthost: PLAIN, or LOGIN where there is no PLAIN; under TLS alone.

use super::command::Command;
use super::state::State;
use super::{Fault, Machine, Reply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Secret;

/// Longest AUTH command, CRLF included: an initial response that does not fit is sent when the
/// server asks for it (RFC 4954 §4).
const LINE_MAX: usize = 512;

/// What the server is given when it asks on (334).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchange {
    /// PLAIN's only message.
    Plain,
    /// LOGIN's name.
    User,
    /// LOGIN's password.
    Password,
    /// Nothing: all was given.
    Given,
}

impl Machine {
    /// Logs in if there is something to log in with; then the server is ready.
    pub(super) fn log_in(&mut self) {
        let Some(credentials) = &self.options.credentials else {
            self.state = State::Ready;
            return;
        };
        if !self.session.tls {
            return self.leave(Some(Fault::LoginNeedsTls));
        }
        let extensions = &self.session.extensions;
        let (exchange, line) = if extensions.auth_plain {
            let response = plain(&credentials.user, &credentials.password);
            let line = Secret::new(format!("AUTH PLAIN {}\r\n", response.expose()));
            if line.expose().len() <= LINE_MAX {
                (Exchange::Given, line)
            } else {
                (Exchange::Plain, Secret::new("AUTH PLAIN\r\n".to_owned()))
            }
        } else if extensions.auth_login {
            (Exchange::User, Secret::new("AUTH LOGIN\r\n".to_owned()))
        } else {
            return self.leave(Some(Fault::LoginNotOffered));
        };
        self.state = State::Login(exchange);
        self.say(Command::Auth, line.expose());
    }

    /// The answer to AUTH, or to a line of its exchange. What a challenge says is not looked at:
    /// LOGIN's are the same for everybody, PLAIN's is empty.
    pub(super) fn login_answer(&mut self, reply: &Reply) {
        let refused = Fault::Refused { command: Command::Auth, reply: reply.clone() };
        let unexpected = Fault::Unexpected { command: Command::Auth, reply: reply.clone() };
        match (&self.state, reply.code) {
            (State::Login(_), 400..) => self.leave(Some(refused)),
            (State::Login(Exchange::Given), 200..=299) => self.state = State::Ready,
            (State::Login(exchange), 334) if *exchange != Exchange::Given => {
                let exchange = *exchange;
                self.respond(exchange);
            }
            _ => self.end(unexpected),
        }
    }

    fn respond(&mut self, exchange: Exchange) {
        let Some(credentials) = &self.options.credentials else { return };
        let (user, password) = (&credentials.user, &credentials.password);
        let (response, then) = match exchange {
            Exchange::Plain => (plain(user, password), Exchange::Given),
            Exchange::User => (Secret::new(STANDARD.encode(user)), Exchange::Password),
            Exchange::Password | Exchange::Given => {
                (Secret::new(STANDARD.encode(password.expose())), Exchange::Given)
            }
        };
        let line = Secret::new(format!("{}\r\n", response.expose()));
        self.state = State::Login(then);
        self.say(Command::Auth, line.expose());
    }
}

/// `NUL name NUL password` in base64 (RFC 4616 §2).
fn plain(user: &str, password: &Secret<String>) -> Secret<String> {
    let text = Secret::new(format!("\0{user}\0{}", password.expose()));
    Secret::new(STANDARD.encode(text.expose()))
}
