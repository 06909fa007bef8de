//! What a reading may still cost.

use super::UnionLimits;

/// Counts down; what cannot be paid names its limit.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    seen: usize,
    /// What may still be held, and what is.
    room: u64,
    held: u64,
}

impl Budget {
    pub(super) fn new(size: u64, limits: &UnionLimits) -> Self {
        let bytes = size.saturating_mul(limits.sizes_max).saturating_add(limits.bytes_free);
        Self { bytes, seen: limits.seen_max, room: limits.held_max, held: 0 }
    }

    /// Pays for bytes that are given or read once more.
    pub(super) fn bytes(&mut self, count: usize) -> Result<(), &'static str> {
        self.bytes = self.bytes.checked_sub(count as u64).ok_or("union_bytes_max")?;
        Ok(())
    }

    /// Pays for a content that is given.
    pub(super) fn seen(&mut self) -> Result<(), &'static str> {
        self.seen = self.seen.checked_sub(1).ok_or("union_seen_max")?;
        Ok(())
    }

    /// Pays for memory, until it is released.
    pub(super) fn hold(&mut self, count: usize) -> Result<(), &'static str> {
        self.room = self.room.checked_sub(count as u64).ok_or("union_held_max")?;
        self.held += count as u64;
        Ok(())
    }

    pub(super) fn release(&mut self, count: usize) {
        self.room = self.room.saturating_add(count as u64);
        self.held = self.held.saturating_sub(count as u64);
    }

    /// Bytes that are held.
    pub(super) fn held(&self) -> u64 {
        self.held
    }
}
