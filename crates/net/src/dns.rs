//! Asking the DNS: one trait, the real resolver and its scripted twin.
//!
//! Every question has a deadline and every answer a bound. Names are asked as they are: no search
//! list, no hosts file. What cannot be answered is told apart by what the asker can do about it.

mod hickory;
mod zone;
mod zone_file;

pub use hickory::HickoryResolver;
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

/// Answers questions about names. An answer is never empty: nothing there is
/// [`DnsError::NoRecords`].
pub trait Resolver: Send + Sync {
    /// The servers that take mail for `domain`, best first (RFC 5321 §5.1).
    fn mx<'a>(&'a self, domain: &'a Domain) -> Answer<'a, Mx>;

    /// The addresses of `host`, IPv6 and IPv4.
    fn addresses<'a>(&'a self, host: &'a Domain) -> Answer<'a, IpAddr>;

    /// The texts of `name`, each put together from its strings; bytes that are not UTF-8 are
    /// replaced.
    fn txt<'a>(&'a self, name: &'a Domain) -> Answer<'a, String>;

    /// The names of `address` by reverse lookup; anybody may claim any name there.
    fn ptr(&self, address: IpAddr) -> Answer<'_, Domain>;
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
    /// The answer is larger than anything sensible, or holds nothing usable.
    #[error("the answer cannot be used: {0}")]
    Unusable(&'static str),
}

impl DnsError {
    /// Whether asking later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, DnsError::TimedOut | DnsError::Failed(_))
    }

    /// Whether it is certain that there is nothing.
    pub fn is_nothing(&self) -> bool {
        matches!(self, DnsError::NoSuchName | DnsError::NoRecords)
    }
}

/// The name that holds the PTR records of `address` (RFC 1035 §3.5, RFC 3596 §2.5).
fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let mut name = String::with_capacity(72);
            for byte in ip.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
            }
            name + "ip6.arpa"
        }
    }
}

#[cfg(test)]
mod tests;
