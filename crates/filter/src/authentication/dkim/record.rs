//! The record of a public key (RFC 6376 §3.6.1, RFC 8463 §3).

use super::der;
use super::signature::decoded;
use crate::authentication::tags::{TagList, entries};
use aws_lc_rs::digest::Digest;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY as RSA_SHA256, UnparsedPublicKey,
};

/// Bytes of an Ed25519 key.
const ED25519_LEN: usize = 32;

/// What a domain publishes at `selector._domainkey.domain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub key: PublicKey,
    /// Whether it may be used with SHA-256 (`h=`).
    pub sha256: bool,
    /// Whether it is for mail (`s=`).
    pub for_mail: bool,
    /// Whether the domain only tries (`t=y`).
    pub testing: bool,
    /// Whether `i=` must name the very domain that signs, none below it (`t=s`).
    pub strict: bool,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Withdrawn: an empty `p=`.
    Revoked,
    /// RSA: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The exponent.
        exponent: Vec<u8>,
    },
    /// Ed25519 (RFC 8463 §4).
    Ed25519([u8; ED25519_LEN]),
}

impl KeyRecord {
    /// Reads the text of a TXT record.
    ///
    /// # Errors
    /// It is no key record, or holds no key that can be read; the text says why in our words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let tags = TagList::parse(text.as_bytes()).map_err(|_| "the record is no list of tags")?;
        if let Some(version) = tags.get("v")
            && (version != "DKIM1" || tags.first() != Some("v"))
        {
            return Err("the record is not one of DKIM1");
        }
        let value = tags.get("p").ok_or("the record has no key")?;
        let key = if value.is_empty() {
            PublicKey::Revoked
        } else {
            let bytes = decoded(value).map_err(|_| "the key is not base64")?;
            match tags.get("k").unwrap_or("rsa") {
                "rsa" => rsa(&bytes)?,
                "ed25519" => ed25519(&bytes)?,
                _ => return Err("the key is of a type that is not known"),
            }
        };
        let has = |name: &str, other: &str, wanted: &[&str]| {
            entries(tags.get(name).unwrap_or(other)).any(|entry| wanted.contains(&entry))
        };
        Ok(Self {
            key,
            sha256: has("h", "sha256", &["sha256"]),
            for_mail: has("s", "*", &["*", "email"]),
            testing: has("t", "", &["y"]),
            strict: has("t", "", &["s"]),
        })
    }
}

impl PublicKey {
    /// Its size in bits; 0 for a key that was withdrawn.
    pub fn bits(&self) -> u32 {
        match self {
            Self::Revoked => 0,
            Self::Ed25519(_) => 256,
            Self::Rsa { modulus, .. } => {
                let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
                (modulus.len() as u32).saturating_mul(8).saturating_sub(zeros)
            }
        }
    }

    /// Whether `signature` was made with the private key over what has this SHA-256 hash.
    pub(super) fn verifies(&self, hash: &Digest, signature: &[u8]) -> bool {
        match self {
            Self::Revoked => false,
            // RFC 8463 §3: what Ed25519 signs is the hash.
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(hash.as_ref(), signature).is_ok()
            }
            Self::Rsa { modulus, exponent } => {
                let components = PublicKeyComponents { n: modulus, e: exponent };
                components
                    .to_parsed_public_key(&RSA_SHA256)
                    .is_ok_and(|key| key.verify_digest_sig(hash, signature).is_ok())
            }
        }
    }
}

fn rsa(bytes: &[u8]) -> Result<PublicKey, &'static str> {
    let (modulus, exponent) = der::rsa_key(bytes).ok_or("the key is no RSA key")?;
    Ok(PublicKey::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

fn ed25519(bytes: &[u8]) -> Result<PublicKey, &'static str> {
    let key = bytes.try_into().map_err(|_| "the key has not the 32 bytes of Ed25519")?;
    Ok(PublicKey::Ed25519(key))
}

#[cfg(test)]
mod tests;
