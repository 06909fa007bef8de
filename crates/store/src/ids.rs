//! Identifiers from blocks: reserved on stable storage before the first of them is used.
//!
//! One sequence serves everything, so ids rise within a process over all tables. What is left of
//! a block is given back when the store is closed, so that the numbers that people read do not jump
//! with every start; after a crash it is never used.

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

    /// Gives back what is left, unless another process has reserved a block since. Who still asks
    /// for ids gets them from a new block.
    pub(crate) async fn give_back(&self, db: &dyn Database) -> Result<(), Error> {
        let _one_at_a_time = self.reserving.lock().await;
        let left = self.lock().empty();
        if left.is_empty() {
            return Ok(());
        }
        let statement = Statement::new(
            "UPDATE id_block SET next = $1 WHERE name = 'all' AND next = $2",
            vec![left.start.into(), left.end.into()],
        );
        db.write(Write::new(vec![statement.expect(Expect::Any)])).await.map(drop)
    }

    /// Every id that this process has handed out is smaller.
    pub(crate) fn floor(&self) -> i64 {
        self.lock().current.start
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Blocks {
    /// Takes out the newest ids that were never handed out. The floor stays where it is.
    fn empty(&mut self) -> Range<i64> {
        let start = self.current.start;
        let current = std::mem::replace(&mut self.current, start..start);
        match self.spare.take() {
            Some(spare) if spare.start == current.end => start..spare.end,
            Some(spare) => spare,
            None => current,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{BLOCK, Ids};
    use crate::sqlite::Sqlite;

    #[tokio::test]
    async fn what_is_left_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(folder.path()).unwrap();
        db.migrate().await.unwrap();
        let ids = Ids::default();
        let used = ids.get(&*db, 3).await.unwrap();
        ids.give_back(&*db).await.unwrap();
        assert_eq!(ids.floor(), used.end, "rows above it may still be on their way");
        let next = Ids::default();
        assert_eq!(next.get(&*db, 1).await.unwrap().start, used.end);
        next.refill(&*db).await.unwrap();
        next.give_back(&*db).await.unwrap();
        assert_eq!(Ids::default().get(&*db, 1).await.unwrap().start, used.end + 1);
        db.close().await;
    }

    #[tokio::test]
    async fn what_another_process_follows_on_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let db = Sqlite::open(folder.path()).unwrap();
        db.migrate().await.unwrap();
        let (first, second) = (Ids::default(), Ids::default());
        let used = first.get(&*db, 1).await.unwrap();
        let other = second.get(&*db, 1).await.unwrap();
        assert_eq!(other.start, used.start + BLOCK);
        first.give_back(&*db).await.unwrap();
        second.refill(&*db).await.unwrap();
        let mut seen = vec![used.start, other.start];
        for ids in [&first, &second, &Ids::default()] {
            for _ in 0..3 {
                let id = ids.get(&*db, 1).await.unwrap().start;
                assert!(!seen.contains(&id), "{id} twice");
                seen.push(id);
            }
        }
        db.close().await;
    }
}
