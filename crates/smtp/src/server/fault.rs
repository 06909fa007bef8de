//! What the machine itself finds wrong with a command: its reason, and whether the session goes on.
//!
//! What the client reads of it is in `reply`, like every other reply.

use mail::{AddressError, Reason};

/// A fault in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No such command.
    Unknown,
    /// A command that is never offered here.
    Disabled,
    /// A command at the wrong time; the text says what is missing.
    Sequence(&'static str),
    /// Bytes that are not UTF-8, or control characters.
    NotText,
    /// A NUL byte.
    Nul,
    /// A bare CR or LF: nobody can tell where the command ends, so the session ends.
    BareEnd,
    /// Longer than the limit.
    TooLong,
    /// A line of a log-in longer than its limit.
    LoginTooLong,
    /// An argument where there is none, or none where there must be one.
    Argument,
    /// Not a name that HELO or EHLO may have.
    HeloName,
    /// Not `FROM:<path>`.
    SenderPath,
    /// Not a sender's address.
    SenderSyntax(AddressError),
    /// Not `TO:<path>`.
    RecipientPath,
    /// Not a recipient's address.
    RecipientSyntax(AddressError),
    /// A parameter that is not known.
    UnknownParameter,
    /// A value that the parameter cannot have, or the parameter twice.
    BadParameter,
    /// Non-ASCII without SMTPUTF8.
    NeedsSmtputf8,
    /// SIZE= says more than allowed.
    TooLarge,
    /// One recipient too many.
    TooManyRecipients,
    /// No log-in without TLS.
    TlsRequired,
    /// A log-in mechanism that is not known.
    Mechanism,
    /// Not base64, or not what the mechanism wants to be in it.
    LoginSyntax,
    /// The client cancelled the log-in.
    LoginCancelled,
    /// An old message of a log-in, sent again.
    LoginNonce,
    /// A log-in that is bound to another connection; the text says how.
    LoginBinding(&'static str),
}

impl Fault {
    /// The reason for the trace.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Fault::Unknown => Reason::UnknownCommand,
            Fault::Disabled => Reason::CommandDisabled,
            Fault::Sequence(_) => Reason::BadSequence,
            Fault::Nul => Reason::NulByte,
            Fault::BareEnd => Reason::BareLineEnd,
            Fault::TooLong | Fault::LoginTooLong => Reason::CommandTooLong,
            Fault::UnknownParameter | Fault::Mechanism => Reason::UnknownParameter,
            Fault::NeedsSmtputf8 => Reason::NeedsSmtputf8,
            Fault::TooLarge => Reason::MessageTooLarge,
            Fault::TooManyRecipients => Reason::TooManyRecipients,
            Fault::TlsRequired => Reason::TlsRequired,
            Fault::LoginNonce => Reason::BadCredentials,
            Fault::LoginBinding(_) => Reason::ChannelBinding,
            Fault::NotText
            | Fault::Argument
            | Fault::HeloName
            | Fault::SenderPath
            | Fault::SenderSyntax(_)
            | Fault::RecipientPath
            | Fault::RecipientSyntax(_)
            | Fault::BadParameter
            | Fault::LoginSyntax
            | Fault::LoginCancelled => Reason::SyntaxError,
        }
    }

    /// Facts for the trace.
    pub(crate) fn detail(self) -> String {
        match self {
            Fault::SenderSyntax(error) | Fault::RecipientSyntax(error) => format!("{error}"),
            Fault::Sequence(missing) => missing.to_owned(),
            Fault::LoginBinding(how) => how.to_owned(),
            Fault::LoginNonce => "an old nonce".to_owned(),
            Fault::BareEnd => "part=command".to_owned(),
            Fault::Nul => "part=command found=nul".to_owned(),
            _ => String::new(),
        }
    }

    /// Whether the session ends with it.
    pub(crate) fn closes(self) -> bool {
        self == Fault::BareEnd
    }
}
