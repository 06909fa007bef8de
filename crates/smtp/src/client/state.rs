//! Where a connection stands: each state owns what is true in it, and nothing else.

use super::command::Command;
use super::data::Encoder;
use super::login::Exchange;
use super::{Extensions, Fault};
use std::collections::VecDeque;

/// What is true of the connection as a whole.
#[derive(Debug)]
pub(super) struct Session {
    /// TLS is active.
    pub(super) tls: bool,
    /// What the server offers; nothing before EHLO was answered.
    pub(super) extensions: Extensions,
    /// What was said and not answered, in order: never more than a group of commands.
    pub(super) awaited: VecDeque<Command>,
    /// The server may still be in a transaction: RSET comes before the next.
    pub(super) half_open: bool,
}

impl Session {
    /// A connection that awaits its greeting.
    pub(super) fn new(tls: bool) -> Self {
        Self {
            tls,
            extensions: Extensions::default(),
            awaited: VecDeque::from([Command::Connect]),
            half_open: false,
        }
    }

    /// TLS is active now: what was said before counts for nothing.
    pub(super) fn secured(&mut self) {
        self.tls = true;
        self.extensions = Extensions::default();
    }
}

/// What the machine does.
#[derive(Debug)]
pub(super) enum State {
    /// It awaits the greeting, or the answer to EHLO, HELO or STARTTLS.
    Opening,
    /// The TLS handshake.
    Handshake,
    /// It logs in.
    Login(Exchange),
    /// Between transactions.
    Ready,
    /// Commands of a transaction are said and answered.
    Envelope,
    /// The message is being sent.
    Body(Encoder),
    /// The final dot was sent.
    Message,
    /// QUIT was said; why, unless all is done.
    Quit(Option<Fault>),
    /// Nothing any more.
    Closed(Option<Fault>),
}
