//! Mailboxes and their entries: made for IMAP, read by POP3.

pub(crate) mod read;
pub(crate) mod remove;

pub use read::Rendered;
pub(crate) use read::{PLACE_FILE, PLACE_NOWHERE, PLACE_ROW};
pub use remove::RemovedBy;

use crate::columns::Columns;
use crate::database::{Bell, Expect, Row, Statement, Write};
use crate::{Error, Store};
use mail::{AccountId, EntryId, MailboxId, MessageId, Timestamp};

/// The mailbox that new mail goes to.
pub const INBOX: &str = "INBOX";

/// What every account has, INBOX first: name and special use (RFC 6154 §2).
pub(crate) const SPECIAL_MAILBOXES: &[(&str, &str)] = &[
    (INBOX, ""),
    ("Junk", "\\Junk"),
    ("Sent", "\\Sent"),
    ("Drafts", "\\Drafts"),
    ("Trash", "\\Trash"),
];

/// Entries that are read by one statement.
const ENTRIES_AT_ONCE: i64 = 5_000;
/// Bytes of a mailbox's name.
const NAME_MAX: usize = 255;

/// A mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its number.
    pub id: MailboxId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name, `/` between levels.
    pub name: String,
    /// `\Junk`, `\Sent` and so on (RFC 6154 §2); empty for others.
    pub special_use: String,
    /// UIDVALIDITY (RFC 3501 §2.3.1.1), never used twice on this store.
    pub uid_validity: u32,
    /// The UID that the next entry gets, at least.
    pub uid_next: i64,
    /// The highest mod-sequence (RFC 7162).
    pub modseq: i64,
    /// How many entries it has.
    pub messages: u64,
    /// Their size in bytes, together.
    pub size: u64,
}

/// A message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number; the same in every mailbox that it is moved to. POP3's unique-id.
    pub id: EntryId,
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its UID there: rises, is never used again.
    pub uid: i64,
    /// The message that it shows.
    pub message: MessageId,
    /// Which rendition of it; 0 is the one that was made when the message was accepted.
    pub rendition: i64,
    /// Bytes that it shows.
    pub size: u64,
    /// A bit set.
    pub flags: i64,
    /// When it was received.
    pub internal_date: Timestamp,
    /// Mod-sequence of its last change.
    pub modseq: i64,
}

impl Store {
    /// The mailboxes of an account, in the order they were made.
    ///
    /// # Errors
    /// The database's.
    pub async fn mailboxes(&self, account: AccountId) -> Result<Vec<Mailbox>, Error> {
        let sql = "SELECT id, account, name, special_use, uid_validity, uid_next, modseq, \
                   messages, size FROM mailbox \
                   WHERE account = $1 AND valid_to IS NULL ORDER BY id";
        self.db.read(sql, vec![account.0.into()]).await?.into_iter().map(mailbox).collect()
    }

    /// A mailbox in force.
    ///
    /// # Errors
    /// [`Error::NotFound`], or the database's.
    pub async fn mailbox(&self, id: MailboxId) -> Result<Mailbox, Error> {
        let sql = "SELECT id, account, name, special_use, uid_validity, uid_next, modseq, \
                   messages, size FROM mailbox WHERE id = $1 AND valid_to IS NULL";
        let row = self.db.read(sql, vec![id.0.into()]).await?.pop();
        row.map_or_else(|| Err(Error::NotFound(format!("mailbox {id}"))), mailbox)
    }

    /// Bytes that an account holds.
    ///
    /// # Errors
    /// The database's.
    pub async fn usage(&self, account: AccountId) -> Result<u64, Error> {
        let sql = "SELECT CAST(coalesce(sum(size), 0) AS INTEGER) FROM mailbox \
                   WHERE account = $1 AND valid_to IS NULL";
        let row = self.db.read(sql, vec![account.0.into()]).await?.pop();
        Ok(row.map_or(Ok(0), |row| Columns::of(row).int())?.max(0).cast_unsigned())
    }

    /// Every entry of a mailbox, by UID.
    ///
    /// # Errors
    /// The database's.
    pub async fn entries(&self, id: MailboxId) -> Result<Vec<Entry>, Error> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |entry| entry.uid);
            let page = self.entries_after(id, after, ENTRIES_AT_ONCE as usize).await?;
            let was_full = page.len() as i64 == ENTRIES_AT_ONCE;
            if entries.is_empty() {
                entries = page;
            } else {
                entries.extend(page);
            }
            if !was_full {
                return Ok(entries);
            }
        }
    }

    /// Entries of a mailbox with UIDs above `uid`, by UID, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn entries_after(
        &self,
        id: MailboxId,
        uid: i64,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let sql = "SELECT id, mailbox, uid, message, rendition, size, flags, internal_date, modseq \
                   FROM entry WHERE mailbox = $1 AND uid > $2 ORDER BY uid LIMIT $3";
        let limit = i64::try_from(limit).unwrap_or(ENTRIES_AT_ONCE).min(ENTRIES_AT_ONCE);
        let params = vec![id.0.into(), uid.into(), limit.into()];
        self.db.read(sql, params).await?.into_iter().map(entry).collect()
    }

    /// Makes a mailbox.
    ///
    /// # Errors
    /// [`Error::Exists`]; [`Error::Invalid`] for a name that no mailbox can have.
    pub async fn create_mailbox(&self, account: AccountId, name: &str) -> Result<MailboxId, Error> {
        if name.is_empty()
            || name.len() > NAME_MAX
            || name.split('/').any(str::is_empty)
            || name.contains(char::is_control)
        {
            return Err(Error::Invalid(format!("{name:?} cannot be the name of a mailbox")));
        }
        let name = if name.eq_ignore_ascii_case(INBOX) { INBOX } else { name };
        let id = MailboxId(self.ids(1).await?.start);
        let statements = create_mailbox_statements(id, account, name, "", self.now());
        match self.db.write(Write::new(statements.into()).ring(Bell::Mailbox(id))).await {
            Ok(_) => Ok(id),
            Err(Error::Conflict { .. }) => Err(Error::Exists(format!("the mailbox {name}"))),
            Err(other) => Err(other),
        }
    }
}

/// Makes a mailbox with a UIDVALIDITY that was never used.
pub(crate) fn create_mailbox_statements(
    id: MailboxId,
    account: AccountId,
    name: &str,
    special_use: &str,
    now: i64,
) -> [Statement; 2] {
    [
        Statement::new(
            "UPDATE counter SET number = number + 1 WHERE name = 'uid_validity'",
            Vec::new(),
        )
        .expect(Expect::Rows(1)),
        Statement::new(
            "INSERT INTO mailbox (id, account, name, special_use, uid_validity, uid_next, modseq, \
             messages, size, valid_from) \
             SELECT $1, $2, $3, $4, number, 1, 1, 0, 0, $5 FROM counter \
             WHERE name = 'uid_validity'",
            vec![id.0.into(), account.0.into(), name.into(), special_use.into(), now.into()],
        )
        .expect(Expect::Rows(1)),
    ]
}

fn mailbox(row: Row) -> Result<Mailbox, Error> {
    let mut row = Columns::of(row);
    Ok(Mailbox {
        id: MailboxId(row.int()?),
        account: AccountId(row.int()?),
        name: row.text()?,
        special_use: row.text()?,
        uid_validity: u32::try_from(row.int()?)
            .map_err(|_| Error::Corrupt("a UIDVALIDITY is out of range".to_owned()))?,
        uid_next: row.int()?,
        modseq: row.int()?,
        messages: row.int()?.max(0).cast_unsigned(),
        size: row.int()?.max(0).cast_unsigned(),
    })
}

pub(crate) fn entry(row: Row) -> Result<Entry, Error> {
    let mut row = Columns::of(row);
    Ok(Entry {
        id: EntryId(row.int()?),
        mailbox: MailboxId(row.int()?),
        uid: row.int()?,
        message: MessageId(row.int()?),
        rendition: row.int()?,
        size: row.int()?.max(0).cast_unsigned(),
        flags: row.int()?,
        internal_date: Timestamp(row.int()?),
        modseq: row.int()?,
    })
}
