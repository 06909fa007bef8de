//! Whether a client's address and its name lead to one another (RFC 8601 §2.7.3).

use crate::authentication::inquiry::{Fact, Inquiry, Missing};
use net::dns::reverse_name;
use net::{Kind, Name, Record, Resolver};
use serde::Serialize;
use std::net::IpAddr;
use std::time::Instant;

/// Names that are looked at; an address with more is shared by strangers, or a trap.
pub const NAMES_MAX: usize = 10;

/// What the look-up says (RFC 8601 §2.7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IprevResult {
    /// A name of the address leads back to it.
    Pass,
    /// No name does.
    Fail,
    /// The DNS did not tell; later it may.
    TempError,
    /// The address has no name.
    PermError,
}

impl IprevResult {
    /// Its word in Authentication-Results.
    pub fn word(self) -> &'static str {
        match self {
            IprevResult::Pass => "pass",
            IprevResult::Fail => "fail",
            IprevResult::TempError => "temperror",
            IprevResult::PermError => "permerror",
        }
    }
}

/// A result, and all that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The address, IPv4 where it was IPv4 inside IPv6.
    pub ip: IpAddr,
    /// The result.
    pub result: IprevResult,
    /// The first name that leads back.
    pub name: Option<String>,
    /// What was asked and heard.
    pub facts: Vec<Fact>,
}

/// Looks up the names of an address and the addresses of those names, at most [`NAMES_MAX`] of
/// them; returns by `deadline`.
pub async fn check(resolver: &dyn Resolver, ip: IpAddr, deadline: Instant) -> Outcome {
    let ip = ip.to_canonical();
    let mut inquiry = Inquiry::new(resolver, NAMES_MAX + 1, deadline);
    let (result, name) = look(&mut inquiry, ip).await;
    Outcome { ip, result, name: name.map(|name| name.to_string()), facts: inquiry.into_facts() }
}

async fn look(inquiry: &mut Inquiry<'_>, ip: IpAddr) -> (IprevResult, Option<Name>) {
    let claims = match inquiry.ask(&reverse_name(ip), Kind::Ptr).await {
        Ok(claims) => claims,
        Err(Missing::Temporary) => return (IprevResult::TempError, None),
        Err(_) => return (IprevResult::PermError, None),
    };
    let kind = if ip.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
    let mut result = IprevResult::Fail;
    for claim in claims.into_iter().take(NAMES_MAX) {
        let Record::Ptr(name) = claim else { continue };
        match inquiry.ask(&name, kind).await {
            Ok(answers) if answers.iter().filter_map(Record::address).any(|a| a == ip) => {
                return (IprevResult::Pass, Some(name));
            }
            // Another name may still lead back.
            Err(Missing::Temporary) => result = IprevResult::TempError,
            Ok(_) | Err(_) => {}
        }
    }
    (result, None)
}

#[cfg(test)]
mod tests;
