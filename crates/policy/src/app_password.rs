//! App passwords: how they are made and typed, and the verifiers that are kept of them.
//!
//! An app password has 130 random bits, so nobody finds it by trying, whatever a try costs. That is
//! why PBKDF2 hashes it only as often as RFC 7677 §4 has as its least: a program that logs in every
//! minute should not pay for a protection that the bits give already. Used by login, and by `admin`
//! for new ones. Only [`verifier`] computes for long, a millisecond: call it from a blocking
//! thread.

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use mail::scram::{Attempt, HASH};
use mail::{Address, Secret};
use rand::SecureRandom;
use std::num::NonZeroU32;
use store::Verifier;

/// Iterations of new verifiers, and of those invented for names that have none.
pub const ITERATIONS: u32 = 4_096;

/// Letters and digits that nobody confuses when reading them out (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many: with 5 bits each 130 bits.
const LETTERS: usize = 26;
/// A hyphen stands before these.
const HYPHENS: [usize; 4] = [5, 10, 15, 20];
/// Bytes of a salt: RFC 7677's own example has as many.
const SALT: usize = 16;

/// A random app password: `k7m2q-9xptw-04hve-r8zsd-2b6nfy`.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate() -> Result<Secret<String>, std::io::Error> {
    let mut random = [0_u8; LETTERS];
    rand::SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| std::io::Error::other("no random bytes"))?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
    Ok(grouped(random.iter().filter_map(letter)))
}

/// What somebody typed, in the form in which app passwords are made: in either case, with hyphens
/// and blanks anywhere or nowhere, and letters that look like digits. `None` if it cannot be one.
pub(crate) fn canonical(typed: &str) -> Option<Secret<String>> {
    // Three times its length is far more hyphens than anyone types.
    if typed.len() > 3 * LETTERS {
        return None;
    }
    let meant = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let letters = || typed.chars().filter(|c| !matches!(c, ' ' | '-')).map(meant);
    let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
    (letters().count() == LETTERS && letters().all(known)).then(|| grouped(letters()))
}

fn grouped(letters: impl Iterator<Item = char>) -> Secret<String> {
    let mut text = String::with_capacity(LETTERS + HYPHENS.len());
    for (at, letter) in letters.enumerate() {
        if HYPHENS.contains(&at) {
            text.push('-');
        }
        text.push(letter);
    }
    Secret::new(text)
}

/// What is kept of a password (RFC 5802 §3). It is ASCII, which SASLprep leaves as it is.
pub fn verifier(password: &Secret<String>, salt: &[u8], iterations: u32) -> Verifier {
    let mut salted = Secret::new([0_u8; HASH]);
    let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    let text = password.expose().as_bytes();
    salted.change(|bytes| pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, text, bytes));
    let client_key = Secret::new(sign(salted.expose(), b"Client Key"));
    Verifier {
        salt: salt.to_vec(),
        iterations,
        stored_key: hash(client_key.expose()),
        server_key: sign(salted.expose(), b"Server Key"),
    }
}

/// The salt of a name: of every account's app passwords, and told to who asks for a name that does
/// not exist. `name` is an address key, or what stands in its place.
pub(crate) fn salt(key: &Secret<[u8; 32]>, name: &str) -> Vec<u8> {
    sign(key.expose(), name.as_bytes()).into_iter().take(SALT).collect()
}

/// The salt for new app passwords of an account.
pub fn salt_for(store: &store::Store, address: &Address) -> Vec<u8> {
    salt(store.salt_key(), &address.key())
}

/// Whether two verifiers are of the same password.
pub(crate) fn is_same(one: &Verifier, other: &Verifier) -> bool {
    same(&one.stored_key, &other.stored_key)
}

/// Our signature, if the proof is one of knowing this verifier's password (RFC 5802 §3).
pub(crate) fn prove(verifier: &Verifier, attempt: &Attempt) -> Option<[u8; HASH]> {
    if verifier.salt != attempt.salt || verifier.iterations != attempt.iterations {
        return None;
    }
    let message = attempt.auth_message.as_bytes();
    let mut client_key = Secret::new(sign(&verifier.stored_key, message));
    client_key.change(|key| {
        key.iter_mut().zip(attempt.proof.expose()).for_each(|(key, proof)| *key ^= proof);
    });
    let good = same(&hash(client_key.expose()), &verifier.stored_key);
    good.then(|| sign(&verifier.server_key, message))
}

/// A nonce for one exchange: 144 random bits.
///
/// # Errors
/// The operating system gives no random bytes.
pub(crate) fn nonce() -> Result<String, std::io::Error> {
    use base64::Engine;
    let mut random = [0_u8; 18];
    rand::SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| std::io::Error::other("no random bytes"))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(random))
}

pub(crate) fn sign(key: &[u8], message: &[u8]) -> [u8; HASH] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut bytes = [0; HASH];
    bytes.iter_mut().zip(tag.as_ref()).for_each(|(byte, of)| *byte = *of);
    bytes
}

fn hash(bytes: &[u8]) -> [u8; HASH] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut bytes = [0; HASH];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(byte, of)| *byte = *of);
    bytes
}

fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests;
