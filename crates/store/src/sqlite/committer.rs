//! The one thread that writes: batch after batch, one transaction and one fsync each.

use super::queue::{Batch, Next};
use super::statement::{self, Statements};
use super::{COMMITTER_CACHE_KIB, Shared, checkpointer, connect};
use crate::database::{Row, Write};
use crate::{Error, NewName};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Batches that use savepoints after one that had a conflict.
const CAREFUL_BATCHES: u32 = 16;
/// Free pages that are given back to the file system in one idle moment.
const VACUUM_PAGES: u32 = 256;
/// Free pages that are kept for new mail: 64 MiB.
const FREE_PAGES_KEPT: i64 = 16 * 1024;

type Answers = Vec<Result<Vec<Vec<Row>>, Error>>;

/// Why work on one connection ended.
enum End {
    Closed,
    Reopen,
}

/// Why a transaction was given up.
enum Trouble {
    /// A write met a conflict while no savepoint held the others apart.
    Conflict,
    /// The engine failed; nothing of the batch is kept.
    Failed(Error),
}

/// Commits until the queue is closed.
pub(super) fn serve(shared: &Arc<Shared>, connection: Connection) {
    // Whatever ends this thread, nobody waits for it in vain.
    let _closes_the_queue = CloseOnDrop(shared);
    let mut connection = Some(connection);
    loop {
        let opened = match connection.take() {
            Some(opened) => opened,
            None => match connect(&shared.path, COMMITTER_CACHE_KIB) {
                Ok(opened) => opened,
                Err(error) => {
                    // Not available: the next batch is told so, then we try again.
                    match shared.queue.next() {
                        Next::Batch(batch) => fail(shared, batch, &error),
                        Next::Idle => {}
                        Next::Closed => return,
                    }
                    continue;
                }
            },
        };
        match work(shared, opened) {
            End::Closed => return,
            End::Reopen => tracing::warn!("the database is opened anew after an error"),
        }
    }
}

struct CloseOnDrop<'a>(&'a Shared);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.queue.close();
        *super::locked(&self.0.checkpoint.0) = true;
        self.0.checkpoint.1.notify_all();
    }
}

fn work(shared: &Arc<Shared>, mut connection: Connection) -> End {
    let hook_shared = Arc::clone(shared);
    let hook = move |_: &mut rusqlite::hooks::Wal, pages| {
        hook_shared.log_pages.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    };
    if connection.wal_hook(Some(hook)).is_err() {
        return End::Reopen;
    }
    let mut committer = Committer {
        shared,
        connection: &connection,
        statements: Statements::new(&connection),
        careful: 0,
    };
    loop {
        match shared.queue.next() {
            Next::Batch(batch) => {
                shared.wait_for_checkpoint();
                if shared.log_bytes() > checkpointer::LOG_MAX {
                    let error = "the write-ahead log cannot be moved into the database";
                    fail(shared, batch, &Error::Full(error.to_owned()));
                    shared.checkpoint.1.notify_all();
                } else if !committer.batch(batch) {
                    return End::Reopen;
                }
            }
            Next::Idle => committer.idle(),
            Next::Closed => break,
        }
    }
    drop(committer);
    // The checkpointer and the readers may still be there; who closes last empties the log.
    if let Err(error) = statement::run(&connection, "PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::debug!(%error, "the log is left for the next start");
    }
    End::Closed
}

struct Committer<'c> {
    shared: &'c Arc<Shared>,
    connection: &'c Connection,
    statements: Statements<'c>,
    careful: u32,
}

impl Committer<'_> {
    /// Commits a batch and answers it; `false` if the connection cannot be trusted any more.
    fn batch(&mut self, mut batch: Batch) -> bool {
        self.settle_names(&mut batch);
        let result = if batch.writes.is_empty() { Ok(Vec::new()) } else { self.commit(&batch) };
        match result {
            Ok(answers) => {
                self.count(&batch, &answers);
                self.answer(batch, answers);
                if self.shared.log_bytes() >= checkpointer::PASSIVE_FROM {
                    self.shared.checkpoint.1.notify_all();
                }
                true
            }
            Err(error) => {
                tracing::error!(%error, writes = batch.writes.len(), "a commit failed");
                fail(self.shared, batch, &error);
                false
            }
        }
    }

    /// Brings the names of new files to stable storage. A write whose name fails is answered at
    /// once and leaves the batch.
    fn settle_names(&self, batch: &mut Batch) {
        if batch.writes.iter().all(|(write, _)| write.new_names.is_empty()) {
            return;
        }
        let mut kept = Vec::with_capacity(batch.writes.len());
        for (write, answer) in std::mem::take(&mut batch.writes) {
            match write.new_names.iter().try_for_each(NewName::settle) {
                Ok(()) => kept.push((write, answer)),
                Err(error) => {
                    self.shared.failed(&error);
                    // A caller that has gone away needs no answer.
                    drop(answer.map(|answer| answer.send(Err(error))));
                }
            }
        }
        batch.writes = kept;
    }

    /// One transaction. At first without savepoints, which cost a copy of every page that a
    /// write touches; if one write meets a conflict, all is run again with them.
    fn commit(&mut self, batch: &Batch) -> Result<Answers, Error> {
        if self.careful == 0 {
            match self.transaction(batch, batch.writes.len() == 1) {
                Ok(answers) => return Ok(answers),
                Err(Trouble::Failed(error)) => return Err(error),
                Err(Trouble::Conflict) => self.careful = CAREFUL_BATCHES,
            }
        }
        self.careful -= 1;
        match self.transaction(batch, true) {
            Ok(answers) => Ok(answers),
            Err(Trouble::Failed(error)) => Err(error),
            Err(Trouble::Conflict) => Err(Error::Unavailable("a conflict was not held".into())),
        }
    }

    fn transaction(&mut self, batch: &Batch, holds_conflicts: bool) -> Result<Answers, Trouble> {
        self.sql("BEGIN IMMEDIATE")?;
        let done = self.writes(batch, holds_conflicts).and_then(|answers| {
            // A batch of which every write met a conflict has nothing to keep.
            let end = if answers.iter().all(Result::is_err) { "ROLLBACK" } else { "COMMIT" };
            self.sql(end).map(|()| answers)
        });
        if done.is_err() && !self.connection.is_autocommit() {
            // The cause is told by `done`; a transaction that cannot be rolled back ends with the
            // connection.
            drop(self.sql("ROLLBACK"));
        }
        done
    }

    fn writes(&mut self, batch: &Batch, holds_conflicts: bool) -> Result<Answers, Trouble> {
        let savepoints = holds_conflicts && batch.writes.len() > 1;
        let mut answers = Vec::with_capacity(batch.writes.len());
        for (write, _) in &batch.writes {
            if savepoints {
                self.sql("SAVEPOINT one")?;
            }
            let result = self.write(write);
            match &result {
                Err(Error::Conflict { .. }) if !holds_conflicts => return Err(Trouble::Conflict),
                Err(Error::Conflict { .. }) if savepoints => self.sql("ROLLBACK TO one")?,
                Err(Error::Conflict { .. }) | Ok(_) => {}
                Err(other) => return Err(Trouble::Failed(other.clone())),
            }
            if savepoints {
                self.sql("RELEASE one")?;
            }
            answers.push(result);
        }
        Ok(answers)
    }

    fn write(&mut self, write: &Write) -> Result<Vec<Vec<Row>>, Error> {
        let mut results = Vec::with_capacity(write.statements.len());
        for (statement, one) in write.statements.iter().enumerate() {
            match self.statements.run(one.sql, &one.params) {
                Ok((rows, count)) if one.expect.is_met(count) => results.push(rows),
                Ok(_) => return Err(Error::Conflict { statement }),
                Err(error) => {
                    return Err(match statement::error(&error) {
                        Error::Conflict { .. } => Error::Conflict { statement },
                        other => other,
                    });
                }
            }
        }
        Ok(results)
    }

    fn sql(&mut self, sql: &'static str) -> Result<(), Trouble> {
        match self.statements.run(sql, &[]) {
            Ok(_) => Ok(()),
            Err(error) => Err(Trouble::Failed(statement::error(&error))),
        }
    }

    fn count(&self, batch: &Batch, answers: &Answers) {
        let mut stats = self.shared.stats();
        stats.commits += u64::from(!batch.writes.is_empty());
        stats.writes += batch.writes.len() as u64;
        stats.batch_max = stats.batch_max.max(batch.writes.len() as u64);
        stats.statements +=
            batch.writes.iter().map(|(write, _)| write.statements.len() as u64).sum::<u64>();
        stats.wal_bytes = self.shared.log_bytes();
        for ((_, answer), result) in batch.writes.iter().zip(answers) {
            stats.conflicts += u64::from(result.is_err());
            stats.dropped += u64::from(result.is_err() && answer.is_none());
        }
    }

    fn answer(&self, batch: Batch, answers: Answers) {
        for ((write, answer), result) in batch.writes.into_iter().zip(answers) {
            if result.is_ok() {
                for bell in write.bells {
                    // Nobody listens: then nobody needs to hear it.
                    drop(self.shared.bells.send(bell));
                }
            }
            drop(answer.map(|answer| answer.send(result)));
        }
        for barrier in batch.barriers {
            let _gone_is_fine = barrier.send(());
        }
    }

    /// Gives free pages back to the file system, a few at a time, beyond what new mail will use.
    fn idle(&self) {
        let free = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0));
        if free.is_ok_and(|free: i64| free > FREE_PAGES_KEPT) {
            let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
            if let Err(error) = statement::run(self.connection, &vacuum) {
                tracing::debug!(%error, "free pages are kept");
            }
        }
    }
}

/// Tells a whole batch that it is not kept.
fn fail(shared: &Shared, batch: Batch, error: &Error) {
    shared.failed(error);
    let posts = batch.writes.iter().filter(|(_, answer)| answer.is_none()).count() as u64;
    shared.stats().dropped += posts;
    for (_, answer) in batch.writes {
        drop(answer.map(|answer| answer.send(Err(error.clone()))));
    }
    for barrier in batch.barriers {
        let _gone_is_fine = barrier.send(());
    }
}
