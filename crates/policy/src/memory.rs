//! A bounded table of keys and times.
//!
//! When it is full, the smallest time out of a random handful is forgotten, so that a flood of
//! fresh keys cannot push out what matters: in a budget the deepest debts stay, among places the
//! ones seen last. Reads no clock. Under `budget` and `login`.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// Keys with a time each, at most `capacity`.
#[derive(Debug)]
pub(crate) struct Memory<K> {
    capacity: usize,
    picker: RandomState,
    places: HashMap<K, usize>,
    entries: Vec<(K, i64)>,
    evictions: u64,
}

/// How many entries are looked at before one is forgotten.
const HANDFUL: u64 = 8;

impl<K: Hash + Eq + Clone> Memory<K> {
    /// An empty table.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            picker: RandomState::new(),
            places: HashMap::new(),
            entries: Vec::new(),
            evictions: 0,
        }
    }

    /// How many keys are remembered.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The time of a key.
    pub(crate) fn time(&self, key: &K) -> Option<i64> {
        let index = *self.places.get(key)?;
        self.entries.get(index).map(|(_, time)| *time)
    }

    /// Remembers a key with its time.
    pub(crate) fn put(&mut self, key: &K, time: i64) {
        let known = self.places.get(key).and_then(|&index| self.entries.get_mut(index));
        if let Some((_, old)) = known {
            *old = time;
            return;
        }
        if self.entries.len() >= self.capacity {
            self.forget(self.victim());
        }
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push((key.clone(), time));
    }

    fn victim(&self) -> usize {
        let len = self.entries.len().max(1) as u64;
        (0..HANDFUL)
            .map(|turn| (self.picker.hash_one((self.evictions, turn)) % len) as usize)
            .min_by_key(|&index| self.entries.get(index).map_or(i64::MAX, |(_, time)| *time))
            .unwrap_or(0)
    }

    fn forget(&mut self, index: usize) {
        self.evictions = self.evictions.wrapping_add(1);
        if index >= self.entries.len() {
            return;
        }
        let (key, _) = self.entries.swap_remove(index);
        self.places.remove(&key);
        if let Some((moved, _)) = self.entries.get(index) {
            self.places.insert(moved.clone(), index);
        }
    }
}
