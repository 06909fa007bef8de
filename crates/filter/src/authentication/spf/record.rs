//! The SPF record as it is written (RFC 7208 §4.5, §4.6.1, §5, §6), apart from what it means.

use super::macros::{DomainSpec, MacroString};
use crate::authentication::inquiry::cut;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A record of more bytes than this is an error: the longest sound ones stay below 2 KiB, and the
/// standard wants them below 450 bytes (RFC 7208 §3.4).
pub const RECORD_MAX: usize = 8 * 1024;
/// What an error shows of the term that is wrong.
const TERM_SHOWN: usize = 80;

/// A record, sound in all its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Its mechanisms, in order.
    pub directives: Vec<Directive>,
    /// Whose record is asked if none of them matches.
    pub redirect: Option<DomainSpec>,
    /// Where the text for those refused is.
    pub explanation: Option<DomainSpec>,
}

/// A mechanism and what it gives to whom it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What a match gives.
    pub qualifier: Qualifier,
    /// Whom it matches.
    pub mechanism: Mechanism,
    /// As it was written, without the qualifier, at most 80 bytes.
    pub text: String,
}

/// RFC 7208 §4.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing.
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
}

/// RFC 7208 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Everybody.
    All,
    /// Whom another domain's record passes.
    Include(DomainSpec),
    /// The hosts of a name.
    A(Hosts),
    /// The mail servers of a name.
    Mx(Hosts),
    /// Whose own name is within a domain.
    Ptr(Option<DomainSpec>),
    /// An IPv4 network: address and bits.
    Ip4(Ipv4Addr, u8),
    /// An IPv6 network: address and bits.
    Ip6(Ipv6Addr, u8),
    /// Everybody, if a name has an address.
    Exists(DomainSpec),
}

/// A name, by default the domain itself, and how much around its addresses is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// The name.
    pub domain: Option<DomainSpec>,
    /// Bits of an IPv4 address that must be equal, 0 to 32.
    pub ip4_bits: u8,
    /// Bits of an IPv6 address that must be equal, 0 to 128.
    pub ip6_bits: u8,
}

/// Why a text is no sound record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {term:?}")]
pub struct SyntaxError {
    /// What is wrong.
    pub problem: &'static str,
    /// The term that is wrong, at most 80 bytes of it.
    pub term: String,
}

/// Whether a text claims to be a record (RFC 7208 §4.5): what does not is none of SPF's business.
pub fn is_record(text: &str) -> bool {
    after_version(text).is_some()
}

fn after_version(text: &str) -> Option<&str> {
    let (version, rest) = text.split_at_checked("v=spf1".len())?;
    let ends = rest.is_empty() || rest.starts_with(' ');
    (version.eq_ignore_ascii_case("v=spf1") && ends).then_some(rest)
}

impl Record {
    /// Reads a record with its version.
    ///
    /// # Errors
    /// It is too long, or any part of it is not sound (RFC 7208 §4.6).
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let fail = |term: &str, problem| SyntaxError { problem, term: cut(term, TERM_SHOWN) };
        if text.len() > RECORD_MAX {
            return Err(fail(text, "the record is longer than 8 KiB"));
        }
        let rest = after_version(text).ok_or_else(|| fail(text, "no record of version spf1"))?;
        let mut record = Record::default();
        for term in rest.split(' ').filter(|term| !term.is_empty()) {
            record.term(term).map_err(|problem| fail(term, problem))?;
        }
        Ok(record)
    }

    fn term(&mut self, term: &str) -> Result<(), &'static str> {
        let end = term.find([':', '=', '/']).unwrap_or(term.len());
        let (name, argument) = term.split_at_checked(end).unwrap_or_default();
        match argument.strip_prefix('=') {
            Some(value) => self.modifier(name, value),
            None => {
                self.directives.push(directive(term)?);
                Ok(())
            }
        }
    }

    fn modifier(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let proper = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(proper) {
            return Err("no name of a modifier");
        }
        let place = match name.to_ascii_lowercase().as_str() {
            "redirect" => &mut self.redirect,
            "exp" => &mut self.explanation,
            _ => return MacroString::modifier(value).map(|_| ()),
        };
        if place.is_some() {
            return Err("the modifier is there twice");
        }
        *place = Some(DomainSpec::parse(value)?);
        Ok(())
    }
}

fn directive(term: &str) -> Result<Directive, &'static str> {
    let (qualifier, text) = match term.chars().next() {
        Some('+') => (Qualifier::Pass, term.get(1..)),
        Some('-') => (Qualifier::Fail, term.get(1..)),
        Some('~') => (Qualifier::SoftFail, term.get(1..)),
        Some('?') => (Qualifier::Neutral, term.get(1..)),
        _ => (Qualifier::Pass, Some(term)),
    };
    let text = text.unwrap_or_default();
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, argument) = text.split_at_checked(end).unwrap_or_default();
    let mechanism = mechanism(&name.to_ascii_lowercase(), argument)?;
    Ok(Directive { qualifier, mechanism, text: cut(text, TERM_SHOWN) })
}

/// A mechanism by its name and all that follows, which begins with `:` or `/` or is empty.
fn mechanism(name: &str, argument: &str) -> Result<Mechanism, &'static str> {
    let value = argument.strip_prefix(':');
    let needed = value.ok_or("the mechanism needs an argument");
    Ok(match name {
        "all" if argument.is_empty() => Mechanism::All,
        "all" => return Err("the mechanism takes no argument"),
        "include" => Mechanism::Include(DomainSpec::parse(needed?)?),
        "exists" => Mechanism::Exists(DomainSpec::parse(needed?)?),
        "ptr" if argument.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(DomainSpec::parse(needed?)?)),
        "a" => Mechanism::A(hosts(argument)?),
        "mx" => Mechanism::Mx(hosts(argument)?),
        "ip4" => {
            let (address, bits) = network(needed?, 32)?;
            Mechanism::Ip4(address.parse().map_err(|_| "no IPv4 network")?, bits)
        }
        "ip6" => {
            let (address, bits) = network(needed?, 128)?;
            Mechanism::Ip6(address.parse().map_err(|_| "no IPv6 network")?, bits)
        }
        _ => return Err("an unknown mechanism"),
    })
}

fn network(text: &str, bits_max: u8) -> Result<(&str, u8), &'static str> {
    match text.rsplit_once('/') {
        Some((address, length)) => Ok((address, bits(length, bits_max)?)),
        None => Ok((text, bits_max)),
    }
}

/// `[ ":" domain-spec ] [ "/" bits ] [ "//" bits ]`. A domain may itself hold slashes, so the
/// lengths are taken from the end.
fn hosts(argument: &str) -> Result<Hosts, &'static str> {
    let (mut ip4_bits, mut ip6_bits) = (32, 128);
    let mut rest = argument;
    if let Some((head, length)) = ending_in_digits(rest)
        && let Some(head) = head.strip_suffix("//")
    {
        ip6_bits = bits(length, 128)?;
        rest = head;
    }
    if let Some((head, length)) = ending_in_digits(rest)
        && let Some(head) = head.strip_suffix('/')
    {
        ip4_bits = bits(length, 32)?;
        rest = head;
    }
    let domain = match rest.strip_prefix(':') {
        Some(domain) => Some(DomainSpec::parse(domain)?),
        None if rest.is_empty() => None,
        None => return Err("no number of bits"),
    };
    Ok(Hosts { domain, ip4_bits, ip6_bits })
}

fn ending_in_digits(text: &str) -> Option<(&str, &str)> {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let split = text.split_at_checked(head.len())?;
    (!split.1.is_empty()).then_some(split)
}

/// A number of bits, without leading zeros.
fn bits(text: &str, max: u8) -> Result<u8, &'static str> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let leads_with_zero = text.len() > 1 && text.starts_with('0');
    let number = text.parse().ok().filter(|bits| *bits <= max && digits && !leads_with_zero);
    number.ok_or("no number of bits")
}
