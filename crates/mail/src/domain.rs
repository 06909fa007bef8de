//! Domain names in canonical form: A-labels, lower case, no final dot.

use serde::{Deserialize, Serialize};

/// RFC 1035 §2.3.4, as text and without the final dot.
const DOMAIN_MAX: usize = 253;

/// Longest text worth reading: U-labels may be longer than their A-labels.
const GIVEN_MAX: usize = 1_000;

/// A DNS domain name that mail can be sent to or from.
///
/// Always A-labels (RFC 5890), lower case, without a final dot, at most 253 bytes in labels of 1 to
/// 63 letters, digits and inner hyphens (underscore is let in: real host names have it).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// Why something is not a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Nothing there.
    #[error("the domain is empty")]
    Empty,
    /// Longer than 253 bytes.
    #[error("the domain is longer than 253 bytes")]
    TooLong,
    /// A label is empty, longer than 63 bytes, or begins or ends with a hyphen.
    #[error("a label of the domain is empty, too long, or begins or ends with a hyphen")]
    BadLabel,
    /// A character that no domain has.
    #[error("the domain has a character that no domain may have")]
    BadCharacter,
    /// The last label is a number, so it is an IP address without its brackets or nothing.
    #[error("the domain ends in a number; an IP address is written [192.0.2.1]")]
    Numeric,
    /// IDNA says no (RFC 5891).
    #[error("the domain is not a valid internationalised name")]
    Idna,
}

impl Domain {
    /// Reads a domain given as A-labels or U-labels, in any case, with or without a final dot.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        Self::parse_at(text).map_err(|(error, _)| error)
    }

    /// As [`Domain::parse`]; a failure tells the byte offset of what is wrong.
    pub(crate) fn parse_at(text: &str) -> Result<Self, (DomainError, usize)> {
        if text.len() > GIVEN_MAX {
            return Err((DomainError::TooLong, GIVEN_MAX));
        }
        // The full stops of other scripts are dots to IDNA.
        let text = text.strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).unwrap_or(text);
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            to_ascii(text).ok_or((DomainError::Idna, text.len() - after_ascii(text).len()))?
        };
        if ascii.is_empty() {
            return Err((DomainError::Empty, 0));
        }
        let mut at = 0;
        for label in ascii.split('.') {
            // Offsets are those of the text given, where it was ASCII already.
            let fail = |(error, offset)| (error, if text.is_ascii() { at + offset } else { 0 });
            check_label(label).map_err(fail)?;
            at += label.len() + 1;
        }
        if ascii.len() > DOMAIN_MAX {
            return Err((DomainError::TooLong, DOMAIN_MAX.min(text.len())));
        }
        let last = ascii.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err((DomainError::Numeric, 0));
        }
        Ok(Self(ascii))
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for people: U-labels where they are valid.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Whether this is `other` or lies below it.
    pub fn is_within(&self, other: &Domain) -> bool {
        self.0
            .strip_suffix(other.as_str())
            .is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }

    /// This domain, then each domain above it: `a.b.c`, `b.c`, `c`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |d| d.split_once('.').map(|(_, rest)| rest))
    }
}

fn to_ascii(text: &str) -> Option<String> {
    idna::domain_to_ascii_strict(text).ok()
}

/// From the first label on that is not ASCII.
fn after_ascii(text: &str) -> &str {
    let first = text.find(|c: char| !c.is_ascii()).unwrap_or(text.len());
    let start = text.get(..first).and_then(|head| head.rfind('.')).map_or(0, |dot| dot + 1);
    text.get(start..).unwrap_or_default()
}

fn check_label(label: &str) -> Result<(), (DomainError, usize)> {
    let proper = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if let Some(at) = label.bytes().position(|b| !proper(b)) {
        return Err((DomainError::BadCharacter, at));
    }
    if label.is_empty() || label.starts_with('-') {
        return Err((DomainError::BadLabel, 0));
    }
    if label.len() > 63 {
        return Err((DomainError::BadLabel, 63));
    }
    if label.ends_with('-') {
        return Err((DomainError::BadLabel, label.len() - 1));
    }
    // An A-label must be the one form of a valid U-label (RFC 5890 §2.3.2.1), or one name could be
    // written in several ways.
    if label.starts_with("xn--") && to_ascii(label).as_deref() != Some(label) {
        return Err((DomainError::Idna, 0));
    }
    Ok(())
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Domain {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl TryFrom<String> for Domain {
    type Error = DomainError;
    fn try_from(s: String) -> Result<Self, Self::Error> {
        Self::parse(&s)
    }
}

impl From<Domain> for String {
    fn from(d: Domain) -> String {
        d.0
    }
}

#[cfg(test)]
mod tests;
