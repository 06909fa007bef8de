//! The words of a client: one command line becomes one [`Command`], or the fault in it.
//!
//! Pure: knows the grammar (RFC 5321 §4.1) and its extensions, not the state of the session.

use super::Question;
use super::fault::Fault;
use mail::{
    BodyKind, EnvelopeDsn, EnvelopeId, ForwardPath, Notify, OriginalRecipient, RecipientDsn,
    Return, ReversePath, Secret,
};

/// Longest command line, CRLF included (RFC 5321 §4.5.3.1.4).
const LINE_MAX: usize = 512;
/// What the extensions add to MAIL: SIZE 26 (RFC 1870 §3), BODY 17 (RFC 6152 §2), SMTPUTF8 10
/// (RFC 6531 §3.1), AUTH 500 (RFC 4954 §3), RET 9 and ENVID 107 (RFC 3461 §4.3, §4.4), REQUIRETLS
/// 11 (RFC 8689 §2).
const MAIL_EXTRA: usize = 26 + 17 + 10 + 500 + 9 + 107 + 11;
/// What they add to RCPT: NOTIFY 29 and ORCPT 507 (RFC 3461 §4.1, §4.2).
const RCPT_EXTRA: usize = 29 + 507;
/// Longest line of a log-in, CRLF included (RFC 4954 §4).
pub(super) const LOGIN_LINE_MAX: usize = 12_288;
/// Longest HELO name (RFC 5321 §4.5.3.1.2).
const NAME_MAX: usize = 255;
/// Parameters that one command may carry: twice as many as there are.
const PARAMETERS_MAX: usize = 8;

/// A command as it was sent.
#[derive(Debug)]
pub(super) enum Command {
    /// HELO, EHLO or LHLO.
    Helo { name: String, greeting: Greeting },
    /// MAIL FROM.
    Mail(Mail),
    /// RCPT TO; `ascii` where nothing in it needs SMTPUTF8.
    Rcpt { path: ForwardPath, ascii: bool, dsn: RecipientDsn },
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
    /// AUTH, with its argument: see `login.rs`.
    Auth(Secret<String>),
    /// XQUEUE or XFLUSH, as what they ask: see `local.rs`.
    OwnEntries(Result<Question, Fault>),
}

/// How a client greets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Greeting {
    /// HELO: without extensions.
    Helo,
    /// EHLO.
    Ehlo,
    /// LHLO: EHLO of LMTP (RFC 2033 §4.1).
    Lhlo,
}

/// The arguments of MAIL.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) path: ReversePath,
    pub(super) size: Option<u64>,
    pub(super) body: BodyKind,
    pub(super) smtputf8: bool,
    /// AUTH= was given: allowed only where AUTH is offered (RFC 4954 §5). Its value is not used:
    /// no client is trusted to say who wrote a message.
    pub(super) auth: bool,
    /// REQUIRETLS: allowed only under TLS, where it is offered.
    pub(super) require_tls: bool,
    pub(super) dsn: EnvelopeDsn,
}

/// The longest line allowed, from how it begins.
pub(super) fn line_limit(line: &[u8]) -> usize {
    let verb = line.get(..5).unwrap_or_default();
    if verb.eq_ignore_ascii_case(b"MAIL ") {
        LINE_MAX + MAIL_EXTRA
    } else if verb.eq_ignore_ascii_case(b"RCPT ") {
        LINE_MAX + RCPT_EXTRA
    } else if verb.eq_ignore_ascii_case(b"AUTH ") {
        LOGIN_LINE_MAX
    } else {
        LINE_MAX
    }
}

/// Whether the line carries credentials, and has to be wiped once it was read.
pub(super) fn is_secret(line: &[u8]) -> bool {
    line.get(..5).unwrap_or_default().eq_ignore_ascii_case(b"AUTH ")
}

/// Reads a command line, given without its end.
pub(super) fn parse(line: &[u8]) -> Result<Command, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| Fault::NotText)?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Fault::NotText);
    }
    let text = text.trim_end_matches([' ', '\t']);
    let (verb, argument) = match text.split_once([' ', '\t']) {
        Some((verb, argument)) => (verb, argument.trim_start_matches([' ', '\t'])),
        None => (text, ""),
    };
    let bare = |command| if argument.is_empty() { Ok(command) } else { Err(Fault::Argument) };
    let verb = verb.to_ascii_uppercase();
    if let Some(question) = super::local::parse(&verb, argument) {
        return Ok(Command::OwnEntries(question));
    }
    match verb.as_str() {
        "HELO" => helo(argument, Greeting::Helo),
        "EHLO" => helo(argument, Greeting::Ehlo),
        "LHLO" => helo(argument, Greeting::Lhlo),
        "MAIL" => mail(argument).map(Command::Mail),
        "RCPT" => rcpt(argument),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "HELP" => Ok(Command::Help),
        "QUIT" => bare(Command::Quit),
        "STARTTLS" => bare(Command::StartTls),
        "AUTH" => Ok(Command::Auth(Secret::new(argument.to_owned()))),
        // Known to some standard, never offered here: VRFY and EXPN tell who exists, TURN and its
        // kin hand mail to strangers, BDAT would be a second state machine for bodies.
        "VRFY" | "EXPN" | "TURN" | "ETRN" | "ATRN" | "SEND" | "SOML" | "SAML" | "BDAT" | "BURL" => {
            Err(Fault::Disabled)
        }
        _ => Err(Fault::Unknown),
    }
}

fn helo(argument: &str, greeting: Greeting) -> Result<Command, Fault> {
    Ok(Command::Helo { name: helo_name(argument)?, greeting })
}

/// A domain or an address literal, in the shape that real clients use: no check beyond characters
/// and length, since policy decides what a name is worth (RFC 5321 §4.1.4).
fn helo_name(argument: &str) -> Result<String, Fault> {
    let literal = argument.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or_default());
    let good = match literal {
        Some(inner) => {
            !inner.is_empty()
                && inner.chars().all(|c| c.is_ascii_alphanumeric() || ".:-%".contains(c))
        }
        None => {
            !argument.is_empty()
                && argument.chars().all(|c| c.is_alphanumeric() || ".-_:".contains(c))
        }
    };
    if good && argument.len() <= NAME_MAX { Ok(argument.to_owned()) } else { Err(Fault::HeloName) }
}

fn mail(argument: &str) -> Result<Mail, Fault> {
    let (path, parameters) = split_path(argument, "FROM:").ok_or(Fault::SenderPath)?;
    let mut mail = Mail {
        path: ReversePath::Null,
        size: None,
        body: BodyKind::default(),
        smtputf8: false,
        auth: false,
        require_tls: false,
        dsn: EnvelopeDsn::default(),
    };
    each(parameters, |keyword, value| mail_parameter(&mut mail, keyword, value))?;
    if !mail.smtputf8 && !path.is_ascii() {
        return Err(Fault::NeedsSmtputf8);
    }
    mail.path = ReversePath::parse(path).map_err(Fault::SenderSyntax)?;
    Ok(mail)
}

fn mail_parameter(mail: &mut Mail, keyword: &str, value: Option<&str>) -> Result<(), Fault> {
    match (keyword, value) {
        ("SIZE", Some(digits)) => {
            let number =
                (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            if !number {
                return Err(Fault::BadParameter);
            }
            // Twenty digits may pass 64 bits: too large for anyone.
            mail.size = Some(digits.parse().unwrap_or(u64::MAX));
        }
        ("BODY", Some(kind)) if kind.eq_ignore_ascii_case("7BIT") => mail.body = BodyKind::SevenBit,
        ("BODY", Some(kind)) if kind.eq_ignore_ascii_case("8BITMIME") => {
            mail.body = BodyKind::EightBitMime;
        }
        ("SMTPUTF8", None) => mail.smtputf8 = true,
        ("AUTH", Some(value)) if !value.is_empty() => mail.auth = true,
        ("RET", Some(value)) => mail.dsn.ret = Some(known(Return::parse(value))?),
        ("ENVID", Some(value)) => mail.dsn.id = Some(known(EnvelopeId::parse(value))?),
        ("REQUIRETLS", None) => mail.require_tls = true,
        ("SIZE" | "BODY" | "SMTPUTF8" | "AUTH" | "RET" | "ENVID" | "REQUIRETLS", _) => {
            return Err(Fault::BadParameter);
        }
        _ => return Err(Fault::UnknownParameter),
    }
    Ok(())
}

fn known<T>(value: Option<T>) -> Result<T, Fault> {
    value.ok_or(Fault::BadParameter)
}

/// Hands on each parameter, its keyword in upper case; none may be there twice.
fn each(
    parameters: &str,
    mut take: impl FnMut(&str, Option<&str>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut seen = Vec::new();
    for (index, parameter) in parameters.split_ascii_whitespace().enumerate() {
        let (keyword, value) = match parameter.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (parameter.to_ascii_uppercase(), None),
        };
        if index >= PARAMETERS_MAX || seen.contains(&keyword) {
            return Err(Fault::BadParameter);
        }
        take(&keyword, value)?;
        seen.push(keyword);
    }
    Ok(())
}

fn rcpt(argument: &str) -> Result<Command, Fault> {
    let (path, parameters) = split_path(argument, "TO:").ok_or(Fault::RecipientPath)?;
    let mut dsn = RecipientDsn::default();
    each(parameters, |keyword, value| {
        match (keyword, value) {
            ("NOTIFY", Some(value)) => dsn.notify = Some(known(Notify::parse(value))?),
            ("ORCPT", Some(value)) => {
                dsn.original = Some(known(OriginalRecipient::parse(value))?);
            }
            ("NOTIFY" | "ORCPT", None) => return Err(Fault::BadParameter),
            _ => return Err(Fault::UnknownParameter),
        }
        Ok(())
    })?;
    // An ORCPT in UTF-8 needs SMTPUTF8 as well (RFC 6533 §3).
    let ascii = argument.is_ascii();
    let path = ForwardPath::parse(path).map_err(Fault::RecipientSyntax)?;
    Ok(Command::Rcpt { path, ascii, dsn })
}

/// Splits `FROM:<path> parameters` behind the path's closing bracket, which quotes may hide.
///
/// Blanks before the path are let in: RFC 5321 §3.3 forbids them, too many clients send them.
fn split_path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = argument.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = argument.get(keyword.len()..)?.trim_start_matches(' ');
    if !rest.starts_with('<') {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let (path, tail) = rest.split_at_checked(at + 1)?;
                let parameters = tail.trim_start_matches(' ');
                let parted = tail.is_empty() || parameters.len() < tail.len();
                return parted.then_some((path, parameters));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
