//! The pool: some workers, one job each at a time, and a bounded number of jobs that wait.

use super::frame::REQUEST_MAX;
use super::spawner::Spawner;
use super::start::{Broken, Starter, Worker};
use sandbox::Nursery;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Body;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How long a job may take in all. Its CPU is limited by the kernel; this is for a machine that
/// stands still, and for a worker that was taken over and waits.
const JOB_LIMIT: Duration = Duration::from_secs(30);
/// Jobs that may wait for each worker: more would only wait until their sessions give up.
const WAITING_PER_WORKER: usize = 64;
/// How long a system that could not lock a worker down is taken not to be able to.
const UNLOCKED_FOR: Duration = Duration::from_secs(60);
/// The least number of workers where the settings leave it open: one that is busy with a bomb must
/// not hold up the rest.
const COUNT_MIN: usize = 2;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The message needs more of this (`cpu`, `memory`, `answer`) than any may: that is a fact
    /// about the message, and will not change.
    #[error("the message takes more {0} to look into than any may")]
    TooComplex(&'static str),
    /// The worker ended otherwise, or was not started. Another time it may go well.
    #[error("a worker crashed: {0}")]
    Crashed(String),
    /// It did not answer in time. Another time it may.
    #[error("a worker did not answer in time")]
    Timeout,
    /// Too many jobs wait already.
    #[error("too many messages wait to be looked into")]
    Busy,
    /// This system cannot lock a worker down, so none is used.
    #[error("workers cannot be locked down: {0}")]
    NoSandbox(String),
    /// The message itself could not be read.
    #[error("the message cannot be read: {0}")]
    Body(String),
}

/// The size of a pool.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many workers there are at most; 0: as many as processors, and at least two.
    pub count: usize,
    /// The longest message, in bytes.
    pub message_max: u64,
}

/// What a pool did and has, for `gatepost status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// How many workers there may be.
    pub count: usize,
    /// Workers that wait for a job.
    pub idle: usize,
    /// Workers that have one.
    pub busy: usize,
    /// Workers started since the start of the pool.
    pub started: u64,
    /// Of these, who crashed or did not answer in time.
    pub crashed: u64,
    /// Of these, who were ended by their limits of CPU and memory.
    pub too_complex: u64,
    /// What the newest worker tried in vain; empty before the first.
    pub proof: String,
    /// Why workers cannot be locked down, where they cannot.
    pub unlocked: Option<String>,
}

/// The workers of one server, or of one command.
#[derive(Debug)]
pub struct Pool {
    starter: Arc<Starter>,
    count: usize,
    message_max: AtomicU64,
    /// One permit for each job that is done.
    turns: Semaphore,
    /// One permit for each job that is done or waits.
    places: Semaphore,
    idle: Mutex<Vec<Worker>>,
    started: AtomicU64,
    crashed: AtomicU64,
    too_complex: AtomicU64,
    proof: Mutex<String>,
    unlocked: Mutex<Option<(Instant, String)>>,
}

impl Pool {
    /// A pool whose workers this spawner starts.
    pub fn new(spawner: Spawner, options: Options) -> Self {
        Self::with(Starter::Spawner(spawner), options)
    }

    /// A pool that starts its workers itself, for commands that run without a server.
    pub fn direct(options: Options) -> Self {
        let nursery = Arc::new(Nursery::default());
        Self::with(Starter::Here { nursery, next: AtomicU64::new(0) }, options)
    }

    fn with(starter: Starter, options: Options) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = match options.count {
            0 => processors.max(COUNT_MIN),
            count => count,
        };
        Self {
            starter: Arc::new(starter),
            count,
            message_max: AtomicU64::new(options.message_max),
            turns: Semaphore::new(count),
            places: Semaphore::new(count.saturating_mul(WAITING_PER_WORKER + 1)),
            idle: Mutex::default(),
            started: AtomicU64::default(),
            crashed: AtomicU64::default(),
            too_complex: AtomicU64::default(),
            proof: Mutex::default(),
            unlocked: Mutex::default(),
        }
    }

    /// Puts another longest message in force for workers that start from now on.
    pub fn set_message_max(&self, message_max: u64) {
        self.message_max.store(message_max, Ordering::Relaxed);
    }

    /// Starts the first worker before there is a job, so that the log says at the start whether
    /// workers can be locked down.
    pub async fn prepare(&self) {
        if let Ok(_turn) = self.turns.acquire().await
            && let Ok(worker) = self.start().await
        {
            tracing::info!(
                workers = self.count,
                proof = lock(&self.proof).as_str(),
                "a worker is locked down"
            );
            lock(&self.idle).push(worker);
        }
    }

    /// Has a worker look at a message: what [`inside::Work`](super::inside::Work) makes of
    /// `request` (at most [`REQUEST_MAX`] bytes) and the bytes of `body`. The answer has at most
    /// [`ANSWER_MAX`](super::ANSWER_MAX) bytes, and is not to be trusted. If the caller gives up,
    /// the worker is killed.
    ///
    /// # Errors
    /// No answer, and whose doing that is. Only [`Fault::TooComplex`] is the message's.
    pub async fn ask(&self, body: &Body, request: &[u8]) -> Result<Vec<u8>, Fault> {
        if request.len() > REQUEST_MAX {
            return Err(Fault::Crashed("the request is too long".to_owned()));
        }
        let _place = self.places.try_acquire().map_err(|_| Fault::Busy)?;
        let _turn = self.turn().await?;
        let mut worker = self.worker(body.size()).await?;
        let exchange = tokio::time::timeout(JOB_LIMIT, worker.exchange(request, body)).await;
        let fault = match exchange {
            Ok(Ok((answer, again))) => {
                if again {
                    lock(&self.idle).push(worker);
                }
                return Ok(answer);
            }
            Ok(Err(Broken::Body(error))) => return Err(Fault::Body(error.to_string())),
            Ok(Err(Broken::AnswerTooLong)) => Fault::TooComplex("answer"),
            Ok(Err(Broken::Worker(error))) => worker.autopsy(&error).await,
            Err(_) => Fault::Timeout,
        };
        Err(self.counted(fault))
    }

    /// What the pool did and has.
    pub fn state(&self) -> State {
        let proof = lock(&self.proof).clone();
        State {
            count: self.count,
            idle: lock(&self.idle)
                .iter_mut()
                .filter_map(|worker| worker.lives().then_some(()))
                .count(),
            busy: self.count.saturating_sub(self.turns.available_permits()),
            started: self.started.load(Ordering::Relaxed),
            crashed: self.crashed.load(Ordering::Relaxed),
            too_complex: self.too_complex.load(Ordering::Relaxed),
            proof,
            unlocked: lock(&self.unlocked).as_ref().map(|(_, why)| why.clone()),
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.turns.acquire().await.map_err(|_| Fault::Busy)
    }

    /// A worker that lives and has memory for the message: the one that was busy last, whose memory
    /// is warm, or a new one.
    async fn worker(&self, size: u64) -> Result<Worker, Fault> {
        loop {
            // Dropped below, not while the list is held: that may tell the spawner to kill it.
            let next = lock(&self.idle).pop();
            let Some(mut worker) = next else { break };
            if !worker.lives() {
                self.counted(Fault::Crashed(
                    "a worker ended while it had nothing to do".to_owned(),
                ));
            } else if worker.message_max >= size {
                return Ok(worker);
            }
        }
        if size > self.message_max.load(Ordering::Relaxed) {
            self.set_message_max(size);
        }
        self.start().await
    }

    async fn start(&self) -> Result<Worker, Fault> {
        if let Some((until, why)) = &*lock(&self.unlocked)
            && Instant::now() < *until
        {
            return Err(Fault::NoSandbox(why.clone()));
        }
        let message_max = self.message_max.load(Ordering::Relaxed);
        self.started.fetch_add(1, Ordering::Relaxed);
        let started = Worker::start(&self.starter, message_max).await;
        match &started {
            Ok(worker) => {
                *lock(&self.unlocked) = None;
                if let Some(proof) = &worker.proof {
                    *lock(&self.proof) = proof.to_string();
                }
            }
            Err(Fault::NoSandbox(why)) => {
                *lock(&self.unlocked) = Some((Instant::now() + UNLOCKED_FOR, why.clone()));
                tracing::error!(
                    why,
                    "workers cannot be locked down, so mail that has to be looked into is \
                     deferred: the kernel or the container must allow seccomp filters"
                );
            }
            Err(_) => {}
        }
        started.map_err(|fault| self.counted(fault))
    }

    /// Counts and logs what became of a worker.
    fn counted(&self, fault: Fault) -> Fault {
        match &fault {
            Fault::TooComplex(of) => {
                self.too_complex.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(of, "a worker was ended by its limits");
            }
            Fault::Crashed(_) | Fault::Timeout => {
                self.crashed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%fault, "a worker is lost, and replaced");
            }
            Fault::Busy | Fault::NoSandbox(_) | Fault::Body(_) => {}
        }
        fault
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
