//! Session-time decisions: who may connect, send, receive, relay and log in, each with its reason.
//!
//! [`Policy`] holds what is in force; a [`Snapshot`] of it decides for one whole transaction, so
//! that a reload in the middle changes nothing. Decisions are values ([`mail::Decision`]) that
//! name reason and rule; turning them into protocol text is `smtp::reply`'s business, writing them
//! down the shells'. Layer 3: asks `store`, opens no socket, never looks at content, and is the
//! only room that issues a [`mail::Permit`].

pub mod access;
pub mod aliases;
pub mod app_password;
pub mod budget;
mod call_forward;
mod forwarding;
pub mod login;
mod memory;
mod names;
pub mod password;
mod recipient;
pub mod relay;
mod relayed;
pub mod route;
mod sender;
mod session;
mod shared;
mod snapshot;
pub mod trust;
pub mod ways;

pub use login::LoginAnswer;
pub use recipient::{Role, imagined};
pub use snapshot::Snapshot;

use arc_swap::ArcSwap;
use config::{Maps, Settings};
use login::Logins;
use mail::Peer;
use shared::Shared;
use snapshot::Tables;
use std::sync::Arc;
use store::Store;

/// What is in force, and what is remembered of peers.
pub struct Policy {
    shared: Arc<Shared>,
    logins: Logins,
    current: ArcSwap<Snapshot>,
}

impl Policy {
    /// Policy over a store, by these settings and map files.
    pub fn new(store: Arc<Store>, settings: Arc<Settings>, maps: Maps, clock: net::Clock) -> Self {
        let logins = Logins::new(settings.login.hashes_at_once_max);
        let shared = Arc::new(Shared::new(store, clock));
        let current = ArcSwap::new(take(&shared, settings, Arc::new(maps)));
        Self { shared, logins, current }
    }

    /// Puts new settings and map files in force; transactions under way end by the old ones.
    pub fn reload(&self, settings: Arc<Settings>, maps: Maps) {
        self.logins.reload(&settings);
        self.current.store(take(&self.shared, settings, Arc::new(maps)));
    }

    /// The state to decide a transaction by. Compiles only if more than accounts has changed.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let current = self.current.load_full();
        let directory = self.shared.store.directory();
        if current.directory.version == directory.version {
            return current;
        }
        let fresh = if directory.has_maps_of(&current.directory) {
            Arc::new(Snapshot { directory, ..Snapshot::clone(&current) })
        } else {
            take(&self.shared, Arc::clone(&current.settings), Arc::clone(&current.maps))
        };
        // A reload at the same moment wins; what it put in place is looked at next time.
        self.current.compare_and_swap(&current, Arc::clone(&fresh));
        fresh
    }

    /// Remembers that a client brought mail that was wanted: it is slowed, but not blocked, if it
    /// asks after unknown recipients, and greeted without a pause. Not one that asked after too
    /// many already: a message cannot buy it free.
    pub fn welcome(&self, peer: &Peer) {
        let (now, snapshot) = (self.shared.clock.now(), self.snapshot());
        let spent = self.shared.unknown_spent(&snapshot.settings, peer, now);
        if spent <= snapshot.settings.recipient.unknown_before_delay {
            self.shared.welcome(peer, now);
        }
    }

    /// Hands the hits of access entries that have gathered to the store: before a list is shown,
    /// and at shutdown. Between, it happens by itself.
    pub fn flush(&self) {
        self.shared.flush_hits();
    }
}

fn take(shared: &Arc<Shared>, settings: Arc<Settings>, maps: Arc<Maps>) -> Arc<Snapshot> {
    let directory = shared.store.directory();
    let tables = Arc::new(Tables::compile(&settings, &maps, &directory));
    Arc::new(Snapshot { settings, maps, directory, tables, shared: Arc::clone(shared) })
}

#[cfg(test)]
mod tests;
