//! Reading addresses and paths; every way in is bounded by the length of its text.

use super::{
    Address, AddressError, AddressErrorKind as Kind, ForwardPath, Host, LocalPart, ReversePath,
};
use crate::Domain;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use unicode_normalization::UnicodeNormalization;

/// RFC 5321 §4.5.3.1.1.
const LOCAL_MAX: usize = 64;
/// RFC 5321 §4.5.3.1.3 less the angle brackets.
const ADDRESS_MAX: usize = 254;
/// Longest local part worth normalising.
const GIVEN_MAX: usize = 1_000;

fn fail<T>(kind: Kind, at: usize) -> Result<T, AddressError> {
    Err(AddressError { kind, at })
}

/// Dot-string (RFC 5321 §4.1.2) with UTF-8 (RFC 6531 §3.3).
pub(super) fn is_dot_string(text: &str) -> bool {
    !text.is_empty()
        && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

fn is_atom_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && is_shown(c))
}

/// Whether a character may stand in a local part at all: no controls, and none of the invisible
/// ones that turn the direction of what follows or only pretend to be there. (Joiners stay: some
/// scripts need them.)
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Takes a local part without its quotes. Offsets of failures are those in `text`.
pub(super) fn unquoted(text: &str) -> Result<LocalPart, AddressError> {
    if text.is_empty() {
        return fail(Kind::EmptyLocal, 0);
    }
    if let Some(at) = text.find(|c| !is_shown(c)) {
        return fail(Kind::BadLocal, at);
    }
    if text.len() > GIVEN_MAX {
        return fail(Kind::LongLocal, LOCAL_MAX);
    }
    let part = LocalPart(text.nfc().collect());
    // Quotes and backslashes count: the limit is one of the wire.
    if part.to_string().len() > LOCAL_MAX {
        return fail(Kind::LongLocal, LOCAL_MAX.min(text.len()));
    }
    Ok(part)
}

pub(super) fn mailbox(text: &str) -> Result<Address, AddressError> {
    let (local, at) = if text.starts_with('"') { quoted(text)? } else { dotted(text)? };
    let host_at = at + 1;
    let host = host(text.get(host_at..).unwrap_or_default(), host_at)?;
    let address = Address { local, host };
    if text.len() > ADDRESS_MAX || address.to_string().len() > ADDRESS_MAX {
        return fail(Kind::TooLong, ADDRESS_MAX.min(text.len()));
    }
    Ok(address)
}

/// The local part, and the offset of its `@`.
fn dotted(text: &str) -> Result<(LocalPart, usize), AddressError> {
    let mut atom_due = true;
    for (at, c) in text.char_indices() {
        match c {
            '@' if at == 0 => return fail(Kind::EmptyLocal, 0),
            '.' | '@' if atom_due => return fail(Kind::BadLocal, at - usize::from(c == '@')),
            '@' => return Ok((unquoted(text.get(..at).unwrap_or_default())?, at)),
            '.' => atom_due = true,
            c if is_atom_char(c) => atom_due = false,
            // A text without any @ is better told so.
            _ if text.contains('@') => return fail(Kind::BadLocal, at),
            _ => break,
        }
    }
    fail(Kind::NoAt, text.len())
}

/// As [`dotted`], for a text that begins with a quote.
fn quoted(text: &str) -> Result<(LocalPart, usize), AddressError> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let next = at + 1;
                if !text.get(next..).is_some_and(|rest| rest.starts_with('@')) {
                    return fail(Kind::BadQuote, next);
                }
                let at = |error: AddressError| AddressError { at: error.at.min(next), ..error };
                return Ok((shift(unquoted(&content), 1).map_err(at)?, next));
            }
            '\\' => match chars.next() {
                Some((_, c @ ' '..='~')) => content.push(c),
                _ => return fail(Kind::BadQuote, at),
            },
            c if !is_shown(c) => return fail(Kind::BadLocal, at),
            c => content.push(c),
        }
    }
    fail(Kind::BadQuote, text.len())
}

fn host(text: &str, at: usize) -> Result<Host, AddressError> {
    if let Some(inner) = text.strip_prefix('[') {
        let literal = inner.strip_suffix(']').and_then(literal);
        return literal.map(Host::Literal).map_or_else(|| fail(Kind::BadLiteral, at), Ok);
    }
    match Domain::parse_at(text) {
        Ok(domain) => Ok(Host::Domain(domain)),
        Err((error, offset)) => fail(Kind::Domain(error), at + offset),
    }
}

/// RFC 5321 §4.1.3. An IPv4 address in IPv6 clothes is that IPv4 address: policy must not see two.
fn literal(text: &str) -> Option<IpAddr> {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => {
            let ip = text.get(5..)?.parse::<Ipv6Addr>().ok()?;
            Some(IpAddr::V6(ip).to_canonical())
        }
        _ => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn angle(text: &str) -> Result<&str, AddressError> {
    let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
    inner.map_or_else(|| fail(Kind::BadPath, 0), Ok)
}

fn shift<T>(result: Result<T, AddressError>, by: usize) -> Result<T, AddressError> {
    result.map_err(|e| AddressError { at: e.at + by, ..e })
}

/// Splits a source route off (RFC 5321 appendix C): the hosts, and where the mailbox begins.
fn route(inner: &str) -> Result<(Vec<Domain>, usize), AddressError> {
    if !inner.starts_with('@') {
        return Ok((Vec::new(), 0));
    }
    let Some(colon) = inner.find(':') else { return fail(Kind::BadPath, inner.len()) };
    let (mut hosts, mut at) = (Vec::new(), 0);
    for hop in inner.get(..colon).unwrap_or_default().split(',') {
        let Some(host) = hop.strip_prefix('@') else { return fail(Kind::BadPath, at) };
        match Domain::parse_at(host) {
            Ok(domain) => hosts.push(domain),
            Err((error, offset)) => return fail(Kind::Domain(error), at + 1 + offset),
        }
        at += hop.len() + 1;
    }
    Ok((hosts, colon + 1))
}

pub(super) fn reverse_path(text: &str) -> Result<ReversePath, AddressError> {
    let inner = angle(text)?;
    if inner.is_empty() {
        return Ok(ReversePath::Null);
    }
    let (_, from) = shift(route(inner), 1)?;
    let address = shift(mailbox(inner.get(from..).unwrap_or_default()), from + 1)?;
    Ok(ReversePath::Address(address))
}

pub(super) fn forward_path(text: &str) -> Result<ForwardPath, AddressError> {
    let inner = angle(text)?;
    if inner.eq_ignore_ascii_case("postmaster") {
        return Ok(ForwardPath::Postmaster);
    }
    let (source_route, from) = shift(route(inner), 1)?;
    let address = shift(mailbox(inner.get(from..).unwrap_or_default()), from + 1)?;
    Ok(ForwardPath::Address { address, source_route })
}
