//! The schema and its versions: forward steps that both engines take.
//!
//! An engine keeps the version in a table of its own, `schema_version (version INTEGER NOT NULL)`
//! with one row, made with [`VERSION_TABLE`], and takes each step of [`steps_from`] and the new
//! version number in one transaction.

use crate::Error;

/// The version that this program writes and reads.
pub const VERSION: i64 = 7;

/// Makes the table that holds the version.
pub const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";

/// A step from one version to the next.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The version after it.
    pub to: i64,
    /// The statements, separated by semicolons; comments begin with `--`.
    pub sql: &'static str,
}

/// Every step that ever was, the first from an empty database.
const STEPS: &[Step] = &[
    Step { to: 1, sql: include_str!("schema.sql") },
    Step { to: 2, sql: include_str!("schema/2-spool.sql") },
    Step { to: 3, sql: include_str!("schema/3-credentials.sql") },
    Step { to: 4, sql: include_str!("schema/4-dkim.sql") },
    Step { to: 5, sql: include_str!("schema/5-sending.sql") },
    Step { to: 6, sql: include_str!("schema/6-tls.sql") },
    Step { to: 7, sql: include_str!("schema/7-quarantine.sql") },
];

/// The steps that bring a database of version `found` (0: empty) to [`VERSION`].
///
/// # Errors
/// [`Error::TooNew`] if a newer program wrote it.
pub fn steps_from(found: i64) -> Result<&'static [Step], Error> {
    if found > VERSION {
        return Err(Error::TooNew { found, known: VERSION });
    }
    let taken = STEPS.iter().take_while(|step| step.to <= found).count();
    Ok(STEPS.get(taken..).unwrap_or_default())
}

/// The statements of a step's text, without comments, one by one.
///
/// For engines whose driver takes one statement at a time. The schema has no semicolon inside a
/// literal and no `--` inside one.
pub fn statements(sql: &str) -> impl Iterator<Item = String> {
    let bare: Vec<&str> =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let bare = bare.join("\n");
    let all: Vec<String> =
        bare.split(';').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::{STEPS, VERSION, statements, steps_from};
    use crate::Error;

    #[test]
    fn the_steps_lead_to_the_version_one_by_one() {
        for (n, step) in STEPS.iter().enumerate() {
            assert_eq!(step.to, n as i64 + 1);
        }
        assert_eq!(STEPS.len() as i64, VERSION);
        assert_eq!(steps_from(0).map(<[_]>::len), Ok(STEPS.len()));
        assert_eq!(steps_from(VERSION).map(<[_]>::len), Ok(0));
        let newer = steps_from(VERSION + 1).map(<[_]>::len);
        assert_eq!(newer, Err(Error::TooNew { found: VERSION + 1, known: VERSION }));
    }

    #[test]
    fn statements_are_cut_at_semicolons_without_comments() {
        let cut: Vec<String> = statements("-- a; b\nCREATE x; -- c\n\n;INSERT y").collect();
        assert_eq!(cut, ["CREATE x", "INSERT y"]);
    }
}
