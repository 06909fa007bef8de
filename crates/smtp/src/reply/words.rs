//! What the machine says of its own: greetings, successes, and the faults of commands.

use super::{Reply, Severity, for_reason};
use crate::server::fault::Fault;
use mail::MessageId;
use std::borrow::Cow;

/// The greeting (RFC 5321 §4.2): no product, no version.
pub(crate) fn greeting(hostname: &str, is_lmtp: bool) -> Reply {
    let protocol = if is_lmtp { "LMTP" } else { "ESMTP" };
    Reply::new(220, None, format!("{hostname} {protocol}"))
}

/// The answer to HELO.
pub(crate) fn helo(hostname: &str) -> Reply {
    Reply::new(250, None, hostname.to_owned())
}

/// What is said of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Nothing: there is none.
    Nothing,
    /// That it can begin.
    StartTls,
    /// What goes with it: it is active.
    Active,
}

/// The answer to EHLO: the host's name, then what it offers (RFC 5321 §4.1.1.1). REQUIRETLS is
/// offered under TLS alone (RFC 8689 §2).
pub(crate) fn ehlo(hostname: &str, size_max: u64, tls: Offer, auth: bool) -> Reply {
    let mut lines: Vec<Cow<'static, str>> = vec![
        hostname.to_owned().into(),
        "PIPELINING".into(),
        format!("SIZE {size_max}").into(),
        "8BITMIME".into(),
        "SMTPUTF8".into(),
        "ENHANCEDSTATUSCODES".into(),
        "DSN".into(),
    ];
    if tls == Offer::StartTls {
        lines.push("STARTTLS".into());
    }
    if tls == Offer::Active {
        lines.push("REQUIRETLS".into());
    }
    if auth {
        // SCRAM stands behind what works for every user: it knows app passwords alone, and some
        // clients take the first that they know.
        lines.push("AUTH PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS".into());
    }
    Reply { code: 250, enhanced: None, lines }
}

/// MAIL was accepted.
pub(crate) fn sender_ok() -> Reply {
    Reply::new(250, Some((2, 1, 0)), "Sender OK")
}

/// RCPT was accepted.
pub(crate) fn recipient_ok() -> Reply {
    Reply::new(250, Some((2, 1, 5)), "Recipient OK")
}

/// DATA may begin; 3yz replies have no enhanced code (RFC 2034 §4).
pub(crate) fn go_on() -> Reply {
    Reply::new(354, None, "End data with <CR><LF>.<CR><LF>")
}

/// The message is kept.
pub(crate) fn kept(message: MessageId) -> Reply {
    Reply::new(250, Some((2, 0, 0)), format!("OK, kept as {message}"))
}

/// RSET and NOOP.
pub(crate) fn ok() -> Reply {
    Reply::new(250, Some((2, 0, 0)), "OK")
}

/// HELP: the same for every argument and in every state; extensions are what EHLO names.
pub(crate) fn help() -> Reply {
    let text = "EHLO HELO MAIL RCPT DATA RSET NOOP HELP QUIT (RFC 5321)";
    Reply::new(214, Some((2, 0, 0)), text)
}

/// What a user of this machine asked for.
pub(crate) fn told(lines: Vec<String>) -> Reply {
    Reply { code: 250, enhanced: None, lines: lines.into_iter().map(Cow::from).collect() }
}

/// QUIT.
pub(crate) fn bye() -> Reply {
    Reply::new(221, Some((2, 0, 0)), "Bye")
}

/// STARTTLS.
pub(crate) fn start_tls() -> Reply {
    Reply::new(220, Some((2, 0, 0)), "Ready to start TLS")
}

/// The log-in succeeded (RFC 4954 §6).
pub(crate) fn logged_in() -> Reply {
    Reply::new(235, Some((2, 7, 0)), "Authentication successful")
}

/// A challenge of a log-in, given in base64.
pub(crate) fn challenge(base64: impl Into<Cow<'static, str>>) -> Reply {
    Reply::new(334, None, base64)
}

/// DATA after every recipient was refused (RFC 5321 §3.3).
pub(crate) fn no_recipients() -> Reply {
    Reply::new(554, Some((5, 5, 1)), "No valid recipients")
}

/// What the client reads of a fault: the reason's row where it fits, else the standard's words.
pub(crate) fn for_fault(fault: Fault) -> Reply {
    let own = |code, subject, detail, text| Reply::new(code, Some((5, subject, detail)), text);
    match fault {
        Fault::Sequence(missing) => own(503, 5, 1, missing),
        Fault::NotText => own(500, 5, 2, "Not a line of printable text"),
        Fault::Nul => own(500, 5, 2, "A command holds a NUL byte"),
        Fault::BareEnd => own(500, 5, 2, "A command holds a bare CR or LF, closing"),
        // RFC 4954 §6.
        Fault::LoginTooLong => own(500, 5, 6, "Authentication exchange line is too long"),
        Fault::Argument => own(501, 5, 4, "Wrong number of arguments"),
        Fault::HeloName => own(501, 5, 4, "Not a domain or an address literal").plain(),
        Fault::SenderPath => own(501, 5, 4, "Syntax: MAIL FROM:<address>"),
        Fault::SenderSyntax(_) => own(501, 1, 7, "Not a valid sender address"),
        Fault::RecipientPath => own(501, 5, 4, "Syntax: RCPT TO:<address>"),
        Fault::RecipientSyntax(_) => own(501, 1, 3, "Not a valid recipient address"),
        Fault::BadParameter => own(501, 5, 4, "A parameter has a wrong value"),
        Fault::Mechanism => own(504, 5, 4, "Authentication mechanism not known"),
        Fault::LoginSyntax => own(501, 5, 2, "The credentials cannot be decoded"),
        Fault::LoginCancelled => own(501, 7, 0, "Authentication cancelled"),
        Fault::TooManyRecipients => for_reason(Severity::Temporary, fault.reason()),
        _ => for_reason(Severity::Permanent, fault.reason()),
    }
}
