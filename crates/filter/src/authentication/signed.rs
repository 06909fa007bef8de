//! DKIM and ARC together: one reading of the body and one question for each key serve both.

use super::arc::{self, Chain};
use super::body_hash::{BodyDigests, Wanted};
use super::dkim::{Report, Signatures};
use super::keys::Keys;
use super::message::Message;
use mail::{Domain, Timestamp};
use net::Resolver;
use serde::Serialize;
use std::time::Instant;

/// What is known of everything that is signed in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// Its signatures.
    pub dkim: Report,
    /// The chain of those that passed it on.
    pub arc: Chain,
}

/// Verifies signatures and chain at the time `now`. The overall deadline is the caller's.
///
/// # Errors
/// The body cannot be read.
pub async fn verify(
    message: &Message<'_>,
    resolver: &dyn Resolver,
    now: Timestamp,
) -> Result<Signed, store::Error> {
    verify_by(message, resolver, now, None).await
}

/// The same; the keys are waited for until the deadline and no longer.
///
/// # Errors
/// As of [`verify`].
pub(super) async fn verify_by(
    message: &Message<'_>,
    resolver: &dyn Resolver,
    now: Timestamp,
    deadline: Option<Instant>,
) -> Result<Signed, store::Error> {
    let (signatures, sets) = (Signatures::of(message), arc::Sets::of(message));
    let wanted = signatures.wanted().chain(sets.wanted());
    let names = signatures.names().chain(sets.names());
    let (digests, keys) = gather(message, resolver, wanted, names, deadline).await?;
    Ok(Signed {
        dkim: signatures.check(message, &digests, &keys, now).await,
        arc: sets.check(message, &digests, &keys, now).await,
    })
}

/// Reads the body and asks for the keys, at the same time.
pub(super) async fn gather(
    message: &Message<'_>,
    resolver: &dyn Resolver,
    wanted: impl Iterator<Item = Wanted>,
    names: impl Iterator<Item = &Domain>,
    deadline: Option<Instant>,
) -> Result<(BodyDigests, Keys), store::Error> {
    let keys = Keys::fetch(resolver, names, deadline);
    let (digests, keys) = tokio::join!(message.hash_body(wanted), keys);
    Ok((digests?, keys))
}
