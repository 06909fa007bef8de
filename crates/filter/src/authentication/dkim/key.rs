//! Private keys: made, read, written, and used to sign.

use super::{Algorithm, KeyRecord};
use aws_lc_rs::digest::Digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::Secret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Largest file of a key, in bytes; RSA of 4,096 bits has 3,300.
const FILE_MAX: usize = 64 * 1024;
/// Largest RSA key that signs; verifiers need not take larger ones (RFC 8301 §3.2).
const RSA_BITS_MAX: usize = 4096;
/// Bytes of a string in a TXT record (RFC 1035 §3.3.14).
const STRING_MAX: usize = 255;
/// Characters of base64 on a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// A kind of key that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// RSA with 2,048 bits: what every verifier takes, and what fits the DNS.
    #[serde(rename = "rsa")]
    Rsa,
    /// Ed25519 (RFC 8463): small and quick; not every verifier knows it, so it stands beside RSA.
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not a private key in PEM or DER.
    #[error("this is no private key (PKCS#8 or RSA, as PEM or DER, without a password)")]
    Unreadable,
    /// RSA below 2,048 bits or above 4,096.
    #[error("an RSA key must have 2048 to 4096 bits")]
    Size,
    /// The library could not make or use it.
    #[error("the key could not be made or used")]
    Failed,
}

/// A private key that signs; a clone is the same key.
#[derive(Clone)]
pub struct SigningKey(Arc<Pair>);

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a key. RSA takes up to a second: not on a thread that others wait for.
    ///
    /// # Errors
    /// The library fails.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let pair = match kind {
            KeyKind::Rsa => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        pair.map(Self::of).map_err(|_| KeyError::Failed)
    }

    /// Reads a key: PKCS#8, or RSA as PKCS#1, each as PEM or DER.
    ///
    /// # Errors
    /// It is something else, has a password, or an RSA key has too few or too many bits.
    pub fn read(file: &[u8]) -> Result<Self, KeyError> {
        if file.len() > FILE_MAX {
            return Err(KeyError::Unreadable);
        }
        match pem(file) {
            Some(der) => Self::from_der(der?.expose()),
            None => Self::from_der(file),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::of(Pair::Ed25519(pair)));
        }
        // The library tells what it refuses a key for by a word alone.
        let is_size =
            |error: &KeyRejected| matches!(error.to_string().as_str(), "TooSmall" | "TooLarge");
        let pair = RsaKeyPair::from_pkcs8(der).or_else(|first| {
            RsaKeyPair::from_der(der).map_err(|second| {
                let by_size = is_size(&first) || is_size(&second);
                if by_size { KeyError::Size } else { KeyError::Unreadable }
            })
        })?;
        if pair.public_modulus_len() * 8 > RSA_BITS_MAX {
            return Err(KeyError::Size);
        }
        Ok(Self::of(Pair::Rsa(pair)))
    }

    fn of(pair: Pair) -> Self {
        Self(Arc::new(pair))
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        match *self.0 {
            Pair::Rsa(_) => KeyKind::Rsa,
            Pair::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match *self.0 {
            Pair::Rsa(_) => Algorithm::RsaSha256,
            Pair::Ed25519(_) => Algorithm::Ed25519Sha256,
        }
    }

    /// The key as PKCS#8 in PEM (RFC 7468 §10), for its file.
    ///
    /// # Errors
    /// The library fails.
    pub fn to_pem(&self) -> Result<Secret<String>, KeyError> {
        let der = match &*self.0 {
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Failed)?;
                Secret::new(der.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => {
                // Version 1 is what every other program reads.
                let der = pair.to_pkcs8v1().map_err(|_| KeyError::Failed)?;
                Secret::new(der.as_ref().to_vec())
            }
        };
        let encoded = Secret::new(STANDARD.encode(der.expose()));
        let mut text = String::with_capacity(encoded.expose().len() * 2);
        text.push_str(BEGIN);
        for (i, c) in encoded.expose().chars().enumerate() {
            if i % PEM_LINE == 0 {
                text.push('\n');
            }
            text.push(c);
        }
        text.push('\n');
        text.push_str(END);
        text.push('\n');
        Ok(Secret::new(text))
    }

    /// The text to publish at `selector._domainkey.domain` (RFC 6376 §3.6.1, RFC 8463 §4).
    ///
    /// # Errors
    /// The library fails.
    pub fn record(&self) -> Result<String, KeyError> {
        Ok(match &*self.0 {
            Pair::Rsa(pair) => {
                let der: PublicKeyX509Der<'_> =
                    pair.public_key().as_der().map_err(|_| KeyError::Failed)?;
                format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(der.as_ref()))
            }
            Pair::Ed25519(pair) => {
                format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(pair.public_key().as_ref()))
            }
        })
    }

    /// Whether `record`, as it is published, is the other half of this key.
    pub fn belongs_to(&self, record: &KeyRecord) -> bool {
        let own = self.record().ok().and_then(|text| KeyRecord::parse(&text).ok());
        own.is_some_and(|own| own.key == record.key)
    }

    /// Signs what has this SHA-256 hash. RSA, which takes a millisecond, does so on a thread that
    /// nobody else waits for.
    pub(crate) async fn sign_aside(&self, hash: Digest) -> Result<Vec<u8>, KeyError> {
        if self.kind() == KeyKind::Ed25519 {
            return self.sign(&hash);
        }
        let key = self.clone();
        let signing = tokio::task::spawn_blocking(move || key.sign(&hash));
        signing.await.unwrap_or(Err(KeyError::Failed))
    }

    /// Signs what has this SHA-256 hash.
    fn sign(&self, hash: &Digest) -> Result<Vec<u8>, KeyError> {
        match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, hash, &mut signature)
                    .map_err(|_| KeyError::Failed)?;
                Ok(signature)
            }
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(hash.as_ref()).map_err(|_| KeyError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().word())
    }
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The content of PEM (RFC 7468 §2); `None` if the file is something else.
fn pem(file: &[u8]) -> Option<Result<Secret<Vec<u8>>, KeyError>> {
    let text = std::str::from_utf8(file).ok()?;
    let (_, begun) = text.split_once("-----BEGIN ")?;
    let content = begun.split_once("-----").and_then(|(label, rest)| {
        let known = matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY");
        known.then(|| rest.split_once("-----END "))?.map(|(content, _)| content)
    });
    let der = content.and_then(|content| {
        let lines = Secret::new(content.split_ascii_whitespace().collect::<String>());
        STANDARD.decode(lines.expose()).ok()
    });
    Some(der.map(Secret::new).ok_or(KeyError::Unreadable))
}

/// The strings of a TXT record for this text as a zone file writes them: in quotes, at most 255
/// bytes each (RFC 1035 §3.3.14, §5.1).
pub fn zone_strings(record: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut current = String::new();
    for c in record.chars() {
        if current.len() + c.len_utf8() > STRING_MAX {
            strings.push(std::mem::take(&mut current));
        }
        current.push(c);
    }
    strings.push(current);
    let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    strings.into_iter().map(quoted).collect()
}

#[cfg(test)]
mod tests;
