//! SCRAM's part of a log-in: what a client is told before its proof, and what a proof is worth.
//!
//! Every name is told a salt, the same at each try and on each node, whether there is such an
//! account, whether it has app passwords or none, or is disabled. One salt fits all app passwords
//! of an account, so a proof is tried against each of them. Checking one costs us next to nothing,
//! unlike a password; what a guess costs its maker in budgets and time is the same.

use super::find;
use crate::{Policy, Snapshot, app_password};
use mail::Credential;
use mail::scram::{Attempt, Bindings, HASH, Salt};
use store::{APP_PASSWORDS_MAX, Account};

impl Policy {
    /// What a name's verifiers are salted with, and a nonce; the caller adds what the connection is
    /// bound to.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn salt(&self, user: &str) -> Result<Salt, std::io::Error> {
        let snapshot = self.snapshot();
        let account = find(&snapshot, user.trim());
        let (salt, iterations) = salt_of(&snapshot, user.trim(), account);
        let nonce = app_password::nonce()?;
        Ok(Salt { salt, iterations, nonce, bindings: Bindings::default() })
    }
}

/// The salt of an account's app passwords, or one that a name without any might have.
pub(super) fn salt_of(
    snapshot: &Snapshot,
    user: &str,
    account: Option<&Account>,
) -> (Vec<u8>, u32) {
    if let Some(first) = account.and_then(|account| account.app_passwords.first()) {
        return (first.verifier.salt.clone(), first.verifier.iterations);
    }
    let name = account.map_or_else(|| name_of(snapshot, user), |account| account.address.key());
    let key = snapshot.shared.store.salt_key();
    (app_password::salt(key, &name), app_password::ITERATIONS)
}

/// A name that nobody has, in the form that an account's would have: however it is written, it has
/// one salt.
fn name_of(snapshot: &Snapshot, user: &str) -> String {
    super::address(snapshot, user).map_or_else(|| user.to_lowercase(), |address| address.key())
}

/// Which app password a proof is of, and our signature for it.
pub(super) fn prove(account: &Account, attempt: &Attempt) -> Option<(Credential, [u8; HASH])> {
    account.app_passwords.iter().take(APP_PASSWORDS_MAX).find_map(|known| {
        let signature = app_password::prove(&known.verifier, attempt)?;
        Some((Credential::App(known.id), signature))
    })
}
