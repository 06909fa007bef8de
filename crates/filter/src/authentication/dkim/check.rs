//! Verifying: a signature against the message, its key and the time.

use super::record::PublicKey;
use super::selection::Finder;
use super::signature::{Base, Signature};
use super::{Algorithm, Fault, KeyRecord, Outcome};
use crate::authentication::body_hash::BodyDigests;
use crate::authentication::canonical::Canonicalization;
use crate::authentication::keys::{Answer, Keys};
use crate::authentication::message::Message;
use crate::authentication::tags::without_signature;
use aws_lc_rs::digest::{Context, Digest, SHA256};
use mail::Timestamp;

/// Smallest RSA key (RFC 8301 §3.2).
const RSA_BITS_MIN: u32 = 1024;
/// Largest RSA key (RFC 8301 §3.2 asks for 4096 at least). Larger ones cost more and more: a
/// stranger is not to choose how much.
const RSA_BITS_MAX: u32 = 4096;
/// How far ahead of ours a signer's clock may be, in seconds: an hour, for clocks that were not
/// told of summer time.
const AHEAD_MAX: i64 = 3_600;

/// What came of verifying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    pub(crate) key_bits: Option<u32>,
    pub(crate) testing: bool,
}

impl Judged {
    fn new(outcome: Outcome, reason: &str) -> Self {
        Self { outcome, reason: reason.to_owned(), key_bits: None, testing: false }
    }

    /// What cannot even be tried.
    pub(crate) fn of(fault: Fault) -> Self {
        Self::new(fault.outcome, &fault.reason)
    }

    fn with(self, record: &KeyRecord) -> Self {
        Self { key_bits: Some(record.key.bits()), testing: record.testing, ..self }
    }

    fn faulty(self, fault: Fault) -> Self {
        Self { outcome: fault.outcome, reason: fault.reason, ..self }
    }
}

impl Signature {
    /// Verifies the signature that is the field `own` of the message.
    ///
    /// The key comes first, so that a result names its size whatever else is wrong.
    pub(crate) fn check(
        &self,
        message: &Message<'_>,
        finder: &Finder<'_>,
        own: usize,
        digests: &BodyDigests,
        keys: &Keys,
        now: Timestamp,
    ) -> Judged {
        if !message.is_complete() {
            return Judged::new(Outcome::Policy, "the header is larger than what is looked at");
        }
        let field = message.fields().nth(own).unwrap_or_default();
        let covered = finder.select(&self.names, Some(own));
        let hash = hash_fields(self.header_how, covered, field);
        let strict = self.identity.domain == self.base.domain;
        let judged = judge(&self.base, &hash, keys, strict);
        if judged.outcome != Outcome::Pass {
            return judged;
        }
        let held = self
            .body(digests)
            .and_then(|()| self.time(now))
            .and_then(|()| self.authors(finder))
            .and_then(|()| self.whole(digests));
        match held {
            Ok(()) => judged,
            Err(fault) => judged.faulty(fault),
        }
    }

    fn body(&self, digests: &BodyDigests) -> Result<(), Fault> {
        let fault = |outcome, reason: &str| Err(Fault::new(outcome, reason));
        let Some(found) = digests.find(self.wanted()) else {
            return fault(
                Outcome::PermError,
                "the body was not hashed in the form that was signed",
            );
        };
        if self.length.is_some_and(|length| length > found.size) {
            return fault(Outcome::Fail, "the signature covers more than the body has");
        }
        if found.digest.as_ref() != self.body_hash {
            return fault(Outcome::Fail, "the body is not what was signed");
        }
        Ok(())
    }

    fn time(&self, now: Timestamp) -> Result<(), Fault> {
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        if self.ends.is_some_and(|ends| seconds(ends) < now.seconds()) {
            return Err(Fault::new(Outcome::Fail, "the signature has ended"));
        }
        if self.made.is_some_and(|made| seconds(made) > now.seconds().saturating_add(AHEAD_MAX)) {
            return Err(Fault::new(Outcome::Policy, "the signature is of a time to come"));
        }
        Ok(())
    }

    /// A second From above the one that was signed is what mail programs may show (RFC 6376
    /// §8.15), so none may be there that is not signed.
    fn authors(&self, finder: &Finder<'_>) -> Result<(), Fault> {
        let signed = self.names.iter().filter(|name| *name == "from").count();
        if finder.count("from") > signed {
            return Err(Fault::new(Outcome::Policy, "the message has a From that is not signed"));
        }
        Ok(())
    }

    /// Whoever says how much of the body is covered lets anybody append to it (RFC 6376 §8.2).
    fn whole(&self, digests: &BodyDigests) -> Result<(), Fault> {
        let Some(length) = self.length else { return Ok(()) };
        let size = digests.find(self.wanted()).map_or(0, |found| found.size);
        let reason = format!(
            "the signature is good but covers {length} of the {size} bytes of the body (l=): \
             anything may have been appended"
        );
        Err(Fault::new(Outcome::Policy, reason))
    }
}

/// The hash that is signed: the covered fields, then the signature itself without its value and
/// line end (RFC 6376 §3.7).
pub(crate) fn hash_fields<'f>(
    how: Canonicalization,
    covered: impl Iterator<Item = &'f [u8]>,
    signature: &[u8],
) -> Digest {
    let mut context = Context::new(&SHA256);
    let mut text = Vec::new();
    for field in covered {
        text.clear();
        how.field(field, &mut text);
        context.update(&text);
    }
    text.clear();
    how.field(&without_signature(signature), &mut text);
    text.truncate(text.len().saturating_sub(2));
    context.update(&text);
    context.finish()
}

/// Verifies the value of a signature with the keys of its selector; `strict` says that `i=` names
/// the very domain that signs.
pub(crate) fn judge(base: &Base, hash: &Digest, keys: &Keys, strict: bool) -> Judged {
    let records = match keys.find(&base.key_name) {
        Some(Answer::Records(records)) => records,
        Some(Answer::Nothing) => {
            return Judged::new(Outcome::PermError, "there is no key for the signature");
        }
        Some(Answer::Trouble) => {
            let reason = "the key could not be asked for; later may work";
            return Judged::new(Outcome::TempError, reason);
        }
        Some(Answer::Unusable(reason)) => return Judged::new(Outcome::PermError, reason),
        None => return Judged::new(Outcome::PermError, "the message names too many keys"),
    };
    // There should be one record; where there are several, one that fits is enough
    // (RFC 6376 §6.1.2), and what came nearest is told.
    let mut nearest: Option<Judged> = None;
    for record in records {
        let judged = match record {
            Ok(record) => try_key(base, hash, record, strict).with(record),
            Err(reason) => Judged::new(Outcome::PermError, reason),
        };
        if judged.outcome == Outcome::Pass {
            return judged;
        }
        if nearest.as_ref().is_none_or(|other| nearness(&judged) > nearness(other)) {
            nearest = Some(judged);
        }
    }
    nearest.unwrap_or_else(|| Judged::new(Outcome::PermError, "there is no key for the signature"))
}

/// A key that was tried says more than one that could not be read.
fn nearness(judged: &Judged) -> u8 {
    match judged.outcome {
        Outcome::Fail | Outcome::Policy => 2,
        _ => u8::from(judged.key_bits.is_some()),
    }
}

fn try_key(base: &Base, hash: &Digest, record: &KeyRecord, strict: bool) -> Judged {
    let judged = |outcome, reason: &str| Judged::new(outcome, reason);
    let bits = record.key.bits();
    match (&record.key, base.algorithm) {
        (PublicKey::Revoked, _) => return judged(Outcome::PermError, "the key was withdrawn"),
        (PublicKey::Rsa { .. }, Algorithm::RsaSha256) if bits < RSA_BITS_MIN => {
            let reason = format!("the key has {bits} bits, fewer than the {RSA_BITS_MIN} required");
            return judged(Outcome::Fail, &reason);
        }
        (PublicKey::Rsa { .. }, Algorithm::RsaSha256) if bits > RSA_BITS_MAX => {
            let reason = format!("the key has {bits} bits, more than the {RSA_BITS_MAX} allowed");
            return judged(Outcome::Policy, &reason);
        }
        (PublicKey::Rsa { .. }, Algorithm::RsaSha256)
        | (PublicKey::Ed25519(_), Algorithm::Ed25519Sha256) => {}
        _ => {
            return judged(Outcome::PermError, "the key is of another type than the signature");
        }
    }
    if !record.sha256 {
        return judged(Outcome::PermError, "the key is not for SHA-256");
    }
    if !record.for_mail {
        return judged(Outcome::PermError, "the key is not for mail");
    }
    if record.strict && !strict {
        let reason = "the key is for the domain alone, the identity is below it";
        return judged(Outcome::PermError, reason);
    }
    if record.key.verifies(hash, &base.value) {
        judged(Outcome::Pass, "")
    } else {
        judged(Outcome::Fail, "the signature does not match the header")
    }
}
