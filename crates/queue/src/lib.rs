//! Mail on its way to other servers: when, whereto, how, and what its sender hears of it.
//!
//! It finds its work in the store's spool and settles it there; it never talks to the doors. Each
//! part is small: [`scheduler`] says what is next (pure), `policy::ways` which servers, `delivery`
//! talks to one of them, `settling` writes down what became of it and what the sender hears,
//! [`runner`] does what they say.

mod delivery;
pub mod held;
mod met;
pub mod runner;
pub mod schedule;
pub mod scheduler;
mod settling;
mod sts;
#[cfg(test)]
mod testing;
mod tls_report;

use arc_swap::ArcSwap;
use config::Settings;
use delivery::Caller;
use filter::Filter;
use mail::Domain;
use net::{ClientTls, Clock, Fetch, Resolver, TlsError};
use policy::Policy;
use policy::ways::Ways;
use schedule::Lifetime;
use scheduler::Limits;
use smtp::client::Credentials;
use std::sync::Arc;
use store::Store;

const HOUR: i64 = 3_600_000;

/// Everything that sending on needs.
pub struct Queue {
    store: Arc<Store>,
    filter: Arc<Filter>,
    policy: Arc<Policy>,
    clock: Clock,
    resolver: Arc<dyn Resolver>,
    tls: ClientTls,
    verified: Option<ClientTls>,
    /// Nothing is fetched where nobody could prove who he is.
    fetch: Option<Fetch>,
    fetching: sts::Fetching,
    reporting: tokio::sync::Mutex<()>,
    settings: ArcSwap<Settings>,
}

impl Queue {
    /// A queue over an open store.
    ///
    /// # Errors
    /// TLS is not to be had.
    pub fn new(
        store: Arc<Store>,
        filter: Arc<Filter>,
        policy: Arc<Policy>,
        clock: Clock,
        resolver: Arc<dyn Resolver>,
        settings: Arc<Settings>,
    ) -> Result<Self, TlsError> {
        let tls = ClientTls::opportunistic()?;
        let verified = match ClientTls::verified(settings.tls.authorities.as_deref()) {
            Ok(verified) => Some(verified),
            // Only what needs one waits: most mail asks for none.
            Err(error) => {
                tracing::warn!(%error, "no server can prove by a certificate who it is");
                None
            }
        };
        let fetch = verified
            .clone()
            .map(|tls| Fetch::new(Arc::clone(&resolver), tls, settings.fetch.private.clone()));
        let settings = ArcSwap::new(settings);
        let (fetching, reporting) = Default::default();
        Ok(Self {
            store,
            filter,
            policy,
            clock,
            resolver,
            tls,
            verified,
            fetch,
            fetching,
            reporting,
            settings,
        })
    }

    /// Puts new settings in force for what is sent from now on; limits of connections change with
    /// the next start.
    pub fn reload(&self, settings: Arc<Settings>) {
        self.settings.store(settings);
    }

    fn hostname(&self) -> Domain {
        self.settings.load().server.hostname.clone()
    }

    fn limits(&self) -> (Limits, Lifetime) {
        let settings = self.settings.load();
        let send = &settings.send;
        let hours = |hours: u64| i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(HOUR);
        let limits = Limits {
            connections: send.connections_max,
            per_destination: send.connections_per_destination_max,
            ..Limits::default()
        };
        let (expires, warns) = (hours(send.lifetime_hours), hours(send.warn_after_hours));
        (limits, Lifetime { expires, warns })
    }

    fn ways(&self) -> Ways {
        Ways::of(&self.settings.load())
    }

    /// What the administrator gave to log in with on this way.
    fn credentials(&self, destination: &str) -> Option<Credentials> {
        let ways = self.ways();
        let settings = self.settings.load();
        let (user, password) = match ways.route(destination) {
            Some(route) => (&route.user, &route.password),
            None if ways.smarthost.is_some() => {
                (&settings.send.smarthost_user, &settings.send.smarthost_password)
            }
            // Nobody that the administrator named.
            None => return None,
        };
        Credentials::new(user.clone()?, password.clone()?)
    }

    /// As whom to call the servers of a destination.
    fn caller(&self, destination: &str) -> Caller {
        Caller {
            hostname: self.hostname(),
            tls: self.tls.clone(),
            verified: self.verified.clone(),
            from: None,
            credentials: self.credentials(destination),
        }
    }
}
