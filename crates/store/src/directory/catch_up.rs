//! The log of changes, by which a snapshot of the directory follows the database.
//!
//! Every change adds one row: the version that it made, and which record it touched. Who is behind
//! reads the rows since its version and, of each record they name, what it is now. So a change
//! costs the same however large the directory is, on the node that made it and on the others.

use super::Directory;
use crate::Error;
use crate::columns::Columns;
use crate::database::{Database, Expect, Write};
use mail::Id;

/// Changes that the log remembers. A node that is further behind loads the whole directory.
const LOG_MAX: i64 = 10_000;
/// Changes that one look takes at once.
const CHANGES_AT_ONCE: i64 = 200;
/// Looks until the snapshot is taken as it is, though others go on changing the directory: enough
/// for the whole log.
const LOOKS_MAX: usize = 64;

/// The kinds of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Domain,
    Account,
    Alias,
    Access,
    Subject,
    DkimKey,
    /// Limits of sending, all of them.
    Limit,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Domain,
        Self::Account,
        Self::Alias,
        Self::Access,
        Self::Subject,
        Self::DkimKey,
        Self::Limit,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Kind::Domain => "domain",
            Kind::Account => "account",
            Kind::Alias => "alias",
            Kind::Access => "access",
            Kind::Subject => "subject",
            Kind::DkimKey => "dkim_key",
            Kind::Limit => "limit",
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or("no kind of record")
    }
}

/// Adds to a write that changes this record the new version and its row of the log.
pub(super) fn log_change(write: &mut Write, kind: Kind, id: Id) {
    // The counter's row is locked until the commit: versions are committed in their order.
    write.push(
        "UPDATE counter SET number = number + 1 WHERE name = 'directory'",
        Vec::new(),
        Expect::Rows(1),
    );
    write.push(
        "INSERT INTO directory_change (version, kind, record) \
         SELECT number, $1, $2 FROM counter WHERE name = 'directory'",
        vec![kind.as_str().into(), id.into()],
        Expect::Rows(1),
    );
    write.push(
        "DELETE FROM directory_change WHERE version <= \
         (SELECT number FROM counter WHERE name = 'directory') - $1",
        vec![LOG_MAX.into()],
        Expect::Any,
    );
}

impl Directory {
    /// Takes in what was changed since this version. `false` if the log does not reach back that
    /// far: then the snapshot is of no use.
    pub(crate) async fn catch_up(&mut self, db: &dyn Database) -> Result<bool, Error> {
        let sql = "SELECT version, kind, record FROM directory_change WHERE version > $1 \
                   ORDER BY version LIMIT $2";
        // Records are read as they are now, which may be newer than the row that names them; only
        // when nothing is left to take in is it certain that all of them are of one version.
        for _ in 0..LOOKS_MAX {
            let rows = db.read(sql, vec![self.version.into(), CHANGES_AT_ONCE.into()]).await?;
            if rows.is_empty() {
                return Ok(true);
            }
            for row in rows {
                let mut row = Columns::of(row);
                let (version, kind, id) = (row.int()?, row.parsed(Kind::parse)?, row.int()?);
                if version != self.version + 1 {
                    return Ok(false);
                }
                self.load_one(db, kind, id).await?;
                self.version = version;
            }
        }
        Ok(true)
    }
}
