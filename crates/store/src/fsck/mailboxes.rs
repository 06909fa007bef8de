//! Mailboxes against their entries, accounts against their mailboxes, ids against their blocks.

use super::Look;
use crate::columns::Columns;
use crate::{Error, Store};

/// Mailboxes that are looked at by one statement.
const PAGE: i64 = 100;

impl Store {
    /// No id is at or above the next block.
    pub(super) async fn look_at_ids(&self, look: &mut Look) -> Result<(), Error> {
        let sql = "SELECT b.next, (SELECT max(id) FROM message), (SELECT max(id) FROM trace), \
                   (SELECT max(id) FROM mailbox) FROM id_block b WHERE b.name = 'all'";
        let Some(row) = self.db.read(sql, Vec::new()).await?.pop() else {
            look.problem("the block of ids is lost".to_owned());
            return Ok(());
        };
        let mut row = Columns::of(row);
        let next = row.int()?;
        for what in ["message", "trace row", "mailbox"] {
            let used = row.int_or_null()?;
            if used.is_some_and(|used| used >= next) {
                look.problem(format!("a {what} has an id from a block that is not reserved"));
            }
        }
        Ok(())
    }

    /// Counters and UIDs of each mailbox fit its entries; each account has its INBOX.
    pub(super) async fn look_at_mailboxes(&self, look: &mut Look) -> Result<(), Error> {
        let mut after = 0;
        loop {
            // One statement sees one moment, so the counters must fit exactly.
            let sql = "SELECT m.id, m.uid_next, m.modseq, m.messages, m.size, \
                       CAST((SELECT count(*) FROM entry e WHERE e.mailbox = m.id) AS INTEGER), \
                       CAST((SELECT coalesce(sum(e.size), 0) FROM entry e \
                       WHERE e.mailbox = m.id) AS INTEGER), \
                       (SELECT max(e.uid) FROM entry e WHERE e.mailbox = m.id), \
                       (SELECT max(x.uid) FROM expunged x WHERE x.mailbox = m.id) \
                       FROM mailbox m WHERE m.id > $1 ORDER BY m.id LIMIT $2";
            let rows = self.db.read(sql, vec![after.into(), PAGE.into()]).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                after = row.int()?;
                look_at_mailbox(look, after, &mut row)?;
            }
            if !was_full {
                break;
            }
        }
        let sql = "SELECT a.id, a.address FROM account a \
                   LEFT JOIN mailbox m ON m.id = a.inbox AND m.account = a.id \
                   AND m.valid_to IS NULL \
                   LEFT JOIN account_version v ON v.account = a.id AND v.valid_to IS NULL \
                   WHERE a.valid_to IS NULL AND (m.id IS NULL OR v.id IS NULL)";
        for row in self.db.read(sql, Vec::new()).await? {
            let mut row = Columns::of(row);
            let (id, address) = (row.int()?, row.text()?);
            look.problem(format!("account {id} ({address}) has no INBOX or no version in force"));
        }
        let sql = "SELECT e.mailbox, e.uid FROM entry e \
                   LEFT JOIN mailbox m ON m.id = e.mailbox WHERE m.id IS NULL LIMIT 100";
        for row in self.db.read(sql, Vec::new()).await? {
            let mut row = Columns::of(row);
            let (mailbox, uid) = (row.int()?, row.int()?);
            look.problem(format!("entry {uid} is in mailbox {mailbox}, which is not there"));
        }
        Ok(())
    }
}

fn look_at_mailbox(look: &mut Look, id: i64, row: &mut Columns) -> Result<(), Error> {
    let (uid_next, modseq) = (row.int()?, row.int()?);
    let (messages, size) = (row.int()?, row.int()?);
    let (entries, sum) = (row.int()?, row.int()?);
    let (last, gone) = (row.int_or_null()?, row.int_or_null()?);
    look.counts.mailboxes += 1;
    look.counts.entries += entries.max(0).cast_unsigned();
    if messages != entries {
        look.problem(format!("mailbox {id} counts {messages} messages and has {entries}"));
    }
    if size != sum {
        look.problem(format!("mailbox {id} counts {size} bytes and has {sum}"));
    }
    let highest = last.max(gone).unwrap_or(0);
    if uid_next <= highest {
        look.problem(format!("mailbox {id} would use UID {uid_next} again (had {highest})"));
    }
    if modseq < 1 {
        look.problem(format!("mailbox {id} has no mod-sequence"));
    }
    Ok(())
}
