//! Proofs of recent good log-ins: keyed, in memory, bound to the stored hash.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use mail::{AccountId, Credential, Secret, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long a password need not be hashed again: long enough for programs that look every five
/// minutes, short enough that memory is no second password store.
const LIFE_MILLIS: i64 = 15 * 60 * 1_000;
/// Credentials with a proof; beyond, a random one is forgotten (its owner's next log-in is hashed).
const PROOFS_MAX: usize = 20_000;

/// Whose password it is, and which of theirs.
pub(super) type Owner = (AccountId, Credential);

/// One proof for each credential.
pub(super) struct Proofs {
    /// Drawn at the start: what is in memory proves nothing to another process.
    key: Option<hmac::Key>,
    known: Mutex<HashMap<Owner, (hmac::Tag, i64)>>,
}

impl Proofs {
    pub(super) fn new() -> Self {
        // Without random bytes there are no proofs: each log-in is hashed.
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        Self { key, known: Mutex::default() }
    }

    /// Whether this password was right for this stored hash a little while ago.
    pub(super) fn holds(
        &self,
        owner: Owner,
        stored: &[u8],
        password: &Secret<String>,
        now: Timestamp,
    ) -> bool {
        let Some(key) = &self.key else { return false };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((tag, until)) = known.get(&owner).copied() else { return false };
        drop(known);
        let live = (0..LIFE_MILLIS).contains(&(until - now.0 - 1));
        live && hmac::verify(key, &text(owner, stored, password), tag.as_ref()).is_ok()
    }

    pub(super) fn remember(
        &self,
        owner: Owner,
        stored: &[u8],
        password: &Secret<String>,
        now: Timestamp,
    ) {
        let Some(key) = &self.key else { return };
        let tag = hmac::sign(key, &text(owner, stored, password));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PROOFS_MAX && !known.contains_key(&owner) {
            known.retain(|_, (_, until)| now.0 < *until);
            let any = known.keys().next().copied().filter(|_| known.len() >= PROOFS_MAX);
            any.and_then(|any| known.remove(&any));
        }
        known.insert(owner, (tag, now.0 + LIFE_MILLIS));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.lock().map(|known| known.len()).unwrap_or_default()
    }
}

/// The stored hash is part of it: a new password ends the proof of the old one.
fn text((account, credential): Owner, stored: &[u8], password: &Secret<String>) -> Vec<u8> {
    let number = match credential {
        Credential::Main => 0,
        Credential::App(id) => id,
    };
    let mut text = account.0.to_le_bytes().to_vec();
    text.extend_from_slice(&number.to_le_bytes());
    text.extend_from_slice(&(stored.len() as u64).to_le_bytes());
    text.extend_from_slice(stored);
    text.extend_from_slice(password.expose().as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::{LIFE_MILLIS, PROOFS_MAX, Proofs};
    use mail::{AccountId, Credential, Secret, Timestamp};

    #[test]
    fn a_proof_holds_for_its_password_hash_account_and_time() {
        let proofs = Proofs::new();
        let secret = |text: &str| Secret::new(text.to_owned());
        let start = Timestamp(1_000);
        let main = |account| (AccountId(account), Credential::Main);
        proofs.remember(main(1), b"hash", &secret("right"), start);
        let holds = |account, stored: &str, password, at| {
            proofs.holds(main(account), stored.as_bytes(), &secret(password), Timestamp(at))
        };
        assert!(holds(1, "hash", "right", 1_000));
        assert!(holds(1, "hash", "right", 1_000 + LIFE_MILLIS - 1));
        assert!(!holds(1, "hash", "right", 1_000 + LIFE_MILLIS));
        assert!(!holds(1, "hash", "right", 999), "the clock went back");
        assert!(!holds(1, "hash", "wrong", 1_000));
        assert!(!holds(1, "hash", "", 1_000));
        assert!(!holds(1, "has", "hright", 1_000));
        assert!(!holds(1, "other", "right", 1_000));
        assert!(!holds(2, "hash", "right", 1_000));
        let app = (AccountId(1), Credential::App(7));
        assert!(!proofs.holds(app, b"hash", &secret("right"), start));
    }

    #[test]
    fn they_are_bounded() {
        let proofs = Proofs::new();
        for account in 0..PROOFS_MAX as i64 + 50 {
            let owner = (AccountId(account), Credential::Main);
            proofs.remember(owner, b"", &Secret::new(String::new()), Timestamp(0));
        }
        assert_eq!(proofs.len(), PROOFS_MAX);
    }
}
