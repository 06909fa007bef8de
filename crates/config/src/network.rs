//! Networks as sendmail's maps write them: whole addresses, octet prefixes, `IPv6:`, and CIDR.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a text says about a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Network {
    /// A network, and what is odd about how it was written.
    Is(IpNet, Option<String>),
    /// It was meant to be one, but no client can ever have such an address.
    Never(String),
    /// It is something else: a name.
    Not,
}

/// Reads `192.0.2.1`, `192.0.2`, `192.0.2.0/24`, `IPv6:2001:db8`, `IPv6:2001:db8::1`,
/// `IPv6:2001:db8::/32`, and any of them in square brackets.
pub(crate) fn network(text: &str) -> Network {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let text = inner.unwrap_or(text);
    if let Some(rest) = strip_tag(text, "ipv6:") {
        return v6(rest);
    }
    if looks_like_v6(text) {
        return Network::Never(format!("an IPv6 address needs its tag: `IPv6:{text}`"));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_v4_char) {
        return v4(text);
    }
    Network::Not
}

/// `text` without the tag before it, letters compared without case.
pub(crate) fn strip_tag<'t>(text: &'t str, tag: &str) -> Option<&'t str> {
    let head = text.get(..tag.len())?;
    head.eq_ignore_ascii_case(tag).then(|| text.get(tag.len()..)).flatten()
}

fn is_v4_char(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || c == '/'
}

fn looks_like_v6(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    let groups = address.len() > 2 && address.chars().all(|c| c == ':' || c.is_ascii_hexdigit());
    (groups && address.contains(':')) || address.parse::<Ipv6Addr>().is_ok()
}

/// The length behind the slash, at most `max`.
fn prefix_length(text: &str, max: u8) -> Result<u8, Network> {
    match text.parse::<u8>() {
        Ok(length) if length <= max => Ok(length),
        _ => Err(Network::Never(format!("the prefix length must be from 0 to {max}"))),
    }
}

fn v4(text: &str) -> Network {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let mut octets = Vec::new();
    for part in address.split('.') {
        if part.is_empty() {
            return Network::Never(format!("`{text}` has an empty part: no address begins so"));
        }
        if part.len() > 1 && part.starts_with('0') {
            return Network::Never(format!("`{part}` has a leading zero: addresses have none"));
        }
        match part.parse::<u8>() {
            Ok(octet) => octets.push(octet),
            Err(_) => return Network::Never(format!("`{part}` is greater than 255")),
        }
    }
    let given = octets.len();
    if given > 4 {
        return Network::Never(format!("an IPv4 address has four parts, not {given}"));
    }
    octets.resize(4, 0);
    let whole = <[u8; 4]>::try_from(octets).map_or(Ipv4Addr::UNSPECIFIED, Ipv4Addr::from);
    let bits = u8::try_from(given * 8).unwrap_or(32);
    let length = match length.map(|l| prefix_length(l, 32)) {
        None => bits,
        Some(Ok(length)) => length,
        Some(Err(never)) => return never,
    };
    let net = Ipv4Net::new(whole, length).unwrap_or_default();
    checked(text, IpNet::V4(net))
}

fn v6(text: &str) -> Network {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    if let Ok(ip) = address.parse::<Ipv6Addr>() {
        let mapped = ip.to_ipv4_mapped();
        if let Some(v4) = mapped {
            return Network::Never(format!("such clients are known by IPv4: write `{v4}`"));
        }
        let length = match length.map(|l| prefix_length(l, 128)) {
            None if address.ends_with("::") => return Network::Is(single(ip), odd_end(address)),
            None => 128,
            Some(Ok(length)) => length,
            Some(Err(never)) => return never,
        };
        let net = Ipv6Net::new(ip, length).unwrap_or_default();
        return checked(text, IpNet::V6(net));
    }
    if length.is_some() {
        return Network::Never(format!("`{address}` is not a whole IPv6 address"));
    }
    let mut groups = Vec::new();
    for group in address.strip_suffix(':').unwrap_or(address).split(':') {
        let digits = group.len() <= 4 && group.bytes().all(|b| b.is_ascii_hexdigit());
        match u16::from_str_radix(group, 16) {
            Ok(group) if digits => groups.push(group),
            _ => return Network::Never(format!("`{group}` is no group of an IPv6 address")),
        }
    }
    let given = groups.len();
    if given > 8 {
        return Network::Never(format!("an IPv6 address has eight groups, not {given}"));
    }
    groups.resize(8, 0);
    let whole = <[u16; 8]>::try_from(groups).map_or(Ipv6Addr::UNSPECIFIED, Ipv6Addr::from);
    let bits = u8::try_from(given * 16).unwrap_or(128);
    Network::Is(IpNet::V6(Ipv6Net::new(whole, bits).unwrap_or_default()), None)
}

fn single(ip: Ipv6Addr) -> IpNet {
    IpNet::from(IpAddr::V6(ip))
}

fn odd_end(address: &str) -> Option<String> {
    let prefix = address.trim_end_matches(':');
    if prefix.is_empty() {
        return None;
    }
    Some(format!("this is one single address; for the network write `IPv6:{prefix}`"))
}

fn checked(text: &str, net: IpNet) -> Network {
    let note = (net.addr() != net.network()).then(|| bits_behind_prefix(text, &net));
    Network::Is(net.trunc(), note)
}

/// What is said of `10.0.0.1/8`.
pub(crate) fn bits_behind_prefix(text: &str, net: &IpNet) -> String {
    format!("`{text}` has bits behind its prefix; it means `{}`", net.trunc())
}
