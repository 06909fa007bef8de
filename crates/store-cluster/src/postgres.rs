//! The engine: connections, queues, and the store's trait over them.

use crate::batch::{self, Answer};
use crate::bells;
use crate::committer::{self, Job};
use crate::failure::Failure;
use crate::link::Link;
use crate::migrate;
use crate::target::Target;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::database::BoxFuture;
use store::{Bell, Database, DatabaseStats, Error, Row, Value, Write};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

/// Transactions that may be on their way at once. PostgreSQL makes one sync of those that commit
/// together; more of them wait for the same mailboxes.
const COMMITTERS: usize = 3;
/// Connections for reading; each serves one statement after the other.
const READERS: usize = 4;
/// Writes that wait for a committer; above that, callers wait.
const WRITES_MAX: usize = 4_096;
/// Posted writes that wait; above that, they are dropped and counted.
const POSTS_MAX: usize = 16_384;
/// Bells that wait for NOTIFY or for a slow listener; above that, they are lost.
const BELLS_MAX: usize = 4_096;
/// How long a read may take.
const READ_MAX: Duration = Duration::from_secs(30);

/// PostgreSQL, or what speaks its wire protocol.
#[derive(Debug)]
pub struct Postgres {
    /// Emptied on close: the committers end when their queues do.
    queues: Mutex<Option<Queues>>,
    readers: Vec<Reader>,
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug, Clone)]
struct Queues {
    writes: mpsc::Sender<Job>,
    posts: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Reader {
    link: Link,
    in_flight: AtomicUsize,
}

/// What committers and callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    stats: Mutex<DatabaseStats>,
    here: broadcast::Sender<Bell>,
    /// `None` once closed, so that the bells' task ends.
    others: Mutex<Option<mpsc::Sender<Bell>>>,
}

impl Postgres {
    /// Connects to the database at `url` (`postgres://user:password@host:port/name`; with TLS:
    /// `?sslmode=require&sslrootcert=FILE`). Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the address cannot be read, [`Error::Unavailable`] if the database
    /// does not answer.
    pub async fn connect(url: &str) -> Result<Arc<dyn Database>, Error> {
        let target = Target::parse(url)?;
        let first = Link::new(target.clone());
        warn_if_careless(&first).await?;
        let (here, _) = broadcast::channel(BELLS_MAX);
        let (others, ours) = mpsc::channel(BELLS_MAX);
        let shared = Arc::new(Shared {
            stats: Mutex::default(),
            here: here.clone(),
            others: Mutex::new(Some(others)),
        });
        let (writes, write_queue) = mpsc::channel(WRITES_MAX);
        let (posts, post_queue) = mpsc::channel(POSTS_MAX);
        let write_queue = Arc::new(tokio::sync::Mutex::new(write_queue));
        let post_queue = Arc::new(tokio::sync::Mutex::new(post_queue));
        let mut tasks = JoinSet::new();
        for _ in 0..COMMITTERS {
            let link = Link::new(target.clone());
            tasks.spawn(committer::run(Arc::clone(&write_queue), link, Arc::clone(&shared)));
        }
        // Posted writes change rows in no order (hits, counts): one committer for all of them.
        tasks.spawn(committer::run(post_queue, Link::new(target.clone()), Arc::clone(&shared)));
        tasks.spawn(bells::run(target.clone(), ours, here));
        let mut readers = vec![Reader { link: first, in_flight: AtomicUsize::new(0) }];
        readers.resize_with(READERS, || Reader {
            link: Link::new(target.clone()),
            in_flight: AtomicUsize::new(0),
        });
        let queues = Mutex::new(Some(Queues { writes, posts }));
        Ok(Arc::new(Self { queues, readers, shared, tasks: Mutex::new(tasks) }))
    }

    fn queues(&self) -> Result<Queues, Error> {
        lock(&self.queues).clone().ok_or_else(closed)
    }

    async fn submit(&self, write: Write) -> Answer {
        let (answer, waiting) = oneshot::channel();
        let job = Job { write, answer: Some(answer) };
        self.queues()?.writes.send(job).await.map_err(|_| closed())?;
        waiting.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn look(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.queues()?;
        let reader = self.readers.iter().min_by_key(|r| r.in_flight.load(Ordering::Relaxed));
        let reader = reader.ok_or_else(closed)?;
        let _busy = Busy::new(&reader.in_flight);
        // A connection that was closed while it was idle is found out by using it: twice at most.
        let mut is_fresh = false;
        loop {
            let connection = reader.link.get().await?;
            let reading = batch::read(&connection, sql, &params);
            let Ok(result) = tokio::time::timeout(READ_MAX, reading).await else {
                reader.link.lose().await;
                return Err(Error::Unavailable("postgresql: a read took too long".to_owned()));
            };
            match result {
                Ok(rows) => return Ok(rows),
                Err(Failure::Gone(_)) if !is_fresh => {
                    reader.link.lose().await;
                    is_fresh = true;
                }
                Err(failure) => return Err(failure.into_error()),
            }
        }
    }
}

impl Database for Postgres {
    fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(self.look(sql, params))
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Vec<Vec<Row>>, Error>> {
        Box::pin(self.submit(write))
    }

    fn post(&self, write: Write) {
        let job = Job { write, answer: None };
        let is_queued = self.queues().is_ok_and(|queues| queues.posts.try_send(job).is_ok());
        if !is_queued {
            lock(&self.shared.stats).dropped += 1;
        }
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            // An empty write behind all others: answered when those before it are done with.
            let (answer, waiting) = oneshot::channel();
            let job = Job { write: Write::default(), answer: Some(answer) };
            self.queues()?.posts.send(job).await.map_err(|_| closed())?;
            waiting.await.map(drop).map_err(|_| closed())
        })
    }

    fn listen(&self) -> broadcast::Receiver<Bell> {
        self.shared.here.subscribe()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            let reader = self.readers.first().ok_or_else(closed)?;
            migrate::migrate(&*reader.link.get().await?).await
        })
    }

    fn engine(&self) -> &'static str {
        "postgresql"
    }

    fn stats(&self) -> DatabaseStats {
        lock(&self.shared.stats).clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            drop(lock(&self.queues).take());
            drop(lock(&self.shared.others).take());
            let mut tasks = std::mem::take(&mut *lock(&self.tasks));
            while tasks.join_next().await.is_some() {}
            for reader in &self.readers {
                reader.link.lose().await;
            }
        })
    }
}

impl Shared {
    /// Rings here and, by the bells' task, on other nodes.
    pub(crate) fn ring(&self, bells: &[Bell]) {
        for bell in bells {
            // Nobody listens, or too many wait: a bell may be lost.
            let _ = self.here.send(*bell);
            if let Some(others) = &*lock(&self.others) {
                let _ = others.try_send(*bell);
            }
        }
    }

    /// Counts a batch, of which nobody waits for `posted` writes.
    pub(crate) fn count(
        &self,
        writes: &[&Write],
        outcome: &Result<Vec<Answer>, Error>,
        posted: usize,
    ) {
        let mut stats = lock(&self.stats);
        match outcome {
            Ok(answers) => {
                let refused = answers.iter().filter(|answer| answer.is_err()).count() as u64;
                stats.commits += 1;
                stats.writes += writes.len() as u64;
                stats.statements += writes.iter().map(|w| w.statements.len() as u64).sum::<u64>();
                stats.conflicts += refused;
                stats.batch_max = stats.batch_max.max(writes.len() as u64);
                if posted > 0 {
                    stats.dropped += refused;
                }
            }
            Err(error) => {
                stats.failures += 1;
                stats.dropped += posted as u64;
                stats.last_error = Some((Instant::now(), error.to_string()));
            }
        }
    }
}

/// Counts a read for as long as it lasts, also when its caller goes away.
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A database that does not sync its log forgets what was acknowledged when its power fails. Whose
/// it is decides; we say it aloud.
async fn warn_if_careless(link: &Link) -> Result<(), Error> {
    let connection = link.get().await?;
    for setting in ["fsync", "full_page_writes"] {
        let sql = format!("SHOW {setting}");
        let row = connection.client.query_one(&sql, &[]).await;
        let value: Option<String> = row.ok().and_then(|row| row.try_get(0).ok());
        if value.as_deref() == Some("off") {
            tracing::error!("the database has {setting} = off: it can lose acknowledged mail");
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}
