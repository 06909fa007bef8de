//! Who was told of what is held: recipients and administrators by digests, each thing once; senders
//! elsewhere at most once a day.

use super::list::{Held, columns, read};
use crate::accept::Acceptance;
use crate::database::{Expect, Statement, Write};
use crate::trace::Term;
use crate::{Error, Store};
use mail::{Address, Id, Timestamp};

/// Rows that are read at once; who tells reads again until there are no more.
pub(crate) const ROWS_MAX: i64 = 500;
const DAY: i64 = 86_400_000;
/// Days for which it is remembered which senders were told.
const DAYS_KEPT: i64 = 3;

/// Who a digest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Whose mail it is. Of parts they know by the message that they got.
    Recipient,
    /// Who looks after the server.
    Administrator,
}

const UNTOLD_RECIPIENT: &str = concat!(
    columns!(),
    "WHERE state = 'held' AND told_recipient = 0 AND kind = 'message' AND id > $1 \
     ORDER BY id LIMIT $2"
);
const UNTOLD_ADMIN: &str =
    concat!(columns!(), "WHERE state = 'held' AND told_admin = 0 AND id > $1 ORDER BY id LIMIT $2");

const UNTOLD_REQUESTS: &str = concat!(
    columns!(),
    "WHERE state = 'held' AND requested_at IS NOT NULL AND told_request = 0 ORDER BY id LIMIT $1"
);

impl Store {
    /// What is held behind number `after` and was not told of yet, the oldest first; at most 500.
    ///
    /// # Errors
    /// The database's.
    pub async fn untold_held(&self, listener: Listener, after: Id) -> Result<Vec<Held>, Error> {
        let sql = match listener {
            Listener::Recipient => UNTOLD_RECIPIENT,
            Listener::Administrator => UNTOLD_ADMIN,
        };
        let params = vec![after.into(), ROWS_MAX.into()];
        self.db.read(sql, params).await?.into_iter().map(read).collect()
    }

    /// Writes down that these were told of, in one commit with the digest that tells it; none where
    /// there is nobody to tell.
    ///
    /// # Errors
    /// [`Error::Conflict`] if one of them was told of by another: then nothing is told. Otherwise
    /// as [`Store::accept`].
    pub async fn tell_held(
        &self,
        listener: Listener,
        told: &[Id],
        digest: Option<Acceptance>,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        let sql = match listener {
            Listener::Recipient => {
                "UPDATE quarantine SET told_recipient = 1 WHERE id = $1 AND told_recipient = 0"
            }
            Listener::Administrator => {
                "UPDATE quarantine SET told_admin = 1 WHERE id = $1 AND told_admin = 0"
            }
        };
        for id in told {
            write.push(sql, vec![(*id).into()], Expect::Rows(1));
        }
        self.write_with(write, digest).await
    }

    async fn write_with(&self, write: Write, notice: Option<Acceptance>) -> Result<(), Error> {
        match notice {
            Some(notice) => self.accept_with(notice, write).await,
            None => self.db.write(write).await.map(drop),
        }
    }

    /// Requests of which the administrator was not told yet; at most 500.
    ///
    /// # Errors
    /// The database's.
    pub async fn untold_requests(&self) -> Result<Vec<Held>, Error> {
        self.db.read(UNTOLD_REQUESTS, vec![ROWS_MAX.into()]).await?.into_iter().map(read).collect()
    }

    /// Writes down that the administrator knows of these requests, in one commit with the notice
    /// of them; none where there is nobody to tell.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another has told one of them: then nothing is told. Otherwise as
    /// [`Store::accept`].
    pub async fn tell_requests(
        &self,
        told: &[Id],
        notice: Option<Acceptance>,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        for id in told {
            write.push(
                "UPDATE quarantine SET told_request = 1 WHERE id = $1 AND told_request = 0",
                vec![(*id).into()],
                Expect::Rows(1),
            );
        }
        self.write_with(write, notice).await
    }

    /// Whether a sender elsewhere may be told today, and writes down that it is.
    ///
    /// # Errors
    /// The database's: then nobody is told.
    pub async fn may_tell_sender(&self, sender: &Address, now: Timestamp) -> Result<bool, Error> {
        let day = now.0.div_euclid(DAY);
        let forget = Statement::new(
            "DELETE FROM told_sender WHERE day < $1",
            vec![(day - DAYS_KEPT).into()],
        );
        let tell = Statement::new(
            "INSERT INTO told_sender (day, address) VALUES ($1, $2) ON CONFLICT DO NOTHING \
             RETURNING day",
            vec![day.into(), Term::address(&sender.key()).0.into()],
        );
        let rows = self.db.write(Write::new(vec![forget, tell])).await?;
        Ok(rows.iter().any(|rows| !rows.is_empty()))
    }
}
