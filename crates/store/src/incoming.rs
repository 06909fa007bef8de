//! A body while it is received, and after: up to 256 KiB in memory and then in the database, above
//! that in a file.

use crate::folder::DataFolder;
use crate::{Error, NewName, Store};
use bytes::Bytes;
use mail::Id;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest body that is held in memory while it is received, and kept in the database; a larger
/// one is a file. A file costs two syncs of its own, a row shares those of its batch.
pub(crate) const INLINE_MAX: usize = 256 * 1024;
/// The largest window that is read at once.
pub(crate) const WINDOW_MAX: usize = 256 * 1024;

/// A body being received. Dropping it drops what was received.
#[derive(Debug)]
pub struct Incoming {
    store: Arc<Store>,
    buffer: Vec<u8>,
    spilled: Option<Spilled>,
    size: u64,
    broken: bool,
}

/// A whole body, ready to be judged and accepted. Dropping it drops the bytes, unless a message
/// was accepted with it.
#[derive(Debug, Clone)]
pub struct Body(Arc<Kept>);

#[derive(Debug)]
enum Kept {
    Memory(Bytes),
    File(Spilled, u64),
}

/// A body's file. It bears the name that it will have for good from its beginning: a sync of the
/// folder for any message then serves all that are received meanwhile. It is removed when this is
/// dropped, unless a commit was to refer to it.
#[derive(Debug)]
pub(crate) struct Spilled {
    file: Arc<File>,
    /// The number of its message.
    pub(crate) id: Id,
    pub(crate) name: NewName,
    path: PathBuf,
    kept: AtomicBool,
}

impl Drop for Spilled {
    fn drop(&mut self) {
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        let path = std::mem::take(&mut self.path);
        // What cannot be removed is swept at the next start.
        let remove = move || drop(std::fs::remove_file(path));
        // Freeing the blocks of a large file takes a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

impl Incoming {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store, buffer: Vec::new(), spilled: None, size: 0, broken: false }
    }

    /// Takes the next bytes. Above 256 KiB in memory they go to a file.
    ///
    /// # Errors
    /// The disk is full or fails. The body is lost then: every later call fails too.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Unavailable("the body was lost by an earlier error".to_owned()));
        }
        self.buffer.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
        if self.buffer.len() <= INLINE_MAX {
            return Ok(());
        }
        self.spill(false).await
    }

    /// Bytes received.
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Whether nothing was received.
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// Ends the body. One that will be a file is on stable storage when this returns.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub async fn seal(mut self) -> Result<Body, Error> {
        if self.broken {
            return Err(Error::Unavailable("the body was lost by an earlier error".to_owned()));
        }
        if self.spilled.is_some() {
            self.spill(true).await?;
        }
        Ok(Body(Arc::new(match self.spilled {
            Some(spilled) => Kept::File(spilled, self.size),
            None => {
                // Many sessions may wait with their bodies: none keeps more than its bytes.
                self.buffer.shrink_to_fit();
                Kept::Memory(self.buffer.into())
            }
        })))
    }

    /// Moves the buffer to the file; with `sync` onto stable storage.
    async fn spill(&mut self, sync: bool) -> Result<(), Error> {
        self.broken = true;
        let buffer = std::mem::take(&mut self.buffer);
        let spilled = match self.spilled.take() {
            Some(spilled) => Ok(spilled),
            None => Err(self.store.ids(1).await?.start),
        };
        let folder = self.store.folder.clone();
        let work = move || -> std::io::Result<(Spilled, Vec<u8>)> {
            let spilled = spilled.or_else(|id| Spilled::create(&folder, id))?;
            let mut file: &File = &spilled.file;
            file.write_all(&buffer)?;
            if sync {
                file.sync_all()?;
            }
            Ok((spilled, buffer))
        };
        let (spilled, mut buffer) = blocking(work)
            .await?
            .map_err(|e| Error::io("cannot write a body that is received", &e))?;
        buffer.clear();
        self.buffer = buffer;
        self.spilled = Some(spilled);
        self.broken = false;
        Ok(())
    }
}

impl Spilled {
    fn create(folder: &DataFolder, id: Id) -> std::io::Result<Self> {
        let (file, name) = folder.make_blob(id)?;
        let (file, path) = (Arc::new(file), folder.blob(id));
        Ok(Self { file, id, name, path, kept: AtomicBool::new(false) })
    }

    /// The file stays, whatever becomes of the commit that is to refer to it: who cannot know
    /// leaves it to the next start.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }
}

impl Body {
    /// A body from bytes at hand: our own mail, imports, tests.
    ///
    /// # Errors
    /// [`Error::Invalid`] above 256 KiB: such a body goes through [`Incoming`].
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, Error> {
        let bytes = bytes.into();
        if bytes.len() > INLINE_MAX {
            return Err(Error::Invalid("a body in memory has at most 256 KiB".to_owned()));
        }
        Ok(Self(Arc::new(Kept::Memory(bytes))))
    }

    /// A body of any size from bytes at hand, for commands that only look at it: it is never
    /// accepted, for a message of this size belongs in a file.
    pub fn at_hand(bytes: impl Into<Bytes>) -> Self {
        Self(Arc::new(Kept::Memory(bytes.into())))
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        match &*self.0 {
            Kept::Memory(bytes) => bytes.len() as u64,
            Kept::File(_, size) => *size,
        }
    }

    /// Reads from the front of `range`, at most `max` bytes (and never more than 256 KiB); empty
    /// at the end of the body.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn read(&self, range: Range<u64>, max: usize) -> Result<Bytes, Error> {
        let end = range.end.min(self.size());
        let len = end.saturating_sub(range.start).min(max.min(WINDOW_MAX) as u64);
        if len == 0 {
            return Ok(Bytes::new());
        }
        match &*self.0 {
            Kept::Memory(bytes) => {
                let start = range.start as usize;
                Ok(bytes.slice(start..start + len as usize))
            }
            Kept::File(spilled, _) => {
                read_window(Arc::clone(&spilled.file), range.start, len as usize).await
            }
        }
    }

    /// The bytes, if the body is kept in the database.
    pub(crate) fn inline(&self) -> Option<&Bytes> {
        match &*self.0 {
            Kept::Memory(bytes) => Some(bytes),
            Kept::File(..) => None,
        }
    }

    /// Its file, if it is kept in one.
    pub(crate) fn file(&self) -> Option<&Spilled> {
        match &*self.0 {
            Kept::Memory(_) => None,
            Kept::File(spilled, _) => Some(spilled),
        }
    }
}

/// Reads `len` bytes at `start` from a file, off the async threads.
pub(crate) async fn read_window(file: Arc<File>, start: u64, len: usize) -> Result<Bytes, Error> {
    blocking(move || {
        let mut window = vec![0; len];
        file.read_exact_at(&mut window, start).map(|()| Bytes::from(window))
    })
    .await?
    .map_err(|e| Error::io("cannot read a body", &e))
}

/// Runs what may block on a thread for such work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Unavailable("the work was given up at shutdown".to_owned()))
}
