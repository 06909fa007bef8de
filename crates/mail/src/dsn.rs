//! What a sender wants to be told of its delivery (RFC 3461): the values that MAIL and RCPT carry.
//!
//! Handed on to servers that offer DSN; of what goes elsewhere, `filter::notice` tells. A value
//! holds printable ASCII alone, encoded and decoded, so that none can end a command or a field.

use crate::Address;
use std::fmt::Write;

/// Longest ENVID (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;
/// Longest ORCPT (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;
/// The type of addresses with other characters than ASCII (RFC 6533 §3).
const UTF8: &str = "utf-8";

/// RET=: how much of the message comes back with a failure (RFC 3461 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// NOTIFY=: what a sender wants to hear of one recipient (RFC 3461 §4.1). None of the three is
/// `NEVER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notify {
    /// That it arrived.
    pub success: bool,
    /// That it failed for good.
    pub failure: bool,
    /// That it is late.
    pub delay: bool,
}

/// What MAIL says of reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvelopeDsn {
    /// RET=.
    pub ret: Option<Return>,
    /// ENVID=.
    pub id: Option<EnvelopeId>,
}

/// What RCPT says of reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecipientDsn {
    /// NOTIFY=; without, the sender hears of a failure, and of a delay where we choose to tell it.
    pub notify: Option<Notify>,
    /// ORCPT=.
    pub original: Option<OriginalRecipient>,
}

/// ENVID=: the sender's own name for the message, in xtext of at most 100 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId(String);

/// ORCPT=: whom the message was first addressed to, `type;xtext` of at most 500 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient(String);

impl RecipientDsn {
    /// Whether the sender asked to hear that it arrived.
    pub fn wants_success(&self) -> bool {
        self.notify.is_some_and(|notify| notify.success)
    }

    /// Whether the sender is to hear that it failed: unless other things alone were asked for.
    pub fn wants_failure(&self) -> bool {
        self.notify.is_none_or(|notify| notify.failure)
    }
}

impl Return {
    /// Reads a value as it was received, in any case.
    pub fn parse(value: &str) -> Option<Self> {
        [Return::Full, Return::Headers]
            .into_iter()
            .find(|wanted| value.eq_ignore_ascii_case(wanted.word()))
    }

    /// The value as it is sent.
    pub fn word(self) -> &'static str {
        match self {
            Return::Full => "FULL",
            Return::Headers => "HDRS",
        }
    }
}

impl Notify {
    /// Reads a value as it was received, in any case: `NEVER` alone, or a list of the others
    /// without repeats.
    pub fn parse(value: &str) -> Option<Self> {
        let mut notify = Self::default();
        if value.eq_ignore_ascii_case("NEVER") {
            return Some(notify);
        }
        for word in value.split(',') {
            let on = match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => &mut notify.success,
                "FAILURE" => &mut notify.failure,
                "DELAY" => &mut notify.delay,
                _ => return None,
            };
            if std::mem::replace(on, true) {
                return None;
            }
        }
        Some(notify)
    }
}

/// The value as it is sent.
impl std::fmt::Display for Notify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")];
        let wanted: Vec<&str> = all.into_iter().filter(|(on, _)| *on).map(|(_, w)| w).collect();
        f.write_str(&if wanted.is_empty() { "NEVER".to_owned() } else { wanted.join(",") })
    }
}

impl EnvelopeId {
    /// Takes a value as it was received: xtext of printable ASCII, not empty, at most 100 bytes.
    pub fn parse(value: &str) -> Option<Self> {
        let good = !value.is_empty() && value.len() <= ENVID_MAX && decoded(value).is_some();
        good.then(|| Self(value.to_owned()))
    }

    /// The sender's own words, as a report has them (RFC 3464 §2.2.1): printable ASCII.
    pub fn text(&self) -> String {
        decoded(&self.0).unwrap_or_default()
    }

    /// Makes one from printable ASCII text.
    pub fn of(text: &str) -> Option<Self> {
        text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then_some(())?;
        Self::parse(&xtext(text))
    }

    /// The value as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OriginalRecipient {
    /// Takes a value as it was received: a type (RFC 3461 §4.2), a semicolon, xtext of printable
    /// ASCII. With the type of RFC 6533 §3 other characters may be there as they are; they are kept
    /// in the form that needs no SMTPUTF8.
    pub fn parse(value: &str) -> Option<Self> {
        let (kind, address) = value.split_once(';')?;
        let atom = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if kind.is_empty() || !kind.bytes().all(atom) || address.is_empty() {
            return None;
        }
        let value = if address.is_ascii() || !kind.eq_ignore_ascii_case(UTF8) {
            decoded(address).is_some().then(|| value.to_owned())?
        } else {
            let good = |c: char| c != ' ' && c != '=' && !c.is_control();
            address
                .chars()
                .all(good)
                .then(|| format!("{kind};{}", embedded(address, |c| c.is_ascii())))?
        };
        (value.len() <= ORCPT_MAX).then_some(Self(value))
    }

    /// The value as a field of a report has it (RFC 3464 §2.3.1): `rfc822; anna@example.org`,
    /// printable ASCII.
    pub fn field(&self) -> String {
        match self.0.split_once(';') {
            // RFC 6533 §3: in this form in a report that is not internationalised.
            Some((kind, address)) if kind.eq_ignore_ascii_case(UTF8) => {
                format!("{UTF8}; {address}")
            }
            Some((kind, address)) => format!("{kind}; {}", decoded(address).unwrap_or_default()),
            None => String::new(),
        }
    }

    /// Names `address`: with the type of RFC 6533 §3 where it is not ASCII, in the form that needs
    /// no SMTPUTF8. `None` for one that is longer than 500 bytes then.
    pub fn of(address: &Address) -> Option<Self> {
        let text = address.to_string();
        if text.is_ascii() {
            return Self::parse(&format!("rfc822;{}", xtext(&text)));
        }
        let plain = |c: char| ('!'..='~').contains(&c) && !matches!(c, '\\' | '+' | '=');
        let value = format!("{UTF8};{}", embedded(&text, plain));
        Self::parse(&value)
    }

    /// The value as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 3461 §4: printable ASCII; `+`, `=` and blanks as `+` and two upper-case hexadecimal digits.
fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'+' && byte != b'=' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "+{byte:02X}");
            }
        }
    }
    out
}

/// RFC 6533 §3: what is not `plain` as `\x{HEX}`.
fn embedded(text: &str, plain: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if plain(c) {
            out.push(c);
        } else {
            let _ = write!(out, "\\x{{{:02X}}}", u32::from(c));
        }
    }
    out
}

/// What stands behind xtext: `None` where it is none, or is not printable ASCII.
fn decoded(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || match bytes.next()? {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        };
        let byte = match byte {
            b'+' => hex()? * 16 + hex()?,
            b'=' | b' ' => return None,
            byte => byte,
        };
        out.push((b' '..=b'~').contains(&byte).then(|| char::from(byte))?);
    }
    Some(out)
}

#[cfg(test)]
mod tests;
