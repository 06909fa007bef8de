//! How many connections there may be: in all, and from one network.
//!
//! One count for all doors together, so that a peer cannot take the limit once per door. A
//! connection over a limit may still be answered (the door says 421 and closes); how many are
//! being answered so is bounded too, above that they are closed without a word.

use crate::network::network_key;
use ipnet::IpNet;
use mail::Reason;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Refused connections that may be told why at one time, for one network: a host that opens
/// hundreds must not keep the others from their answer.
const REFUSED_PER_ADDRESS: usize = 4;
/// Refused connections that may be told why at one time, in all.
const REFUSED_TOTAL: usize = 128;

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections from one IPv4 address or one IPv6 /64.
    pub per_address: usize,
    /// Connections in all.
    pub total: usize,
}

/// Counts connections. Holds an entry for each network that has one open, nothing else: its memory
/// is bounded by the limits.
#[derive(Debug)]
pub struct Admission {
    state: Mutex<State>,
}

/// A counted connection; gives its place back when dropped.
#[derive(Debug)]
pub struct AdmissionGuard {
    admission: Arc<Admission>,
    network: IpNet,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Admitted,
    Refused,
}

#[derive(Debug)]
struct State {
    limits: Limits,
    admitted: Count,
    refused: Count,
}

#[derive(Debug, Default)]
struct Count {
    total: usize,
    networks: HashMap<IpNet, usize>,
}

impl Admission {
    /// Nobody is there yet.
    pub fn new(limits: Limits) -> Self {
        let state = State { limits, admitted: Count::default(), refused: Count::default() };
        Self { state: Mutex::new(state) }
    }

    /// Puts other limits in force for connections that come from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.lock().limits
    }

    /// How many connections are open (refused ones not counted).
    pub fn open(&self) -> usize {
        self.lock().admitted.total
    }

    /// Counts a connection from `ip`. `None` where even a refusal would be one too many: close it.
    pub(crate) fn admit(
        self: &Arc<Self>,
        ip: IpAddr,
    ) -> Option<(AdmissionGuard, Result<(), Reason>)> {
        let network = network_key(ip);
        let mut state = self.lock();
        let limits = state.limits;
        let verdict = if state.admitted.of(&network) >= limits.per_address {
            Err(Reason::TooManyFromAddress)
        } else if state.admitted.total >= limits.total {
            Err(Reason::TooManyConnections)
        } else {
            Ok(())
        };
        let kind = if verdict.is_ok() {
            state.admitted.add(network);
            Kind::Admitted
        } else {
            if state.refused.total >= REFUSED_TOTAL
                || state.refused.of(&network) >= REFUSED_PER_ADDRESS
            {
                return None;
            }
            state.refused.add(network);
            Kind::Refused
        };
        drop(state);
        Some((AdmissionGuard { admission: Arc::clone(self), network, kind }, verdict))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Numbers that a panic left are still numbers.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AdmissionGuard {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        match self.kind {
            Kind::Admitted => state.admitted.remove(&self.network),
            Kind::Refused => state.refused.remove(&self.network),
        }
    }
}

impl Count {
    fn of(&self, network: &IpNet) -> usize {
        self.networks.get(network).copied().unwrap_or(0)
    }

    fn add(&mut self, network: IpNet) {
        self.total += 1;
        *self.networks.entry(network).or_insert(0) += 1;
    }

    fn remove(&mut self, network: &IpNet) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.networks.get_mut(network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.networks.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{Admission, AdmissionGuard, Limits, REFUSED_PER_ADDRESS, REFUSED_TOTAL};
    use mail::Reason;
    use std::sync::Arc;

    fn admission(per_address: usize, total: usize) -> Arc<Admission> {
        Arc::new(Admission::new(Limits { per_address, total }))
    }

    fn admit(admission: &Arc<Admission>, ip: &str) -> Option<(AdmissionGuard, Result<(), Reason>)> {
        admission.admit(ip.parse().unwrap())
    }

    #[test]
    fn limits_one_network_and_gives_places_back() {
        let admission = admission(2, 100);
        let first = admit(&admission, "2001:db8::1").unwrap();
        let second = admit(&admission, "2001:db8::2").unwrap();
        assert!(first.1.is_ok() && second.1.is_ok());
        let third = admit(&admission, "2001:db8::3").unwrap();
        assert_eq!(third.1, Err(Reason::TooManyFromAddress));
        assert!(admit(&admission, "2001:db8:0:1::1").unwrap().1.is_ok());
        assert_eq!(admission.open(), 2, "the dropped and the refused do not count");
        drop(first);
        assert!(admit(&admission, "2001:db8::3").unwrap().1.is_ok());
    }

    #[test]
    fn limits_all_together() {
        let admission = admission(2, 3);
        let held: Vec<_> =
            (1..=3).filter_map(|n| admit(&admission, &format!("192.0.2.{n}"))).collect();
        assert!(held.iter().all(|(_, verdict)| verdict.is_ok()));
        let over = admit(&admission, "192.0.2.9").unwrap();
        assert_eq!(over.1, Err(Reason::TooManyConnections));
        admission.set_limits(Limits { per_address: 2, total: 4 });
        assert!(admit(&admission, "192.0.2.9").unwrap().1.is_ok());
    }

    #[test]
    fn refusals_are_bounded_too() {
        let admission = admission(0, 0);
        let own: Vec<_> =
            std::iter::from_fn(|| admit(&admission, "192.0.2.1")).take(1_000).collect();
        assert_eq!(own.len(), REFUSED_PER_ADDRESS);
        let all: Vec<_> = (0..1_000)
            .filter_map(|n| admit(&admission, &format!("198.51.{}.{}", n / 250, n % 250)))
            .collect();
        assert_eq!(own.len() + all.len(), REFUSED_TOTAL);
    }

    #[test]
    fn remembers_nobody_who_left() {
        let admission = admission(5, 5);
        for n in 0..1_000 {
            drop(admit(&admission, &format!("198.51.{}.{}", n / 250, n % 250)));
        }
        let state = admission.lock();
        assert_eq!(state.admitted.total, 0);
        assert!(state.admitted.networks.is_empty() && state.refused.networks.is_empty());
    }
}
