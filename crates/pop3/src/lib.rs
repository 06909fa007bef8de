//! Reading mail over POP3 (RFC 1939), always under TLS.
//!
//! [`machine`] is the protocol without I/O, [`connection::serve`] the loop that does what the
//! machine says. Shows an account's INBOX; knows no other mailbox. One session a mailbox: the
//! others hear `[IN-USE]`.

pub mod connection;
pub mod machine;
pub mod reply;
mod sessions;

use arc_swap::ArcSwap;
use config::Settings;
use mail::{AccountId, Credential};
use net::{Clock, Drain, ServerTls};
use policy::Policy;
use sessions::Sessions;
use std::sync::Arc;
use store::Store;

/// What every POP3 session of this server shares.
pub struct Pop3 {
    store: Arc<Store>,
    policy: Arc<Policy>,
    tls: ServerTls,
    settings: ArcSwap<Settings>,
    clock: Clock,
    drain: Drain,
    sessions: Arc<Sessions>,
}

impl Pop3 {
    /// Puts the rooms together; nothing is served yet.
    pub fn new(
        store: Arc<Store>,
        policy: Arc<Policy>,
        tls: ServerTls,
        settings: Arc<Settings>,
        clock: Clock,
        drain: Drain,
    ) -> Self {
        let settings = ArcSwap::new(settings);
        Self { store, policy, tls, settings, clock, drain, sessions: Arc::default() }
    }

    /// Puts new settings in force for sessions that begin from now on.
    pub fn reload(&self, settings: Arc<Settings>) {
        self.settings.store(settings);
    }

    /// Ends the sessions of an account at once, without a word and without removing anything: those
    /// that this credential opened (it was replaced or removed), or all (the account was disabled
    /// or removed). Returns how many there were.
    pub fn end_sessions(&self, account: AccountId, credential: Option<Credential>) -> usize {
        self.sessions.end(account, credential)
    }

    /// How many mailboxes are open.
    pub fn open_sessions(&self) -> usize {
        self.sessions.open_now()
    }
}
