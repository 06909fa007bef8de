//! Bringing the schema to this program's version, one node at a time.

use crate::dialect::translate;
use crate::failure::Failure;
use crate::link::Connection;
use store::Error;
use store::schema::{VERSION_TABLE, statements, steps_from};
use tokio_postgres::error::SqlState;

/// Two nodes that start on an empty database may both make the table of versions; the second is
/// told so by an error and looks again.
const ATTEMPTS: u32 = 5;

/// Takes every step that is missing, each with its version number in one transaction.
pub(crate) async fn migrate(connection: &Connection) -> Result<(), Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match step(connection).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let failure = match error {
                    Trouble::Store(error) => return Err(error),
                    Trouble::Database(error) => error,
                };
                // The transaction is open, or gone with its connection.
                let _ = connection.client.batch_execute("ROLLBACK").await;
                if attempt >= ATTEMPTS || !is_race(&failure) {
                    return Err(Failure::of(&failure).into_error());
                }
            }
        }
    }
}

enum Trouble {
    Store(Error),
    Database(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Trouble::Database(error)
    }
}

/// Takes the next step; false if there was none to take.
async fn step(connection: &Connection) -> Result<bool, Trouble> {
    let client = &connection.client;
    client.batch_execute("BEGIN").await?;
    client.batch_execute(&translate(VERSION_TABLE)).await?;
    client.batch_execute("LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE").await?;
    let row = client.query_opt("SELECT version FROM schema_version", &[]).await?;
    let found: i64 = row.as_ref().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    let next = match steps_from(found) {
        Ok(steps) => steps.first(),
        Err(error) => {
            client.batch_execute("ROLLBACK").await?;
            return Err(Trouble::Store(error));
        }
    };
    if let Some(next) = next {
        tracing::info!("the schema goes from version {found} to {}", next.to);
        // Without comments: an apostrophe in one is no literal.
        for statement in statements(next.sql) {
            client.batch_execute(&translate(&statement)).await?;
        }
        let sql = match row {
            Some(_) => "UPDATE schema_version SET version = $1",
            None => "INSERT INTO schema_version (version) VALUES ($1)",
        };
        client.execute(sql, &[&next.to]).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(next.is_some())
}

fn is_race(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| {
        [
            SqlState::UNIQUE_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(state)
    })
}
