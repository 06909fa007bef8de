//! The trace against the ledger: what it says was acknowledged is there.

use super::Look;
use crate::columns::Columns;
use crate::{Error, Store};

/// Rows that one statement reads.
const PAGE: i64 = 2_000;

impl Store {
    pub(super) async fn look_at_trace(&self, look: &mut Look) -> Result<(), Error> {
        // A message that was answered 250 has its row, a recipient that was told of has its own.
        // What is about to be forgotten may be half gone.
        let sql = "SELECT t.id, t.message, t.recipient, CAST(CASE \
                   WHEN t.message IS NULL OR t.at < $3 THEN 0 \
                   WHEN t.event = 'message' AND t.reply BETWEEN 200 AND 299 AND m.id IS NULL \
                   THEN 1 \
                   WHEN t.event IN ('delivered', 'discarded') AND NOT EXISTS \
                   (SELECT 1 FROM recipient r WHERE r.message = t.message \
                   AND r.address = t.recipient) THEN 2 ELSE 0 END AS INTEGER) \
                   FROM (SELECT * FROM trace WHERE id > $1 AND id < $2 ORDER BY id LIMIT $4) AS t \
                   LEFT JOIN message m ON m.id = t.message ORDER BY t.id";
        let mut after = 0;
        loop {
            let params =
                vec![after.into(), look.before.into(), look.ledger_from.into(), PAGE.into()];
            let rows = self.db.read(sql, params).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                after = row.int()?;
                let message = row.int_or_null()?.unwrap_or(0);
                let recipient = row.text()?;
                look.counts.trace_rows += 1;
                match row.int()? {
                    1 => look.problem(format!(
                        "message {message} was acknowledged (trace {after}) and is not there"
                    )),
                    2 => look.problem(format!(
                        "recipient {recipient} of message {message} was acknowledged \
                         (trace {after}) and is not in the ledger"
                    )),
                    _ => {}
                }
            }
            if !was_full {
                return Ok(());
            }
        }
    }
}
