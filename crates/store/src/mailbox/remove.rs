//! Entries leave their mailbox: removed for good, or moved to another.
//!
//! The ledger follows: an `expunged` row with the reason stays, so that `fsck` can tell where each
//! recipient's copy went.

use super::Entry;
use crate::columns::Columns;
use crate::database::{Bell, Expect, Value, Write};
use crate::trace::write_rows;
use crate::{Error, Store};
use mail::{EntryId, Event, MailboxId, Reason, TraceRow};
use std::collections::HashSet;

/// Entries that one write removes; small, so that mail never waits long for it.
const ENTRIES_AT_ONCE: usize = 100;
/// How often a write is tried again when others change the mailbox meanwhile.
const TRIES_MAX: usize = 5;
/// `expunged.why` of an entry that lives on in another mailbox.
pub(crate) const MOVED: &str = "moved";

/// Who had an entry removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedBy {
    /// Its owner.
    Owner,
    /// An administrator.
    Administrator,
    /// A rule on how long mail is kept.
    Retention,
    /// The end of its account or mailbox.
    Account,
}

impl RemovedBy {
    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            RemovedBy::Owner => "owner",
            RemovedBy::Administrator => "administrator",
            RemovedBy::Retention => "retention",
            RemovedBy::Account => "account",
        }
    }
}

impl Store {
    /// Removes entries of a mailbox; those that are not there (any more) are passed over.
    /// Answers how many were removed.
    ///
    /// # Errors
    /// The database's. What was removed before the error stays removed.
    pub async fn remove(
        &self,
        mailbox: MailboxId,
        entries: &[EntryId],
        why: RemovedBy,
    ) -> Result<u64, Error> {
        let fate = Fate::Removed { why, owner: self.owner(mailbox).await? };
        let mut removed = 0;
        for some in self.find(mailbox, entries).await?.chunks(ENTRIES_AT_ONCE) {
            removed += self.decide(mailbox, some, &fate).await?;
        }
        Ok(removed)
    }

    /// Moves entries to another mailbox of the account; each keeps its id and gets a new UID.
    /// Answers how many were moved.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the mailboxes are not two of one account; the database's.
    pub async fn move_entries(
        &self,
        from: MailboxId,
        to: MailboxId,
        entries: &[EntryId],
    ) -> Result<u64, Error> {
        let (source, target) = (self.mailbox(from).await?, self.mailbox(to).await?);
        if from == to || source.account != target.account {
            return Err(Error::Invalid("mail moves between two mailboxes of an account".into()));
        }
        let fate = Fate::Moved(to);
        let mut moved = 0;
        for some in self.find(from, entries).await?.chunks(ENTRIES_AT_ONCE) {
            moved += self.decide(from, some, &fate).await?;
        }
        Ok(moved)
    }

    /// Removes what is left in mailboxes that have ended.
    pub(crate) async fn purge_ended_mailboxes(&self) -> Result<(), Error> {
        let sql = "SELECT id FROM mailbox WHERE valid_to IS NOT NULL AND messages > 0";
        for row in self.db.read(sql, Vec::new()).await? {
            let id = MailboxId(Columns::of(row).int()?);
            loop {
                let entries = self.entries_after(id, 0, 10 * ENTRIES_AT_ONCE).await?;
                if entries.is_empty() {
                    break;
                }
                let entries: Vec<EntryId> = entries.iter().map(|entry| entry.id).collect();
                self.remove(id, &entries, RemovedBy::Account).await?;
            }
        }
        Ok(())
    }

    /// Those of `wanted` that are in the mailbox, by UID.
    async fn find(&self, mailbox: MailboxId, wanted: &[EntryId]) -> Result<Vec<Entry>, Error> {
        let wanted: HashSet<EntryId> = wanted.iter().copied().collect();
        let mut found = self.entries(mailbox).await?;
        found.retain(|entry| wanted.contains(&entry.id));
        Ok(found)
    }

    /// Writes the fate of the entries. Where another was quicker, looks again.
    async fn decide(
        &self,
        mailbox: MailboxId,
        entries: &[Entry],
        fate: &Fate,
    ) -> Result<u64, Error> {
        let mut entries = entries.to_vec();
        for _ in 0..TRIES_MAX {
            if entries.is_empty() {
                return Ok(0);
            }
            let rows = if matches!(fate, Fate::Removed { .. }) { entries.len() as i64 } else { 0 };
            let numbered = self.numbered(rows).await?;
            let mut write = leave(mailbox, &entries, fate, self.now());
            if let Fate::Removed { why, owner } = fate {
                let row = |entry: &Entry| self.removed_row(entry, *why, owner);
                let rows = entries.iter().map(row).collect();
                write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), rows);
            }
            match self.db.write(write).await {
                Ok(_) => return Ok(entries.len() as u64),
                Err(Error::Conflict { .. }) => {
                    let ids: Vec<EntryId> = entries.iter().map(|entry| entry.id).collect();
                    entries = self.find(mailbox, &ids).await?;
                }
                Err(other) => return Err(other),
            }
        }
        Err(Error::Unavailable("the mailbox is changed by others all the time".to_owned()))
    }

    fn removed_row(&self, entry: &Entry, why: RemovedBy, owner: &str) -> TraceRow {
        TraceRow {
            at: self.clock.now(),
            event: Event::Removed,
            session: None,
            message: Some(entry.message),
            door: String::new(),
            peer: String::new(),
            sender: String::new(),
            recipient: owner.to_owned(),
            reply: 0,
            reason: Reason::Unopposed,
            rule: why.word().to_owned(),
            detail: format!("entry={} mailbox={} uid={}", entry.id, entry.mailbox, entry.uid),
        }
    }

    /// The address of a mailbox's account, also of one that has ended.
    async fn owner(&self, mailbox: MailboxId) -> Result<String, Error> {
        let sql = "SELECT a.address FROM mailbox m JOIN account a ON a.id = m.account \
                   WHERE m.id = $1";
        let row = self.db.read(sql, vec![mailbox.0.into()]).await?.pop();
        row.map_or_else(
            || Err(Error::NotFound(format!("mailbox {mailbox}"))),
            |row| Columns::of(row).text(),
        )
    }
}

/// What becomes of entries that leave.
enum Fate {
    Removed { why: RemovedBy, owner: String },
    Moved(MailboxId),
}

/// The statements by which entries leave a mailbox. One that is not there any more is a conflict.
fn leave(mailbox: MailboxId, entries: &[Entry], fate: &Fate, now: i64) -> Write {
    let mut write = Write::default().ring(Bell::Mailbox(mailbox));
    let total: u64 = entries.iter().map(|entry| entry.size).sum();
    let (count, total) = (entries.len() as i64, total.cast_signed());
    let mut mailboxes = vec![(mailbox, -count, -total)];
    if let Fate::Moved(target) = fate {
        mailboxes.push((*target, count, total));
        write.bells.push(Bell::Mailbox(*target));
    }
    // Rows are locked in the order of their ids, so that writers never wait in a circle.
    mailboxes.sort_by_key(|(id, ..)| *id);
    for (id, count, size) in mailboxes {
        write.push(
            "UPDATE mailbox SET modseq = modseq + 1, messages = messages + $2, size = size + $3 \
             WHERE id = $1",
            vec![id.0.into(), count.into(), size.into()],
            Expect::Rows(1),
        );
    }
    let why = match fate {
        Fate::Removed { why, .. } => why.word(),
        Fate::Moved(_) => MOVED,
    };
    for entry in entries {
        let at: [Value; 2] = [mailbox.0.into(), entry.uid.into()];
        write.push(
            "INSERT INTO expunged (mailbox, uid, entry, modseq, message, at, why) \
             SELECT e.mailbox, e.uid, e.id, m.modseq, e.message, $3, $4 \
             FROM entry e JOIN mailbox m ON m.id = e.mailbox WHERE e.mailbox = $1 AND e.uid = $2",
            at.iter().cloned().chain([now.into(), why.into()]).collect(),
            Expect::Rows(1),
        );
        match fate {
            Fate::Removed { .. } => let_go(&mut write, entry, now),
            Fate::Moved(target) => put(&mut write, entry, *target),
        }
        write.push("DELETE FROM entry WHERE mailbox = $1 AND uid = $2", at.into(), Expect::Rows(1));
    }
    write
}

/// The entry does not show its message any more.
fn let_go(write: &mut Write, entry: &Entry, now: i64) {
    forget_one(write, entry.message.0, now);
}

/// One thing less shows a message; what nothing shows any more is collected.
pub(crate) fn forget_one(write: &mut Write, message: i64, now: i64) {
    write.push(
        "UPDATE message SET entries = entries - 1 WHERE id = $1 AND entries > 0",
        vec![message.into()],
        Expect::Rows(1),
    );
    write.push(
        "INSERT INTO garbage (message, at, collected) \
         SELECT id, $2, 0 FROM message WHERE id = $1 AND entries = 0",
        vec![message.into(), now.into()],
        Expect::Any,
    );
}

/// The entry begins anew in another mailbox.
fn put(write: &mut Write, entry: &Entry, target: MailboxId) {
    write.push(
        "UPDATE mailbox SET uid_next = uid_next + 1 WHERE id = $1 AND valid_to IS NULL",
        vec![target.0.into()],
        Expect::Rows(1),
    );
    write.push(
        "INSERT INTO entry \
         (mailbox, uid, id, modseq, message, rendition, flags, internal_date, size) \
         SELECT m.id, m.uid_next - 1, e.id, m.modseq, e.message, e.rendition, e.flags, \
         e.internal_date, e.size FROM entry e, mailbox m \
         WHERE e.mailbox = $1 AND e.uid = $2 AND m.id = $3",
        vec![entry.mailbox.0.into(), entry.uid.into(), target.0.into()],
        Expect::Rows(1),
    );
}
