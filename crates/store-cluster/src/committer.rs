//! Committers: each takes what has gathered, makes one transaction of it, and answers.
//!
//! Nobody sleeps to gather: the next batch is what arrived while the last one was on its way. A few
//! committers keep the database's own group commit busy; they share one queue.

use crate::batch::{self, Answer, Broken};
use crate::link::Link;
use crate::postgres::Shared;
use std::sync::Arc;
use std::time::Duration;
use store::{Error, NewName, Write};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Bytes in one transaction: what it has to send again when it is retried.
const BYTES_MAX: usize = 4 << 20;
/// Statements in one transaction; the locks it holds are held that long.
const STATEMENTS_MAX: usize = 5_000;
/// How often a batch is tried that collides with others (40001, 40P01).
const ATTEMPTS: u32 = 6;
/// Before the second attempt; doubled for each further one.
const RETRY_PAUSE: Duration = Duration::from_millis(5);
/// The longest that a batch may take; then the connection is given up.
const BATCH_MAX: Duration = Duration::from_secs(60);

/// A write that waits for its commit.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) write: Write,
    /// `None`: nobody waits.
    pub(crate) answer: Option<oneshot::Sender<Answer>>,
}

/// The queue that committers share.
pub(crate) type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

/// Commits until the queue is closed and empty.
pub(crate) async fn run(queue: Queue, link: Link, shared: Arc<Shared>) {
    while let Some(jobs) = take(&queue).await {
        let jobs = settle_names(jobs, &shared).await;
        let writes: Vec<&Write> = jobs.iter().map(|job| &job.write).collect();
        let outcome = commit(&link, &writes).await;
        shared.count(&writes, &outcome, jobs.iter().filter(|job| job.answer.is_none()).count());
        answer(jobs, outcome, &shared);
    }
}

/// Waits for a write and takes all that are there with it.
async fn take(queue: &Queue) -> Option<Vec<Job>> {
    let mut queue = queue.lock().await;
    let first = queue.recv().await?;
    let mut bytes = first.write.size();
    let mut statements = first.write.statements.len();
    let mut jobs = vec![first];
    while bytes < BYTES_MAX && statements < STATEMENTS_MAX {
        let Ok(job) = queue.try_recv() else { break };
        bytes += job.write.size();
        statements += job.write.statements.len();
        jobs.push(job);
    }
    Some(jobs)
}

/// Tries the batch until it is committed or not to be saved.
async fn commit(link: &Link, writes: &[&Write]) -> Result<Vec<Answer>, Error> {
    let mut pause = RETRY_PAUSE;
    let mut is_fresh = false;
    let mut attempt = 0;
    loop {
        let connection = link.get().await?;
        attempt += 1;
        let result = tokio::time::timeout(BATCH_MAX, batch::commit(&connection, writes)).await;
        let Ok(result) = result else {
            link.lose().await;
            return Err(Error::Unavailable("postgresql: a batch took too long".to_owned()));
        };
        match result {
            Ok(answers) => return Ok(answers),
            Err(Broken::Again(text)) if attempt >= ATTEMPTS => {
                return Err(Error::Unavailable(text));
            }
            Err(Broken::Again(text)) => {
                tracing::debug!("a batch is tried again: {text}");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            // Nothing of it is kept. An idle connection may have been closed long ago, so one
            // fresh one is tried before anybody is told.
            Err(Broken::Gone(text)) => {
                link.lose().await;
                if is_fresh {
                    return Err(Error::Unavailable(text));
                }
                is_fresh = true;
            }
            Err(Broken::Fatal(error)) => {
                link.lose().await;
                return Err(error);
            }
        }
    }
}

/// Brings the names of new files to stable storage. Who needs one that cannot be is answered here
/// and leaves the batch.
async fn settle_names(jobs: Vec<Job>, shared: &Shared) -> Vec<Job> {
    let names: Vec<Vec<NewName>> = jobs.iter().map(|job| job.write.new_names.clone()).collect();
    if names.iter().all(Vec::is_empty) {
        return jobs;
    }
    let settle = |names: Vec<NewName>| names.iter().try_for_each(NewName::settle);
    let settle = move || names.into_iter().map(settle).collect::<Vec<Result<(), Error>>>();
    let settled = match tokio::task::spawn_blocking(settle).await {
        Ok(settled) => settled,
        Err(error) => {
            // A panic in there is a bug; nothing may be acknowledged after it.
            let error = Error::Unavailable(format!("syncing folders: {error}"));
            answer(jobs, Err(error), shared);
            return Vec::new();
        }
    };
    let mut sound = Vec::with_capacity(jobs.len());
    for (job, settled) in jobs.into_iter().zip(settled) {
        match settled {
            Ok(()) => sound.push(job),
            Err(error) => answer(vec![job], Err(error), shared),
        }
    }
    sound
}

/// Rings, then answers.
fn answer(jobs: Vec<Job>, outcome: Result<Vec<Answer>, Error>, shared: &Shared) {
    match outcome {
        Ok(answers) => {
            for (job, answer) in jobs.into_iter().zip(answers) {
                if answer.is_ok() {
                    shared.ring(&job.write.bells);
                }
                if let Some(waiting) = job.answer {
                    // Who went away is not told.
                    let _ = waiting.send(answer);
                }
            }
        }
        Err(error) => {
            for waiting in jobs.into_iter().filter_map(|job| job.answer) {
                let _ = waiting.send(Err(error.clone()));
            }
        }
    }
}
