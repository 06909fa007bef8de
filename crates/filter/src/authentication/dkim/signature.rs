//! One signature as it is written: the tags of RFC 6376 §3.5, and those of ARC that are like them.

use super::identity::{Identity, identity};
use super::{Algorithm, Outcome, Selector, SignatureResult};
use crate::authentication::body_hash::Wanted;
use crate::authentication::canonical::Canonicalization;
use crate::authentication::tags::{TagError, TagList, entries, number, without_blanks};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use mail::Domain;

/// Fields that a signature may name; a message has at most 2,000, honest ones 100.
pub(crate) const NAMES_MAX: usize = 1_000;
/// Digits of a time: seconds until the year 31,688.
const TIME_DIGITS: usize = 12;
/// Digits of a length (RFC 6376 §3.5 allows 76; no body has so many bytes).
const LENGTH_DIGITS: usize = 18;
/// Characters of a signature that tell it from others (RFC 6008 §3).
const START_LEN: usize = 8;
/// Bytes of a SHA-256 hash.
const HASH_LEN: usize = 32;

/// Base64 as signers write it: some leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a signature is not good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: reason.into() }
    }

    fn neutral(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Neutral, reason)
    }
}

impl From<TagError> for Fault {
    fn from(error: TagError) -> Self {
        Self::neutral(error.to_string())
    }
}

/// Which field a signature stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `DKIM-Signature`.
    Dkim,
    /// `ARC-Message-Signature` (RFC 8617 §4.1.2): without a version, and `i=` is its instance.
    Arc,
}

/// What every signature and seal has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) algorithm: Algorithm,
    pub(crate) domain: Domain,
    pub(crate) selector: Selector,
    /// Where the key is.
    pub(crate) key_name: Domain,
    pub(crate) value: Vec<u8>,
}

/// A signature over header fields and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) base: Base,
    pub(crate) identity: Identity,
    pub(crate) header_how: Canonicalization,
    pub(crate) body_how: Canonicalization,
    pub(crate) body_hash: Vec<u8>,
    /// The names of the fields that were signed, in lower case.
    pub(crate) names: Vec<String>,
    pub(crate) length: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub(crate) made: Option<u64>,
    /// When it ends.
    pub(crate) ends: Option<u64>,
}

impl Signature {
    pub(crate) fn read(tags: &TagList, kind: Kind) -> Result<Self, Fault> {
        if kind == Kind::Dkim && required(tags, "v")? != "1" {
            return Err(Fault::neutral("the version of the signature is not 1"));
        }
        let base = Base::read(tags)?;
        let identity = match (kind, tags.get("i")) {
            (Kind::Dkim, Some(text)) => identity(text, &base.domain)?,
            _ => Identity::of(&base.domain),
        };
        let (header_how, body_how) = canonicalizations(tags.get("c"))?;
        let body_hash = decoded(required(tags, "bh")?)?;
        if body_hash.len() != HASH_LEN {
            return Err(Fault::neutral("the hash of the body has not 32 bytes"));
        }
        let length = match tags.get("l") {
            Some(text) => Some(number(text, LENGTH_DIGITS).ok_or_else(|| bad_number("l"))?),
            None => None,
        };
        let (made, ends) = (time(tags, "t")?, time(tags, "x")?);
        if made.is_some() && ends.is_some() && ends <= made {
            return Err(Fault::neutral("the signature ends before it was made"));
        }
        // Other ways of asking may stand beside the one that everybody knows.
        if !entries(tags.get("q").unwrap_or("dns/txt")).any(|way| way == "dns/txt") {
            return Err(Fault::neutral("the key cannot be asked for in the DNS"));
        }
        let names = names(required(tags, "h")?, kind)?;
        Ok(Self { base, identity, header_how, body_how, body_hash, names, length, made, ends })
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted { how: self.body_how, length: self.length }
    }
}

impl Base {
    pub(crate) fn read(tags: &TagList) -> Result<Self, Fault> {
        let algorithm = match algorithm(required(tags, "a")?) {
            Some(Algorithm::RsaSha1) => {
                let reason = "rsa-sha1 has not been acceptable since RFC 8301";
                return Err(Fault::new(Outcome::PermError, reason));
            }
            Some(known) => known,
            None => return Err(Fault::neutral("the algorithm is not known")),
        };
        let domain = Domain::parse(required(tags, "d")?)
            .map_err(|_| Fault::neutral("the domain that signs is no domain"))?;
        let selector = Selector::parse(required(tags, "s")?)
            .ok_or_else(|| Fault::neutral("the selector is no name"))?;
        let key_name = selector
            .key_name(&domain)
            .ok_or_else(|| Fault::neutral("the name of the key is longer than a name can be"))?;
        let value = decoded(required(tags, "b")?)?;
        Ok(Self { algorithm, domain, selector, key_name, value })
    }
}

/// Notes what a signature says of itself, as far as that can be read.
pub(super) fn claims(tags: &TagList, result: &mut SignatureResult) {
    result.domain = tags.get("d").and_then(|text| Domain::parse(text).ok());
    result.selector = tags.get("s").and_then(Selector::parse);
    result.algorithm = tags.get("a").and_then(algorithm);
    if let (Some(text), Some(domain)) = (tags.get("i"), &result.domain) {
        result.identity = identity(text, domain).ok().map(|identity| identity.text);
    }
    let start: String =
        without_blanks(tags.get("b").unwrap_or_default()).chars().take(START_LEN).collect();
    result.start = decoded(&start).is_ok().then_some(start);
}

fn algorithm(word: &str) -> Option<Algorithm> {
    let known = [Algorithm::RsaSha256, Algorithm::Ed25519Sha256, Algorithm::RsaSha1];
    known.into_iter().find(|algorithm| algorithm.word() == word)
}

pub(crate) fn required<'t>(tags: &'t TagList, name: &str) -> Result<&'t str, Fault> {
    let value = tags.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| Fault::neutral(format!("the tag {name}= is missing or empty")))
}

fn bad_number(name: &str) -> Fault {
    Fault::neutral(format!("the tag {name}= is no number, or too large"))
}

fn time(tags: &TagList, name: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = tags.get(name) else { return Ok(None) };
    number(text, TIME_DIGITS).map(Some).ok_or_else(|| bad_number(name))
}

pub(crate) fn decoded(value: &str) -> Result<Vec<u8>, Fault> {
    let text = without_blanks(value);
    BASE64.decode(text).map_err(|_| Fault::neutral("something that should be base64 is not"))
}

/// The words of `c=`: for the header, and after a slash for the body (RFC 6376 §3.5).
fn canonicalizations(value: Option<&str>) -> Result<(Canonicalization, Canonicalization), Fault> {
    let value = value.unwrap_or("simple/simple");
    let (header, body) = value.split_once('/').unwrap_or((value, "simple"));
    let word = |word: &str| Canonicalization::parse(word.trim_matches([' ', '\t']));
    word(header).zip(word(body)).ok_or_else(|| Fault::neutral("the canonicalisation is not known"))
}

/// The names in `h=`, which must have From among them (RFC 6376 §3.5, §6.1.1).
fn names(value: &str, kind: Kind) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for name in entries(value) {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Fault::neutral("the list of signed fields has something that is no name"));
        }
        if names.len() == NAMES_MAX {
            return Err(Fault::neutral("the signature names more than 1,000 fields"));
        }
        names.push(name.to_ascii_lowercase());
    }
    if !names.iter().any(|name| name == "from") {
        return Err(Fault::new(Outcome::PermError, "the field From is not signed"));
    }
    // RFC 8617 §4.1.2
    if kind == Kind::Arc && names.iter().any(|name| name == "arc-seal") {
        return Err(Fault::new(Outcome::PermError, "the signature of the message covers a seal"));
    }
    Ok(names)
}
