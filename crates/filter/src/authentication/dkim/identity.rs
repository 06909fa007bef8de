//! On whose behalf a domain signs: the `i=` tag (RFC 6376 §3.5).

use super::signature::Fault;
use mail::Domain;

/// Longest local part that is kept, in bytes; addresses have 64.
const LOCAL_PART_MAX: usize = 256;

/// An agent or user identifier: a mailbox whose local part may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// As people write it, `name@domain`.
    pub(crate) text: String,
    pub(crate) domain: Domain,
}

impl Identity {
    /// What holds where none is given.
    pub(super) fn of(domain: &Domain) -> Self {
        Self { text: format!("@{domain}"), domain: domain.clone() }
    }
}

/// Reads the tag; its domain must be `signer` or lie below it.
pub(super) fn identity(text: &str, signer: &Domain) -> Result<Identity, Fault> {
    let fault = |reason: &str| Fault::new(super::Outcome::Neutral, reason);
    let plain = quoted_printable(text).ok_or_else(|| fault("the identity cannot be read"))?;
    let (local, domain) =
        plain.rsplit_once('@').ok_or_else(|| fault("the identity has no domain"))?;
    let domain =
        Domain::parse(domain).map_err(|_| fault("the domain of the identity is no domain"))?;
    if !domain.is_within(signer) {
        let reason = "the identity is not within the domain that signs";
        return Err(Fault::new(super::Outcome::PermError, reason));
    }
    if local.len() > LOCAL_PART_MAX || local.chars().any(char::is_control) {
        return Err(fault("the identity has characters that no name has, or is too long"));
    }
    Ok(Identity { text: format!("{local}@{domain}"), domain })
}

/// Undoes the quoting of RFC 6376 §2.11: `=` and two capital hexadecimal digits.
fn quoted_printable(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().filter(|b| !matches!(b, b' ' | b'\t'));
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            let byte = bytes.next().filter(|b| !b.is_ascii_lowercase())?;
            char::from(byte).to_digit(16)
        };
        let (high, low) = (digit()?, digit()?);
        out.push((high * 16 + low) as u8);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{Domain, identity};

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let Ok(signer) = Domain::parse("example.org") else { panic!("a domain") };
        let found = identity(text, &signer).ok().map(|identity| identity.text);
        assert_eq!(found.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn identities_are_within_the_domain_that_signs() {
        check("@example.org", Some("@example.org"));
        check("Anna@Mail.Example.org", Some("Anna@mail.example.org"));
        check("anna=40home@example.org", Some("anna@home@example.org"));
        check("ann a@example.org", Some("anna@example.org"));
        check("j=C3=BCrg@example.org", Some("jürg@example.org"));
        check("anna@example.com", None);
        check("anna@badexample.org", None);
        check("anna@org", None);
        check("example.org", None);
        check("anna=0D@example.org", None);
        check("anna=4@example.org", None);
        check("anna=c3=bc@example.org", None);
        check("=FF@example.org", None);
        check("", None);
    }
}
