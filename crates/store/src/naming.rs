//! Names of new files, brought to stable storage together: one sync of a folder serves every name
//! that was made in it before the sync began.

use crate::Error;
use crate::folder::sync_folder;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A folder in which files are made.
#[derive(Debug)]
pub struct NamedFolder {
    path: PathBuf,
    /// Names made so far.
    made: AtomicU64,
    /// Held while the folder is synced: who comes meanwhile may be served by the same sync.
    synced: Mutex<Synced>,
}

/// What became of the names, by their numbers.
#[derive(Debug, Default)]
struct Synced {
    /// A sync was tried for the names up to here.
    tried: u64,
    /// Those whose sync failed: after the first number, up to the second.
    failed: Vec<(u64, u64)>,
}

/// Failures that are told apart; older ones are taken for one, with what was good between them.
const FAILURES_MAX: usize = 64;

/// The name of a file that was made; it may not be on stable storage yet.
#[derive(Debug, Clone)]
pub struct NewName {
    folder: Arc<NamedFolder>,
    /// How many names there were with it.
    number: u64,
}

impl NamedFolder {
    /// A folder where no name waits to be synced.
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, made: AtomicU64::new(0), synced: Mutex::default() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// To be called when a file has been made in the folder.
    pub fn made(self: &Arc<Self>) -> NewName {
        NewName { folder: Arc::clone(self), number: self.made.fetch_add(1, Ordering::SeqCst) + 1 }
    }
}

impl NewName {
    /// Returns when the name is on stable storage; blocks while the folder is synced.
    ///
    /// # Errors
    /// The disk fails. A sync that failed may have lost every name made before it: those are never
    /// taken for safe by a later one, which the kernel may call good.
    pub fn settle(&self) -> Result<(), Error> {
        let folder = &self.folder;
        let mut synced = folder.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.tried < self.number {
            let made = folder.made.load(Ordering::SeqCst);
            let result = sync_folder(&folder.path);
            synced.end(made, result.is_ok());
            return result;
        }
        if synced.has_failed(self.number) {
            let path = folder.path.display();
            return Err(Error::Unavailable(format!("an earlier sync of {path} failed")));
        }
        Ok(())
    }
}

impl Synced {
    /// Notes how the sync ended that began when `made` names had been made.
    fn end(&mut self, made: u64, is_good: bool) {
        if !is_good {
            self.failed.push((self.tried, made));
        }
        if self.failed.len() > FAILURES_MAX
            && let [first, second, ..] = self.failed.as_mut_slice()
        {
            second.0 = first.0;
            self.failed.remove(0);
        }
        self.tried = made;
    }

    fn has_failed(&self, number: u64) -> bool {
        self.failed.iter().any(|(after, to)| *after < number && number <= *to)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{FAILURES_MAX, NamedFolder, Synced};

    #[test]
    fn one_sync_serves_the_names_made_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = NamedFolder::new(dir.path().to_owned());
        let (first, second) = (folder.made(), folder.made());
        first.settle().unwrap();
        dir.close().unwrap();
        second.settle().unwrap();
        folder.made().settle().unwrap_err();
        second.settle().unwrap();
    }

    #[test]
    fn many_failures_are_remembered_in_little_room() {
        let mut synced = Synced::default();
        for n in 1..=1_000 {
            synced.end(n * 2 - 1, false);
            synced.end(n * 2, true);
        }
        assert!(synced.failed.len() <= FAILURES_MAX);
        assert!((1..=1_000).all(|n| synced.has_failed(n * 2 - 1)));
        assert!((990..=1_000).all(|n| !synced.has_failed(n * 2)));
    }

    #[test]
    fn a_failed_sync_is_never_made_good_by_a_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blobs");
        let folder = NamedFolder::new(path.clone());
        let (first, second) = (folder.made(), folder.made());
        first.settle().unwrap_err();
        std::fs::create_dir(&path).unwrap();
        let third = folder.made();
        third.settle().unwrap();
        second.settle().unwrap_err();
        third.settle().unwrap();
    }
}
