//! How sessions with other servers went, counted by day and domain, and the reports of it that were
//! taken on (RFC 8460).

use crate::columns::Columns;
use crate::database::{Expect, Statement, Write};
use crate::trace::bounded;
use crate::{Error, Store};
use mail::{Domain, Timestamp};

const DAY: i64 = 86_400_000;
/// Days that counts are kept: a report is of the day before, and may be late by some.
const KEPT_DAYS: i64 = 30;
/// Different rows of one domain and day; what is beyond is not counted, so that nobody who changes
/// his records all the time fills the store.
const ROWS_PER_DOMAIN_MAX: i64 = 200;
/// Bytes of a policy, and of each of the other texts.
const POLICY_MAX: usize = 8 * 1024;
const TEXT_MAX: usize = 255;
/// Rows of one answer.
const ANSWER_MAX: i64 = 1_000;

/// A day of UTC, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsDay(pub i64);

impl TlsDay {
    /// The day of a moment.
    pub fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(DAY))
    }

    /// Its first moment.
    pub fn begins(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY))
    }

    /// The day before.
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// How a session went, or several alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// The domain whose policy held: that of the recipients.
    pub domain: String,
    /// Whose policy it is: `tlsa`, `sts`, `no-policy-found` (RFC 8460 §4.4).
    pub kind: String,
    /// The policy, as JSON.
    pub policy: String,
    /// What failed, in the words of RFC 8460 §4.3; empty for a success.
    pub result: String,
    /// The server's name.
    pub host: String,
    /// Its address.
    pub address: String,
    /// More about a failure.
    pub detail: String,
}

/// The same, with how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsCount {
    /// When.
    pub day: TlsDay,
    /// How they went.
    pub session: TlsSession,
    /// How many.
    pub sessions: u64,
}

impl Store {
    /// Counts a session; rides a later commit. Successes are not told apart by server.
    pub fn count_tls(&self, now: Timestamp, session: TlsSession) {
        let success = session.result.is_empty();
        let text = |text: String| if success { String::new() } else { bounded(text, TEXT_MAX) };
        let TlsSession { domain, kind, policy, result, host, address, detail } = session;
        let day = TlsDay::of(now).0;
        let domain = bounded(domain, TEXT_MAX);
        let count = Statement::new(
            "INSERT INTO tls_session (day, domain, kind, policy, result, host, address, detail, \
             sessions) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) \
             ON CONFLICT (day, domain, kind, policy, result, host, address, detail) \
             DO UPDATE SET sessions = tls_session.sessions + 1",
            vec![
                day.into(),
                domain.clone().into(),
                bounded(kind, TEXT_MAX).into(),
                bounded(policy, POLICY_MAX).into(),
                bounded(result, TEXT_MAX).into(),
                text(host).into(),
                text(address).into(),
                text(detail).into(),
            ],
        );
        // The newest of too many goes again: it is the rarest.
        let bound = Statement::new(
            "DELETE FROM tls_session WHERE day = $1 AND domain = $2 AND sessions = 1 AND \
             (SELECT count(*) FROM tls_session WHERE day = $1 AND domain = $2) > $3",
            vec![day.into(), domain.into(), ROWS_PER_DOMAIN_MAX.into()],
        );
        self.db.post(Write::new(vec![count, bound]));
    }

    /// What was counted from a day on, newest first, of one domain or of all; at most 1,000 rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn tls_counts(
        &self,
        from: TlsDay,
        to: TlsDay,
        domain: Option<&Domain>,
    ) -> Result<Vec<TlsCount>, Error> {
        let sql = "SELECT day, domain, kind, policy, result, host, address, detail, sessions \
                   FROM tls_session WHERE day >= $1 AND day <= $2 AND (domain = $3 OR $3 = '') \
                   ORDER BY day DESC, domain, kind, policy, result, host, address, detail LIMIT $4";
        let domain = domain.map_or("", Domain::as_str);
        let params = vec![from.0.into(), to.0.into(), domain.into(), ANSWER_MAX.into()];
        let count = |row| {
            let mut row = Columns::of(row);
            Ok(TlsCount {
                day: TlsDay(row.int()?),
                session: TlsSession {
                    domain: row.text()?,
                    kind: row.text()?,
                    policy: row.text()?,
                    result: row.text()?,
                    host: row.text()?,
                    address: row.text()?,
                    detail: row.text()?,
                },
                sessions: row.int()?.max(0).cast_unsigned(),
            })
        };
        self.db.read(sql, params).await?.into_iter().map(count).collect()
    }

    /// Domains with counts of a day whose report nobody has taken on, at most so many.
    ///
    /// # Errors
    /// The database's.
    pub async fn tls_unreported(&self, day: TlsDay, most: u32) -> Result<Vec<Domain>, Error> {
        let sql = "SELECT DISTINCT s.domain FROM tls_session s WHERE s.day = $1 AND NOT EXISTS \
                   (SELECT 1 FROM tls_report r WHERE r.day = s.day AND r.domain = s.domain) \
                   ORDER BY s.domain LIMIT $2";
        let rows = self.db.read(sql, vec![day.0.into(), i64::from(most).into()]).await?;
        rows.into_iter().map(|row| Columns::of(row).parsed(Domain::parse)).collect()
    }

    /// Takes a report on: `false` if a node has it already. Each is taken once, so that none is
    /// sent twice; one whose sender ends in the midst of it is lost.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_tls_report(
        &self,
        day: TlsDay,
        domain: &Domain,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let forget = day.0.saturating_sub(KEPT_DAYS);
        let mut write = Write::default();
        write.push("DELETE FROM tls_session WHERE day < $1", vec![forget.into()], Expect::Any);
        write.push("DELETE FROM tls_report WHERE day < $1", vec![forget.into()], Expect::Any);
        write.push(
            "INSERT INTO tls_report (day, domain, node, taken_at, outcome) \
             VALUES ($1, $2, $3, $4, '')",
            vec![day.0.into(), domain.as_str().into(), self.node.into(), now.0.into()],
            Expect::Rows(1),
        );
        match self.db.write(write).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what became of a report, in words.
    ///
    /// # Errors
    /// The database's.
    pub async fn tls_reported(
        &self,
        day: TlsDay,
        domain: &Domain,
        now: Timestamp,
        outcome: &str,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        write.push(
            "UPDATE tls_report SET sent_at = $3, outcome = $4 WHERE day = $1 AND domain = $2",
            vec![
                day.0.into(),
                domain.as_str().into(),
                now.0.into(),
                bounded(outcome.to_owned(), TEXT_MAX).into(),
            ],
            Expect::Any,
        );
        self.db.write(write).await.map(drop)
    }
}
