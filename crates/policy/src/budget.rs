//! Budgets: how much of something one key (an address, a network, an account) may do in a time.
//!
//! Each key has a bucket that refills steadily (the generic cell rate algorithm: one number a key,
//! the time at which its bucket is full again), in bounded memory ([`crate::memory`]): a flood of
//! fresh keys washes out those that owe least. Reads no clock: `now` is an argument. Used by
//! login, recipient and the session's rates.

use crate::memory::Memory;
use mail::Timestamp;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many a key may do at once, and how fast that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How many in one burst; 0 means no limit at all.
    pub burst: u32,
    /// Milliseconds until one of them has come back.
    pub refill_millis: i64,
}

/// The buckets of all keys of one kind, in bounded memory.
#[derive(Debug)]
pub struct Budget<K> {
    full_at: Mutex<Memory<K>>,
}

impl Allowance {
    /// `burst` at once, all of it back after `seconds`.
    pub fn per(burst: usize, seconds: u64) -> Self {
        let burst = u32::try_from(burst).unwrap_or(u32::MAX);
        let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self { burst, refill_millis: (millis / i64::from(burst.max(1))).max(1) }
    }

    fn depth_millis(self) -> i64 {
        self.refill_millis.saturating_mul(i64::from(self.burst))
    }

    /// Milliseconds until the bucket is full again. A clock that was set back must not block
    /// anybody for longer than a whole bucket takes.
    fn debt(self, full_at: Option<i64>, now: Timestamp) -> i64 {
        full_at.map_or(0, |at| at.saturating_sub(now.0).clamp(0, self.depth_millis()))
    }
}

impl<K: Hash + Eq + Clone> Budget<K> {
    /// An empty table for at most `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        Self { full_at: Mutex::new(Memory::new(capacity)) }
    }

    /// How many `key` has spent and not yet got back.
    pub fn spent(&self, allowance: Allowance, key: &K, now: Timestamp) -> u32 {
        let debt = allowance.debt(self.lock().time(key), now);
        let refill = allowance.refill_millis.max(1);
        u32::try_from(debt / refill + i64::from(debt % refill > 0)).unwrap_or(u32::MAX)
    }

    /// Whether `key` has nothing left.
    pub fn is_empty_for(&self, allowance: Allowance, key: &K, now: Timestamp) -> bool {
        allowance.burst != 0 && self.spent(allowance, key, now) >= allowance.burst
    }

    /// Takes one; `false` (and nothing is taken) when there is none left.
    pub fn take(&self, allowance: Allowance, key: &K, now: Timestamp) -> bool {
        if allowance.burst == 0 {
            return true;
        }
        let mut full_at = self.lock();
        let debt = allowance.debt(full_at.time(key), now).saturating_add(allowance.refill_millis);
        if debt > allowance.depth_millis() {
            return false;
        }
        full_at.put(key, now.0.saturating_add(debt));
        true
    }

    /// Takes one even from an empty bucket; the debt stays bounded by the allowance.
    pub fn charge(&self, allowance: Allowance, key: &K, now: Timestamp) {
        if !self.take(allowance, key, now) {
            self.lock().put(key, now.0.saturating_add(allowance.depth_millis()));
        }
    }

    /// Gives back one that was taken for something which turned out well.
    pub fn refund(&self, allowance: Allowance, key: &K) {
        let mut full_at = self.lock();
        if let Some(at) = full_at.time(key) {
            full_at.put(key, at.saturating_sub(allowance.refill_millis));
        }
    }

    /// How many keys are remembered at the moment, for `status` and tests.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Memory<K>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
