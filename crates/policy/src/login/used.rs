//! One credential of an account, as it is used in one log-in.

use super::proof::Owner;
use super::{Offer, PLACE_EVERY_MILLIS};
use crate::memory::Memory;
use mail::{Credential, Peer, Protocol, Reason, Refusal, Secret, Timestamp};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use store::{Account, AppPassword};

/// A credential and whose it is.
pub(super) struct Used<'a> {
    pub(super) account: &'a Account,
    pub(super) credential: Credential,
    app_password: Option<&'a AppPassword>,
}

impl<'a> Used<'a> {
    pub(super) fn of(account: &'a Account, credential: Credential) -> Self {
        let app_password = match credential {
            Credential::Main => None,
            Credential::App(id) => account.app_password(id),
        };
        Self { account, credential, app_password }
    }

    /// The main password, and if they are asked for the app passwords.
    pub(super) fn all(account: &'a Account, apps: bool) -> Vec<Self> {
        let app = |app: &AppPassword| Self::of(account, Credential::App(app.id));
        let apps = if apps { account.app_passwords.iter() } else { [].iter() };
        std::iter::once(Self::of(account, Credential::Main)).chain(apps.map(app)).collect()
    }

    pub(super) fn owner(&self) -> Owner {
        (self.account.id, self.credential)
    }

    /// What is stored of it: a proof in memory holds for this alone.
    pub(super) fn stored(&self) -> &'a [u8] {
        match self.app_password {
            Some(app_password) => &app_password.verifier.stored_key,
            None => self.account.password_hash.expose().as_bytes(),
        }
    }

    /// The password as it is hashed.
    pub(super) fn text<'t>(
        &self,
        typed: &'t Option<Secret<String>>,
        password: &'t Secret<String>,
    ) -> &'t Secret<String> {
        match (self.credential, typed) {
            (Credential::App(_), Some(typed)) => typed,
            _ => password,
        }
    }

    /// How the trace names it.
    pub(super) fn rule(&self) -> String {
        match self.app_password {
            Some(app) => format!("app password {} of {}", app.name, self.account.address),
            None => format!("account {}", self.account.address),
        }
    }

    /// Whether it is good here and now.
    pub(super) fn fits(&self, peer: &Peer, now: Timestamp) -> Result<(), Refusal> {
        let Some(app) = self.app_password else { return Ok(()) };
        let protocol = Protocol::at(peer.door);
        let unfit = if app.has_expired(now) {
            let at = app.expires.map(Timestamp::rfc3339).unwrap_or_default();
            format!("expired={at}")
        } else if !protocol.is_some_and(|protocol| app.protocols.contains(&protocol)) {
            format!("protocol={}", peer.door.word())
        } else if !app.networks.is_empty() && !app.networks.iter().any(|n| n.contains(&peer.ip)) {
            format!("network={}", peer.ip)
        } else {
            return Ok(());
        };
        Err(Refusal::new(Reason::CredentialUnfit).rule(self.rule()).detail(unfit))
    }

    /// Whether something that is written once a day is due; it is taken for written then.
    pub(super) fn is_due<K: Hash + Eq + Clone>(
        &self,
        written: &Mutex<Memory<K>>,
        key: &K,
        now: Timestamp,
    ) -> bool {
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let due = |at: i64| now.0.saturating_sub(at) >= PLACE_EVERY_MILLIS;
        let is_due = written.time(key).is_none_or(due);
        if is_due {
            written.put(key, now.0);
        }
        is_due
    }
}

impl Offer<'_> {
    /// How the trace tells by what somebody logged in.
    pub(super) fn word(self) -> &'static str {
        match self {
            Offer::Password(_) => "password",
            Offer::Proof(attempt) if attempt.plus => "scram-plus",
            Offer::Proof(_) => "scram",
        }
    }
}
