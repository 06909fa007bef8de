//! Who is named as the author: the domains of From, in every reading.

use mail::Domain;
use mail::address_list::AddressList;
use mail::index::Index;
use std::fmt;

/// Domains of From that are asked about. Mail with several authors has two or three; each may cost
/// a walk through the DNS.
pub const DOMAINS_MAX: usize = 5;

/// Why there is no author to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAuthor {
    /// There is no From field.
    Missing,
    /// There are so many of them: each reader would take another.
    Several(usize),
    /// The header is larger than what is looked at, so there may be more of them.
    Hidden,
    /// The field has no address.
    Empty,
    /// One of its addresses is none.
    Unreadable(String),
    /// It names more than [`DOMAINS_MAX`] domains.
    TooMany,
}

impl fmt::Display for NoAuthor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAuthor::Missing => f.write_str("there is no From field"),
            NoAuthor::Several(count) => write!(f, "there are {count} From fields"),
            NoAuthor::Hidden => f.write_str("the header is too large to be read as a whole"),
            NoAuthor::Empty => f.write_str("From has no address"),
            NoAuthor::Unreadable(why) => write!(f, "From cannot be read: {why}"),
            NoAuthor::TooMany => write!(f, "From names more than {DOMAINS_MAX} domains"),
        }
    }
}

/// The domains of the authors, each once, in the order of the field.
///
/// Where programs read the field differently (`a@x <b@y>`), all their readings count: the caller
/// lets the strictest decide (RFC 9989 leaves several domains to the receiver). An author at an
/// address literal has no domain; so the list may be empty.
///
/// # Errors
/// There is not exactly one From field, or it cannot be read.
pub fn domains(index: &Index, is_complete: bool) -> Result<Vec<Domain>, NoAuthor> {
    if !is_complete {
        return Err(NoAuthor::Hidden);
    }
    let fields: Vec<_> = index.fields_named("from").collect();
    let [field] = fields.as_slice() else {
        return Err(match fields.len() {
            0 => NoAuthor::Missing,
            count => NoAuthor::Several(count),
        });
    };
    let list = AddressList::parse(&field.unfolded());
    if list.mailboxes.is_empty() {
        return Err(NoAuthor::Empty);
    }
    let mut domains = Vec::new();
    for mailbox in &list.mailboxes {
        let address = mailbox.address.as_ref();
        let address = address.map_err(|why| NoAuthor::Unreadable(why.to_string()))?;
        match address.domain() {
            Some(domain) if !domains.contains(domain) => domains.push(domain.clone()),
            Some(_) | None => {}
        }
    }
    if list.broken {
        return Err(NoAuthor::Unreadable("something in it is no address".to_owned()));
    }
    if domains.len() > DOMAINS_MAX {
        return Err(NoAuthor::TooMany);
    }
    Ok(domains)
}

#[cfg(test)]
mod tests {
    use super::domains;
    use crate::testing::index;

    fn check(fields: &str, expected: &str) {
        let found = match domains(&index(fields), true) {
            Ok(domains) => domains.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(why) => format!("! {why}"),
        };
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn every_reading_of_from_counts() {
        check("From: Anna <anna@example.org>\r\n", "example.org");
        check("from : a@Example.ORG.\r\n", "example.org");
        check("From: a@x.example, b@y.example, c@x.example\r\n", "x.example y.example");
        check("From: \"a@x.example\" <b@y.example>\r\n", "y.example");
        check("From: a@x.example <b@y.example>\r\n", "x.example y.example");
        check("From: a@x.example <a@x.example>\r\n", "x.example");
        check("From: x@[192.0.2.1]\r\n", "");
        check("To: a@x.example\r\n", "! there is no From field");
        check("From: a@x.example\r\nFrom: a@x.example\r\n", "! there are 2 From fields");
        check("From:\r\n", "! From has no address");
        check("From: Undisclosed senders:;\r\n", "! From has no address");
        check(
            "From: a@a.x, a@b.x, a@c.x, a@d.x, a@e.x, a@f.x\r\n",
            "! From names more than 5 domains",
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed_at() {
        for field in ["From: Anna\r\n", "From: <>\r\n", "From: a@b@c.example\r\n", "From: @\r\n"] {
            assert!(domains(&index(field), true).is_err(), "{field:?}");
        }
        assert!(domains(&index("From: a@x.example\r\n"), false).is_err());
    }
}
