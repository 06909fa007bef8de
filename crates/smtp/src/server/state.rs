//! Where a session stands: each state owns what is true in it, and nothing else.

use super::body::Receiving;
use super::login::Exchange;
use mail::scram;

/// What is true of the session as a whole.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// TLS is active.
    pub(super) tls: bool,
    /// Who logged in; survives until the end, since there is no log-in before STARTTLS.
    pub(super) login: Option<String>,
    /// Log-ins that failed.
    pub(super) login_failures: usize,
    /// Commands answered with 5yz since the last kept message.
    pub(super) errors: usize,
    /// Commands without effect since the last kept message.
    pub(super) idle_commands: usize,
    /// A command line that ended in a bare LF has been noted.
    pub(super) repair_noted: bool,
    /// Answers that the message in progress is owed: in LMTP one for each recipient.
    pub(super) owed: usize,
    /// The server is shutting down.
    pub(super) draining: bool,
}

/// What the machine waits for.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing was said yet; `early` if the peer spoke nevertheless. (A PROXY header has been read
    /// by then: `net` takes it off the stream.)
    Connecting { early: bool },
    /// An answer of the shell.
    Asked(Pending),
    /// A command.
    Command(Stage),
    /// A line of a log-in.
    Login(Exchange),
    /// The TLS handshake.
    Handshake,
    /// The body of a message.
    Data(Receiving),
    /// Nothing any more.
    Closed,
}

/// How far a session has come, between commands.
#[derive(Debug)]
pub(super) enum Stage {
    /// The connection was refused; QUIT is awaited (RFC 5321 §3.1).
    Unwelcome,
    /// Before HELO and EHLO.
    Fresh,
    /// Between transactions.
    Ready,
    /// After MAIL.
    Mail(Transaction),
}

/// A transaction whose sender was accepted.
#[derive(Debug)]
pub(super) struct Transaction {
    /// SMTPUTF8 was asked for.
    pub(super) smtputf8: bool,
    /// Recipients accepted.
    pub(super) accepted: usize,
    /// Recipients refused.
    pub(super) refused: usize,
}

/// A question that is out, with what the answer needs.
#[derive(Debug)]
pub(super) enum Pending {
    Connect { early: bool },
    Helo { esmtp: bool, before: Stage },
    Login,
    Scram(scram::Exchange),
    Sender(Transaction),
    Recipient(Transaction),
    Body,
    Message,
    OwnEntries,
}
