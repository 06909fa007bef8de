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
//! Called by inbound and pop3, which trace what failed. A success is traced here, once a day for
//! each place: mail programs look every few minutes, for years. Never logs a password.

use crate::budget::{Allowance, Budget};
use crate::memory::Memory;
use crate::shared::network;
use crate::{Policy, Snapshot};
use config::Settings;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use mail::{
    AccountId, Address, Decision, Door, Event, Login, Peer, Reason, Refusal, Secret, Timestamp,
    TraceRow,
};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::{Account, Store};

mod proof;
mod verifier;

use proof::Proofs;
use verifier::{Checked, Verifier};

/// What a shell does with a log-in: hold the answer back for `delay`, then give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAnswer {
    /// Who it is, or why not.
    pub decision: Decision<Login>,
    /// How long to wait before the answer. The time that deciding took is already off, so that
    /// all failures take the same time.
    pub delay: Duration,
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
    /// Decides about a log-in. Never without TLS, never at the door for other servers.
    pub async fn login(&self, peer: &Peer, user: &str, password: &Secret<String>) -> LoginAnswer {
        let started = Instant::now();
        let snapshot = self.snapshot();
        let decision = self.decide_login(&snapshot, peer, user, password).await;
        let held_back = match &decision {
            Decision::Allow(_) => false,
            Decision::Refuse(refusal) | Decision::Later(refusal) | Decision::Discard(refusal) => {
                matches!(refusal.reason, Reason::BadCredentials | Reason::LoginBudget)
            }
        };
        let whole = Duration::from_secs(snapshot.settings.login.failure_delay_secs);
        let delay =
            if held_back { whole.saturating_sub(started.elapsed()) } else { Duration::ZERO };
        LoginAnswer { decision, delay }
    }

    async fn decide_login(
        &self,
        snapshot: &Snapshot,
        peer: &Peer,
        user: &str,
        password: &Secret<String>,
    ) -> Decision<Login> {
        if peer.door == Door::Smtp {
            return Decision::Refuse(Refusal::new(Reason::CommandDisabled));
        }
        if peer.tls.is_none() {
            return Decision::Refuse(Refusal::new(Reason::TlsRequired));
        }
        let now = snapshot.shared.clock.now();
        let logins = &self.logins;
        let user = user.trim();
        let account = find(snapshot, user).filter(|account| !account.disabled);
        let store = &*snapshot.shared.store;
        let draw = logins.draw(store, peer, user, account, now).await;
        // Taken before the hash and given back after success: parallel attempts count at once.
        let draw = match logins.take(&snapshot.settings, draw, now) {
            Ok(draw) => draw,
            Err(rule) => return Decision::Later(Refusal::new(Reason::LoginBudget).rule(rule)),
        };
        let stored = account.map(|account| account.password_hash.expose());
        if let (Some(account), Some(stored)) = (account, stored)
            && logins.proofs.holds(account.id, stored, password, now)
        {
            logins.give_back(&snapshot.settings, &draw);
            logins.seen(store, account, peer, now);
            return Decision::Allow(login_of(account));
        }
        let checked = logins.verifier.check(stored, password).await;
        match (account, checked) {
            (_, Checked::Busy) => {
                logins.give_back(&snapshot.settings, &draw);
                Decision::Later(Refusal::new(Reason::LoginBudget).rule("limit of waiting log-ins"))
            }
            (Some(account), Checked::Good { fresh }) => {
                logins.give_back(&snapshot.settings, &draw);
                logins.seen(store, account, peer, now);
                self.remember(store, account, password, fresh, now).await;
                Decision::Allow(login_of(account))
            }
            _ => {
                if account.is_none() {
                    snapshot.shared.count_unknown(&snapshot.settings, peer, now);
                }
                Decision::Refuse(Refusal::new(Reason::BadCredentials))
            }
        }
    }

    /// After a password was found right by its hash.
    async fn remember(
        &self,
        store: &Store,
        account: &Account,
        password: &Secret<String>,
        fresh: Option<String>,
        now: Timestamp,
    ) {
        let Some(fresh) = fresh else {
            let stored = account.password_hash.expose();
            return self.logins.proofs.remember(account.id, stored, password, now);
        };
        // An old form: written anew while the password is at hand. A failure costs nothing but
        // another try at the next log-in.
        match store.set_password_hash(account.id, &fresh).await {
            Ok(()) => self.logins.proofs.remember(account.id, &fresh, password, now),
            Err(error) => {
                tracing::warn!(account = %account.id, %error, "a password hash was not renewed");
            }
        }
    }

    /// How many password hashes were computed since the start, for `status` and tests.
    pub fn hashes_computed(&self) -> u64 {
        self.logins.verifier.computed()
    }
}

/// The account that a log-in name means: an address, or a name at our first domain.
fn find<'s>(snapshot: &'s Snapshot, user: &str) -> Option<&'s Account> {
    if user.len() > NAME_MAX {
        return None;
    }
    let address = match Address::parse(user) {
        Ok(address) => address,
        Err(_) => Address::at(user, snapshot.first_domain()).ok()?,
    };
    snapshot.directory.account_by_key(&address.key())
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

    /// Remembers where an owner has logged in from, and tells it in the trace.
    fn seen(&self, store: &Store, account: &Account, peer: &Peer, now: Timestamp) {
        let place = (account.id, network(peer.ip));
        let is_new = |at: i64| now.0.saturating_sub(at) >= PLACE_EVERY_MILLIS;
        let mut places = self.places();
        if !places.time(&place).is_none_or(is_new) {
            return;
        }
        places.put(&place, now.0);
        drop(places);
        store.remember_place(account.id, peer.ip, now);
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
            rule: format!("account {}", account.address),
            detail: format!("place={}", place.1),
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
