//! Whether a name and a password open an account.
//!
//! Wrong password, unknown name, disabled account: the same text after the same time (one hash is
//! computed for each, and the caller holds the answer back for the rest of a fixed delay). Each
//! failure draws on three budgets: of the address, of its network, of the account. From where the
//! owner has logged in before, only a budget of its own counts: no stranger can lock an owner out.
//! Over that budget too (a phone with an old password uses it up) the owner is only slowed: one
//! attempt each `login.failure_delay_secs` is still checked, the others are told to come later.
//! The store keeps those places, so that a restart in the middle of an attack changes nothing. The
//! budgets are in memory: a restart forgives failures, which helps an attacker for the moment, and
//! spares a write for each guess, which would help an attacker always.
//! At most a few hashes are computed at once; a password that was right a little while ago is
//! known by a keyed proof in memory, so that mail programs that look every minute cost none.
//! An app password is known by its form: a guess at one costs its maker what any guess costs, and a
//! right one spares the dear hash. One that is right but in the wrong place (protocol, network,
//! expired) is answered like a wrong one; the trace tells the difference.
//! Called by inbound and pop3, which trace what failed. A success is traced here, once a day for
//! each place: mail programs look every few minutes, for years. Never logs a password.

use crate::budget::{Allowance, Budget};
use crate::memory::Memory;
use crate::shared::network;
use crate::{Policy, Snapshot, app_password};
use config::Settings;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use mail::scram::{Attempt, HASH};
use mail::{
    AccountId, Address, Credential, Decision, Door, Event, Login, Peer, Reason, Refusal, Secret,
    Timestamp, TraceRow,
};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::{Account, Store};

mod proof;
mod scram;
mod used;
mod verifier;

use proof::{Owner, Proofs};
use used::Used;
use verifier::{AppPasswords, Checked, Verifier};

/// What a shell does with a log-in: hold the answer back for `delay`, then give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAnswer {
    /// Who it is, or why not.
    pub decision: Decision<Login>,
    /// By which credential, where it is somebody: with it the session stands and falls.
    pub credential: Credential,
    /// Our signature for a client that proved that it knows an app password (SCRAM).
    pub signature: Option<[u8; HASH]>,
    /// How long to wait before the answer. The time that deciding took is already off, so that
    /// all failures take the same time.
    pub delay: Duration,
}

/// What somebody logs in with.
#[derive(Clone, Copy)]
enum Offer<'a> {
    Password(&'a Secret<String>),
    Proof(&'a Attempt),
}

/// What it turned out to be.
enum Found {
    /// A credential of the account; the main password's hash made anew, where it was of an old
    /// form.
    Credential(Credential, Option<[u8; HASH]>, Option<String>),
    Nothing,
    /// Too many wait already.
    Busy,
}

/// Keys remembered in each budget; see `shared`.
const KEYS_MAX: usize = 20_000;
/// Places from which owners have logged in, remembered in memory. The store has the others.
const PLACES_MAX: usize = 50_000;
/// A place is written again when that was so long ago.
const PLACE_EVERY_MILLIS: i64 = 24 * 3_600 * 1_000;
/// A longer name is no account's: `local@domain` has 254 bytes.
const NAME_MAX: usize = 320;

/// What is remembered of log-ins.
pub(crate) struct Logins {
    verifier: Verifier,
    proofs: Proofs,
    addresses: Budget<IpNet>,
    networks: Budget<IpNet>,
    /// By a keyed hash of the name, existing or not: an unknown name is answered alike.
    names: Budget<u64>,
    namer: RandomState,
    /// The budget of an owner at a known place.
    owners: Budget<(AccountId, IpNet)>,
    /// The attempts at a known place whose budget is used up: one at a time.
    slowed: Budget<(AccountId, IpNet)>,
    /// When the known places were last written.
    places: Mutex<Memory<(AccountId, IpNet)>>,
    /// When the uses of credentials were last written, by place.
    uses: Mutex<Memory<(Owner, IpNet)>>,
}

/// The budgets that one attempt draws on.
enum Draw {
    Stranger {
        address: IpNet,
        network: IpNet,
        name: u64,
    },
    Owner(AccountId, IpNet),
    /// An owner whose budget is used up.
    Slowed(AccountId, IpNet),
}

impl Policy {
    /// Decides about a log-in with a password, the account's own or one of its app passwords. Never
    /// without TLS, never at the door for other servers.
    pub async fn login(&self, peer: &Peer, user: &str, password: &Secret<String>) -> LoginAnswer {
        self.answer_login(peer, user, Offer::Password(password)).await
    }

    /// The same with a proof of knowing an app password (SCRAM).
    pub async fn prove(&self, peer: &Peer, attempt: &Attempt) -> LoginAnswer {
        self.answer_login(peer, &attempt.user, Offer::Proof(attempt)).await
    }

    async fn answer_login(&self, peer: &Peer, user: &str, offer: Offer<'_>) -> LoginAnswer {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let (decision, credential, signature) = match self
            .decide_login(&snapshot, peer, user, offer)
            .await
        {
            Ok((login, credential, signature)) => (Decision::Allow(login), credential, signature),
            Err(refused) => (refused, Credential::Main, None),
        };
        let held_back = match &decision {
            Decision::Allow(_) => false,
            Decision::Refuse(refusal) | Decision::Later(refusal) | Decision::Discard(refusal) => {
                matches!(
                    refusal.reason,
                    Reason::BadCredentials | Reason::CredentialUnfit | Reason::LoginBudget
                )
            }
        };
        let whole = Duration::from_secs(snapshot.settings.login.failure_delay_secs);
        let delay =
            if held_back { whole.saturating_sub(started.elapsed()) } else { Duration::ZERO };
        LoginAnswer { decision, credential, signature, delay }
    }

    async fn decide_login(
        &self,
        snapshot: &Snapshot,
        peer: &Peer,
        user: &str,
        offer: Offer<'_>,
    ) -> Result<(Login, Credential, Option<[u8; HASH]>), Decision<Login>> {
        if peer.door == Door::Smtp {
            return Err(Decision::Refuse(Refusal::new(Reason::CommandDisabled)));
        }
        if peer.tls.is_none() {
            return Err(Decision::Refuse(Refusal::new(Reason::TlsRequired)));
        }
        let now = snapshot.shared.clock.now();
        let logins = &self.logins;
        let user = user.trim();
        let account = find(snapshot, user).filter(|account| !account.disabled);
        let store = &*snapshot.shared.store;
        let draw = logins.draw(store, peer, user, account, now).await;
        // Taken before the hash and given back after success: parallel attempts count at once.
        let draw = logins
            .take(&snapshot.settings, draw, now)
            .map_err(|rule| Decision::Later(Refusal::new(Reason::LoginBudget).rule(rule)))?;
        let found = match offer {
            Offer::Proof(attempt) => account
                .and_then(|account| scram::prove(account, attempt))
                .map_or(Found::Nothing, |(credential, signature)| {
                    Found::Credential(credential, Some(signature), None)
                }),
            Offer::Password(password) => {
                self.look_for(snapshot, user, account, password, now).await
            }
        };
        let (account, credential, signature, fresh) = match (account, found) {
            (_, Found::Busy) => {
                logins.give_back(&snapshot.settings, &draw);
                let refusal = Refusal::new(Reason::LoginBudget).rule("limit of waiting log-ins");
                return Err(Decision::Later(refusal));
            }
            (Some(account), Found::Credential(credential, signature, fresh)) => {
                (account, credential, signature, fresh)
            }
            _ => {
                if account.is_none() {
                    snapshot.shared.count_unknown(&snapshot.settings, peer, now);
                }
                return Err(Decision::Refuse(Refusal::new(Reason::BadCredentials)));
            }
        };
        let used = Used::of(account, credential);
        used.fits(peer, now).map_err(Decision::Refuse)?;
        logins.give_back(&snapshot.settings, &draw);
        logins.seen(store, &used, offer.word(), peer, now);
        if let Offer::Password(password) = offer {
            self.remember(store, &used, password, fresh, now).await;
        }
        Ok((login_of(account), credential, signature))
    }

    /// Which credential of the account a password is.
    async fn look_for(
        &self,
        snapshot: &Snapshot,
        user: &str,
        account: Option<&Account>,
        password: &Secret<String>,
        now: Timestamp,
    ) -> Found {
        let logins = &self.logins;
        let typed = app_password::canonical(password.expose());
        if let Some(account) = account {
            let known = Used::all(account, typed.is_some());
            let held = known.into_iter().find(|used| {
                logins.proofs.holds(used.owner(), used.stored(), used.text(&typed, password), now)
            });
            if let Some(used) = held {
                return Found::Credential(used.credential, None, None);
            }
        }
        let apps = typed.map(|typed| AppPasswords {
            typed,
            known: account.map_or_else(Vec::new, |account| {
                account.app_passwords.iter().map(|a| (a.id, a.verifier.clone())).collect()
            }),
            salt: scram::salt_of(snapshot, user, account),
        });
        let stored = account.map(|account| account.password_hash.expose());
        match logins.verifier.check(stored, password, apps).await {
            Checked::Good { fresh } => Found::Credential(Credential::Main, None, fresh),
            Checked::App(id) => Found::Credential(Credential::App(id), None, None),
            Checked::Bad => Found::Nothing,
            Checked::Busy => Found::Busy,
        }
    }

    /// After a password was found right.
    async fn remember(
        &self,
        store: &Store,
        used: &Used<'_>,
        password: &Secret<String>,
        fresh: Option<String>,
        now: Timestamp,
    ) {
        let (owner, proofs) = (used.owner(), &self.logins.proofs);
        let Some(fresh) = fresh else {
            let typed = app_password::canonical(password.expose());
            return proofs.remember(owner, used.stored(), used.text(&typed, password), now);
        };
        // An old form: written anew while the password is at hand. A failure costs nothing but
        // another try at the next log-in.
        match store.set_password_hash(owner.0, &fresh).await {
            Ok(()) => proofs.remember(owner, fresh.as_bytes(), password, now),
            Err(error) => {
                tracing::warn!(account = %owner.0, %error, "a password hash was not renewed");
            }
        }
    }

    /// How many password hashes were computed since the start, for `status` and tests.
    pub fn hashes_computed(&self) -> u64 {
        self.logins.verifier.computed()
    }
}

/// The account that a log-in name means.
fn find<'s>(snapshot: &'s Snapshot, user: &str) -> Option<&'s Account> {
    snapshot.directory.account_by_key(&address(snapshot, user)?.key())
}

/// The address that a log-in name means: itself, or a name at our first domain.
fn address(snapshot: &Snapshot, user: &str) -> Option<Address> {
    if user.len() > NAME_MAX {
        return None;
    }
    match Address::parse(user) {
        Ok(address) => Some(address),
        Err(_) => Address::at(user, snapshot.first_domain()).ok(),
    }
}

fn login_of(account: &Account) -> Login {
    Login { account: account.id, address: account.address.clone() }
}

/// The wider network of an address: IPv4 /24, IPv6 /48.
fn neighbourhood(ip: IpAddr) -> IpNet {
    match ip {
        IpAddr::V4(ip) => Ipv4Net::new(ip, 24).unwrap_or_default().trunc().into(),
        IpAddr::V6(ip) => Ipv6Net::new(ip, 48).unwrap_or_default().trunc().into(),
    }
}

impl Logins {
    pub(crate) fn new(hashes_at_once: usize) -> Self {
        Self {
            verifier: Verifier::new(hashes_at_once),
            proofs: Proofs::new(),
            addresses: Budget::new(KEYS_MAX),
            networks: Budget::new(KEYS_MAX),
            names: Budget::new(KEYS_MAX),
            namer: RandomState::new(),
            owners: Budget::new(KEYS_MAX),
            slowed: Budget::new(KEYS_MAX),
            places: Mutex::new(Memory::new(PLACES_MAX)),
            uses: Mutex::new(Memory::new(PLACES_MAX)),
        }
    }

    /// Takes over a changed number of hashes at once.
    pub(crate) fn reload(&self, settings: &Settings) {
        self.verifier.resize(settings.login.hashes_at_once_max);
    }

    async fn draw(
        &self,
        store: &Store,
        peer: &Peer,
        user: &str,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Draw {
        let address = network(peer.ip);
        if let Some(account) = account
            && self.is_known(store, account.id, peer.ip, now).await
        {
            return Draw::Owner(account.id, address);
        }
        let name = self.namer.hash_one(user.to_lowercase());
        Draw::Stranger { address, network: neighbourhood(peer.ip), name }
    }

    /// Whether the owner has logged in from here before.
    async fn is_known(
        &self,
        store: &Store,
        account: AccountId,
        ip: IpAddr,
        now: Timestamp,
    ) -> bool {
        let place = (account, network(ip));
        let mut seen = self.places().time(&place);
        if seen.is_none() {
            seen = store.place_seen(account, ip).await.map(|at| at.map(|at| at.0)).unwrap_or_else(
                |error| {
                    tracing::warn!(%account, %error, "a known place could not be looked up");
                    None
                },
            );
            if let Some(at) = seen {
                self.places().put(&place, at);
            }
        }
        seen.is_some_and(|at| now.0.saturating_sub(at) < store::PLACE_MILLIS)
    }

    /// Remembers where an owner has logged in from, and by what, and tells it in the trace.
    fn seen(&self, store: &Store, used: &Used<'_>, by: &str, peer: &Peer, now: Timestamp) {
        let account = used.account;
        let place = (account.id, network(peer.ip));
        if used.is_due(&self.places, &place, now) {
            store.remember_place(account.id, peer.ip, now);
        }
        if !used.is_due(&self.uses, &(used.owner(), place.1), now) {
            return;
        }
        if let Credential::App(id) = used.credential {
            store.remember_use(id, peer.ip, now);
        }
        store.note(TraceRow {
            at: now,
            event: Event::Login,
            session: Some(peer.session),
            message: None,
            door: peer.door.word().to_owned(),
            peer: peer.ip.to_string(),
            sender: String::new(),
            recipient: account.address.to_string(),
            reply: 0,
            reason: Reason::Authenticated,
            rule: used.rule(),
            detail: format!("place={} by={by}", place.1),
        });
    }

    fn places(&self) -> MutexGuard<'_, Memory<(AccountId, IpNet)>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one from each budget, or none at all and names the limit that is reached. Answers
    /// what it was taken from, to be given back there.
    fn take(&self, settings: &Settings, draw: Draw, now: Timestamp) -> Result<Draw, &'static str> {
        let [by_address, by_network, by_account] = allowances(settings);
        match &draw {
            Draw::Owner(account, address) | Draw::Slowed(account, address) => {
                let place = (*account, *address);
                if self.owners.take(by_address, &place, now) {
                    return Ok(draw);
                }
                if self.slowed.take(one_each_delay(settings), &place, now) {
                    return Ok(Draw::Slowed(place.0, place.1));
                }
                Err("limit login.failures_per_address_max")
            }
            Draw::Stranger { address, network, name } => {
                if !self.addresses.take(by_address, address, now) {
                    return Err("limit login.failures_per_address_max");
                }
                if !self.networks.take(by_network, network, now) {
                    self.addresses.refund(by_address, address);
                    return Err("limit login.failures_per_network_max");
                }
                if !self.names.take(by_account, name, now) {
                    self.addresses.refund(by_address, address);
                    self.networks.refund(by_network, network);
                    return Err("limit login.failures_per_account_max");
                }
                Ok(draw)
            }
        }
    }

    fn give_back(&self, settings: &Settings, draw: &Draw) {
        let [by_address, by_network, by_account] = allowances(settings);
        match draw {
            Draw::Owner(account, address) => {
                self.owners.refund(by_address, &(*account, *address));
            }
            Draw::Slowed(account, address) => {
                self.slowed.refund(one_each_delay(settings), &(*account, *address));
            }
            Draw::Stranger { address, network, name } => {
                self.addresses.refund(by_address, address);
                self.networks.refund(by_network, network);
                self.names.refund(by_account, name);
            }
        }
    }
}

/// How often an owner over their budget is listened to; once a second where nothing is held back.
fn one_each_delay(settings: &Settings) -> Allowance {
    Allowance::per(1, settings.login.failure_delay_secs.max(1))
}

fn allowances(settings: &Settings) -> [Allowance; 3] {
    let login = &settings.login;
    [login.failures_per_address_max, login.failures_per_network_max, login.failures_per_account_max]
        .map(|most| Allowance::per(most, login.failure_span_secs))
}

#[cfg(test)]
mod tests;
