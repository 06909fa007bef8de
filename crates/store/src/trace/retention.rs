//! Forgets: trace rows, and the ledger of messages that are gone, when their time is over.
//!
//! Each call is one small write, so that mail never waits long for it, and goes on where the one
//! before ended.

use super::{Term, columns};
use crate::columns::Columns;
use crate::database::{Expect, Write};
use crate::{Error, Store};
use mail::Timestamp;

/// Rows that one write forgets.
const ROWS_AT_ONCE: i64 = 200;

/// Where the last call ended.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    message: i64,
    expunged: (i64, i64),
}

impl Store {
    /// Forgets some trace rows from before `end`, with their terms; `true` if more are left.
    pub(crate) async fn forget_trace(&self, end: Timestamp) -> Result<bool, Error> {
        // Ids rise with time but for a few seconds, so the oldest ids are looked at alone.
        let sql = concat!(
            "SELECT ",
            columns!(""),
            " FROM (SELECT * FROM trace ORDER BY id LIMIT $2) AS oldest \
             WHERE at < $1 ORDER BY id"
        );
        let rows = self.read_trace(sql, vec![end.0.into(), ROWS_AT_ONCE.into()]).await?;
        let mut write = Write::default();
        for (id, row) in &rows {
            for term in Term::of(row) {
                write.push(
                    "DELETE FROM trace_term WHERE term = $1 AND trace = $2",
                    vec![term.0.into(), (*id).into()],
                    Expect::Any,
                );
            }
            write.push("DELETE FROM trace WHERE id = $1", vec![(*id).into()], Expect::Any);
        }
        if rows.is_empty() {
            return Ok(false);
        }
        self.db.write(write).await?;
        Ok(rows.len() as i64 == ROWS_AT_ONCE)
    }

    /// Forgets some messages that nothing has shown since `end`, with their ledger; `true` if
    /// more are left to look at.
    pub(crate) async fn forget_messages(
        &self,
        end: Timestamp,
        forgotten: &mut Forgotten,
    ) -> Result<bool, Error> {
        let sql = "SELECT message, at FROM garbage WHERE message > $1 AND collected = 1 \
                   ORDER BY message LIMIT $2";
        let rows = self.db.read(sql, vec![forgotten.message.into(), ROWS_AT_ONCE.into()]).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let mut write = Write::default();
        for row in rows {
            let mut row = Columns::of(row);
            forgotten.message = row.int()?;
            if row.int()? < end.0 {
                for sql in [
                    "DELETE FROM rendition WHERE message = $1",
                    "DELETE FROM quarantine_part WHERE message = $1",
                    "DELETE FROM recipient WHERE message = $1",
                    "DELETE FROM message WHERE id = $1 AND entries = 0 AND body_place = 0",
                    "DELETE FROM garbage WHERE message = $1",
                ] {
                    write.push(sql, vec![forgotten.message.into()], Expect::Any);
                }
            }
        }
        if !write.statements.is_empty() {
            self.db.write(write).await?;
        }
        if !more {
            forgotten.message = 0;
        }
        Ok(more)
    }

    /// Forgets some entries that left their mailbox before `end`; `true` if more are left to look
    /// at.
    pub(crate) async fn forget_expunged(
        &self,
        end: Timestamp,
        forgotten: &mut Forgotten,
    ) -> Result<bool, Error> {
        let sql = "SELECT mailbox, uid, at FROM expunged WHERE (mailbox, uid) > ($1, $2) \
                   ORDER BY mailbox, uid LIMIT $3";
        let (mailbox, uid) = forgotten.expunged;
        let rows = self.db.read(sql, vec![mailbox.into(), uid.into(), ROWS_AT_ONCE.into()]).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let mut write = Write::default();
        for row in rows {
            let mut row = Columns::of(row);
            let (mailbox, uid) = (row.int()?, row.int()?);
            forgotten.expunged = (mailbox, uid);
            if row.int()? < end.0 {
                write.push(
                    "DELETE FROM expunged WHERE mailbox = $1 AND uid = $2",
                    vec![mailbox.into(), uid.into()],
                    Expect::Any,
                );
            }
        }
        if !write.statements.is_empty() {
            self.db.write(write).await?;
        }
        if !more {
            forgotten.expunged = (0, 0);
        }
        Ok(more)
    }
}
