//! Answers with their proof (DNSSEC, RFC 4033 §5): what DANE stands on.

use super::{DnsError, Kind, Mx, Name, Record, Resolver, usable};
use mail::Domain;
use std::net::IpAddr;

/// Whose word is taken for that an answer is what its zone signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dnssec {
    /// That of name servers on this machine (the AD bit of who answers from a loopback address):
    /// nobody can put it there on the way. Others' is not.
    Local,
    /// That of whatever name server is asked, since the way to it is safe.
    TrustAd,
    /// Nobody's: every answer is checked here, from the root's key down.
    Validate,
    /// Nobody's, and nothing is checked: no answer has a proof.
    Off,
}

/// An answer, and whether it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Never empty.
    pub records: Vec<Record>,
    /// Whether the records, and every alias on the way to them, are signed by their zones.
    pub is_secure: bool,
    /// The name that has the records: another than was asked for behind an alias.
    pub name: Name,
}

impl Proven {
    /// The servers that it names, best first.
    ///
    /// # Errors
    /// None can be used.
    pub fn mx(self) -> Result<Vec<Mx>, DnsError> {
        mx(self.records)
    }
}

/// The addresses of a host, with what may be asked of it by DANE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// IPv6 first.
    pub all: Vec<IpAddr>,
    /// The name that has them, where both families are proven as far as they are there (RFC 7672
    /// §2.2.2: only then its TLSA records are asked for).
    pub secure: Option<Name>,
}

/// As [`Resolver::addresses`], with the proof.
///
/// # Errors
/// As there; [`DnsError::Bogus`] also where one family alone is.
pub async fn addresses(resolver: &dyn Resolver, host: &Domain) -> Result<Addresses, DnsError> {
    let name = Name::from(host);
    let (six, four) =
        tokio::join!(resolver.proven(&name, Kind::Ipv6), resolver.proven(&name, Kind::Ipv4));
    let found = match (six, four) {
        (Err(DnsError::Bogus), _) | (_, Err(DnsError::Bogus)) => return Err(DnsError::Bogus),
        (Ok(six), Ok(four)) => {
            let is_secure = six.is_secure && four.is_secure && six.name == four.name;
            let records = [six.records, four.records].concat();
            Proven { records, is_secure, name: four.name }
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => found,
        // "Nothing" is certain only when both say so.
        (Err(error), Err(other)) => return Err(if error.is_nothing() { other } else { error }),
    };
    let secure = found.is_secure.then_some(found.name);
    Ok(Addresses { all: usable(found.records, Record::address)?, secure })
}

/// The mail servers among the records, best first.
pub(super) fn mx(records: Vec<Record>) -> Result<Vec<Mx>, DnsError> {
    let mut found = usable(records, Record::mx)?;
    found.sort();
    Ok(found)
}
