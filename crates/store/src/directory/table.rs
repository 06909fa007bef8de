//! Records of one kind, by number and by name, in a form of which a changed copy is cheap.
//!
//! Readers hold a snapshot for as long as they like, so each change makes a new one. A copy shares
//! everything; a change then copies the one shard that it falls into: with 50,000 records some
//! 200 counted references, where a plain map would be copied whole.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Shards of a map. More make each change of a large map cheaper, and of a small one dearer.
const SHARDS: usize = 256;

/// What can be kept in a [`Table`].
pub(super) trait Record {
    /// Its number, which never changes and is never used twice.
    fn id(&self) -> i64;
    /// The name by which it is found: of the records in force, only one has it.
    fn key(&self) -> String;
}

/// Records by number and by name.
#[derive(Debug, PartialEq)]
pub(super) struct Table<T> {
    by_id: Sharded<i64, Arc<T>>,
    by_key: Sharded<Arc<str>, Arc<T>>,
}

impl<T: Record> Table<T> {
    pub(super) fn by_id(&self, id: i64) -> Option<&T> {
        self.by_id.find(&id).map(Arc::as_ref)
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&T> {
        self.by_key.find(key).map(Arc::as_ref)
    }

    /// Every record, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.by_id.iter().map(|(_, record)| record.as_ref())
    }

    /// Puts a record in the place of the one with its number.
    pub(super) fn put(&mut self, record: T) {
        self.remove(record.id());
        let record = Arc::new(record);
        self.by_key.put(record.key().into(), Arc::clone(&record));
        self.by_id.put(record.id(), record);
    }

    /// Removes the record with this number, if there is one.
    pub(super) fn remove(&mut self, id: i64) {
        let Some(old) = self.by_id.find(&id).cloned() else { return };
        self.by_id.remove(&id);
        let key = old.key();
        // A successor may have the name already.
        if self.by_key(&key).is_some_and(|found| found.id() == id) {
            self.by_key.remove(key.as_str());
        }
    }
}

impl<T> Table<T> {
    /// Whether nothing was changed between these two, one of which comes from the other.
    pub(super) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.by_id.shards, &other.by_id.shards)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: Sharded::default(), by_key: Sharded::default() }
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { by_id: self.by_id.clone(), by_key: self.by_key.clone() }
    }
}

/// A map in shards, each shared until it is changed.
#[derive(Debug)]
struct Sharded<K, V> {
    /// Chooses the shard; not the one that a shard hashes with, or its buckets would fill unevenly.
    chooser: RandomState,
    shards: Arc<Vec<Arc<HashMap<K, V>>>>,
}

impl<K: Hash + Eq + Clone, V: Clone> Sharded<K, V> {
    fn shard_of<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        (self.chooser.hash_one(key) % SHARDS as u64) as usize
    }

    fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.shards.get(self.shard_of(key))?.get(key)
    }

    fn put(&mut self, key: K, value: V) {
        let shard = self.shard_of(&key);
        if let Some(shard) = Arc::make_mut(&mut self.shards).get_mut(shard) {
            Arc::make_mut(shard).insert(key, value);
        }
    }

    fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        let shard = self.shard_of(key);
        if let Some(shard) = Arc::make_mut(&mut self.shards).get_mut(shard) {
            Arc::make_mut(shard).remove(key);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.iter())
    }
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Arc::new(HashMap::new())).collect();
        Self { chooser: RandomState::new(), shards: Arc::new(shards) }
    }
}

impl<K, V> Clone for Sharded<K, V> {
    fn clone(&self) -> Self {
        Self { chooser: self.chooser.clone(), shards: Arc::clone(&self.shards) }
    }
}

impl<K: Hash + Eq + Clone, V: Clone + PartialEq> PartialEq for Sharded<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().count() == other.iter().count()
            && self.iter().all(|(key, value)| other.find(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, SHARDS, Table};
    use std::sync::Arc;

    type Named = (i64, &'static str);

    impl Record for Named {
        fn id(&self) -> i64 {
            self.0
        }

        fn key(&self) -> String {
            self.1.to_owned()
        }
    }

    #[test]
    fn a_record_is_found_by_number_and_by_its_newest_name() {
        let mut table = Table::default();
        table.put((1, "anna"));
        table.put((2, "ben"));
        table.put((1, "anne"));
        assert_eq!(table.by_id(1), Some(&(1, "anne")));
        assert_eq!(table.by_key("anne"), Some(&(1, "anne")));
        assert_eq!(table.by_key("anna"), None);
        let before = table.clone();
        // A name goes over, and its old owner ends later.
        table.put((3, "anne"));
        table.remove(1);
        table.remove(7);
        assert_eq!(table.by_key("anne"), Some(&(3, "anne")));
        assert_eq!(table.iter().count(), 2);
        assert_eq!(before.by_key("anne"), Some(&(1, "anne")), "a snapshot never changes");
        assert!(before != table);
        let mut again = Table::default();
        again.put((3, "anne"));
        again.put((2, "ben"));
        assert!(again == table);
    }

    #[test]
    fn a_change_copies_one_shard_of_each_map() {
        let mut table = Table::default();
        for id in 0..10_000_i64 {
            table.put((id, "same"));
        }
        let before = table.clone();
        table.put((10_000, "other"));
        let kept = before.by_id.shards.iter().zip(table.by_id.shards.iter());
        assert_eq!(kept.filter(|(a, b)| Arc::ptr_eq(a, b)).count(), SHARDS - 1);
        let largest = before.by_id.shards.iter().map(|shard| shard.len()).max();
        assert!(largest < Some(10_000 / SHARDS * 4), "{largest:?} of 10,000 in one shard");
    }
}
