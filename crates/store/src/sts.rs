//! Policies of other domains on TLS (MTA-STS), kept between deliveries and starts.

use crate::columns::Columns;
use crate::database::{Expect, Write};
use crate::trace::bounded;
use crate::{Error, Store};
use mail::{Domain, Timestamp};

/// Longest id that a record may have (RFC 8461 §3.1).
const ID_MAX: usize = 32;

/// What is known of a domain's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsPolicy {
    /// The id of the record that announced it.
    pub id: String,
    /// Its text; empty where there was none to be had.
    pub policy: String,
    /// When its server was asked last, with or without success.
    pub asked_at: Timestamp,
    /// When it is to be asked for again.
    pub renew_at: Timestamp,
    /// Until when it is in force.
    pub expires_at: Timestamp,
}

impl Store {
    /// What is known of a domain's policy.
    ///
    /// # Errors
    /// The database's.
    pub async fn sts_policy(&self, domain: &Domain) -> Result<Option<StsPolicy>, Error> {
        let sql = "SELECT id, policy, asked_at, renew_at, expires_at FROM sts_policy \
                   WHERE domain = $1";
        let row = self.db.read(sql, vec![domain.as_str().into()]).await?.pop();
        let read = |row| {
            let mut row = Columns::of(row);
            Ok(StsPolicy {
                id: row.text()?,
                policy: row.text()?,
                asked_at: Timestamp(row.int()?),
                renew_at: Timestamp(row.int()?),
                expires_at: Timestamp(row.int()?),
            })
        };
        row.map(read).transpose()
    }

    /// Keeps what is known now of a domain's policy, in place of what was; forgets those that ended
    /// before `forget`.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_sts_policy(
        &self,
        domain: &Domain,
        known: &StsPolicy,
        forget: Timestamp,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        write.push(
            "DELETE FROM sts_policy WHERE expires_at < $1 AND renew_at < $1",
            vec![forget.0.into()],
            Expect::Any,
        );
        write.push(
            "INSERT INTO sts_policy (domain, id, policy, asked_at, renew_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (domain) DO UPDATE SET id = excluded.id, \
             policy = excluded.policy, asked_at = excluded.asked_at, \
             renew_at = excluded.renew_at, expires_at = excluded.expires_at",
            vec![
                domain.as_str().into(),
                bounded(known.id.clone(), ID_MAX).into(),
                known.policy.clone().into(),
                known.asked_at.0.into(),
                known.renew_at.0.into(),
                known.expires_at.0.into(),
            ],
            Expect::Any,
        );
        self.db.write(write).await.map(drop)
    }
}
