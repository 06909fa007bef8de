//! Timed work that one node at a time does: the lease of a job.
//!
//! A node that ends in the middle leaves its lease to run out; whoever claims the job next has a
//! higher fence, by which the older one's end is not taken for its own.

use crate::columns::Columns;
use crate::database::{Expect, Statement, Write};
use crate::{Error, Store};
use std::time::Duration;

/// The right to do a job, until it ends or its time is over.
#[derive(Debug, PartialEq, Eq)]
pub struct JobLease {
    name: &'static str,
    fence: i64,
}

impl Store {
    /// Claims a job for the time of `lease`, if its last run began at least `every` ago and no
    /// other node has it. What this node itself had claimed it takes over: a name belongs to one
    /// task of a process.
    ///
    /// # Errors
    /// The database's.
    pub async fn claim_job(
        &self,
        name: &'static str,
        every: Duration,
        lease: Duration,
    ) -> Result<Option<JobLease>, Error> {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let now = self.now();
        let begin = Statement::new(
            "INSERT INTO job (name, fence, expires) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING",
            vec![name.into()],
        );
        // A last run in the future is of a clock that was set back.
        let claim = Statement::new(
            "UPDATE job SET owner = $2, fence = fence + 1, expires = $4 \
             WHERE name = $1 AND (expires <= $3 OR owner = $2) \
             AND (last_run IS NULL OR last_run <= $5 OR last_run > $3) RETURNING fence",
            vec![
                name.into(),
                self.node.into(),
                now.into(),
                now.saturating_add(millis(lease)).into(),
                now.saturating_sub(millis(every)).into(),
            ],
        );
        let rows = self.db.write(Write::new(vec![begin, claim])).await?;
        let row = rows.into_iter().flatten().next();
        row.map(|row| Ok(JobLease { name, fence: Columns::of(row).int()? })).transpose()
    }

    /// Gives a job back after a run; if another node has taken it over meanwhile, that one ends it.
    ///
    /// # Errors
    /// The database's.
    pub async fn finish_job(&self, lease: JobLease) -> Result<(), Error> {
        let mut write = Write::default();
        write.push(
            "UPDATE job SET owner = NULL, expires = 0, last_run = $3 \
             WHERE name = $1 AND fence = $2",
            vec![lease.name.into(), lease.fence.into(), self.now().into()],
            Expect::Any,
        );
        self.db.write(write).await.map(drop)
    }
}
