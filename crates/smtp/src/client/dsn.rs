//! What a sender wants to be told of its delivery (RFC 3461): the values that MAIL and RCPT carry.
//!
//! Handed on to servers that offer DSN; towards others it is for the caller to report.

use mail::Address;
use std::fmt::Write;

/// Longest ENVID (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;
/// Longest ORCPT (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;

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

/// ENVID=: the sender's own name for the message, in xtext of at most 100 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeId(String);

/// ORCPT=: whom the message was first addressed to, `type;xtext` of at most 500 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalRecipient(String);

impl Return {
    /// The value as it is sent.
    pub fn word(self) -> &'static str {
        match self {
            Return::Full => "FULL",
            Return::Headers => "HDRS",
        }
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
    /// Takes a value as it was received: xtext, not empty, at most 100 bytes.
    pub fn parse(value: &str) -> Option<Self> {
        let good = !value.is_empty() && value.len() <= ENVID_MAX && is_xtext(value);
        good.then(|| Self(value.to_owned()))
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
    /// Takes a value as it was received: a type (RFC 3461 §4.2), a semicolon, xtext.
    pub fn parse(value: &str) -> Option<Self> {
        let (kind, address) = value.split_once(';')?;
        let atom = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let good = !kind.is_empty() && kind.bytes().all(atom) && !address.is_empty();
        let good = good && is_xtext(address) && value.len() <= ORCPT_MAX;
        good.then(|| Self(value.to_owned()))
    }

    /// Names `address`: with the type of RFC 6533 §3 where it is not ASCII, in the form that needs
    /// no SMTPUTF8. `None` for one that is longer than 500 bytes then.
    pub fn of(address: &Address) -> Option<Self> {
        let text = address.to_string();
        if text.is_ascii() {
            return Self::parse(&format!("rfc822;{}", xtext(&text)));
        }
        let mut value = "utf-8;".to_owned();
        for c in text.chars() {
            if ('!'..='~').contains(&c) && !matches!(c, '\\' | '+' | '=') {
                value.push(c);
            } else {
                let _ = write!(value, "\\x{{{:02X}}}", u32::from(c));
            }
        }
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

fn is_xtext(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut hex = || {
            let digit = bytes.next().unwrap_or_default();
            matches!(digit, b'0'..=b'9' | b'A'..=b'F')
        };
        let good = match byte {
            b'+' => hex() && hex(),
            b'=' => false,
            _ => (b'!'..=b'~').contains(&byte),
        };
        if !good {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
