//! What all snapshots share: the store, the clock, and the memory of what peers did lately.
//!
//! All of it is in memory and bounded; a restart forgives. Nothing here decides.

use crate::budget::{Allowance, Budget};
use crate::call_forward::CallForward;
use crate::memory::Memory;
use crate::names::Names;
use config::Settings;
use ipnet::IpNet;
use mail::{AccountId, Door, Id, Peer, Timestamp};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use store::Store;

/// Networks remembered in each budget: with their keys about 6 MiB in all if an attacker fills
/// every one of them.
const NETWORKS_MAX: usize = 20_000;
/// Hits of access entries are written together, when there are so many of them
const HITS_MAX: usize = 500;
/// or when the last time is so long ago.
const HITS_EVERY_MILLIS: i64 = 10_000;
/// How long an address that brought wanted mail is never blocked.
const WELCOME_MILLIS: i64 = 30 * 24 * 3_600 * 1_000;

pub(crate) struct Shared {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: net::Clock,
    /// Connections.
    pub(crate) connections: Budget<Source>,
    /// Messages.
    pub(crate) messages: Budget<Source>,
    /// Messages of those who logged in.
    pub(crate) submissions: Budget<AccountId>,
    /// Recipients and log-in names that do not exist.
    pub(crate) unknown: Budget<Source>,
    /// The true names of clients.
    pub(crate) names: Names,
    /// What other servers said of recipients.
    pub(crate) call_forward: CallForward,
    welcome: Mutex<Memory<Source>>,
    hits: Mutex<Hits>,
}

/// What counts as one peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A network: one IPv4 address, an IPv6 /64.
    Network(IpNet),
    /// A user of this machine, by number.
    User(u32),
}

impl Source {
    pub(crate) fn of(peer: &Peer) -> Self {
        match &peer.user {
            Some(user) => Source::User(user.uid),
            None => Source::Network(network(peer.ip)),
        }
    }
}

#[derive(Default)]
struct Hits {
    rules: Vec<Id>,
    written_at: i64,
}

impl Shared {
    pub(crate) fn new(store: Arc<Store>, clock: net::Clock) -> Self {
        Self {
            store,
            clock,
            connections: Budget::new(NETWORKS_MAX),
            messages: Budget::new(NETWORKS_MAX),
            submissions: Budget::new(NETWORKS_MAX),
            unknown: Budget::new(NETWORKS_MAX),
            names: Names::default(),
            call_forward: CallForward::default(),
            welcome: Mutex::new(Memory::new(NETWORKS_MAX)),
            hits: Mutex::default(),
        }
    }

    /// One more unknown name from this peer.
    pub(crate) fn count_unknown(&self, settings: &Settings, peer: &Peer, now: Timestamp) {
        if !is_counted(peer) {
            return;
        }
        self.unknown.charge(unknown_allowance(settings), &Source::of(peer), now);
    }

    /// How many unknown names this peer owes for.
    pub(crate) fn unknown_spent(&self, settings: &Settings, peer: &Peer, now: Timestamp) -> usize {
        if !is_counted(peer) {
            return 0;
        }
        let spent = self.unknown.spent(unknown_allowance(settings), &Source::of(peer), now);
        spent as usize
    }

    /// Remembers that this peer brought wanted mail.
    pub(crate) fn welcome(&self, peer: &Peer, now: Timestamp) {
        let mut welcome = self.welcome.lock().unwrap_or_else(PoisonError::into_inner);
        welcome.put(&Source::of(peer), now.0);
    }

    /// Whether this peer brought wanted mail in the last 30 days.
    pub(crate) fn is_welcome(&self, peer: &Peer, now: Timestamp) -> bool {
        let welcome = self.welcome.lock().unwrap_or_else(PoisonError::into_inner);
        welcome.time(&Source::of(peer)).is_some_and(|at| now.0 - at < WELCOME_MILLIS)
    }

    /// Counts that an access entry decided, if it is one of the store.
    pub(crate) fn count_hit(&self, stored: Option<Id>, now: Timestamp) {
        let Some(id) = stored else { return };
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.rules.push(id);
        let late = (now.0 - hits.written_at).abs() >= HITS_EVERY_MILLIS;
        if late || hits.rules.len() >= HITS_MAX {
            hits.written_at = now.0;
            self.store.count_hits(&std::mem::take(&mut hits.rules));
        }
    }

    /// Hands over the hits that have gathered.
    pub(crate) fn flush_hits(&self) {
        let mut hits = self.hits.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.count_hits(&std::mem::take(&mut hits.rules));
    }
}

/// Whether what a peer asks for is its own doing: a server of ours that hands over mail (LMTP) asks
/// for others.
pub(crate) fn is_counted(peer: &Peer) -> bool {
    peer.door != Door::Lmtp
}

/// What counts as one client: an IPv4 address, an IPv6 /64.
pub(crate) fn network(ip: IpAddr) -> IpNet {
    net::network_key(ip)
}

fn unknown_allowance(settings: &Settings) -> Allowance {
    let recipient = &settings.recipient;
    Allowance::per(recipient.unknown_before_block, recipient.unknown_span_secs)
}
