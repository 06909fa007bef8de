//! The data folder: its paths, its modes, its lock.
//!
//! ```text
//! data/            0700
//!   lock           the holder's process id; locked while a process has the folder
//!   store.db       SQLite (with -wal and -shm), where that is the engine
//!   incoming/      bodies being received; emptied at every start
//!   blobs/xx/ID    bodies above 256 KiB, one file each
//!   ballast        room that is given back when the disk is full
//! ```

use crate::Error;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How many folders the blobs are spread over.
const BLOB_FOLDERS: i64 = 256;
/// Neighbouring ids share a folder, so that a batch syncs one or two folders, not one a message.
const IDS_IN_A_ROW: i64 = 4096;

/// The exclusive right to a data folder, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct DataLock {
    _lock: Flock<File>,
}

/// The paths of a data folder whose sub-folders exist.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    root: PathBuf,
}

impl DataLock {
    /// Takes the folder, making it (0700) if it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] names the process that has it.
    pub fn acquire(data: &Path) -> Result<Self, Error> {
        make_folder(data)?;
        let path = data.join("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| Error::io(&format!("cannot open {}", path.display()), &e))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                let written = write_pid(&mut lock);
                written.map_err(|e| Error::io(&format!("cannot write {}", path.display()), &e))?;
                Ok(Self { _lock: lock })
            }
            Err((file, _)) => Err(Error::Locked(held_by(file, data))),
        }
    }
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn held_by(mut file: File, data: &Path) -> String {
    let mut pid = String::new();
    let read = file.read_to_string(&mut pid);
    let holder = match (read, pid.trim()) {
        (Ok(_), pid) if !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    format!("{} is in use by {holder}: talk to that server, or stop it first", data.display())
}

impl DataFolder {
    /// Makes what is missing and puts the new entries on stable storage.
    pub(crate) fn prepare(root: &Path) -> Result<Self, Error> {
        let folder = Self { root: root.to_owned() };
        make_folder(root)?;
        make_folder(&folder.incoming())?;
        let blobs = root.join("blobs");
        make_folder(&blobs)?;
        for n in 0..BLOB_FOLDERS {
            make_folder(&folder.blob_folder(n * IDS_IN_A_ROW))?;
        }
        sync_folder(&blobs)?;
        sync_folder(root)?;
        Ok(folder)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    /// Where the blob of a message lies.
    pub(crate) fn blob(&self, message: i64) -> PathBuf {
        self.blob_folder(message).join(message.to_string())
    }

    /// The folder of a message's blob.
    pub(crate) fn blob_folder(&self, message: i64) -> PathBuf {
        let n = message.div_euclid(IDS_IN_A_ROW).rem_euclid(BLOB_FOLDERS);
        self.root.join("blobs").join(format!("{n:02x}"))
    }

    /// Every folder that blobs lie in.
    pub(crate) fn blob_folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        (0..BLOB_FOLDERS).map(|n| self.blob_folder(n * IDS_IN_A_ROW))
    }
}

/// Makes a folder (0700) unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).recursive(false).create(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(e) => Err(Error::io(&format!("cannot make the folder {}", path.display()), &e)),
    }
}

/// Puts a folder's entries on stable storage.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| Error::io(&format!("cannot sync the folder {}", path.display()), &e))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{DataFolder, DataLock};
    use crate::Error;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_second_holder_is_told_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = DataLock::acquire(&data).unwrap();
        let second = DataLock::acquire(&data).unwrap_err();
        let Error::Locked(text) = second else { panic!("{second}") };
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        drop(first);
        DataLock::acquire(&data).unwrap();
        assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn neighbours_share_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(dir.path()).unwrap();
        assert_eq!(folder.blob_folder(4096), folder.blob_folder(8191));
        assert_ne!(folder.blob_folder(4096), folder.blob_folder(8192));
        assert_eq!(folder.blob_folders().filter(|f| f.is_dir()).count(), 256);
    }
}
