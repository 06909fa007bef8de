//! Where mail to an address would really go, whatever it is dressed up as.
//!
//! Old mailers read more than one host out of an address: `user%host@ours`, `host!user@ours`,
//! `"user@host"@ours`. An open relay is often one that judged only the last of them. Here every
//! host is found, from the outside in, as sendmail's `ParseRecipient` does it. Pure; called by
//! `relay` alone.

use mail::{Address, Domain, Host};
use std::net::IpAddr;

/// One host that an address would travel to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// A domain.
    Domain(Domain),
    /// An address literal.
    Literal(IpAddr),
    /// Something in the place of a host that is none: `user%@ours`, `"user@not a host"@ours`.
    Nonsense(String),
}

/// Every host of an address, outermost first; never empty.
///
/// A plain address has one. A local part of 64 bytes at the most (RFC 5321 §4.5.3.1.1) bounds it.
pub fn hops(address: &Address) -> Vec<Hop> {
    let outer = match &address.host {
        Host::Domain(domain) => Hop::Domain(domain.clone()),
        Host::Literal(ip) => Hop::Literal(*ip),
    };
    let mut hops = vec![outer];
    let mut rest = address.local.as_str().trim();
    while let Some((host, user)) = peel(rest) {
        hops.push(hop(host.trim()));
        rest = user.trim();
    }
    hops
}

/// Takes the outermost host off a local part: the last `@`, then the last `%`, then the first
/// `!`, each also in the full-width form that NFKC makes the same.
fn peel(local: &str) -> Option<(&str, &str)> {
    let split_last = |marks: [char; 2]| local.rsplit_once(marks).map(|(user, host)| (host, user));
    split_last(['@', '\u{ff20}'])
        .or_else(|| split_last(['%', '\u{ff05}']))
        .or_else(|| local.split_once(['!', '\u{ff01}']))
}

fn hop(text: &str) -> Hop {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let literal = inner.map(|t| t.strip_prefix("IPv6:").unwrap_or(t)).and_then(|t| t.parse().ok());
    match (literal, Domain::parse(text)) {
        (Some(ip), _) => Hop::Literal(ip),
        (None, Ok(domain)) => Hop::Domain(domain),
        (None, Err(_)) => Hop::Nonsense(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hop, hops};
    use mail::Address;

    fn check(input: &str, expected: &str) {
        let shown: Vec<String> = hops(&input.parse().unwrap_or_else(|e| panic!("{input}: {e}")))
            .into_iter()
            .map(|hop| match hop {
                Hop::Domain(domain) => domain.to_string(),
                Hop::Literal(ip) => format!("[{ip}]"),
                Hop::Nonsense(text) => format!("?{text}"),
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "for {input}");
    }

    #[test]
    fn every_host_is_found() {
        check("user@a.example", "a.example");
        check("user%b.example@a.example", "a.example b.example");
        check("user%c.example%b.example@a.example", "a.example b.example c.example");
        check("b.example!user@a.example", "a.example b.example");
        check("b.example!c.example!user@a.example", "a.example b.example c.example");
        check("b.example!user%c.example@a.example", "a.example c.example b.example");
        check("\"user@b.example\"@a.example", "a.example b.example");
        check("\"user@c.example@b.example\"@a.example", "a.example b.example c.example");
        check("\"user@[192.0.2.7]\"@a.example", "a.example [192.0.2.7]");
        check("\"user%[192.0.2.7]\"@a.example", "a.example [192.0.2.7]");
        check("\"user @ b.example \"@a.example", "a.example b.example");
        check("user%@a.example", "a.example ?");
        check("%b.example@a.example", "a.example b.example");
        check("!user@a.example", "a.example ?");
        check("\"user@b example\"@a.example", "a.example ?b example");
        check("user\u{ff05}b.example@a.example", "a.example b.example");
        check("user+tag@[192.0.2.7]", "[192.0.2.7]");
        check("\"user%b.example.\"@a.example", "a.example b.example");
    }

    #[test]
    fn a_long_one_ends() {
        let address = Address::parse(&format!("{}@a.example", "%".repeat(64)));
        assert_eq!(address.map(|a| hops(&a).len()), Ok(65));
    }
}
