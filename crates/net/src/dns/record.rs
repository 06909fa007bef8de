//! Kinds of records, and what one says.

use super::{Mx, Name, Service, Tlsa};
use mail::Domain;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is asked of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// IPv4 addresses (A).
    Ipv4,
    /// IPv6 addresses (AAAA).
    Ipv6,
    /// Mail servers.
    Mx,
    /// Texts.
    Txt,
    /// Names of an address.
    Ptr,
    /// Where a service is.
    Srv,
    /// Which certificate or key a server shows.
    Tlsa,
}

impl Kind {
    /// Its word in zone files.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Ipv4 => "A",
            Kind::Ipv6 => "AAAA",
            Kind::Mx => "MX",
            Kind::Txt => "TXT",
            Kind::Ptr => "PTR",
            Kind::Srv => "SRV",
            Kind::Tlsa => "TLSA",
        }
    }
}

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A mail server; without a name it is the null MX (RFC 7505 §3).
    Mx(u16, Option<Name>),
    /// A text, put together from its strings.
    Txt(String),
    /// A name.
    Ptr(Name),
    /// Where a service is.
    Srv(Service),
    /// A certificate or key that a server has to show.
    Tlsa(Tlsa),
}

impl Record {
    /// The address that it is.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Record::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Record::Ipv6(ip) => Some(IpAddr::V6(*ip)),
            _ => None,
        }
    }

    /// The mail server that it names, if that can be a host.
    pub(super) fn mx(&self) -> Option<Mx> {
        match self {
            Record::Mx(preference, None) => Some(Mx { preference: *preference, exchange: None }),
            Record::Mx(preference, Some(name)) => {
                let exchange = Domain::parse(name.as_str()).ok()?;
                Some(Mx { preference: *preference, exchange: Some(exchange) })
            }
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        match self {
            Record::Txt(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The host that it names, if it can be one.
    pub(super) fn host(&self) -> Option<Domain> {
        match self {
            Record::Ptr(name) => Domain::parse(name.as_str()).ok(),
            _ => None,
        }
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Record::Ipv4(ip) => ip.fmt(f),
            Record::Ipv6(ip) => ip.fmt(f),
            Record::Mx(preference, None) => write!(f, "{preference} ."),
            Record::Mx(preference, Some(name)) => write!(f, "{preference} {name}"),
            Record::Txt(text) => write!(f, "{text:?}"),
            Record::Ptr(name) => name.fmt(f),
            Record::Srv(service) => service.fmt(f),
            Record::Tlsa(tlsa) => tlsa.fmt(f),
        }
    }
}
