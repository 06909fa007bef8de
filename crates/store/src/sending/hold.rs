//! The notice that is owed once a day to the owner of mail that is held, and to an administrator.

use super::day_of;
use crate::accept::Acceptance;
use crate::columns::Columns;
use crate::database::{Expect, Write};
use crate::{Error, Store};
use mail::{Address, Timestamp};

/// Days that one look asks for at once.
const HOLDS_AT_ONCE: i64 = 20;

/// A day on which something of a submitter was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendHold {
    /// The day, counted from 1970 (UTC).
    day: i64,
    /// Who it is, as the tables name it.
    submitter: String,
    /// When the first was held.
    pub at: Timestamp,
    /// The address of whose mail it is.
    pub owner: Address,
    /// Recipients of that day so far.
    pub recipients: u64,
    /// First-time ones among them.
    pub first_time: u64,
    /// Copies that were held.
    pub held: u64,
}

impl SendHold {
    /// What `gatepost queue release --account` calls them: the address, or `uid:1000`.
    pub fn name(&self) -> String {
        match self.submitter.strip_prefix("uid ").and_then(|rest| rest.split(' ').next()) {
            Some(uid) => format!("uid:{uid}"),
            None => self.owner.to_string(),
        }
    }
}

impl Store {
    /// Holds of today and yesterday that nobody was told of yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn untold_holds(&self, now: Timestamp) -> Result<Vec<SendHold>, Error> {
        let sql = "SELECT h.day, h.submitter, h.at, h.owner, s.recipients, s.first_time, s.held \
                   FROM send_hold h JOIN sent s ON s.submitter = h.submitter AND s.day = h.day \
                   WHERE h.day >= $1 AND h.told = 0 ORDER BY h.day, h.submitter LIMIT $2";
        let params = vec![(day_of(now) - 1).into(), HOLDS_AT_ONCE.into()];
        let hold = |row| {
            let mut row = Columns::of(row);
            Ok(SendHold {
                day: row.int()?,
                submitter: row.text()?,
                at: Timestamp(row.int()?),
                owner: row.parsed(Address::parse)?,
                recipients: row.int()?.max(0).cast_unsigned(),
                first_time: row.int()?.max(0).cast_unsigned(),
                held: row.int()?.max(0).cast_unsigned(),
            })
        };
        self.db.read(sql, params).await?.into_iter().map(hold).collect()
    }

    /// Keeps the notice about a hold, or that there is nobody to tell, in one commit with that it
    /// was told.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another has told it. Otherwise as [`Store::accept`].
    pub async fn tell_hold(
        &self,
        hold: &SendHold,
        notice: Option<Acceptance>,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        write.push(
            "UPDATE send_hold SET told = 1 WHERE day = $1 AND submitter = $2 AND told = 0",
            vec![hold.day.into(), hold.submitter.as_str().into()],
            Expect::Rows(1),
        );
        match notice {
            None => self.db.write(write).await.map(drop),
            Some(notice) => self.accept_with(notice, write).await,
        }
    }
}
