//! Lists of mailboxes as header fields have them (RFC 5322 §3.4, with the obsolete forms of §4.4).
//!
//! Display names, groups, comments, quoted strings and routes are read; what is not well formed is
//! read as far as it can be, because a blocked sender must not get through by a stray comma.
//! Addresses inside display names or comments are text, never addresses.

use crate::{Address, AddressError};
use serde::Serialize;

/// Mailboxes read from one field; honest mail has fewer.
pub const MAILBOXES_MAX: usize = 1_000;

/// What an address field holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressList {
    /// The mailboxes in order, members of groups among them.
    pub mailboxes: Vec<Mailbox>,
    /// Whether the field is not as the standard has it, so that programs could read it differently.
    pub odd: bool,
    /// Whether something stands where an address should be and is not one: `a@b@c`.
    pub broken: bool,
}

/// One mailbox of a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name (or, as is old habit, the comment), decoded.
    pub name: Option<String>,
    /// The group it belongs to.
    pub group: Option<String>,
    /// The address without comments and blanks, as written.
    pub text: String,
    /// The address, or why it is none.
    pub address: Result<Address, AddressError>,
}

/// A mailbox to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailboxView {
    /// The display name.
    pub name: Option<String>,
    /// The group it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The address in canonical form if it is one, else as written.
    pub address: String,
    /// Whether it is an address.
    pub valid: bool,
}

impl AddressList {
    /// Reads the unfolded value of a field. Never fails: see [`AddressList::odd`].
    pub fn parse(unfolded: &[u8]) -> Self {
        parse::list(unfolded)
    }

    /// The addresses that could be read, in order.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.mailboxes.iter().filter_map(|mailbox| mailbox.address.as_ref().ok())
    }

    /// The addresses that could be read, in order.
    pub fn into_addresses(self) -> impl Iterator<Item = Address> {
        self.mailboxes.into_iter().filter_map(|mailbox| mailbox.address.ok())
    }

    /// The mailboxes to be shown.
    pub fn view(&self) -> Vec<MailboxView> {
        let view = |mailbox: &Mailbox| MailboxView {
            name: mailbox.name.clone(),
            group: mailbox.group.clone(),
            address: mailbox.address.as_ref().map_or(mailbox.text.clone(), ToString::to_string),
            valid: mailbox.address.is_ok(),
        };
        self.mailboxes.iter().map(view).collect()
    }
}

mod lexer;
mod parse;
#[cfg(test)]
mod tests;
