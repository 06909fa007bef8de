//! Macros put in (RFC 7208 §7.3): pure, all values are given.

use super::macros::{DomainSpec, Letter, Macro, MacroString, Token};
use net::Name;
use std::fmt::Write;
use std::net::IpAddr;

/// RFC 1035 §2.3.4; longer names lose labels from the left (RFC 7208 §7.3).
const NAME_MAX: usize = 253;

/// What macros stand for in one record of one check.
pub(super) struct Values<'a> {
    pub(super) local: &'a str,
    pub(super) sender_domain: &'a str,
    /// Whose record it is.
    pub(super) domain: &'a Name,
    /// The client; an IPv4 address is never inside an IPv6 one.
    pub(super) ip: IpAddr,
    pub(super) helo: &'a str,
    /// The client's own name, or `unknown`.
    pub(super) validated_name: &'a str,
    pub(super) receiver: &'a str,
    /// Seconds since 1970.
    pub(super) time: i64,
}

/// The name that a domain-spec means; `None` if no question can be made of it, as of an empty
/// label, or of a local part that is not ASCII (RFC 8616 §4).
pub(super) fn domain(spec: &DomainSpec, values: &Values<'_>) -> Option<Name> {
    let whole = text(spec.string(), values);
    let mut name = whole.strip_suffix('.').unwrap_or(&whole);
    while name.len() > NAME_MAX {
        (_, name) = name.split_once('.')?;
    }
    Name::parse(name)
}

/// The text with its macros put in.
pub(super) fn text(string: &MacroString, values: &Values<'_>) -> String {
    let mut text = String::new();
    for token in string.tokens() {
        match token {
            Token::Literal(literal) => text.push_str(literal),
            Token::Macro(given) => push(&mut text, given, &values.of(given.letter)),
        }
    }
    text
}

impl Values<'_> {
    fn of(&self, letter: Letter) -> String {
        match letter {
            Letter::Sender => format!("{}@{}", self.local, self.sender_domain),
            Letter::LocalPart => self.local.to_owned(),
            Letter::SenderDomain => self.sender_domain.to_owned(),
            Letter::Domain => self.domain.to_string(),
            Letter::Ip => dotted(self.ip),
            Letter::ValidatedName => self.validated_name.to_owned(),
            Letter::IpVersion if self.ip.is_ipv4() => "in-addr".to_owned(),
            Letter::IpVersion => "ip6".to_owned(),
            Letter::Helo => self.helo.to_owned(),
            Letter::ReadableIp => self.ip.to_string(),
            Letter::Receiver => self.receiver.to_owned(),
            Letter::Time => self.time.to_string(),
        }
    }
}

/// IPv6 as its 32 digits with dots between, in the capitals of the standard's examples.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let digits = ip.octets().map(|byte| format!("{:X}.{:X}", byte >> 4, byte & 15));
            digits.join(".")
        }
    }
}

fn push(text: &mut String, given: &Macro, value: &str) {
    let delimiters = if given.delimiters.is_empty() { "." } else { &given.delimiters };
    let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
    if given.is_reversed {
        parts.reverse();
    }
    let dropped = parts.len().saturating_sub(given.keep.unwrap_or(usize::MAX));
    let kept = parts.get(dropped..).unwrap_or_default().join(".");
    if !given.is_escaped {
        text.push_str(&kept);
        return;
    }
    for byte in kept.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
}
