//! The messages of a session: numbered from 1 when it was opened, marked for deletion, listed.

use mail::EntryId;
use std::collections::BTreeSet;

/// A message as the session knows it; the store knows the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The entry: its number is the unique-id for ever (RFC 1939 §7).
    pub id: EntryId,
    /// The entry's UID, by which the store finds it quickly.
    pub uid: i64,
    /// Bytes.
    pub size: u64,
}

/// The messages of one session. New mail does not show before the next one (RFC 1939 §3).
#[derive(Debug)]
pub(super) struct Maildrop {
    items: Vec<Item>,
    /// Messages marked by DELE, by index.
    deleted: BTreeSet<usize>,
    /// What is not marked, in bytes.
    size: u64,
}

/// Which listing, and how far it is.
#[derive(Debug)]
pub(super) struct Listing {
    kind: Kind,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// LIST.
    Sizes,
    /// UIDL.
    Ids,
}

impl Maildrop {
    pub(super) fn new(items: Vec<Item>) -> Self {
        let size = items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.size));
        Self { items, deleted: BTreeSet::new(), size }
    }

    /// How many are not marked.
    pub(super) fn count(&self) -> usize {
        self.items.len() - self.deleted.len()
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The message with this number, unless it is marked.
    pub(super) fn get(&self, number: usize) -> Option<Item> {
        let index = number.checked_sub(1)?;
        if self.deleted.contains(&index) { None } else { self.items.get(index).copied() }
    }

    /// Marks a message; false if there is no such message, or it is marked already.
    pub(super) fn delete(&mut self, number: usize) -> bool {
        let Some(item) = self.get(number) else { return false };
        self.size = self.size.saturating_sub(item.size);
        self.deleted.insert(number - 1)
    }

    /// Takes all marks away.
    pub(super) fn reset(&mut self) {
        *self = Self::new(std::mem::take(&mut self.items));
    }

    /// What is marked.
    pub(super) fn deleted(&self) -> Vec<EntryId> {
        self.deleted.iter().filter_map(|index| Some(self.items.get(*index)?.id)).collect()
    }

    /// Writes lines of a listing until there are `room` bytes or it is done (true).
    pub(super) fn list(&self, listing: &mut Listing, room: usize, output: &mut Vec<u8>) -> bool {
        while output.len() < room {
            if listing.next >= self.items.len() {
                output.extend_from_slice(b".\r\n");
                return true;
            }
            listing.next += 1;
            if let Some(line) = self.line(listing.kind, listing.next) {
                output.extend_from_slice(line.as_bytes());
                output.extend_from_slice(b"\r\n");
            }
        }
        false
    }

    /// One line of a listing: number, and size or id.
    pub(super) fn line(&self, kind: Kind, number: usize) -> Option<String> {
        let item = self.get(number)?;
        Some(match kind {
            Kind::Sizes => format!("{number} {}", item.size),
            Kind::Ids => format!("{number} {}", item.id),
        })
    }
}

impl Listing {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, next: 0 }
    }
}
