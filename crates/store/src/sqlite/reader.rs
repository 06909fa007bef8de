//! The threads that read, each on a connection of its own.

use super::statement::{self, Statements};
use super::{ended, locked, spawn};
use crate::Error;
use crate::database::{Row, Value};
use rusqlite::{Connection, OpenFlags};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Two for mail, so that a long search of the trace or `fsck` never stops both.
const THREADS: usize = 3;
/// Page cache of each, in KiB.
const CACHE_KIB: i64 = 2 * 1024;
/// Reads that may wait; more wait for their turn to wait.
const READS_MAX: usize = 4_096;
/// Waiting for a writer that recovers the log.
const BUSY_WAIT: Duration = Duration::from_secs(10);

struct Job {
    sql: &'static str,
    params: Vec<Value>,
    answer: oneshot::Sender<Result<Vec<Row>, Error>>,
}

#[derive(Debug)]
pub(super) struct Readers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    state: Mutex<State>,
    arrived: Condvar,
    room: Semaphore,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    is_closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            state: Mutex::default(),
            arrived: Condvar::new(),
            room: Semaphore::new(READS_MAX),
        });
        let mut threads = Vec::new();
        for _ in 0..THREADS {
            let shared = Arc::clone(&shared);
            threads.push(spawn("store-read", move || serve(&shared))?);
        }
        Ok(Self { shared, threads: Mutex::new(threads) })
    }

    pub(super) async fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let _room = self.shared.room.acquire().await.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        {
            let mut state = locked(&self.shared.state);
            if state.is_closed {
                return Err(ended());
            }
            state.waiting.push_back(Job { sql, params, answer });
        }
        self.shared.arrived.notify_one();
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Lets the threads end once nothing waits; they are to be joined.
    pub(super) fn end(&self) -> Vec<JoinHandle<()>> {
        locked(&self.shared.state).is_closed = true;
        self.shared.arrived.notify_all();
        std::mem::take(&mut *locked(&self.threads))
    }
}

impl Shared {
    /// The next read; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut state = locked(&self.state);
        loop {
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn serve(shared: &Shared) {
    while let Some(job) = shared.next() {
        // Opened at the first read, and anew after an error that may lie in the connection.
        match connect(&shared.path) {
            Ok(connection) => read_on(shared, &connection, job),
            Err(error) => drop(job.answer.send(Err(error))),
        }
    }
}

/// Reads on one connection until the end, or until it fails.
fn read_on(shared: &Shared, connection: &Connection, first: Job) {
    let mut statements = Statements::new(connection);
    let mut next = Some(first);
    while let Some(job) = next {
        match statements.run(job.sql, &job.params) {
            // A caller that has gone away needs no answer.
            Ok((rows, _)) => drop(job.answer.send(Ok(rows))),
            Err(error) => {
                let error = statement::error(&error);
                tracing::warn!(%error, "a read failed");
                drop(job.answer.send(Err(error)));
                return;
            }
        }
        next = shared.next();
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    };
    connect().map_err(|e| statement::error(&e))
}
