//! DKIM: who signed a message, and signing (RFC 6376, with RFC 8301 and RFC 8463).
//!
//! [`verify`] gives a result for each signature, in the words of RFC 8601 §2.7.1; [`sign`] makes
//! the fields for a message that is to be sent. Whether a signature matters (whose domain it is,
//! and what From says) is not decided here.

mod check;
mod der;
mod identity;
mod key;
mod record;
mod selection;
mod selector;
pub(crate) mod sign;
mod signature;

pub use key::{KeyError, KeyKind, SigningKey, zone_strings};
pub use record::{KeyRecord, PublicKey};
pub use selector::Selector;
pub use sign::{SignError, Signer, sign};

pub(crate) use check::{Judged, judge};
pub(crate) use selection::Finder;
pub(crate) use signature::{Base, Fault, Kind, Signature, required};

use super::body_hash::{BodyDigests, Wanted};
use super::keys::Keys;
use super::message::{Message, field_name, field_value};
use super::signed;
use super::tags::TagList;
use mail::{Domain, Timestamp};
use net::Resolver;
use serde::Serialize;

/// Signatures of one message that are looked at, from the top; honest mail has one to four
/// (RFC 6376 §6.1 lets a verifier stop).
pub const SIGNATURES_MAX: usize = 10;

/// What came of a signature (RFC 8601 §2.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// There is no signature.
    None,
    /// It is good, and covers the whole body.
    Pass,
    /// It does not match, or its time is over.
    Fail,
    /// It may be good, but not in a way that is acceptable here: the reason says why.
    Policy,
    /// It cannot be understood, or uses what this server does not know.
    Neutral,
    /// Its key could not be asked for; later may work.
    TempError,
    /// It cannot be verified, now or later.
    PermError,
}

impl Outcome {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Algorithm {
    /// RSA with SHA-256 (RFC 6376 §3.3.2).
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
    /// Ed25519 with SHA-256 (RFC 8463).
    #[serde(rename = "ed25519-sha256")]
    Ed25519Sha256,
    /// RSA with SHA-1; never passes (RFC 8301 §3.1).
    #[serde(rename = "rsa-sha1")]
    RsaSha1,
}

impl Algorithm {
    /// The word of the `a=` tag.
    pub fn word(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
            Self::RsaSha1 => "rsa-sha1",
        }
    }
}

/// What is known of one signature. What a stranger wrote is in it only where it was read as what
/// it should be; the reason is always ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureResult {
    /// What came of it.
    pub result: Outcome,
    /// Why, in our words; empty for a pass.
    pub reason: String,
    /// Who claims to have signed (`d=`).
    pub domain: Option<Domain>,
    /// The selector (`s=`).
    pub selector: Option<Selector>,
    /// How it was signed (`a=`), if that is known.
    pub algorithm: Option<Algorithm>,
    /// On whose behalf (`i=`), without control characters.
    pub identity: Option<String>,
    /// The first eight characters of the signature, which tell signatures of one domain apart
    /// (RFC 6008).
    pub start: Option<String>,
    /// Size of the key in bits, if a key was found.
    pub key_bits: Option<u32>,
    /// Whether the domain says that it only tries (`t=y`): then a failure says nothing.
    pub testing: bool,
}

/// What is known of the signatures of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Each signature that was looked at, from the top of the header.
    pub signatures: Vec<SignatureResult>,
    /// Signatures beyond the first ten, which nobody looked at.
    pub unseen: usize,
}

impl Report {
    /// Signatures that are good, whatever they are worth.
    pub fn passing(&self) -> impl Iterator<Item = &SignatureResult> {
        self.signatures.iter().filter(|signature| signature.result == Outcome::Pass)
    }
}

/// Verifies the signatures of a message at the time `now`.
///
/// Asks the DNS once for each key, all at the same time; the overall deadline is the caller's.
///
/// # Errors
/// The body cannot be read.
pub async fn verify(
    message: &Message<'_>,
    resolver: &dyn Resolver,
    now: Timestamp,
) -> Result<Report, store::Error> {
    let found = Signatures::of(message);
    let (digests, keys) =
        signed::gather(message, resolver, found.wanted(), found.names(), None).await?;
    Ok(found.check(message, &digests, &keys, now).await)
}

/// The signatures of a message, read but not verified.
pub(crate) struct Signatures {
    found: Vec<Read>,
    unseen: usize,
}

struct Read {
    /// Which of the message's fields it is.
    field: usize,
    result: SignatureResult,
    signature: Option<Signature>,
}

impl Signatures {
    pub(crate) fn of(message: &Message<'_>) -> Self {
        let mut found = Vec::new();
        let mut unseen = 0;
        for (i, field) in message.fields().enumerate() {
            if !field_name(field).eq_ignore_ascii_case(b"DKIM-Signature") {
                continue;
            }
            if found.len() == SIGNATURES_MAX {
                unseen += 1;
            } else {
                found.push(Read::of(i, field));
            }
        }
        Self { found, unseen }
    }

    /// The forms of the body that they cover.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Wanted> {
        self.readable().map(Signature::wanted)
    }

    /// Where their keys are.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Domain> {
        self.readable().map(|signature| &signature.base.key_name)
    }

    fn readable(&self) -> impl Iterator<Item = &Signature> {
        self.found.iter().filter_map(|read| read.signature.as_ref())
    }

    pub(crate) async fn check(
        self,
        message: &Message<'_>,
        digests: &BodyDigests,
        keys: &Keys,
        now: Timestamp,
    ) -> Report {
        let finder = Finder::of(message);
        let mut signatures = Vec::new();
        for Read { field, mut result, signature } in self.found {
            if let Some(signature) = signature {
                let judged = signature.check(message, &finder, field, digests, keys, now);
                result.result = judged.outcome;
                result.reason = judged.reason;
                result.key_bits = judged.key_bits;
                result.testing = judged.testing;
                tokio::task::yield_now().await;
            }
            signatures.push(result);
        }
        Report { signatures, unseen: self.unseen }
    }
}

impl Read {
    fn of(field: usize, bytes: &[u8]) -> Self {
        let mut result = SignatureResult {
            result: Outcome::Neutral,
            reason: String::new(),
            domain: None,
            selector: None,
            algorithm: None,
            identity: None,
            start: None,
            key_bits: None,
            testing: false,
        };
        let read = TagList::parse(field_value(bytes)).map_err(Fault::from).and_then(|tags| {
            signature::claims(&tags, &mut result);
            Signature::read(&tags, Kind::Dkim)
        });
        match read {
            Ok(signature) => Self { field, result, signature: Some(signature) },
            Err(Fault { outcome, reason }) => {
                result.result = outcome;
                result.reason = reason;
                Self { field, result, signature: None }
            }
        }
    }
}
