//! Asking the DNS: one trait, the real resolver and its scripted twin.
//!
//! Every question has a deadline and every answer a bound. Names are asked as they are: no search
//! list, no hosts file. What cannot be answered is told apart by what the asker can do about it.

mod hickory;
mod name;
mod proof;
mod record;
mod service;
pub mod tlsa;
mod zone;
mod zone_file;

pub use hickory::HickoryResolver;
pub use name::Name;
pub use proof::{Addresses, Dnssec, Proven, addresses};
pub use record::{Kind, Record};
pub use service::Service;
pub use tlsa::Tlsa;
pub use zone::ZoneResolver;
pub use zone_file::ZoneError;

use mail::Domain;
use std::net::IpAddr;
use std::pin::Pin;

/// Records of one answer that are taken; an answer with more is refused as a whole, for choosing
/// some of them would let a stranger choose which.
pub const RECORDS_MAX: usize = 100;

/// What a resolver's question resolves to.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, DnsError>> + Send + 'a>>;

/// What a question whose answer may have a proof resolves to.
pub type ProvenAnswer<'a> = Pin<Box<dyn Future<Output = Result<Proven, DnsError>> + Send + 'a>>;

/// Answers questions about names. An answer is never empty: nothing there is
/// [`DnsError::NoRecords`].
pub trait Resolver: Send + Sync {
    /// The records of one kind at any name, one question each; aliases are followed.
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record>;

    /// The same, with whether DNSSEC proves the answer. An answer that contradicts its proof is
    /// [`DnsError::Bogus`]. A resolver that knows no proofs has none.
    fn proven<'a>(&'a self, name: &'a Name, kind: Kind) -> ProvenAnswer<'a> {
        Box::pin(async move {
            let records = self.records(name, kind).await?;
            Ok(Proven { records, is_secure: false, name: name.clone() })
        })
    }

    /// The servers that take mail for `domain`, best first (RFC 5321 §5.1).
    fn mx<'a>(&'a self, domain: &'a Domain) -> Answer<'a, Mx> {
        Box::pin(async move { proof::mx(self.records(&Name::from(domain), Kind::Mx).await?) })
    }

    /// The addresses of `host`, IPv6 and IPv4.
    fn addresses<'a>(&'a self, host: &'a Domain) -> Answer<'a, IpAddr> {
        Box::pin(async move {
            let name = Name::from(host);
            let (six, four) =
                tokio::join!(self.records(&name, Kind::Ipv6), self.records(&name, Kind::Ipv4));
            match (six, four) {
                (Ok(mut six), Ok(four)) => {
                    six.extend(four);
                    usable(six, Record::address)
                }
                (Ok(found), Err(_)) | (Err(_), Ok(found)) => usable(found, Record::address),
                // "Nothing" is certain only when both say so.
                (Err(error), Err(other)) => Err(if error.is_nothing() { other } else { error }),
            }
        })
    }

    /// The texts of `name`, each put together from its strings; bytes that are not UTF-8 are
    /// replaced.
    fn txt<'a>(&'a self, name: &'a Domain) -> Answer<'a, String> {
        Box::pin(
            async move { usable(self.records(&Name::from(name), Kind::Txt).await?, Record::text) },
        )
    }

    /// The names of `address` by reverse lookup; anybody may claim any name there.
    fn ptr(&self, address: IpAddr) -> Answer<'_, Domain> {
        Box::pin(async move {
            usable(self.records(&reverse_name(address), Kind::Ptr).await?, Record::host)
        })
    }
}

/// What mail can use of an answer: a name that is no host name (blanks, an odd label) is no use.
fn usable<T>(
    records: Vec<Record>,
    select: impl Fn(&Record) -> Option<T>,
) -> Result<Vec<T>, DnsError> {
    let found: Vec<T> = records.iter().filter_map(select).collect();
    if found.is_empty() {
        return Err(DnsError::Unusable("it has no record that names a host"));
    }
    Ok(found)
}

/// A mail server of a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mx {
    /// The lower is tried first.
    pub preference: u16,
    /// The server; `None` is the null MX: the domain takes no mail (RFC 7505 §3).
    pub exchange: Option<Domain>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist.
    #[error("the name does not exist")]
    NoSuchName,
    /// The name exists, without records of that kind.
    #[error("the name has no such records")]
    NoRecords,
    /// The deadline passed.
    #[error("the name servers did not answer in time")]
    TimedOut,
    /// The name servers could not be reached, or failed.
    #[error("the lookup failed: {0}")]
    Failed(String),
    /// The answer contradicts the keys of its zone (DNSSEC): it may be forged, or the zone is
    /// broken.
    #[error("the answer is not what its zone signed (DNSSEC)")]
    Bogus,
    /// The answer is larger than anything sensible, or holds nothing usable.
    #[error("the answer cannot be used: {0}")]
    Unusable(&'static str),
}

impl DnsError {
    /// Whether asking later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, DnsError::TimedOut | DnsError::Failed(_) | DnsError::Bogus)
    }

    /// Whether it is certain that there is nothing.
    pub fn is_nothing(&self) -> bool {
        matches!(self, DnsError::NoSuchName | DnsError::NoRecords)
    }
}

/// The name that holds the PTR records of `address` (RFC 1035 §3.5, RFC 3596 §2.5); an IPv4 address
/// inside an IPv6 one is taken as IPv4.
pub fn reverse_name(address: IpAddr) -> Name {
    Name::reverse(address.to_canonical())
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
