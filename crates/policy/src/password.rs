//! Passwords at rest: made as Argon2id, checked also in the forms that other servers keep.
//!
//! What an import brings (crypt, bcrypt, Dovecot's `{SCHEME}` forms) is accepted as it is and
//! written anew as Argon2id at the next log-in. Costs are bounded: a hash that would take seconds
//! or gigabytes to check is refused at import and never computed. Every function here computes for
//! tens of milliseconds: call them from a blocking thread. Used by login, and by `admin` for
//! `account add` and imports.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use aws_lc_rs::{constant_time, digest, pbkdf2};
use forms::{DigestKind, Form};
use md5::Digest as _;
use std::num::NonZeroU32;

mod forms;

/// Passwords are at most this many bytes: longer ones only cost time.
pub const PASSWORD_MAX: usize = 1_024;

/// Argon2id as OWASP advises it (19 MiB, two passes, one lane): 20 ms of one core, and with two at
/// once 38 MiB.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What checking a password against a stored hash gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right, and the hash is of today's form.
    Good,
    /// The password is right; the hash is of an old or cheap form and should be made anew.
    GoodRehash,
    /// The password is wrong.
    Bad,
    /// The stored text is of no form that this server checks: nobody can log in with it.
    Unknown,
}

/// Why a password or a stored hash is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The form is one that this server does not check.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The form is known, but the text is not well formed.
    #[error("{form}: {why}")]
    Malformed {
        /// The form that it claims to be.
        form: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// Checking it would take too long or too much memory.
    #[error("{form}: {what} is above the limit of {limit}")]
    TooCostly {
        /// The form.
        form: &'static str,
        /// The parameter.
        what: &'static str,
        /// The largest value accepted.
        limit: u32,
    },
    /// The password is empty or longer than [`PASSWORD_MAX`].
    #[error("a password has 1 to {PASSWORD_MAX} bytes")]
    Length,
    /// The system gave no random bytes, or no memory.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

/// Makes the stored form of a password: Argon2id in PHC notation, with a salt of its own.
pub fn hash(password: &str) -> Result<String, HashError> {
    if password.is_empty() || password.len() > PASSWORD_MAX {
        return Err(HashError::Length);
    }
    let failed = |error: &dyn std::fmt::Display| HashError::Failed(error.to_string());
    let argon2 = today().map_err(|e| failed(&e))?;
    let hash = argon2.hash_password(password.as_bytes()).map_err(|e| failed(&e))?;
    Ok(hash.to_string())
}

/// Checks `password` against a stored hash of any accepted form.
pub fn verify(stored: &str, password: &str) -> Verdict {
    if password.is_empty() || password.len() > PASSWORD_MAX {
        return Verdict::Bad;
    }
    let Ok(form) = forms::parse(stored) else { return Verdict::Unknown };
    let fresh = matches!(&form, Form::Argon2 { fresh: true, .. });
    match (matches(&form, password.as_bytes()), fresh) {
        (true, true) => Verdict::Good,
        (true, false) => Verdict::GoodRehash,
        (false, _) => Verdict::Bad,
    }
}

/// The text to store for a hash that an import or `account add --hash` brings.
///
/// Usually the text itself. `{PLAIN}` and `{CLEARTEXT}` are hashed at once: a password in the
/// clear is never stored.
pub fn acceptable_hash(text: &str) -> Result<String, HashError> {
    let text = text.trim();
    match forms::parse(text)? {
        Form::Plain(password) => {
            let password = String::from_utf8(password)
                .map_err(|_| HashError::Malformed { form: "{PLAIN}", why: "not UTF-8" })?;
            hash(&password)
        }
        _ => Ok(text.to_owned()),
    }
}

fn today() -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn matches(form: &Form, password: &[u8]) -> bool {
    match form {
        Form::Argon2 { phc, .. } => argon2::PasswordHash::new(phc)
            .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok()),
        Form::Crypt(hash) => pwhash::unix::verify(password, hash),
        Form::Digest { kind, sum, salt } => same(&digest_of(*kind, password, salt), sum),
        Form::Pbkdf2 { rounds, salt, sum } => NonZeroU32::new(*rounds).is_some_and(|rounds| {
            pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA1, rounds, salt, password, sum).is_ok()
        }),
        Form::Plain(stored) => same(password, stored),
    }
}

fn digest_of(kind: DigestKind, password: &[u8], salt: &[u8]) -> Vec<u8> {
    let algorithm = match kind {
        DigestKind::Md5 => {
            let mut md5 = md5::Md5::new();
            md5.update(password);
            md5.update(salt);
            return md5.finalize().to_vec();
        }
        DigestKind::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestKind::Sha256 => &digest::SHA256,
        DigestKind::Sha512 => &digest::SHA512,
    };
    let mut context = digest::Context::new(algorithm);
    context.update(password);
    context.update(salt);
    context.finish().as_ref().to_vec()
}

fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests;
