//! Addresses as SMTP writes them (RFC 5321 §4.1.2, RFC 6531 §3.3).

use crate::Domain;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use unicode_normalization::UnicodeNormalization;

/// The part before the `@`, without quotes and escapes; its case is kept (RFC 5321 §2.4).
///
/// Always in normalisation form C (RFC 6532 §3.1), so that one name has one form, and at most 64
/// bytes as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(String);

/// The part behind the `@`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A domain name.
    Domain(Domain),
    /// An address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

/// A mailbox address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// Before the `@`.
    pub local: LocalPart,
    /// Behind the `@`.
    pub host: Host,
}

/// The argument of MAIL FROM.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: a notification, which must never be answered.
    Null,
    /// An address.
    Address(Address),
}

/// The argument of RCPT TO.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain (RFC 5321 §4.1.1.3).
    Postmaster,
    /// An address; `source_route` holds what stood before the colon in `<@a,@b:user@c>`, which is
    /// ignored for routing (RFC 5321 appendix C) but told to policy.
    Address {
        /// The mailbox.
        address: Address,
        /// The hosts of the source route, as given; usually empty.
        source_route: Vec<Domain>,
    },
}

/// Why something is not an address, and where (byte offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {at})")]
pub struct AddressError {
    /// What is wrong.
    pub kind: AddressErrorKind,
    /// Byte offset in the text given.
    pub at: usize,
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressErrorKind {
    /// No `@`.
    #[error("there is no @")]
    NoAt,
    /// Nothing before the `@`.
    #[error("the local part is empty")]
    EmptyLocal,
    /// The local part is longer than 64 bytes (RFC 5321 §4.5.3.1.1).
    #[error("the local part is longer than 64 bytes")]
    LongLocal,
    /// The whole is longer than 254 bytes (RFC 5321 §4.5.3.1.3).
    #[error("the address is longer than 254 bytes")]
    TooLong,
    /// A character that needs quotes or may not be there at all (controls, direction marks), or a
    /// stray dot.
    #[error("the local part has a character that needs quotes, or a stray dot")]
    BadLocal,
    /// A quoted string that does not end, or ends before the `@`.
    #[error("the quoted local part does not end before the @")]
    BadQuote,
    /// The domain is wrong.
    #[error("{0}")]
    Domain(crate::domain::DomainError),
    /// The address literal is wrong.
    #[error("the address literal is not an IPv4 or IPv6: address")]
    BadLiteral,
    /// Angle brackets or a source route that do not fit.
    #[error("the path is not of the form <address>")]
    BadPath,
}

impl AddressErrorKind {
    /// Its word, in snake case.
    pub fn word(self) -> &'static str {
        use crate::domain::DomainError;
        match self {
            Self::NoAt => "no_at",
            Self::EmptyLocal => "empty_local_part",
            Self::LongLocal => "long_local_part",
            Self::TooLong => "address_too_long",
            Self::BadLocal => "bad_local_part",
            Self::BadQuote => "bad_quoted_string",
            Self::Domain(DomainError::Empty) => "empty_domain",
            Self::Domain(DomainError::TooLong) => "domain_too_long",
            Self::Domain(DomainError::BadLabel) => "bad_domain_label",
            Self::Domain(DomainError::BadCharacter) => "bad_domain_character",
            Self::Domain(DomainError::Numeric) => "numeric_domain",
            Self::Domain(DomainError::Idna) => "bad_international_domain",
            Self::BadLiteral => "bad_address_literal",
            Self::BadPath => "bad_path",
        }
    }
}

impl LocalPart {
    /// The unquoted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has to be written in quotes.
    pub fn needs_quotes(&self) -> bool {
        !parse::is_dot_string(&self.0)
    }

    /// The form that local accounts and aliases are found by: lower case.
    pub fn key(&self) -> String {
        // Lower case of a composed text need not be composed.
        if self.0.is_ascii() {
            self.0.to_ascii_lowercase()
        } else {
            self.0.to_lowercase().nfc().collect()
        }
    }
}

impl Address {
    /// Reads `local@host`, without angle brackets.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        parse::mailbox(text)
    }

    /// An address at a domain whose local part is taken as it is (unquoted).
    pub fn at(local: &str, domain: &Domain) -> Result<Self, AddressError> {
        let local = parse::unquoted(local)?;
        Ok(Self { local, host: Host::Domain(domain.clone()) })
    }

    /// The domain, unless the host is an address literal.
    pub fn domain(&self) -> Option<&Domain> {
        match &self.host {
            Host::Domain(domain) => Some(domain),
            Host::Literal(_) => None,
        }
    }

    /// Whether it can only be sent with SMTPUTF8 (RFC 6531): the local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.0.is_ascii()
    }

    /// The form that maps and directories are keyed by: local part in lower case.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.key(), self.host)
    }
}

impl ReversePath {
    /// Reads `<address>` or `<>`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        parse::reverse_path(text)
    }

    /// The address, unless it is the null path.
    pub fn address(&self) -> Option<&Address> {
        match self {
            ReversePath::Null => None,
            ReversePath::Address(address) => Some(address),
        }
    }
}

impl ForwardPath {
    /// Reads `<address>`, `<@a,@b:address>` or `<Postmaster>`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        parse::forward_path(text)
    }
}

pub use view::{AddressView, ErrorView, ParsedView, view};

mod parse;
mod show;
#[cfg(test)]
mod tests;
mod view;
