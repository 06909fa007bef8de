//! What waits for the committer: writes in the order they came, bounded.

use super::{ended, locked};
use crate::Error;
use crate::database::{Row, Write};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// Writes that may wait; more wait for their turn to wait.
const WRITES_MAX: usize = 4_096;
/// Posted writes that may wait; more are dropped.
const POSTS_MAX: usize = 10_000;
/// How long a posted write waits for another's commit to ride.
const POST_WAIT: Duration = Duration::from_millis(100);
/// How long the committer is idle before it looks for what may be done then.
const IDLE: Duration = Duration::from_secs(1);
/// Statements in one batch.
const STATEMENTS_MAX: usize = 5_000;
/// Bytes in one batch.
const BYTES_MAX: usize = 4 << 20;

pub(super) type Answer = oneshot::Sender<Result<Vec<Vec<Row>>, Error>>;

/// What is asked of the committer.
pub(super) enum Job {
    /// To be answered when it is durable.
    Write(Write, Answer),
    /// To be answered when all before it is done.
    Barrier(oneshot::Sender<()>),
}

enum Waiting {
    Job(Job),
    Post(Write),
}

/// A batch for one commit.
#[derive(Default)]
pub(super) struct Batch {
    /// Those with an answer are waited for.
    pub(super) writes: Vec<(Write, Option<Answer>)>,
    /// Answered after the commit.
    pub(super) barriers: Vec<oneshot::Sender<()>>,
}

/// What the committer finds when it looks.
pub(super) enum Next {
    Batch(Batch),
    /// Nothing came for a while.
    Idle,
    /// Nothing will come any more.
    Closed,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    room: Semaphore,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    posts: usize,
    /// When the oldest post that still waits came.
    posted_since: Option<Instant>,
    /// Posts that are being committed.
    posts_under_way: bool,
    is_closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), room: Semaphore::new(WRITES_MAX) }
    }

    /// Hands over a job; waits while too many wait.
    pub(super) async fn push(&self, job: Job) -> Result<(), Error> {
        // Given back by the committer when it takes the job.
        self.room.acquire().await.map_err(|_| ended())?.forget();
        let mut state = locked(&self.state);
        if state.is_closed {
            return Err(ended());
        }
        state.waiting.push_back(Waiting::Job(job));
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Hands over a write that nobody waits for; `false` if too many wait.
    pub(super) fn post(&self, write: Write) -> bool {
        let mut state = locked(&self.state);
        if state.is_closed || state.posts >= POSTS_MAX {
            return false;
        }
        state.posts += 1;
        state.waiting.push_back(Waiting::Post(write));
        let is_first = state.posted_since.is_none();
        state.posted_since.get_or_insert_with(Instant::now);
        drop(state);
        if is_first {
            self.arrived.notify_one();
        }
        true
    }

    /// Whether posts wait or are being committed.
    pub(super) fn has_posts(&self) -> bool {
        let state = locked(&self.state);
        state.posts > 0 || state.posts_under_way
    }

    /// Nothing more is taken; what waits is still committed.
    pub(super) fn close(&self) {
        locked(&self.state).is_closed = true;
        self.room.close();
        self.arrived.notify_all();
    }

    /// Everything that has gathered, up to the bounds of a batch; waits while there is nothing.
    pub(super) fn next(&self) -> Next {
        let mut state = locked(&self.state);
        state.posts_under_way = false;
        let idle_at = Instant::now() + IDLE;
        loop {
            let now = Instant::now();
            let has_jobs = state.waiting.len() > state.posts;
            let posts_due = state.posted_since.map(|since| since + POST_WAIT);
            let is_due = posts_due.is_some_and(|due| due <= now || state.is_closed);
            if has_jobs || is_due {
                let batch = state.take();
                self.room.add_permits(batch.barriers.len() + batch.answered());
                return Next::Batch(batch);
            }
            if state.is_closed {
                return Next::Closed;
            }
            let until = posts_due.unwrap_or(idle_at).min(idle_at);
            if until <= now {
                return Next::Idle;
            }
            let waited = self.arrived.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Batch {
    fn answered(&self) -> usize {
        self.writes.iter().filter(|(_, answer)| answer.is_some()).count()
    }
}

impl State {
    fn take(&mut self) -> Batch {
        let mut batch = Batch::default();
        let (mut statements, mut bytes) = (0, 0);
        while let Some(next) = self.waiting.pop_front() {
            let (write, answer) = match next {
                Waiting::Job(Job::Barrier(answer)) => {
                    batch.barriers.push(answer);
                    continue;
                }
                Waiting::Job(Job::Write(write, answer)) => (write, Some(answer)),
                Waiting::Post(write) => (write, None),
            };
            statements += write.statements.len();
            bytes += write.size();
            if !batch.writes.is_empty() && (statements > STATEMENTS_MAX || bytes > BYTES_MAX) {
                self.waiting.push_front(match answer {
                    Some(answer) => Waiting::Job(Job::Write(write, answer)),
                    None => Waiting::Post(write),
                });
                break;
            }
            if answer.is_none() {
                self.posts -= 1;
                self.posts_under_way = true;
            }
            batch.writes.push((write, answer));
        }
        if self.posts == 0 {
            self.posted_since = None;
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{Job, Next, POSTS_MAX, Queue, STATEMENTS_MAX};
    use crate::database::{Statement, Write};
    use tokio::sync::oneshot;

    fn write(statements: usize) -> Write {
        Write::new(vec![Statement::new("SELECT 1", Vec::new()); statements])
    }

    fn taken(queue: &Queue) -> Vec<usize> {
        match queue.next() {
            Next::Batch(batch) => {
                batch.writes.iter().map(|(write, _)| write.statements.len()).collect()
            }
            _ => Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_batch_is_bounded_and_keeps_the_order() {
        let queue = Queue::new();
        queue.post(write(1));
        for n in [2, STATEMENTS_MAX - 3, 7] {
            queue.push(Job::Write(write(n), oneshot::channel().0)).await.unwrap();
        }
        assert_eq!(taken(&queue), [1, 2, STATEMENTS_MAX - 3]);
        assert!(queue.has_posts(), "on its way");
        assert_eq!(taken(&queue), [7]);
        assert!(!queue.has_posts());
    }

    #[test]
    fn posts_are_bounded_and_wait_for_company() {
        let queue = Queue::new();
        for _ in 0..POSTS_MAX {
            assert!(queue.post(write(0)));
        }
        assert!(!queue.post(write(0)));
        assert_eq!(taken(&queue).len(), POSTS_MAX);
        assert!(queue.post(write(0)));
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_still_taken() {
        let queue = Queue::new();
        queue.post(write(3));
        queue.close();
        assert!(queue.push(Job::Barrier(oneshot::channel().0)).await.is_err());
        assert_eq!(taken(&queue), [3]);
        assert!(matches!(queue.next(), Next::Closed));
    }
}
