//! The store itself: opened once a process, shared by every room.

use crate::database::{Bell, Database, Expect, Statement, Value, Write};
use crate::disk::Disk;
use crate::folder::{DataFolder, DataLock};
use crate::ids::Ids;
use crate::in_flight::{InFlight, Numbered};
use crate::trace::Notes;
use crate::{Body, Directory, Error, Incoming};
use arc_swap::ArcSwap;
use mail::{Id, MessageId, Secret};
use net::Clock;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// The organisation that everything belongs to until several share a server.
const FIRST_ORGANISATION: i64 = 1;

/// What can be chosen about a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// How long the trace, and the ledger of what is gone, are kept: days. 0 keeps them for ever.
    pub retention_days: u32,
    /// How long something is held in the quarantine: days. 0 holds it for ever.
    pub quarantine_days: u32,
    /// Bytes of all that is held; above that the oldest goes.
    pub quarantine_bytes: u64,
    /// Bytes free on the disk below which [`Store::disk_ok`] is false. With 0 here and below the
    /// disk is not watched, and no ballast is kept.
    pub disk_free_min_bytes: u64,
    /// The same as a part of the disk; the larger counts.
    pub disk_free_min_percent: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            retention_days: 30,
            quarantine_days: 30,
            quarantine_bytes: 5 << 30,
            disk_free_min_bytes: 1 << 30,
            disk_free_min_percent: 5,
        }
    }
}

/// All durable state.
#[derive(Debug)]
pub struct Store {
    pub(crate) db: Arc<dyn Database>,
    pub(crate) clock: Clock,
    pub(crate) folder: DataFolder,
    /// Days that trace and ledger are kept.
    retention_days: AtomicU32,
    /// Days that something is held.
    pub(crate) quarantine_days: AtomicU32,
    /// Bytes of all that is held.
    pub(crate) quarantine_bytes: AtomicU64,
    pub(crate) organisation: i64,
    pub(crate) node: i64,
    pub(crate) ids: Ids,
    /// Every id that was handed out before this process began is smaller.
    pub(crate) first_id: Id,
    pub(crate) in_flight: InFlight,
    pub(crate) notes: Notes,
    pub(crate) disk: Arc<Disk>,
    /// See [`Store::salt_key`].
    pub(crate) salt_key: Secret<[u8; 32]>,
    /// See [`Store::forwarding_key`].
    pub(crate) forwarding_key: Secret<[u8; 32]>,
    /// Held by who changes the directory.
    pub(crate) changing: tokio::sync::Mutex<()>,
    directory: ArcSwap<Directory>,
    /// Held by who brings the directory up to date, so that none puts an older one in its place.
    loading: tokio::sync::Mutex<()>,
    lock: Mutex<Option<DataLock>>,
    housekeeper: Mutex<Option<JoinHandle<()>>>,
}

/// What an administrator wants to know at a glance.
#[derive(Debug, Clone)]
pub struct StoreStatus {
    /// The engine's name.
    pub engine: &'static str,
    /// Commits since the start.
    pub commits: u64,
    /// Writes in them.
    pub writes: u64,
    /// Commits that failed since the start.
    pub failures: u64,
    /// The newest failure, and when it happened.
    pub last_error: Option<String>,
    /// Bytes that wait in the write-ahead log; 0 where there is none.
    pub log_bytes: u64,
    /// Bytes free where the data is.
    pub disk_free: u64,
    /// Bytes free below which no mail is accepted; 0 where the disk is not watched.
    pub disk_min: u64,
    /// Whether mail is accepted as far as the disk goes.
    pub disk_ok: bool,
    /// Trace rows of refusals that were lost, because too many waited or a commit failed.
    pub notes_lost: u64,
}

impl Store {
    /// Opens the store with the defaults of [`StoreOptions`].
    ///
    /// # Errors
    /// See [`Store::open_with`].
    pub async fn open(
        db: Arc<dyn Database>,
        data: &Path,
        clock: Clock,
        node: &str,
    ) -> Result<Arc<Self>, Error> {
        Self::open_with(db, data, clock, node, StoreOptions::default()).await
    }

    /// Opens the store: brings the schema up to date, loads the directory and starts the
    /// housekeeper. `node` names this machine in what it writes.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has the data folder, [`Error::TooNew`] if a newer
    /// program wrote the database; the database's and the disk's.
    pub async fn open_with(
        db: Arc<dyn Database>,
        data: &Path,
        clock: Clock,
        node: &str,
        options: StoreOptions,
    ) -> Result<Arc<Self>, Error> {
        let data = data.to_owned();
        let takes_lock = !db.holds_data_lock();
        let (lock, folder) = crate::incoming::blocking(move || {
            let lock = if takes_lock { Some(DataLock::acquire(&data)?) } else { None };
            let folder = DataFolder::prepare(&data)?;
            Ok::<_, Error>((lock, folder))
        })
        .await??;
        db.migrate().await?;
        let ids = Ids::default();
        let first_id = ids.get(&*db, 1).await?.start;
        let node = register(&*db, &ids, &clock, node).await?;
        let directory = Directory::load(&*db).await?;
        let [salt_key, forwarding_key] = crate::directory::keys(&*db).await?;
        let store = Arc::new(Self {
            db,
            clock,
            folder,
            disk: Arc::new(Disk::new(options.disk_free_min_bytes, options.disk_free_min_percent)),
            retention_days: AtomicU32::new(options.retention_days),
            quarantine_days: AtomicU32::new(options.quarantine_days),
            quarantine_bytes: AtomicU64::new(options.quarantine_bytes),
            organisation: FIRST_ORGANISATION,
            node,
            ids,
            first_id,
            in_flight: InFlight::default(),
            notes: Notes::default(),
            salt_key,
            forwarding_key,
            changing: tokio::sync::Mutex::default(),
            directory: ArcSwap::from_pointee(directory),
            loading: tokio::sync::Mutex::default(),
            lock: Mutex::new(lock),
            housekeeper: Mutex::default(),
        });
        store.look_at_disk().await;
        let housekeeper = tokio::spawn(crate::housekeeper::keep(Arc::downgrade(&store)));
        *locked(&store.housekeeper) = Some(housekeeper);
        Ok(store)
    }

    /// Ends the housekeeper, commits what waits, and gives the data folder free.
    pub async fn close(&self) {
        let housekeeper = locked(&self.housekeeper).take();
        if let Some(task) = housekeeper {
            task.abort();
            // Aborted is what it must say.
            drop(task.await);
        }
        if let Some(write) = self.notes.counted(self.node) {
            self.db.post(write);
        }
        if let Err(error) = self.db.flush().await {
            tracing::warn!(%error, "what waited could not be written at the end");
        } else if let Err(error) = self.ids.give_back(&*self.db).await {
            tracing::debug!(%error, "ids are left unused");
        }
        self.db.close().await;
        locked(&self.lock).take();
    }

    /// Puts other options in force, while the store is open.
    pub async fn set_options(&self, options: &StoreOptions) {
        self.retention_days.store(options.retention_days, Ordering::Relaxed);
        self.quarantine_days.store(options.quarantine_days, Ordering::Relaxed);
        self.quarantine_bytes.store(options.quarantine_bytes, Ordering::Relaxed);
        self.disk.set_min(options.disk_free_min_bytes, options.disk_free_min_percent);
        self.look_at_disk().await;
    }

    pub(crate) fn retention_days(&self) -> i64 {
        self.retention_days.load(Ordering::Relaxed).into()
    }

    /// The directory as it is now.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Brings the directory up to date, with the hits counted so far.
    ///
    /// # Errors
    /// The database's.
    pub async fn reload_directory(&self) -> Result<(), Error> {
        self.db.flush().await?;
        self.catch_up_directory().await?;
        let _one = self.loading.lock().await;
        let mut directory = Directory::clone(&self.directory());
        directory.load_rules(&*self.db).await?;
        self.directory.store(Arc::new(directory));
        Ok(())
    }

    /// Takes in what was changed since the directory was looked at, here or on another node.
    pub(crate) async fn catch_up_directory(&self) -> Result<(), Error> {
        let _one = self.loading.lock().await;
        let known = self.directory();
        let mut directory = Directory::clone(&known);
        if !directory.catch_up(&*self.db).await? {
            directory = Directory::load(&*self.db).await?;
        }
        if directory.version != known.version {
            self.directory.store(Arc::new(directory));
        }
        Ok(())
    }

    /// `n` ids in a row that were never handed out before, by any process.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than 65,536 at once; the database's, when a block is used up
    /// and no new one can be had.
    pub async fn ids(&self, n: i64) -> Result<Range<Id>, Error> {
        self.ids.get(&*self.db, n).await
    }

    /// Ids for rows that are written at once: who indexes them waits for the write.
    pub(crate) async fn numbered(&self, n: i64) -> Result<Numbered, Error> {
        let flight = self.in_flight.begin(self.ids.floor());
        Ok(Numbered { ids: self.ids(n).await?, _flight: flight })
    }

    /// A body about to be received.
    pub fn incoming(self: &Arc<Self>) -> Incoming {
        Incoming::new(Arc::clone(self))
    }

    /// The number of a message about to be judged. A body that is a file has had its number since
    /// it became one, and a message is kept under that of its body.
    ///
    /// # Errors
    /// See [`Store::ids`].
    pub async fn message_id(&self, body: &Body) -> Result<MessageId, Error> {
        match body.file() {
            Some(file) => Ok(MessageId(file.id)),
            None => Ok(MessageId(self.ids(1).await?.start)),
        }
    }

    /// Whether the disk has room for new mail, by [`StoreOptions`]. Looked at every second.
    pub fn disk_ok(&self) -> bool {
        self.disk.is_ok() && !self.disk.is_exhausted()
    }

    /// Hints about what was committed.
    pub fn bell(&self) -> broadcast::Receiver<Bell> {
        self.db.listen()
    }

    /// The state at a glance.
    pub async fn status(&self) -> StoreStatus {
        self.look_at_disk().await;
        let counted = self.db.stats();
        let at = |since: Instant| {
            let ago = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.clock.now().plus_millis(ago.saturating_neg()).rfc3339()
        };
        StoreStatus {
            engine: self.db.engine(),
            commits: counted.commits,
            writes: counted.writes,
            failures: counted.failures,
            last_error: counted.last_error.map(|(since, text)| format!("{} {text}", at(since))),
            log_bytes: counted.wal_bytes,
            disk_free: self.disk.free(),
            disk_min: self.disk.min(),
            disk_ok: self.disk_ok(),
            notes_lost: self.notes.lost_count() + counted.dropped,
        }
    }

    pub(crate) async fn look_at_disk(&self) {
        let (disk, folder) = (Arc::clone(&self.disk), self.folder.clone());
        // At shutdown there is nothing to look at any more.
        drop(crate::incoming::blocking(move || disk.look(&folder)).await);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().0
    }
}

/// The number of this node, new if its name is.
async fn register(db: &dyn Database, ids: &Ids, clock: &Clock, name: &str) -> Result<i64, Error> {
    let id = ids.get(db, 1).await?.start;
    let now: Value = clock.now().0.into();
    let organisation = Statement::new(
        "INSERT INTO organisation (id, name, valid_from) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING",
        vec![FIRST_ORGANISATION.into(), "".into(), now.clone()],
    );
    let node = Statement::new(
        "INSERT INTO node (id, name, first_seen, last_seen) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (name) DO UPDATE SET last_seen = $3 RETURNING id",
        vec![id.into(), name.into(), now],
    );
    let rows = db.write(Write::new(vec![organisation, node.expect(Expect::Rows(1))])).await?;
    rows.last()
        .and_then(|rows| rows.first())
        .and_then(|row| row.first())
        .and_then(Value::as_int)
        .ok_or_else(|| Error::Corrupt("this node has no number".to_owned()))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
