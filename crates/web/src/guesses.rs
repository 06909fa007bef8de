//! How many wrong links one network may follow. Tokens have 128 random bits, so that this keeps not
//! from guessing but from asking the store all day.

use ipnet::IpNet;
use mail::Timestamp;
use net::network_key;
use policy::budget::{Allowance, Budget};
use std::net::IpAddr;

/// Wrong links of one IPv4 address or IPv6 /64
const WRONG_MAX: usize = 30;
/// in so many seconds: whoever used his links and opens them again stays far below.
const SPAN_SECS: u64 = 1_800;
/// Networks that are remembered, about 2 MiB; of more the worst.
const NETWORKS_MAX: usize = 20_000;

/// Who followed wrong links lately.
pub(crate) struct Guesses {
    spent: Budget<IpNet>,
}

impl Default for Guesses {
    fn default() -> Self {
        Self { spent: Budget::new(NETWORKS_MAX) }
    }
}

impl Guesses {
    /// Whether a network has followed too many to be answered now.
    pub(crate) fn are_too_many(&self, ip: IpAddr, now: Timestamp) -> bool {
        self.spent.is_empty_for(allowance(), &network_key(ip), now)
    }

    /// Counts a wrong one.
    pub(crate) fn count(&self, ip: IpAddr, now: Timestamp) {
        self.spent.charge(allowance(), &network_key(ip), now);
    }
}

fn allowance() -> Allowance {
    Allowance::per(WRONG_MAX, SPAN_SECS)
}

#[cfg(test)]
mod tests {
    use super::{Guesses, SPAN_SECS, WRONG_MAX};
    use mail::Timestamp;
    use std::net::Ipv4Addr;

    #[test]
    fn who_guesses_waits_and_others_do_not() {
        let guesses = Guesses::default();
        let (one, other) = (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::new(192, 0, 2, 2).into());
        let now = Timestamp(1_800_000_000_000);
        for _ in 0..WRONG_MAX {
            assert!(!guesses.are_too_many(one, now));
            guesses.count(one, now);
        }
        assert!(guesses.are_too_many(one, now));
        assert!(!guesses.are_too_many(other, now));
        let later = now.plus_millis(1_000 * SPAN_SECS as i64 / WRONG_MAX as i64);
        assert!(!guesses.are_too_many(one, later));
    }
}
