//! What a client says: the commands, and MAIL and RCPT in wire form.

use super::Extensions;
use super::transaction::{Recipient, Transaction};
use mail::{BodyKind, ReversePath};
use std::fmt::Write;

/// What a server's reply is an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// The connection: the reply is the greeting.
    Connect,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// STARTTLS.
    StartTls,
    /// AUTH, and each line of its exchange.
    Auth,
    /// RSET.
    Rset,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The message itself: the reply is that to its final dot.
    Message,
    /// QUIT.
    Quit,
}

impl Command {
    /// Its word in traces and reports.
    pub fn word(self) -> &'static str {
        match self {
            Command::Connect => "connect",
            Command::Ehlo => "EHLO",
            Command::Helo => "HELO",
            Command::StartTls => "STARTTLS",
            Command::Auth => "AUTH",
            Command::Rset => "RSET",
            Command::Mail => "MAIL",
            Command::Rcpt => "RCPT",
            Command::Data => "DATA",
            Command::Message => "message",
            Command::Quit => "QUIT",
        }
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// MAIL with the parameters that the server knows. What the message needs and the server does not
/// offer has been found before ([`super::Unfit`]).
pub(super) fn mail(transaction: &Transaction, extensions: &Extensions) -> String {
    let mut line = match &transaction.sender {
        ReversePath::Null => "MAIL FROM:<>".to_owned(),
        ReversePath::Address(address) => format!("MAIL FROM:<{address}>"),
    };
    let mut add = |name: &str, value: &str| {
        line.push(' ');
        line.push_str(name);
        line.push_str(value);
    };
    if extensions.size.is_some() {
        add("SIZE=", &transaction.size.to_string());
    }
    if transaction.body == BodyKind::EightBitMime {
        add("BODY=8BITMIME", "");
    }
    if transaction.needs_smtputf8() {
        add("SMTPUTF8", "");
    }
    if transaction.require_tls {
        add("REQUIRETLS", "");
    }
    if extensions.dsn {
        if let Some(wanted) = transaction.dsn.ret {
            add("RET=", wanted.word());
        }
        if let Some(id) = &transaction.dsn.id {
            add("ENVID=", id.as_str());
        }
    }
    line.push_str("\r\n");
    line
}

/// RCPT with what the server has to know for its reports.
pub(super) fn rcpt(recipient: &Recipient, extensions: &Extensions) -> String {
    let mut line = format!("RCPT TO:<{}>", recipient.address);
    if extensions.dsn {
        if let Some(notify) = recipient.dsn.notify {
            let _ = write!(line, " NOTIFY={notify}");
        }
        if let Some(original) = &recipient.dsn.original {
            let _ = write!(line, " ORCPT={}", original.as_str());
        }
    }
    line.push_str("\r\n");
    line
}
