//! Web pages, under TLS alone: the release page of the quarantine, the first of them.
//!
//! [`connection::serve`] is the shell around one connection, [`route`] knows which page a path
//! means. GET shows and changes nothing, since scanners of mail follow links; POST acts, if
//! [`csrf`] finds that the form is ours. What strangers wrote is shown by [`escape`] alone. Pages
//! are made here, whole, and work without script. Thin: what is done, `admin` and the store do.

mod answer;
pub mod connection;
mod csrf;
mod escape;
pub mod form;
mod guesses;
mod page;
mod release;
pub mod route;
mod words;

use arc_swap::ArcSwap;
use config::Settings;
use guesses::Guesses;
use net::{Clock, Drain, ServerTls};
use policy::Policy;
use std::sync::Arc;
use store::Store;

/// What every connection to the pages shares.
pub struct Web {
    store: Arc<Store>,
    policy: Arc<Policy>,
    tls: ServerTls,
    settings: ArcSwap<Settings>,
    clock: Clock,
    drain: Drain,
    guesses: Guesses,
}

impl Web {
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
        Self { store, policy, tls, settings, clock, drain, guesses: Guesses::default() }
    }

    /// Puts new settings in force for requests that come from now on.
    pub fn reload(&self, settings: Arc<Settings>) {
        self.settings.store(settings);
    }
}
