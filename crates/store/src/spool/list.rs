//! The spool as an administrator sees it and changes it.

use super::Needs;
use crate::columns::Columns;
use crate::database::{Bell, Expect, Row, Value, Write};
use crate::sending::{HELD_FIRST_TIME, HELD_RECIPIENTS, remember_released};
use crate::trace::write_rows;
use crate::{Error, Store};
use mail::{AccountId, Door, Event, Id, MessageId, Reason, Submitter, Timestamp, TraceRow};

/// A copy in the spool.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// Its number.
    pub id: Id,
    /// What it is a copy of.
    pub message: MessageId,
    /// Who sent it, if somebody logged in for it.
    pub account: Option<AccountId>,
    /// The envelope's sender; `<>` for the null path.
    pub sender: String,
    /// The envelope's recipient.
    pub recipient: String,
    /// Its domain, or an address literal in brackets.
    pub destination: String,
    /// What it needs of the other server.
    pub needs: Needs,
    /// Its size in bytes.
    pub size: u64,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// When it is due; while it is being sent, when the lease ends.
    pub next_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Why it is held; empty if it is not.
    pub held: String,
    /// Whether it is being sent now.
    pub is_leased: bool,
    /// When the last attempt ended; none before the first.
    pub last_at: Option<Timestamp>,
    /// The remote's reply code; 0 if it gave none.
    pub last_reply: u16,
    /// The word of the reason; empty before the first attempt.
    pub last_reason: String,
    /// The remote's words, or ours.
    pub last_text: String,
    /// The server that was asked.
    pub last_host: String,
    /// Who answers for it, as the tables name it; empty for nobody.
    pub(crate) submitter: String,
}

/// Which copies are meant; what is empty or none means any.
#[derive(Debug, Clone, Default)]
pub struct SpoolFilter {
    /// This destination.
    pub destination: String,
    /// This sender.
    pub sender: String,
    /// This message.
    pub message: Option<MessageId>,
    /// What this one sent.
    pub submitter: Option<Submitter>,
    /// Only what is held.
    pub held: bool,
}

/// What an administrator does to a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpoolChange<'a> {
    /// It stays where it is until it is released, for this reason.
    Hold(&'a str),
    /// It is not held any more, and due now.
    Release,
    /// It is due now.
    Retry,
    /// The same for whom it belongs to, named for the trace; what is held stays held.
    Flush(&'a str),
    /// It is removed; nobody is told.
    Remove,
}

/// What the accept commit held, not a person.
const OVER_LIMITS: [&str; 2] = [HELD_RECIPIENTS, HELD_FIRST_TIME];

const COLUMNS: &str = "SELECT id, message, account, sender, recipient, destination, options, size, \
     queued_at, next_at, attempts, held, owner, last_at, last_reply, last_reason, last_text, \
     last_host, submitter FROM spool \
     WHERE id > $1 AND ($2 = '' OR destination = $2) AND ($3 = '' OR sender = $3) \
     AND ($4 = 0 OR message = $4) AND ($5 = 0 OR held <> '') AND ($6 = '' OR submitter = $6) \
     ORDER BY id LIMIT $7";

impl Store {
    /// Copies behind number `after`, by their numbers, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn spool_list(
        &self,
        after: Id,
        filter: &SpoolFilter,
        limit: usize,
    ) -> Result<Vec<Spooled>, Error> {
        let params: Vec<Value> = vec![
            after.into(),
            filter.destination.as_str().into(),
            filter.sender.as_str().into(),
            filter.message.map_or(0, |message| message.0).into(),
            filter.held.into(),
            self.submitter(filter.submitter).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        self.db.read(COLUMNS, params).await?.into_iter().map(read).collect()
    }

    /// One copy.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the database's.
    pub async fn spooled(&self, id: Id) -> Result<Spooled, Error> {
        let rows = self.spool_list(id - 1, &SpoolFilter::default(), 1).await?;
        let found = rows.into_iter().find(|row| row.id == id);
        found.ok_or_else(|| Error::NotFound(format!("{id} in the queue")))
    }

    /// Changes copies; those that are being sent at this moment are passed over. Answers how many
    /// were changed.
    ///
    /// # Errors
    /// The database's. What was changed before the error stays changed.
    pub async fn change_spool(
        &self,
        copies: &[Spooled],
        change: SpoolChange<'_>,
    ) -> Result<u64, Error> {
        let mut changed = 0;
        for copy in copies {
            match self.change_one(copy, change).await {
                Ok(()) => changed += 1,
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(changed)
    }

    async fn change_one(&self, copy: &Spooled, change: SpoolChange<'_>) -> Result<(), Error> {
        let numbered = self.numbered(1).await?;
        let now = self.clock.now();
        let mut write = Write::default().ring(Bell::Spool);
        match change {
            SpoolChange::Hold(why) => write.push(
                "UPDATE spool SET held = $2, fence = fence + 1 WHERE id = $1 AND owner IS NULL",
                vec![copy.id.into(), why.into()],
                Expect::Rows(1),
            ),
            // A higher fence tells the scheduler that what it has in mind is old.
            SpoolChange::Release | SpoolChange::Retry => write.push(
                "UPDATE spool SET held = '', next_at = $2, fence = fence + 1 \
                 WHERE id = $1 AND owner IS NULL",
                vec![copy.id.into(), now.0.into()],
                Expect::Rows(1),
            ),
            SpoolChange::Flush(_) => write.push(
                "UPDATE spool SET next_at = $2, fence = fence + 1 \
                 WHERE id = $1 AND owner IS NULL AND held = ''",
                vec![copy.id.into(), now.0.into()],
                Expect::Rows(1),
            ),
            SpoolChange::Remove => remove(&mut write, copy, now),
        }
        if change == SpoolChange::Release && OVER_LIMITS.contains(&copy.held.as_str()) {
            let known = remember_released(&copy.submitter, &copy.recipient, now);
            write.statements.push(known);
        }
        let row = self.change_row(copy, change, now);
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), vec![row]);
        self.db.write(write).await.map(drop)
    }

    fn change_row(&self, copy: &Spooled, change: SpoolChange<'_>, at: Timestamp) -> TraceRow {
        let (word, event) = match change {
            SpoolChange::Hold(_) => ("hold", Event::Administration),
            SpoolChange::Release => ("release", Event::Administration),
            SpoolChange::Retry => ("retry", Event::Administration),
            SpoolChange::Flush(_) => ("flush", Event::Administration),
            SpoolChange::Remove => ("remove", Event::Removed),
        };
        let (door, rule) = match change {
            SpoolChange::Flush(who) => (Door::Local, who),
            _ => (Door::Admin, "administrator"),
        };
        TraceRow {
            at,
            event,
            session: None,
            message: Some(copy.message),
            door: door.word().to_owned(),
            peer: String::new(),
            sender: copy.sender.clone(),
            recipient: copy.recipient.clone(),
            reply: 0,
            reason: Reason::Unopposed,
            rule: rule.to_owned(),
            detail: format!("queue={} {word}", copy.id),
        }
    }
}

fn remove(write: &mut Write, copy: &Spooled, now: Timestamp) {
    write.push(
        "UPDATE recipient SET state = 'removed', rule = 'administrator' \
         WHERE message = $1 AND n = (SELECT n FROM spool WHERE id = $2)",
        vec![copy.message.0.into(), copy.id.into()],
        Expect::Rows(1),
    );
    write.push(
        "DELETE FROM spool WHERE id = $1 AND owner IS NULL",
        vec![copy.id.into()],
        Expect::Rows(1),
    );
    crate::mailbox::remove::forget_one(write, copy.message.0, now.0);
}

fn read(row: Row) -> Result<Spooled, Error> {
    let mut row = Columns::of(row);
    Ok(Spooled {
        id: row.int()?,
        message: MessageId(row.int()?),
        account: row.int_or_null()?.map(AccountId),
        sender: row.text()?,
        recipient: row.text()?,
        destination: row.text()?,
        needs: Needs::decode(&row.text()?),
        size: row.int()?.max(0).cast_unsigned(),
        queued_at: Timestamp(row.int()?),
        next_at: Timestamp(row.int()?),
        attempts: u32::try_from(row.int()?).unwrap_or(0),
        held: row.text()?,
        is_leased: row.int_or_null()?.is_some(),
        last_at: row.int_or_null()?.map(Timestamp),
        last_reply: u16::try_from(row.int()?).unwrap_or(0),
        last_reason: row.text()?,
        last_text: row.text()?,
        last_host: row.text()?,
        submitter: row.text()?,
    })
}
