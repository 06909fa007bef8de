//! How full the disk is, and the ballast that keeps removing possible when it is full.

use crate::folder::DataFolder;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::statvfs;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The room that is given back when the disk is full.
const BALLAST: u64 = 64 << 20;

/// What is known of the file system with the data; looked at anew every second.
#[derive(Debug)]
pub(crate) struct Disk {
    min_bytes: AtomicU64,
    min_percent: AtomicU64,
    free: AtomicU64,
    min: AtomicU64,
    is_ok: AtomicBool,
    is_exhausted: AtomicBool,
    has_ballast: AtomicBool,
}

impl Disk {
    /// Below the larger of the two no mail is accepted; both 0 end the watch.
    pub(crate) fn new(min_bytes: u64, min_percent: u64) -> Self {
        Self {
            min_bytes: AtomicU64::new(min_bytes),
            min_percent: AtomicU64::new(min_percent),
            free: AtomicU64::new(0),
            min: AtomicU64::new(min_bytes),
            is_ok: AtomicBool::new(true),
            is_exhausted: AtomicBool::new(false),
            has_ballast: AtomicBool::new(false),
        }
    }

    /// Other bounds than those of [`Disk::new`], from the next look on.
    pub(crate) fn set_min(&self, min_bytes: u64, min_percent: u64) {
        self.min_bytes.store(min_bytes, Ordering::Relaxed);
        self.min_percent.store(min_percent, Ordering::Relaxed);
    }

    /// Whether new mail should be taken.
    pub(crate) fn is_ok(&self) -> bool {
        self.is_ok.load(Ordering::Relaxed)
    }

    /// Whether the ballast is in use: what it gave back is for removing mail, not for keeping it.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_exhausted.load(Ordering::Relaxed)
    }

    /// Bytes free for us, as of the last look.
    pub(crate) fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Bytes below which no mail is accepted, as of the last look.
    pub(crate) fn min(&self) -> u64 {
        self.min.load(Ordering::Relaxed)
    }

    /// Looks at the file system. May block.
    pub(crate) fn look(&self, folder: &DataFolder) {
        let Ok(facts) = statvfs(folder.root()) else { return };
        let block = facts.fragment_size();
        let free = facts.blocks_available().saturating_mul(block);
        let size = facts.blocks().saturating_mul(block);
        self.free.store(free, Ordering::Relaxed);
        let by_percent = size / 100 * self.min_percent.load(Ordering::Relaxed);
        let min = self.min_bytes.load(Ordering::Relaxed).max(by_percent);
        self.min.store(min, Ordering::Relaxed);
        let was_ok = self.is_ok.swap(free >= min, Ordering::Relaxed);
        if was_ok && free < min {
            tracing::warn!(free, min, "the disk is nearly full: no mail is accepted");
        } else if !was_ok && free >= min {
            tracing::info!(free, "the disk has room again: mail is accepted");
        }
        if min > 0 {
            self.keep_ballast(folder, free, BALLAST.min(min / 2));
        } else {
            // Who no longer watches the disk waits for no ballast.
            self.is_exhausted.store(false, Ordering::Relaxed);
        }
    }

    fn keep_ballast(&self, folder: &DataFolder, free: u64, size: u64) {
        let path = folder.ballast();
        if free < size {
            if self.is_exhausted.swap(true, Ordering::Relaxed) {
                return;
            }
            let freed = std::fs::remove_file(&path).is_ok();
            self.has_ballast.store(false, Ordering::Relaxed);
            tracing::error!(free, freed, "the disk is full: the ballast is given up");
        } else if free >= size.saturating_mul(4) && !self.has_ballast.load(Ordering::Relaxed) {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600);
            let made = options.open(&path).is_ok_and(|file| {
                let len = i64::try_from(size).unwrap_or(0);
                fallocate(&file, FallocateFlags::empty(), 0, len).is_ok()
            });
            // A file system that cannot reserve room keeps no ballast; asking again costs nothing.
            self.has_ballast.store(made, Ordering::Relaxed);
            self.is_exhausted.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::Disk;
    use crate::folder::DataFolder;

    #[test]
    fn the_ballast_is_made_and_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(dir.path()).unwrap();
        let disk = Disk::new(2 << 20, 0);
        disk.keep_ballast(&folder, 8 << 20, 1 << 20);
        assert_eq!(folder.ballast().metadata().unwrap().len(), 1 << 20);
        disk.keep_ballast(&folder, 1 << 19, 1 << 20);
        assert!(!folder.ballast().exists());
        assert!(disk.is_exhausted());
        disk.keep_ballast(&folder, 2 << 20, 1 << 20);
        assert!(disk.is_exhausted(), "not before there is room for both");
        disk.keep_ballast(&folder, 4 << 20, 1 << 20);
        assert!(!disk.is_exhausted());
        assert!(folder.ballast().exists());
    }

    #[test]
    fn too_little_is_not_ok() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(dir.path()).unwrap();
        let disk = Disk::new(u64::MAX, 0);
        disk.look(&folder);
        assert!(!disk.is_ok() && disk.free() > 0);
        assert_eq!(disk.min(), u64::MAX);
        let by_percent = Disk::new(1, 50);
        by_percent.look(&folder);
        assert!(by_percent.min() > 1, "the larger of the two counts");
        let unwatched = Disk::new(0, 0);
        unwatched.look(&folder);
        assert!(unwatched.is_ok() && !unwatched.is_exhausted());
        disk.set_min(0, 0);
        disk.look(&folder);
        assert!(disk.is_ok() && !disk.is_exhausted(), "other bounds hold from the next look on");
        assert_eq!(disk.min(), 0);
    }
}
