//! What is held for too long, or is too much, expires: the oldest first, a little at a time.

use super::list::{Held, HeldState, columns, read};
use super::release::Actor;
use crate::columns::Columns;
use crate::database::{Expect, Write};
use crate::{Error, Store};
use mail::{Door, Id, Timestamp};
use std::sync::atomic::Ordering;

/// Rows that one write expires, or forgets.
const ROWS_AT_ONCE: i64 = 100;
const DAY: i64 = 86_400_000;
/// Who does it, for the trace.
const RETENTION: Actor<'static> = Actor { door: Door::Local, name: "retention", peer: None };
const FULL_UP: Actor<'static> = Actor { door: Door::Local, name: "size limit", peer: None };

impl Store {
    /// Bytes of all messages of which something is held, each counted once.
    ///
    /// # Errors
    /// The database's.
    pub async fn quarantine_size(&self) -> Result<u64, Error> {
        let sql = "SELECT CAST(coalesce(sum(size), 0) AS INTEGER) FROM \
                   (SELECT DISTINCT message, size FROM quarantine WHERE state = 'held') AS held";
        let row = self.db.read(sql, Vec::new()).await?.pop();
        Ok(row.map_or(Ok(0), |row| Columns::of(row).int())?.max(0).cast_unsigned())
    }

    /// Expires some of what is oldest, if it is too old or all is too much; `true` if more may be
    /// left to do.
    pub(crate) async fn expire_held(&self, now: Timestamp) -> Result<bool, Error> {
        let sql = concat!(columns!(), "WHERE state = 'held' ORDER BY id LIMIT $1");
        let rows = self.db.read(sql, vec![ROWS_AT_ONCE.into()]).await?;
        let held = rows.into_iter().map(read).collect::<Result<Vec<Held>, _>>()?;
        let days = i64::from(self.quarantine_days.load(Ordering::Relaxed));
        let end = now.plus_millis(-days.saturating_mul(DAY));
        let is_old = |held: &Held| days > 0 && held.at < end;
        let old: Vec<Held> = held.iter().filter(|held| is_old(held)).cloned().collect();
        if !old.is_empty() {
            self.end_held(&old, HeldState::Expired, RETENTION).await?;
            return Ok(true);
        }
        let max = self.quarantine_bytes.load(Ordering::Relaxed);
        let mut over = self.quarantine_size().await?.saturating_sub(max);
        if over == 0 || held.is_empty() {
            return Ok(false);
        }
        // A message counts once, and goes with the last of its rows: what is counted twice here is
        // seen at the next look, for this frees no more than it has to.
        let mut goes = Vec::new();
        for it in held {
            if over == 0 {
                break;
            }
            let is_new = goes.last().is_none_or(|last: &Held| last.message != it.message);
            over = over.saturating_sub(if is_new { it.size } else { 0 });
            goes.push(it);
        }
        self.end_held(&goes, HeldState::Expired, FULL_UP).await?;
        Ok(true)
    }

    /// Forgets some of what was settled before `end`, from number `after` on; the number to go on
    /// from, or none at the end.
    pub(crate) async fn forget_settled(
        &self,
        end: Timestamp,
        after: Id,
    ) -> Result<Option<Id>, Error> {
        let sql = "SELECT id, state, state_at FROM quarantine WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = self.db.read(sql, vec![after.into(), ROWS_AT_ONCE.into()]).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let (mut write, mut last) = (Write::default(), after);
        for row in rows {
            let mut row = Columns::of(row);
            last = row.int()?;
            if row.text()? != HeldState::Held.word() && row.int()? < end.0 {
                write.push(
                    "DELETE FROM quarantine WHERE id = $1 AND state <> 'held'",
                    vec![last.into()],
                    Expect::Any,
                );
            }
        }
        if !write.statements.is_empty() {
            self.db.write(write).await?;
        }
        Ok(more.then_some(last))
    }
}
