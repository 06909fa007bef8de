//! What a trace row can be found by: message, session, sender and recipient, each as a number.
//!
//! Messages and sessions are their own ids, so that the index grows at two ends; only addresses
//! are hashes, which fall anywhere. Two addresses with one hash cost a row read in vain, never a
//! wrong answer: what is found by its term is compared again.

use super::About;
use mail::TraceRow;

/// A term. Stored, so its meaning must never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Term(pub(crate) i64);

/// Where the terms of sessions begin; those of messages begin at 0, addresses are negative.
const SESSIONS: i64 = 1 << 61;

impl Term {
    fn message(id: i64) -> Self {
        Self(id & (SESSIONS - 1))
    }

    fn session(id: i64) -> Self {
        Self(SESSIONS | (id & (SESSIONS - 1)))
    }

    /// FNV-1a, 64 bits, with the sign bit set.
    pub(crate) fn address(address: &str) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in address.to_lowercase().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(hash.cast_signed() | i64::MIN)
    }

    /// The term of what a query asks about; `None` where no term stands for it.
    pub(crate) fn about(about: &About) -> Option<Self> {
        match about {
            About::Message(id) => Some(Self::message(id.0)),
            About::Session(id) => Some(Self::session(id.0)),
            About::Address(address) => Some(Self::address(address)),
            About::Everything => None,
        }
    }

    /// Every term of a row.
    pub(crate) fn of(row: &TraceRow) -> Vec<Self> {
        let mut terms = Vec::with_capacity(4);
        terms.extend(row.message.map(|id| Self::message(id.0)));
        terms.extend(row.session.map(|id| Self::session(id.0)));
        for address in [&row.sender, &row.recipient] {
            // The null path is in half of all rows, and nobody looks for it.
            if !address.is_empty() && address != "<>" {
                terms.push(Self::address(address));
            }
        }
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

impl About {
    /// Whether a row is about it.
    pub(crate) fn fits(&self, row: &TraceRow) -> bool {
        match self {
            About::Message(id) => row.message == Some(*id),
            About::Session(id) => row.session == Some(*id),
            About::Address(address) => {
                let wanted = address.to_lowercase();
                row.sender.to_lowercase() == wanted || row.recipient.to_lowercase() == wanted
            }
            About::Everything => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{About, Term};

    #[test]
    fn the_stored_hash_never_changes() {
        let about = About::Address("Anna@Example.org".to_owned());
        let same = About::Address("anna@example.org".to_owned());
        assert_eq!(Term::about(&about), Term::about(&same));
        assert_eq!(Term::about(&same), Some(Term(-3_857_985_842_459_775_203)));
    }
}
