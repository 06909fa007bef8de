//! What is held, as an administrator and its recipients see it.

use crate::columns::Columns;
use crate::database::{Row, Value};
use crate::{Error, Rendered, Store};
use mail::{HeldPart, Id, MailboxId, MessageId, Reason, Rendition, Timestamp};

/// What is held of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldKind {
    /// All of it: the recipient got nothing.
    Message,
    /// Parts of it: the recipient got the rest.
    Part,
}

/// What became of something that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldState {
    /// It is held.
    Held,
    /// It was released.
    Released,
    /// Somebody deleted it.
    Deleted,
    /// Its time was over, or the quarantine was full.
    Expired,
}

/// Something in the quarantine: one recipient's copy of a message, or the parts that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub id: Id,
    /// The message.
    pub message: MessageId,
    /// Its row in the message's ledger.
    pub n: i64,
    /// What of it.
    pub kind: HeldKind,
    /// The envelope's sender; `<>` for the null path.
    pub sender: String,
    /// Whose it is: a recipient, or the address elsewhere that its copy would go on to.
    pub address: String,
    /// The mailboxes that a release puts it into, as they were then.
    pub mailboxes: Vec<MailboxId>,
    /// The domain that a release sends it on to; empty where it stays here.
    pub destination: String,
    /// Why.
    pub reason: Reason,
    /// The rule that decided.
    pub rule: String,
    /// Facts, as the trace has them.
    pub detail: String,
    /// Bytes of the message as it came.
    pub size: u64,
    /// Bytes of the message as a release shows it.
    pub full_size: u64,
    /// Since when.
    pub at: Timestamp,
    /// What became of it.
    pub state: HeldState,
    /// When.
    pub state_at: Timestamp,
    /// By whom; empty while it is held.
    pub state_by: String,
    /// When a release was asked for, if it was.
    pub requested_at: Option<Timestamp>,
    /// By whom.
    pub requested_by: String,
    /// How many of its tokens were used.
    pub(crate) tokens: i64,
}

/// What is meant; what is empty or none means any.
#[derive(Debug, Clone, Default)]
pub struct HeldFilter {
    /// Of this recipient, letters compared without case.
    pub address: String,
    /// From this sender, likewise.
    pub sender: String,
    /// For this reason.
    pub reason: Option<Reason>,
    /// Of this message.
    pub message: Option<MessageId>,
    /// Only what somebody asked for.
    pub requested: bool,
    /// Also what is held no more.
    pub settled: bool,
}

impl HeldKind {
    pub(super) fn of(is_part: bool) -> Self {
        if is_part { HeldKind::Part } else { HeldKind::Message }
    }

    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            HeldKind::Message => "message",
            HeldKind::Part => "part",
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "message" => Ok(HeldKind::Message),
            "part" => Ok(HeldKind::Part),
            _ => Err("neither message nor part".to_owned()),
        }
    }
}

impl HeldState {
    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            HeldState::Held => "held",
            HeldState::Released => "released",
            HeldState::Deleted => "deleted",
            HeldState::Expired => "expired",
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        use HeldState::{Deleted, Expired, Held, Released};
        let found = [Held, Released, Deleted, Expired].into_iter().find(|it| it.word() == word);
        found.ok_or_else(|| "no state of the quarantine".to_owned())
    }
}

macro_rules! columns {
    () => {
        "SELECT id, message, n, kind, sender, address, mailboxes, destination, reason, rule, \
         detail, size, full_size, at, state, state_at, state_by, requested_at, requested_by, \
         tokens FROM quarantine "
    };
}
pub(super) use columns;

const LIST: &str = concat!(
    columns!(),
    "WHERE id > $1 AND ($2 = '' OR lower(address) = $2) AND ($3 = '' OR lower(sender) = $3) \
     AND ($4 = '' OR reason = $4) AND ($5 = 0 OR message = $5) \
     AND ($6 = 0 OR requested_at IS NOT NULL) AND ($7 = 1 OR state = 'held') \
     ORDER BY id LIMIT $8"
);

impl Store {
    /// What is held behind number `after`, by its numbers, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn quarantine_list(
        &self,
        after: Id,
        filter: &HeldFilter,
        limit: usize,
    ) -> Result<Vec<Held>, Error> {
        let params: Vec<Value> = vec![
            after.into(),
            filter.address.to_lowercase().into(),
            filter.sender.to_lowercase().into(),
            filter.reason.map_or("", Reason::word).into(),
            filter.message.map_or(0, |message| message.0).into(),
            filter.requested.into(),
            filter.settled.into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        self.db.read(LIST, params).await?.into_iter().map(read).collect()
    }

    /// One of it, also if it is held no more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the database's.
    pub async fn quarantined(&self, id: Id) -> Result<Held, Error> {
        let sql = concat!(columns!(), "WHERE id = $1");
        let row = self.db.read(sql, vec![id.into()]).await?.pop();
        row.map_or_else(|| Err(Error::NotFound(format!("{id} in the quarantine"))), read)
    }

    /// The parts of a message that are held, in their order; none where all of it is.
    ///
    /// # Errors
    /// The database's.
    pub async fn held_parts(&self, message: MessageId) -> Result<Vec<HeldPart>, Error> {
        let sql = "SELECT place_start, place_end, name, media_type, size, sha256, reason, rule, \
                   detail FROM quarantine_part WHERE message = $1 ORDER BY part";
        let part = |row| {
            let mut row = Columns::of(row);
            let mut number = || Ok::<u64, Error>(row.int()?.max(0).cast_unsigned());
            let place = number()?..number()?;
            Ok(HeldPart {
                place,
                name: row.text()?,
                media_type: row.text()?,
                size: row.int()?.max(0).cast_unsigned(),
                sha256: row.text()?,
                reason: row.parsed(reason)?,
                rule: row.text()?,
                detail: row.text()?,
            })
        };
        self.db.read(sql, vec![message.0.into()]).await?.into_iter().map(part).collect()
    }

    /// Opens a message as it was received, with nothing of ours before it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if its body is gone, [`Error::Corrupt`], or the database's.
    pub async fn original(&self, message: MessageId) -> Result<Rendered, Error> {
        let sql = "SELECT body_place, size, body FROM message WHERE id = $1";
        let row = self.db.read(sql, vec![message.0.into()]).await?.pop();
        let whole = |mut row: Row| {
            if let Some(size) = row.get_mut(1) {
                let bytes = size.as_int().unwrap_or(0).max(0).cast_unsigned();
                *size = Rendition::whole(bytes).encode().into();
            }
            row
        };
        self.rendered(message, row.map(whole)).await
    }
}

pub(super) fn read(row: Row) -> Result<Held, Error> {
    let mut row = Columns::of(row);
    let number = |id: &str| id.parse().map(MailboxId);
    Ok(Held {
        id: row.int()?,
        message: MessageId(row.int()?),
        n: row.int()?,
        kind: row.parsed(HeldKind::parse)?,
        sender: row.text()?,
        address: row.text()?,
        mailboxes: row.text()?.split(',').filter_map(|id| number(id).ok()).collect(),
        destination: row.text()?,
        reason: row.parsed(reason)?,
        rule: row.text()?,
        detail: row.text()?,
        size: row.int()?.max(0).cast_unsigned(),
        full_size: row.int()?.max(0).cast_unsigned(),
        at: Timestamp(row.int()?),
        state: row.parsed(HeldState::parse)?,
        state_at: Timestamp(row.int()?),
        state_by: row.text()?,
        requested_at: row.int_or_null()?.map(Timestamp),
        requested_by: row.text()?,
        tokens: row.int()?,
    })
}

fn reason(word: &str) -> Result<Reason, String> {
    Reason::from_word(word).ok_or_else(|| "no reason".to_owned())
}
