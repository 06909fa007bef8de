//! An address in a form to be shown (`gatepost parse-address`).

use super::{Address, AddressError, Host};
use serde::Serialize;

/// The parsed form of an address, or why it is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AddressView {
    /// It is an address.
    Parsed(ParsedView),
    /// It is none.
    Failed {
        /// Why.
        error: ErrorView,
    },
}

/// The parsed form of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParsedView {
    /// In canonical form: quoted only where needed, domain as A-labels in lower case.
    pub address: String,
    /// The local part without quotes, its case kept, in normalisation form C.
    pub local: String,
    /// Whether the local part has to be quoted.
    pub quoted: bool,
    /// The domain as A-labels; nothing for an address literal.
    pub domain: Option<String>,
    /// The domain as people read it.
    pub unicode_domain: Option<String>,
    /// The IP address of an address literal.
    pub literal: Option<String>,
    /// Whether it can be sent with SMTPUTF8 only.
    pub needs_smtputf8: bool,
    /// The form that accounts, aliases and maps are found by.
    pub key: String,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorView {
    /// A word of a closed list.
    pub kind: &'static str,
    /// The same for people.
    pub message: String,
    /// Byte offset in the text given.
    pub at: usize,
}

/// Reads a text as an address and tells whether it is one.
pub fn view(text: &str) -> (AddressView, bool) {
    match Address::parse(text) {
        Ok(address) => (AddressView::Parsed(parsed(&address)), true),
        Err(error) => (AddressView::Failed { error: failed(error) }, false),
    }
}

fn parsed(address: &Address) -> ParsedView {
    let literal = match &address.host {
        Host::Domain(_) => None,
        Host::Literal(ip) => Some(ip.to_string()),
    };
    ParsedView {
        address: address.to_string(),
        local: address.local.as_str().to_owned(),
        quoted: address.local.needs_quotes(),
        domain: address.domain().map(ToString::to_string),
        unicode_domain: address.domain().map(crate::Domain::to_unicode),
        literal,
        needs_smtputf8: address.needs_smtputf8(),
        key: address.key(),
    }
}

fn failed(error: AddressError) -> ErrorView {
    ErrorView { kind: error.kind.word(), message: error.kind.to_string(), at: error.at }
}
