//! Budgets: how much of something one key (an address, a network, an account) may do in a time.
//!
//! Each key has a bucket that refills steadily (the generic cell rate algorithm: one number a key).
//! The table is bounded: when it is full, the bucket nearest to being full again is given up, out
//! of a random handful, so that a flood of fresh keys cannot wash an offender's debt away.
//! Reads no clock: `now` is an argument. Used by login, recipient and the session's rates.

use mail::Timestamp;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

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
    capacity: usize,
    picker: RandomState,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    places: HashMap<K, usize>,
    /// Key, and the time at which its bucket is full again.
    buckets: Vec<(K, i64)>,
    evictions: u64,
}

/// How many buckets are looked at before one is given up.
const HANDFUL: usize = 8;

impl Allowance {
    /// `burst` at once, all of it back after `seconds`.
    pub fn per(burst: u32, seconds: u64) -> Self {
        let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self { burst, refill_millis: (millis / i64::from(burst.max(1))).max(1) }
    }

    fn depth_millis(self) -> i64 {
        self.refill_millis.saturating_mul(i64::from(self.burst))
    }
}

impl<K: Hash + Eq + Clone> Budget<K> {
    /// An empty table for at most `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        let table = Table { places: HashMap::new(), buckets: Vec::new(), evictions: 0 };
        Self { capacity: capacity.max(1), picker: RandomState::new(), table: Mutex::new(table) }
    }

    /// How many `key` has spent and not yet got back.
    pub fn spent(&self, allowance: Allowance, key: &K, now: Timestamp) -> u32 {
        let full_at = self.lock().full_at(key);
        let millis = full_at.map_or(0, |at| debt(allowance, at, now));
        let owed = millis.div_euclid(allowance.refill_millis.max(1));
        let partly = i64::from(millis.rem_euclid(allowance.refill_millis.max(1)) > 0);
        u32::try_from(owed + partly).unwrap_or(u32::MAX)
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
        let mut table = self.lock();
        let owed = table.full_at(key).map_or(0, |at| debt(allowance, at, now));
        let next = owed.saturating_add(allowance.refill_millis);
        if next > allowance.depth_millis() {
            return false;
        }
        table.put(key, now.0.saturating_add(next), self.capacity, |table, n| self.victim(table, n));
        true
    }

    /// Takes one even from an empty bucket; the debt stays bounded by the allowance.
    pub fn charge(&self, allowance: Allowance, key: &K, now: Timestamp) {
        if allowance.burst == 0 || self.take(allowance, key, now) {
            return;
        }
        let mut table = self.lock();
        let full_at = now.0.saturating_add(allowance.depth_millis());
        table.put(key, full_at, self.capacity, |table, n| self.victim(table, n));
    }

    /// Gives back one that was taken for something which turned out well.
    pub fn refund(&self, allowance: Allowance, key: &K) {
        let mut table = self.lock();
        if let Some((_, at)) = table.place(key).and_then(|i| table.buckets.get_mut(i)) {
            *at = at.saturating_sub(allowance.refill_millis);
        }
    }

    /// How many keys are remembered at the moment, for `status` and tests.
    pub fn len(&self) -> usize {
        self.lock().buckets.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the bucket to give up: the one of a random handful that is full again soonest.
    fn victim(&self, table: &Table<K>, salt: u64) -> usize {
        let len = table.buckets.len().max(1) as u64;
        (0..HANDFUL as u64)
            .map(|turn| (self.picker.hash_one((salt, turn)) % len) as usize)
            .min_by_key(|&i| table.buckets.get(i).map_or(i64::MAX, |(_, at)| *at))
            .unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table<K>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds until the bucket is full again. A clock that was set back must not block anybody
/// for longer than a whole bucket takes.
fn debt(allowance: Allowance, full_at: i64, now: Timestamp) -> i64 {
    full_at.saturating_sub(now.0).clamp(0, allowance.depth_millis())
}

impl<K: Hash + Eq + Clone> Table<K> {
    fn place(&self, key: &K) -> Option<usize> {
        self.places.get(key).copied()
    }

    fn full_at(&self, key: &K) -> Option<i64> {
        self.place(key).and_then(|i| self.buckets.get(i)).map(|(_, at)| *at)
    }

    fn put(
        &mut self,
        key: &K,
        full_at: i64,
        capacity: usize,
        victim: impl Fn(&Self, u64) -> usize,
    ) {
        if let Some(bucket) = self.place(key).and_then(|i| self.buckets.get_mut(i)) {
            bucket.1 = full_at;
            return;
        }
        if self.buckets.len() >= capacity {
            self.evictions = self.evictions.wrapping_add(1);
            let index = victim(self, self.evictions);
            self.give_up(index);
        }
        self.places.insert(key.clone(), self.buckets.len());
        self.buckets.push((key.clone(), full_at));
    }

    fn give_up(&mut self, index: usize) {
        if index >= self.buckets.len() {
            return;
        }
        let (key, _) = self.buckets.swap_remove(index);
        self.places.remove(&key);
        if let Some((moved, _)) = self.buckets.get(index) {
            self.places.insert(moved.clone(), index);
        }
    }
}

#[cfg(test)]
mod tests;
