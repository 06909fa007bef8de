//! ARC: what those who passed a message on say that they found (RFC 8617).
//!
//! [`verify`] tells whether the chain of seals holds and who made it; [`seal`] adds a set to it.
//! Whether a sealer is believed is not decided here.

mod check;
mod seal;
mod sets;

pub use seal::{SealError, seal};
pub(crate) use sets::Sets;

use super::message::Message;
use super::signed;
use mail::{Domain, Timestamp};
use net::Resolver;
use serde::Serialize;

/// Sets of a chain (RFC 8617 §4.2.1). A longer chain is broken.
pub const SETS_MAX: u32 = 50;

/// What came of a chain (RFC 8617 §4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainResult {
    /// There is none.
    None,
    /// Every seal is good, and the newest signature of the message.
    Pass,
    /// It is broken, for good.
    Fail,
}

impl ChainResult {
    /// The word of the standard, as `cv=` and `arc=` have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

/// What is known of the chain of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// What came of it.
    pub result: ChainResult,
    /// Why it fails, in our words; else empty.
    pub reason: String,
    /// Whether it fails because a key could not be asked for: later it may pass.
    pub temporary: bool,
    /// Whether its newest seal says itself that the chain is broken: nothing is added to it.
    pub ended: bool,
    /// The highest instance that was seen, 0 without a chain; more than 50 only if it fails.
    pub instances: u32,
    /// The oldest instance from which on every signature of the message is good: nobody changed the
    /// message since. 0 if all are good (RFC 8617 §5.2); `None` unless the chain passes.
    pub oldest_pass: Option<u32>,
    /// The sets, from the oldest; empty if they are not complete.
    pub sets: Vec<SetResult>,
}

/// One set of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetResult {
    /// Its number, from 1.
    pub instance: u32,
    /// The domain of its seal.
    pub sealer: Domain,
    /// The domain of its signature of the message; `None` if that cannot be read.
    pub signer: Option<Domain>,
    /// What the sealer says that it found: the text behind `i=`, unfolded. Theirs, so to be read
    /// like any other text of strangers, and to be believed only of those who are trusted.
    pub results: String,
}

impl Chain {
    /// The domains that sealed, from the oldest.
    pub fn sealers(&self) -> impl Iterator<Item = &Domain> {
        self.sets.iter().map(|set| &set.sealer)
    }
}

/// Verifies the chain of a message at the time `now`.
///
/// Asks the DNS once for each key, all at the same time; the overall deadline is the caller's.
///
/// # Errors
/// The body cannot be read.
pub async fn verify(
    message: &Message<'_>,
    resolver: &dyn Resolver,
    now: Timestamp,
) -> Result<Chain, store::Error> {
    let sets = Sets::of(message);
    let (digests, keys) =
        signed::gather(message, resolver, sets.wanted(), sets.names(), None).await?;
    Ok(sets.check(message, &digests, &keys, now).await)
}
