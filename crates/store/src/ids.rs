//! Identifiers from blocks: reserved on stable storage before the first of them is used.
//!
//! One sequence serves everything, so ids rise within a process over all tables. What is left of
//! a block when the process ends is never used.

use crate::Error;
use crate::database::{Database, Expect, Statement, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Ids in a block: at 3,000 messages a second one lasts some ten seconds.
pub(crate) const BLOCK: i64 = 1 << 18;
/// The most ids that one call hands out.
pub(crate) const AT_ONCE_MAX: i64 = 1 << 16;

/// Hands out ids from the current block; a spare one is fetched ahead.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    blocks: Mutex<Blocks>,
    reserving: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Blocks {
    current: Range<i64>,
    spare: Option<Range<i64>>,
}

impl Ids {
    /// `n` ids in a row, if the blocks at hand have them.
    pub(crate) fn take(&self, n: i64) -> Option<Range<i64>> {
        if !(0..=AT_ONCE_MAX).contains(&n) {
            return None;
        }
        let mut blocks = self.lock();
        if blocks.current.end - blocks.current.start < n {
            blocks.current = blocks.spare.take()?;
        }
        let start = blocks.current.start;
        blocks.current.start += n;
        Some(start..start + n)
    }

    /// `n` ids in a row; waits for a new block only if both are used up.
    pub(crate) async fn get(&self, db: &dyn Database, n: i64) -> Result<Range<i64>, Error> {
        if !(0..=AT_ONCE_MAX).contains(&n) {
            return Err(Error::Invalid(format!("{n} ids at once are too many")));
        }
        loop {
            if let Some(ids) = self.take(n) {
                return Ok(ids);
            }
            self.refill(db).await?;
        }
    }

    /// Whether a spare block should be fetched.
    pub(crate) fn wants_spare(&self) -> bool {
        self.lock().spare.is_none()
    }

    /// Fetches a spare block unless there is one.
    pub(crate) async fn refill(&self, db: &dyn Database) -> Result<(), Error> {
        let _one_at_a_time = self.reserving.lock().await;
        if !self.wants_spare() {
            return Ok(());
        }
        let statement = Statement::new(
            "UPDATE id_block SET next = next + $1 WHERE name = 'all' RETURNING next",
            vec![BLOCK.into()],
        );
        let rows = db.write(Write::new(vec![statement.expect(Expect::Rows(1))])).await?;
        let end = rows.first().and_then(|rows| rows.first()).and_then(|row| row.first());
        let end = end
            .and_then(|value| value.as_int())
            .ok_or_else(|| Error::Corrupt("id_block has no number".to_owned()))?;
        self.lock().spare = Some(end - BLOCK..end);
        Ok(())
    }

    /// Every id that this process has handed out is smaller.
    pub(crate) fn floor(&self) -> i64 {
        self.lock().current.start
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
