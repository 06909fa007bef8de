//! What is due, and the right to send it on.

use super::Needs;
use crate::columns::Columns;
use crate::database::{Expect, Statement, Write};
use crate::{Error, Store};
use mail::{AccountId, Address, Id, MessageId, ReversePath, Timestamp};

/// Copies that one look takes at the most.
pub const DUE_AT_ONCE: usize = 5_000;

/// A copy that is due, as the scheduler keeps it in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: Id,
    /// What it is a copy of.
    pub message: MessageId,
    /// Its domain, or an address literal in brackets.
    pub destination: String,
    /// Since when.
    pub at: Timestamp,
    /// The fence that a lease has to follow.
    pub fence: i64,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// Whether the sender was told of a delay.
    pub warned: bool,
}

/// The right to send a copy on, until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The copy's number.
    pub id: Id,
    /// Its fence.
    pub fence: i64,
    /// What it is a copy of.
    pub message: MessageId,
    /// Its row in the message's ledger.
    pub n: i64,
    /// Who sent it, if somebody logged in for it.
    pub account: Option<AccountId>,
    /// The envelope's sender.
    pub sender: ReversePath,
    /// The envelope's recipient.
    pub recipient: Address,
    /// Its domain, or an address literal in brackets.
    pub destination: String,
    /// What it needs of the other server.
    pub needs: Needs,
    /// Its size in bytes as it is sent on.
    pub size: u64,
    /// When it was accepted.
    pub queued_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether the sender was told of a delay.
    pub warned: bool,
}

impl Store {
    /// What is due from (`after`) until `until`, oldest first, at most [`DUE_AT_ONCE`]; for the
    /// next look give the last one's time and number.
    ///
    /// # Errors
    /// The database's.
    pub async fn spool_due(
        &self,
        after: (Timestamp, Id),
        until: Timestamp,
    ) -> Result<Vec<Due>, Error> {
        let sql = "SELECT id, message, destination, next_at, fence, queued_at, warned FROM spool \
                   WHERE (next_at, id) > ($1, $2) AND next_at <= $3 AND held = '' \
                   ORDER BY next_at, id LIMIT $4";
        let (at, id) = after;
        let params = vec![at.0.into(), id.into(), until.0.into(), (DUE_AT_ONCE as i64).into()];
        let due = |row| {
            let mut row = Columns::of(row);
            Ok(Due {
                id: row.int()?,
                message: MessageId(row.int()?),
                destination: row.text()?,
                at: Timestamp(row.int()?),
                fence: row.int()?,
                queued_at: Timestamp(row.int()?),
                warned: row.truth()?,
            })
        };
        self.db.read(sql, params).await?.into_iter().map(due).collect()
    }

    /// Leases copies, each by its number and its fence, until `until`; those that another has taken
    /// meanwhile are left out.
    ///
    /// # Errors
    /// The database's: then it is not known which are leased. They are due when the lease ends.
    pub async fn lease(&self, due: &[(Id, i64)], until: Timestamp) -> Result<Vec<Lease>, Error> {
        let statement = |(id, fence): (Id, i64)| {
            Statement::new(
                "UPDATE spool SET owner = $3, fence = fence + 1, next_at = $4 \
                 WHERE id = $1 AND fence = $2 AND held = '' \
                 RETURNING id, fence, message, n, account, sender, recipient, destination, \
                 options, size, queued_at, attempts, warned",
                vec![id.into(), fence.into(), self.node.into(), until.0.into()],
            )
        };
        // In the order of their ids, so that nodes never wait for one another in a circle.
        let mut due = due.to_vec();
        due.sort_unstable();
        let write = Write::new(due.into_iter().map(statement).collect());
        let rows = self.db.write(write).await?;
        rows.into_iter().flatten().map(|row| read(Columns::of(row))).collect()
    }

    /// Makes due at `now` what this node had leased when it ended. For the start alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_leases(&self, now: Timestamp) -> Result<(), Error> {
        let mut write = Write::default();
        write.push(
            "UPDATE spool SET owner = NULL, next_at = $2 WHERE owner = $1",
            vec![self.node.into(), now.0.into()],
            Expect::Any,
        );
        self.db.write(write).await.map(drop)
    }
}

fn read(mut row: Columns) -> Result<Lease, Error> {
    Ok(Lease {
        id: row.int()?,
        fence: row.int()?,
        message: MessageId(row.int()?),
        n: row.int()?,
        account: row.int_or_null()?.map(AccountId),
        sender: row.parsed(sender)?,
        recipient: row.parsed(Address::parse)?,
        destination: row.text()?,
        needs: Needs::decode(&row.text()?),
        size: row.int()?.max(0).cast_unsigned(),
        queued_at: Timestamp(row.int()?),
        attempts: u32::try_from(row.int()?).unwrap_or(0),
        warned: row.truth()?,
    })
}

/// A sender as the spool writes it: `<>`, or an address without brackets.
fn sender(text: &str) -> Result<ReversePath, mail::AddressError> {
    match text {
        "<>" => Ok(ReversePath::Null),
        text => Address::parse(text).map(ReversePath::Address),
    }
}
