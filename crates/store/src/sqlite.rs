//! SQLite behind the store: one committer, a few readers, one thread that checkpoints.
//!
//! - The **committer** takes all writes that have gathered while the last commit was synced, runs
//!   them in one transaction with one fsync of the write-ahead log, and answers all. It never
//!   sleeps to gather.
//! - **Readers** have connections of their own; no read transaction outlives one call.
//! - The **checkpointer** moves the log into the database: passive from 16 MiB, with a restart of
//!   the log above 64 MiB. Above 1 GiB (a reader or the disk holds it up) writes are refused.
//!
//! Every commit is synced (`synchronous=FULL`). After a failed fsync nothing is retried: the batch
//! is answered as failed and the connection opened anew, while the others keep the index of the
//! log, so that the next commit overwrites the frames that may not have reached the disk.

mod checkpointer;
mod committer;
mod queue;
mod reader;
mod statement;

use crate::database::{Bell, BoxFuture, Database, DatabaseStats, Row, Value, Write};
use crate::folder::{DataLock, sync_folder};
use crate::{Error, schema};
use queue::{Job, Queue};
use reader::Readers;
use rusqlite::{Connection, OpenFlags};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, oneshot};

/// The database's file in the data folder.
pub const FILE: &str = "store.db";

/// How long a connection waits for another: the longest hold is a restart of the log.
const BUSY_WAIT: Duration = Duration::from_secs(60);
/// Bells that a slow listener may be behind.
const BELLS: usize = 1_024;
/// Page cache of the committer: the ends of busy mailboxes, the tops of the trees.
const COMMITTER_CACHE_KIB: i64 = 16 * 1024;
/// The log is cut to this when it is reset after it grew beyond.
const LOG_KEPT: i64 = 64 << 20;

/// The embedded engine. See the module.
#[derive(Debug)]
pub struct Sqlite {
    shared: Arc<Shared>,
    readers: Readers,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<DataLock>>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    queue: Queue,
    stats: Mutex<DatabaseStats>,
    bells: broadcast::Sender<Bell>,
    /// Pages in the log after the last commit.
    log_pages: AtomicU64,
    /// Wakes the checkpointer: the log has grown, or the end has come.
    checkpoint: (Mutex<bool>, Condvar),
    /// Whether the checkpointer asks the committer to pause. SQLite's own lock is not fair: a
    /// committer that takes it again at once would never let the log begin anew.
    pause: (Mutex<bool>, Condvar),
}

impl Sqlite {
    /// Opens (or makes) the database in a data folder and takes the folder's lock.
    ///
    /// # Errors
    /// [`Error::Locked`] names the process that has the folder; otherwise the disk's or SQLite's.
    pub fn open(data: &Path) -> Result<Arc<dyn Database>, Error> {
        let lock = DataLock::acquire(data)?;
        let path = data.join(FILE);
        make_file(&path)?;
        let committer = connect(&path, COMMITTER_CACHE_KIB)?;
        // What a crash left in the log goes into the database at once, synced: should its last
        // frames be in memory only, nothing is ever appended behind them.
        statement::run(&committer, "PRAGMA wal_checkpoint(TRUNCATE)")?;
        sync_folder(data)?;
        let shared = Arc::new(Shared {
            path: path.clone(),
            queue: Queue::new(),
            stats: Mutex::default(),
            bells: broadcast::Sender::new(BELLS),
            log_pages: AtomicU64::new(0),
            checkpoint: (Mutex::new(false), Condvar::new()),
            pause: (Mutex::new(false), Condvar::new()),
        });
        let checkpointing = connect(&path, 512)?;
        let waits = checkpointing.busy_timeout(checkpointer::RESTART_WAIT);
        waits.map_err(|e| statement::error(&e))?;
        let threads = vec![
            spawn("store-commit", {
                let shared = Arc::clone(&shared);
                move || committer::serve(&shared, committer)
            })?,
            spawn("store-checkpoint", {
                let shared = Arc::clone(&shared);
                move || checkpointer::serve(&shared, &checkpointing)
            })?,
        ];
        Ok(Arc::new(Self {
            readers: Readers::start(&path)?,
            shared,
            threads: Mutex::new(threads),
            lock: Mutex::new(Some(lock)),
        }))
    }
}

impl Database for Sqlite {
    fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(self.readers.read(sql, params))
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Vec<Vec<Row>>, Error>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            self.shared.queue.push(Job::Write(write, answer)).await?;
            answered.await.unwrap_or_else(|_| Err(ended()))
        })
    }

    fn post(&self, write: Write) {
        if !self.shared.queue.post(write) {
            self.shared.stats().dropped += 1;
        }
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if !self.shared.queue.has_posts() {
                return Ok(());
            }
            let (answer, answered) = oneshot::channel();
            self.shared.queue.push(Job::Barrier(answer)).await?;
            answered.await.map_err(|_| ended())
        })
    }

    fn listen(&self) -> broadcast::Receiver<Bell> {
        self.shared.bells.subscribe()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<(), Error>> {
        let path = self.shared.path.clone();
        Box::pin(async move { crate::incoming::blocking(move || migrate(&path)).await? })
    }

    fn engine(&self) -> &'static str {
        "sqlite"
    }

    fn holds_data_lock(&self) -> bool {
        true
    }

    fn stats(&self) -> DatabaseStats {
        self.shared.stats().clone()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let rows = self.readers.read("PRAGMA quick_check(20)", Vec::new()).await?;
            let lines = rows.into_iter().flatten().filter_map(|value| match value {
                Value::Text(text) if text != "ok" => Some(text),
                _ => None,
            });
            Ok(lines.collect())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.shared.queue.close();
            let threads = std::mem::take(&mut *locked(&self.threads));
            let readers = self.readers.end();
            let shared = Arc::clone(&self.shared);
            let ending = move || {
                for thread in threads.into_iter().chain(readers) {
                    if thread.join().is_err() {
                        tracing::error!("a thread of the store has panicked");
                    }
                }
                // The last connection is gone; what was in the log is in the database.
                drop(shared);
            };
            drop(crate::incoming::blocking(ending).await);
            locked(&self.lock).take();
        })
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.shared.queue.close();
        drop(self.readers.end());
    }
}

impl Shared {
    fn stats(&self) -> MutexGuard<'_, DatabaseStats> {
        locked(&self.stats)
    }

    fn failed(&self, error: &Error) {
        let mut stats = self.stats();
        stats.failures += 1;
        stats.last_error = Some((Instant::now(), error.to_string()));
    }

    /// Asks the committer to pause before its next batch, or lets it go on.
    fn set_pause(&self, pause: bool) {
        *locked(&self.pause.0) = pause;
        self.pause.1.notify_all();
    }

    /// Waits while the checkpointer asks for it.
    fn wait_for_checkpoint(&self) {
        let (pause, changed) = &self.pause;
        let pauses = changed.wait_timeout_while(locked(pause), BUSY_WAIT, |pause| *pause);
        drop(pauses.unwrap_or_else(PoisonError::into_inner));
    }

    fn log_bytes(&self) -> u64 {
        checkpointer::bytes(self.log_pages.load(Ordering::Relaxed))
    }
}

fn ended() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| Error::io("cannot start a thread", &e))
}

/// Makes the file with the right mode; SQLite gives its mode to the log and the index too.
fn make_file(path: &Path) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|e| Error::io(&format!("cannot open {}", path.display()), &e))
}

/// A connection that writes.
fn connect(path: &Path, cache_kib: i64) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| statement::error(&e))?;
    let settings = || -> rusqlite::Result<()> {
        connection.busy_timeout(BUSY_WAIT)?;
        // Only an empty database takes these two; on another they change nothing.
        connection.pragma_update(None, "page_size", 4096)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(rusqlite::Error::InvalidParameterName(format!(
                "the file system allows only the journal mode {mode}, not wal"
            )));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        Ok(())
    };
    settings().map_err(|e| statement::error(&e))?;
    Ok(connection)
}

fn migrate(path: &Path) -> Result<(), Error> {
    let connection = connect(path, 2048)?;
    statement::run(&connection, schema::VERSION_TABLE)?;
    let found = "SELECT coalesce(max(version), 0) FROM schema_version";
    let found: i64 =
        connection.query_row(found, [], |row| row.get(0)).map_err(|e| statement::error(&e))?;
    for step in schema::steps_from(found)? {
        statement::run(&connection, "BEGIN IMMEDIATE")?;
        for sql in schema::statements(step.sql) {
            statement::run(&connection, &sql)?;
        }
        statement::run(&connection, "DELETE FROM schema_version")?;
        let version = format!("INSERT INTO schema_version (version) VALUES ({})", step.to);
        statement::run(&connection, &version)?;
        statement::run(&connection, "COMMIT")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
