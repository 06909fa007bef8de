//! One line → one command (RFC 1939 §3): a word of letters in any case, then arguments after
//! single blanks.

use mail::Secret;

/// Longest command line, its CRLF included (RFC 2449 §4).
pub(super) const LINE_MAX: usize = 255;
/// Longest line of a log-in exchange (as RFC 4954 §4 has it; RFC 5034 names none).
pub(super) const LOGIN_LINE_MAX: usize = 12_288;

/// A command of the client's.
#[derive(Debug)]
pub(super) enum Command {
    Capa,
    Stls,
    Utf8,
    User(String),
    Pass(Secret<String>),
    /// Mechanism, and initial response if there was one.
    Auth(String, Option<Secret<String>>),
    Stat,
    List(Option<usize>),
    Uidl(Option<usize>),
    Retr(usize),
    /// The message, and how many lines of its body.
    Top(usize, u64),
    Dele(usize),
    Noop,
    Rset,
    Quit,
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The word is not known.
    Unknown,
    /// What follows the word is missing, too much, or no number.
    Argument,
}

/// The longest line allowed, from how it begins: an initial response needs room.
pub(super) fn limit(begin: &[u8]) -> usize {
    let login = begin.get(..5).is_some_and(|five| five.eq_ignore_ascii_case(b"AUTH "));
    if login { LOGIN_LINE_MAX } else { LINE_MAX }
}

pub(super) fn parse(line: &str) -> Result<Command, Unreadable> {
    let (word, rest) = match line.split_once(' ') {
        Some((word, rest)) => (word, Some(rest)),
        None => (line, None),
    };
    let none = |command| if rest.is_none() { Ok(command) } else { Err(Unreadable::Argument) };
    let text = || rest.filter(|text| !text.is_empty()).ok_or(Unreadable::Argument);
    let some_number = || rest.map(number).transpose();
    match word.to_ascii_uppercase().as_str() {
        "CAPA" => none(Command::Capa),
        "STLS" => none(Command::Stls),
        "UTF8" => none(Command::Utf8),
        "STAT" => none(Command::Stat),
        "NOOP" => none(Command::Noop),
        "RSET" => none(Command::Rset),
        "QUIT" => none(Command::Quit),
        "USER" => Ok(Command::User(text()?.to_owned())),
        // The one argument may have blanks in it (RFC 1939 §7).
        "PASS" => Ok(Command::Pass(Secret::new(text()?.to_owned()))),
        "AUTH" => auth(text()?),
        "LIST" => Ok(Command::List(some_number()?)),
        "UIDL" => Ok(Command::Uidl(some_number()?)),
        "RETR" => Ok(Command::Retr(number(text()?)?)),
        "DELE" => Ok(Command::Dele(number(text()?)?)),
        "TOP" => {
            let (message, lines) = text()?.split_once(' ').ok_or(Unreadable::Argument)?;
            Ok(Command::Top(number(message)?, lines_wanted(lines)?))
        }
        _ => Err(Unreadable::Unknown),
    }
}

fn auth(arguments: &str) -> Result<Command, Unreadable> {
    let (mechanism, initial) = match arguments.split_once(' ') {
        Some((mechanism, initial)) => (mechanism, Some(initial)),
        None => (arguments, None),
    };
    if mechanism.is_empty() || initial.is_some_and(|text| text.is_empty() || text.contains(' ')) {
        return Err(Unreadable::Argument);
    }
    let initial = initial.map(|text| Secret::new(text.to_owned()));
    Ok(Command::Auth(mechanism.to_ascii_uppercase(), initial))
}

/// A message's number; whether there is such a message is not asked here.
fn number(text: &str) -> Result<usize, Unreadable> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unreadable::Argument);
    }
    // A number too large to count with is the number of no message.
    Ok(text.parse().unwrap_or(usize::MAX))
}

fn lines_wanted(text: &str) -> Result<u64, Unreadable> {
    number(text)?;
    Ok(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{limit, parse};

    fn check(line: &str, expected: &str) {
        let shown = match parse(line) {
            Ok(command) => format!("{command:?}"),
            Err(unreadable) => format!("{unreadable:?}"),
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn commands() {
        check("QUIT", "Quit");
        check("quit", "Quit");
        check("quit now", "Argument");
        check("QUIT ", "Argument");
        check("LIST", "List(None)");
        check("LIST 3", "List(Some(3))");
        check("LIST  3", "Argument");
        check("LIST +3", "Argument");
        check("LIST -1", "Argument");
        check("UIDL 99999999999999999999999", &format!("Uidl(Some({}))", usize::MAX));
        check("RETR", "Argument");
        check("RETR 1 2", "Argument");
        check("TOP 1 0", "Top(1, 0)");
        check("TOP 1", "Argument");
        check("USER anna@example.org", "User(\"anna@example.org\")");
        check("USER", "Argument");
        check("USER ", "Argument");
        check("PASS a secret with  blanks ", "Pass(***)");
        check("PASS", "Argument");
        check("AUTH", "Argument");
        check("auth plain", "Auth(\"PLAIN\", None)");
        check("AUTH PLAIN AGEAYg==", "Auth(\"PLAIN\", Some(***))");
        check("AUTH PLAIN a b", "Argument");
        check("APOP anna 0123", "Unknown");
        check("", "Unknown");
        check(" STAT", "Unknown");
    }

    #[test]
    fn only_log_in_lines_may_be_long() {
        assert_eq!(limit(b"RETR 1"), 255);
        assert_eq!(limit(b"auth plain"), 12_288);
        assert_eq!(limit(b"AUT"), 255);
    }
}
