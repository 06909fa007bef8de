//! What an account may send as besides its own addresses, because an administrator says so.

use crate::{Address, Domain};

/// A sender's address, or all addresses of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SenderGrant {
    /// This address alone.
    Address(Address),
    /// Every address at this domain; not at those below it.
    Domain(Domain),
}

impl SenderGrant {
    /// Whether it covers an address.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            SenderGrant::Address(granted) => granted.key() == address.key(),
            SenderGrant::Domain(granted) => address.domain() == Some(granted),
        }
    }

    /// The form by which two of them are the same one.
    pub fn key(&self) -> String {
        match self {
            SenderGrant::Address(address) => address.key(),
            SenderGrant::Domain(_) => self.to_string(),
        }
    }
}

impl std::fmt::Display for SenderGrant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SenderGrant::Address(address) => address.fmt(f),
            SenderGrant::Domain(domain) => write!(f, "@{domain}"),
        }
    }
}

impl std::str::FromStr for SenderGrant {
    type Err = String;

    /// `info@example.org`, `@example.org`, or `example.org`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let domain = text.strip_prefix('@').unwrap_or(text);
        if domain.contains('@') {
            return Address::parse(text)
                .map(SenderGrant::Address)
                .map_err(|error| error.to_string());
        }
        Domain::parse(domain).map(SenderGrant::Domain).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::SenderGrant;
    use crate::Address;

    fn check(grant: &str, shown: &str, covered: &[&str], other: &[&str]) {
        let grant: SenderGrant = grant.parse().unwrap();
        assert_eq!(grant.to_string(), shown);
        assert_eq!(grant.to_string().parse(), Ok(grant.clone()));
        for (addresses, expected) in [(covered, true), (other, false)] {
            for address in addresses {
                assert_eq!(grant.covers(&Address::parse(address).unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn grants_are_read_shown_and_applied() {
        let other = ["info@example.net", "info2@example.org", "info@sub.example.org"];
        check("info@example.org", "info@example.org", &["Info@Example.ORG"], &other);
        let other = ["a@sub.example.org", "a@example.org.example", "a@[192.0.2.1]"];
        check("@Example.org", "@example.org", &["a@example.org", "\"b c\"@EXAMPLE.org"], &other);
        check("example.org", "@example.org", &["a@example.org"], &other);
        for wrong in ["", "@", "a@b@c@", "@a b"] {
            assert!(wrong.parse::<SenderGrant>().is_err(), "{wrong}");
        }
    }
}
