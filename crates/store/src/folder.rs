//! The data folder: its paths, its modes, its lock.
//!
//! ```text
//! data/            0700
//!   lock           the holder's process id; locked while a process has the folder
//!   store.db       SQLite (with -wal and -shm), where that is the engine
//!   blobs/xx/ID    bodies above 256 KiB, one file each from their beginning on
//!   ballast        room that is given back when the disk is full
//! ```

use crate::naming::NamedFolder;
use crate::{Error, NewName};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    blobs: Arc<[Arc<NamedFolder>]>,
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
        make_folder(root)?;
        let within = root.join("blobs");
        make_folder(&within)?;
        let mut blobs = Vec::new();
        for n in 0..BLOB_FOLDERS {
            let path = within.join(format!("{n:02x}"));
            make_folder(&path)?;
            blobs.push(NamedFolder::new(path));
        }
        sync_folder(&within)?;
        sync_folder(root)?;
        Ok(Self { root: root.to_owned(), blobs: blobs.into() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    /// Where the blob of a message lies.
    pub(crate) fn blob(&self, message: i64) -> PathBuf {
        let folder = format!("{:02x}", blob_folder(message));
        self.root.join("blobs").join(folder).join(message.to_string())
    }

    /// Makes the file of a message's blob, open for reading and writing (0600), and its name.
    pub(crate) fn make_blob(&self, message: i64) -> std::io::Result<(File, NewName)> {
        let folder = self.blobs.get(blob_folder(message)).ok_or(ErrorKind::NotFound)?;
        // Whatever bears the name already belongs to no message: no number is given out twice.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.blob(message))?;
        Ok((file, folder.made()))
    }

    /// Every folder that blobs lie in.
    pub(crate) fn blob_folders(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.blobs.iter().map(|folder| folder.path().to_owned())
    }
}

/// Which of the folders has a message's blob.
fn blob_folder(message: i64) -> usize {
    message.div_euclid(IDS_IN_A_ROW).rem_euclid(BLOB_FOLDERS) as usize
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
        let of = |message| folder.blob(message).parent().map(std::path::Path::to_owned);
        assert_eq!(of(4096), of(8191));
        assert_ne!(of(4096), of(8192));
        assert_eq!(folder.blob_folders().filter(|f| f.is_dir()).count(), 256);
    }
}
