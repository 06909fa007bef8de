//! Why a connection ends before it was to.

use super::{Command, Garbage, Reply, Unsendable};
use crate::reply::Severity;

/// What ended a connection. Its text is for traces and reports: the server's words in it are
/// cleaned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The server does not want us (connect, EHLO, log-in), refuses what the policy makes a must
    /// (STARTTLS), or closes (421 to anything).
    #[error("the server refused {command}: {reply}")]
    Refused {
        /// What it refused.
        command: Command,
        /// Its words.
        reply: Reply,
    },
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Gone,
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// What the server sent is no reply.
    #[error("the server sent what is no reply: {0}")]
    Garbage(Garbage),
    /// A reply that this command cannot have (RFC 5321 §4.3.2).
    #[error("the server answered {command} with what is no answer to it: {reply}")]
    Unexpected {
        /// What it answered.
        command: Command,
        /// Its words.
        reply: Reply,
    },
    /// A reply to something that was not said yet: whom the next one answers cannot be known.
    #[error("the server sent a reply before there was a command")]
    Unsolicited,
    /// Something came in the clear behind the answer to STARTTLS: it may come from a third.
    #[error("data was sent before the TLS handshake")]
    DataBeforeHandshake,
    /// TLS is a must and the server does not offer it.
    #[error("the server does not offer STARTTLS")]
    TlsNotOffered,
    /// The handshake failed.
    #[error("the TLS handshake failed")]
    HandshakeFailed,
    /// There are credentials, and no TLS to send them under: they are never sent in the clear.
    #[error("there is no TLS to log in under")]
    LoginNeedsTls,
    /// The server offers no way to log in that we know.
    #[error("the server offers no log-in by PLAIN or LOGIN")]
    LoginNotOffered,
    /// The message cannot be sent; its beginning was.
    #[error("{0}")]
    Unsendable(Unsendable),
    /// Our own side gave up.
    #[error("given up")]
    Abandoned,
}

impl Fault {
    /// Whether time may cure it, as far as the server said: a permanent one is one for all mail
    /// that would go this way (RFC 5321 §3.1), whatever the message. A 5yz to a log-in or STARTTLS
    /// tells of the settings on either side, and nothing of a message.
    pub fn severity(&self) -> Severity {
        match self {
            Fault::Refused { command: Command::Connect | Command::Ehlo | Command::Helo, reply } => {
                reply.severity().unwrap_or(Severity::Temporary)
            }
            Fault::Unsendable(_) => Severity::Permanent,
            _ => Severity::Temporary,
        }
    }
}
