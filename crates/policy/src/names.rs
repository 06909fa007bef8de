//! The true names of clients, for access entries that speak of a client's host or domain.
//!
//! A name is true if the client's address leads to it (PTR) and it leads back to the address: what
//! the first says alone, anybody may claim. Names are looked up only if the access map asks for
//! any, once for each address and some minutes, within a deadline; without an answer the client
//! has no name. A name may refuse or let in, but never gives the right to relay: the DNS is not
//! proof enough for that, a deviation from sendmail.

use crate::Policy;
use mail::{Domain, Peer, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Both questions together.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a name, or that there is none, is believed.
const LIFE_MILLIS: i64 = 10 * 60 * 1_000;
/// Names claimed for one address that are looked at.
const CLAIMS_MAX: usize = 5;
/// Addresses remembered; about 2 MiB.
const ADDRESSES_MAX: usize = 10_000;

/// What is known of clients' names.
#[derive(Default)]
pub(crate) struct Names {
    resolver: OnceLock<Arc<dyn net::Resolver>>,
    known: Mutex<HashMap<IpAddr, Known>>,
}

struct Known {
    name: Option<Arc<Domain>>,
    until: i64,
}

impl Policy {
    /// Gives policy a resolver; without one, clients have no names, and no server is asked for
    /// recipients. Only the first call counts.
    pub fn resolve_with(&self, resolver: Arc<dyn net::Resolver>) {
        // A second resolver would be a fault of the wiring, harmless here.
        drop(self.shared.names.resolver.set(resolver));
    }

    /// Learns a client's name if the access map speaks of any; to be awaited once, before
    /// [`crate::Snapshot::connection`] is asked.
    pub async fn meet(&self, peer: &Peer) {
        let snapshot = self.snapshot();
        if peer.user.is_some() || !snapshot.access().speaks_of_names() {
            return;
        }
        let names = &self.shared.names;
        let Some(resolver) = names.resolver.get() else { return };
        let now = self.shared.clock.now();
        if names.known(peer.ip, now).is_none() {
            let asked = tokio::time::timeout(DEADLINE, true_name(&**resolver, peer.ip)).await;
            names.remember(peer.ip, asked.ok().flatten(), now);
        }
    }
}

async fn true_name(resolver: &dyn net::Resolver, ip: IpAddr) -> Option<Domain> {
    let claims = resolver.ptr(ip).await.ok()?;
    for claim in claims.into_iter().take(CLAIMS_MAX) {
        let leads_to = resolver.addresses(&claim).await.unwrap_or_default();
        if leads_to.iter().any(|address| address.to_canonical() == ip) {
            return Some(claim);
        }
    }
    None
}

impl Names {
    /// Who answers questions to the DNS, if anybody does.
    pub(crate) fn resolver(&self) -> Option<&Arc<dyn net::Resolver>> {
        self.resolver.get()
    }

    /// The name of a client that was met.
    pub(crate) fn name(&self, ip: IpAddr, now: Timestamp) -> Option<Arc<Domain>> {
        self.known(ip, now).flatten()
    }

    fn known(&self, ip: IpAddr, now: Timestamp) -> Option<Option<Arc<Domain>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&ip).filter(|known| now.0 < known.until).map(|known| known.name.clone())
    }

    fn remember(&self, ip: IpAddr, name: Option<Domain>, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES_MAX {
            known.retain(|_, known| now.0 < known.until);
        }
        if known.len() >= ADDRESSES_MAX {
            // A flood of addresses: asking some of them again is all it costs.
            known.clear();
        }
        known.insert(ip, Known { name: name.map(Arc::new), until: now.0 + LIFE_MILLIS });
    }
}
