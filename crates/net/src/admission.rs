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
use std::time::{Duration, Instant};

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

/// A place for a connection, and whether it is within the limits; `None` where it is closed without
/// a word.
pub(crate) type Entered = Option<(AdmissionGuard, Result<(), Reason>)>;

/// A counted connection; gives its place back when dropped.
#[derive(Debug)]
pub struct AdmissionGuard {
    admission: Arc<Admission>,
    network: IpNet,
    kind: Kind,
}

/// A counted connection of a proxy whose header is awaited; gives its place back when dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<Admission>);

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
    /// Whose connections are others' ([`crate::proxy`]).
    proxies: Vec<IpNet>,
    /// Connections of theirs whose header is awaited.
    waiting: usize,
    /// When the log was last told what is wrong with them.
    complained: Option<Instant>,
}

#[derive(Debug, Default)]
struct Count {
    total: usize,
    networks: HashMap<IpNet, usize>,
}

impl Admission {
    /// Nobody is there yet.
    pub fn new(limits: Limits) -> Self {
        let (admitted, refused) = (Count::default(), Count::default());
        let (proxies, waiting, complained) = (Vec::new(), 0, None);
        let state = State { limits, admitted, refused, proxies, waiting, complained };
        Self { state: Mutex::new(state) }
    }

    /// Puts other limits in force for connections that come from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// Names the networks of proxies, whose connections begin with a PROXY header from now on.
    pub fn set_proxies(&self, proxies: Vec<IpNet>) {
        self.lock().proxies = proxies;
    }

    /// Whether a connection from `ip` is one that a named proxy hands over.
    pub(crate) fn is_proxy(&self, ip: IpAddr) -> bool {
        self.lock().proxies.iter().any(|net| net.contains(&ip))
    }

    /// Whether the log has not been told of a proxy's headers for so long; it is then.
    pub(crate) fn may_complain(&self, every: Duration) -> bool {
        let mut state = self.lock();
        let is_due = state.complained.is_none_or(|at| at.elapsed() >= every);
        if is_due {
            state.complained = Some(Instant::now());
        }
        is_due
    }

    /// Counts a connection of a proxy whose header is awaited: as many as there may be
    /// connections. `None` where it would be one too many.
    pub(crate) fn wait(self: &Arc<Self>) -> Option<Waiting> {
        let mut state = self.lock();
        if state.waiting >= state.limits.total {
            return None;
        }
        state.waiting += 1;
        Some(Waiting(Arc::clone(self)))
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
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr) -> Entered {
        self.enter(ip, |state, network| {
            if state.admitted.of(network) >= state.limits.per_address {
                Err(Reason::TooManyFromAddress)
            } else {
                state.room()
            }
        })
    }

    /// Counts a connection that is a proxy's own, or a program's of this machine: the limit for one
    /// address is not for it.
    pub(crate) fn admit_proxy(self: &Arc<Self>, ip: IpAddr) -> Entered {
        self.enter(ip, |state, _| state.room())
    }

    /// Counts a connection that is refused, whoever is there.
    pub(crate) fn refuse(self: &Arc<Self>, ip: IpAddr, reason: Reason) -> Entered {
        self.enter(ip, |_, _| Err(reason))
    }

    fn enter(
        self: &Arc<Self>,
        ip: IpAddr,
        judge: impl FnOnce(&State, &IpNet) -> Result<(), Reason>,
    ) -> Entered {
        let network = network_key(ip);
        let mut state = self.lock();
        let verdict = judge(&state, &network);
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

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

impl State {
    fn room(&self) -> Result<(), Reason> {
        if self.admitted.total < self.limits.total {
            Ok(())
        } else {
            Err(Reason::TooManyConnections)
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
