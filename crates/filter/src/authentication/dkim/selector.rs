//! The name of one key among those of a domain.

use mail::Domain;
use serde::{Serialize, Serializer};

const BELOW: &str = "._domainkey";

/// A selector (RFC 6376 §3.1): labels with dots between, in lower case.
///
/// Unlike a domain it may end in a number (`20240101`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector(String);

impl Selector {
    /// Reads a selector; `None` if it cannot be part of a name.
    pub fn parse(text: &str) -> Option<Self> {
        let whole = Domain::parse(&format!("{text}{BELOW}")).ok()?;
        Some(Self(whole.as_str().strip_suffix(BELOW)?.to_owned()))
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the key of `domain` with this selector is found (RFC 6376 §3.6.2.1); `None` if that
    /// would be longer than a name can be.
    pub fn key_name(&self, domain: &Domain) -> Option<Domain> {
        Domain::parse(&format!("{}{BELOW}.{domain}", self.0)).ok()
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;

    #[test]
    fn selectors_are_labels() {
        for (text, expected) in [
            ("Brisbane", Some("brisbane")),
            ("march.2005", Some("march.2005")),
            ("20240101", Some("20240101")),
            ("", None),
            ("a..b", None),
            ("a b", None),
            (".a", None),
            ("a.", None),
            ("a;b", None),
        ] {
            let selector = Selector::parse(text);
            assert_eq!(selector.as_ref().map(Selector::as_str), expected, "{text:?}");
        }
        assert_eq!(Selector::parse(&"a".repeat(64)), None);
    }
}
