//! Any name of the DNS: what may be asked for, which is more than what may be a host.

use mail::Domain;
use std::net::IpAddr;

/// RFC 1035 §2.3.4, as text and without the final dot.
const NAME_MAX: usize = 253;
/// RFC 1035 §2.3.4.
const LABEL_MAX: usize = 63;

/// A name to ask the DNS for: lower case, without a final dot, at most 253 bytes in labels of 1 to
/// 63 printable ASCII characters other than the dot.
///
/// Hosts and mail domains are [`Domain`]s; only SPF's macros make names with other characters
/// (RFC 7208 §7.1), which some domains rely on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Reads a name in any case, with or without a final dot; `None` if no question can be made
    /// of it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let proper = |label: &str| {
            (1..=LABEL_MAX).contains(&label.len())
                && label.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        let fits = text.len() <= NAME_MAX && text.split('.').all(proper);
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Where the PTR records of an address are.
    pub(super) fn reverse(address: IpAddr) -> Self {
        Self(match address {
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
        })
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its labels, from the left.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether this is `other` or lies below it.
    pub fn is_within(&self, other: &Name) -> bool {
        let head = self.0.strip_suffix(&other.0);
        head.is_some_and(|head| head.is_empty() || head.ends_with('.'))
    }
}

impl From<&Domain> for Name {
    fn from(domain: &Domain) -> Self {
        // Every domain is such a name, in the same form.
        Self(domain.as_str().to_owned())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_what_a_question_can_hold() {
        let long = "a".repeat(63);
        let four = [long.as_str(); 4].join(".");
        for (text, expected) in [
            ("Example.ORG.", Some("example.org")),
            ("_dmarc.example.org", Some("_dmarc.example.org")),
            ("foo:bar/baz.example.org", Some("foo:bar/baz.example.org")),
            ("a b.example.org", Some("a b.example.org")),
            ("org", Some("org")),
            (long.as_str(), Some(long.as_str())),
            (four.get(2..).unwrap_or_default(), four.get(2..)),
            (&four, None),
            (&"a".repeat(64), None),
            ("", None),
            (".", None),
            ("a..b", None),
            (".a", None),
            ("a..", None),
            ("b\u{fc}cher.example", None),
            ("a\0.example", None),
            ("a\r\n.example", None),
        ] {
            let name = Name::parse(text);
            assert_eq!(name.as_ref().map(Name::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn below_is_by_labels() {
        let name = |text| Name::parse(text).into_iter();
        for (low, high, expected) in [
            ("example.org", "example.org", true),
            ("a.example.org", "example.org", true),
            ("badexample.org", "example.org", false),
            ("example.org", "a.example.org", false),
        ] {
            let within: Vec<bool> =
                name(low).zip(name(high)).map(|(low, high)| low.is_within(&high)).collect();
            assert_eq!(within, [expected], "{low} {high}");
        }
    }
}
