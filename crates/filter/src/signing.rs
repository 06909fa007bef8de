//! Signing what leaves: DKIM signatures of our own domains, over the bytes as they are sent on.
//!
//! Mail of users who logged in, of programs on this machine, and our own is signed in the name of
//! the domain of From, by each of its keys that are active. What comes from outside and is only
//! passed on is not: a signature says that we answer for it. Copies in mailboxes here are not
//! signed either, for nobody asks who sent what never left.

use crate::authentication::dkim::{Selector, SignError, Signer, SigningKey, sign};
use crate::authentication::message::Message;
use crate::{Filter, Mail};
use mail::{Domain, Id, Piece, Reason, Refusal, Rendition, Timestamp, Verdict};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Directory, DkimKey, KeyStage};

/// The algorithm that every verifier knows (RFC 8301 §3.1).
const RSA: &str = "rsa-sha256";

/// Keys that sign, read once each.
#[derive(Default)]
pub(crate) struct Signers {
    read: Mutex<HashMap<Id, Arc<Signer>>>,
}

/// The rendition with signatures before it; as it is where nothing is to be signed, or nothing can
/// be: then the log says why, for mail without a signature is better than none.
///
/// # Errors
/// The body cannot be read.
pub(crate) async fn signed(
    filter: &Filter,
    mail: &Mail<'_>,
    rendition: Rendition,
    now: Timestamp,
) -> Result<Rendition, store::Error> {
    if !mail.envelope.is_ours() {
        return Ok(rendition);
    }
    let signers = filter.signers.of(&filter.directory(), mail).await;
    if signers.is_empty() {
        return Ok(rendition);
    }
    let signers: Vec<&Signer> = signers.iter().map(Arc::as_ref).collect();
    let message = Message::rendered(&rendition, mail.body).await?;
    match sign(&message, &signers, now, None).await {
        Ok(fields) => Ok(before(fields, &rendition)),
        Err(SignError::Body(error)) => Err(error),
        Err(error) => {
            tracing::warn!(message = %mail.id, %error, "sent without a signature");
            Ok(rendition)
        }
    }
}

/// The rendition with more fields before it.
pub(crate) fn before(fields: String, rendition: &Rendition) -> Rendition {
    let pieces = rendition.pieces().iter().cloned();
    Rendition::new(std::iter::once(Piece::Insert(fields.into_bytes())).chain(pieces))
}

/// What is answered for a message that cannot be signed because it cannot be read.
pub(crate) fn not_read(error: &store::Error) -> Verdict {
    Verdict::Later(Refusal::new(Reason::StorageFailed).detail(error.to_string()))
}

impl Signers {
    /// Who signs a message: the keys of its author's domain, or of the nearest one above it that
    /// is ours, which is aligned in DMARC's relaxed mode.
    ///
    /// Of several authors the first counts that is of a domain here.
    async fn of(&self, directory: &Directory, mail: &Mail<'_>) -> Vec<Arc<Signer>> {
        let authors = mail.index.from();
        let mut domains = authors.iter().filter_map(|author| author.domain());
        let keys = domains.find_map(|domain| active_keys(directory, domain)).unwrap_or_default();
        let mut signers = Vec::with_capacity(keys.len());
        for key in keys {
            signers.extend(self.signer(directory, key).await);
        }
        signers
    }

    /// Who seals: an active key of the first of these domains that has one. RSA, if there is the
    /// choice: a chain has one seal a server, which every verifier has to be able to read.
    pub(crate) async fn for_seal(
        &self,
        directory: &Directory,
        mut domains: impl Iterator<Item = &Domain>,
    ) -> Option<Arc<Signer>> {
        let mut keys = domains.find_map(|domain| active_keys(directory, domain))?;
        keys.sort_by_key(|key| key.algorithm != RSA);
        self.signer(directory, keys.into_iter().next()?).await
    }

    /// The key, read at its first use: that takes too long for a thread that others wait for.
    async fn signer(&self, directory: &Directory, key: Arc<DkimKey>) -> Option<Arc<Signer>> {
        if let Some(signer) = self.known().get(&key.id) {
            return Some(Arc::clone(signer));
        }
        let id = key.id;
        let signer = tokio::task::spawn_blocking(move || read(&key)).await.ok().flatten()?;
        let mut known = self.known();
        // Those that sign no more are forgotten.
        known.retain(|id, _| {
            directory.dkim_keys().iter().any(|key| key.id == *id && key.stage() == KeyStage::Active)
        });
        known.insert(id, Arc::clone(&signer));
        Some(signer)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Arc<Signer>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The active keys of the nearest domain that has any and that `domain` is or lies in.
fn active_keys(directory: &Directory, domain: &Domain) -> Option<Vec<Arc<DkimKey>>> {
    domain.ancestors().find_map(|name| {
        let own = Domain::parse(name).ok()?;
        // What was removed is not ours any more, whatever its keys say.
        directory.domain(&own)?;
        let keys = directory.dkim_keys_of(&own).iter();
        let keys: Vec<_> = keys.filter(|key| key.stage() == KeyStage::Active).cloned().collect();
        (!keys.is_empty()).then_some(keys)
    })
}

fn read(key: &DkimKey) -> Option<Arc<Signer>> {
    let selector = Selector::parse(&key.selector);
    let Some((selector, signing)) =
        selector.zip(SigningKey::read(key.secret.expose().as_bytes()).ok())
    else {
        tracing::error!(domain = %key.domain, selector = key.selector, "a DKIM key is damaged");
        return None;
    };
    Some(Arc::new(Signer { domain: key.domain.clone(), selector, key: signing }))
}
