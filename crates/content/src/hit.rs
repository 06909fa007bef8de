//! What was found in a part, or why it could not be looked at.

use mail::danger::Class;
use serde::{Deserialize, Serialize};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What kind of danger it is.
    pub class: Class,
    /// The rule of the table or list that fired: `name exe`, `magic pe`, `pattern eicar`.
    pub rule: String,
    /// The way into the part: the names of the archive members around it, outermost first, as
    /// shown to people; empty for the part itself. At most 16 of at most 200 bytes.
    pub path: Vec<String>,
    /// The facts, at most 200 bytes, without content.
    pub detail: String,
}

/// Why something could not be looked at to its end. Never clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Encrypted; the text says what.
    Encrypted(&'static str),
    /// Damaged or not understood; the text says where it ended.
    Unreadable(&'static str),
    /// Over this limit, by the name of its field in [`Limits`](crate::Limits).
    Limit(&'static str),
}

impl Trouble {
    /// The class that it belongs to.
    pub fn class(self) -> Class {
        match self {
            Trouble::Encrypted(_) => Class::Encrypted,
            Trouble::Unreadable(_) => Class::Unreadable,
            Trouble::Limit(_) => Class::TooComplex,
        }
    }

    /// What it says.
    pub fn text(self) -> &'static str {
        match self {
            Trouble::Encrypted(text) | Trouble::Unreadable(text) | Trouble::Limit(text) => text,
        }
    }
}
