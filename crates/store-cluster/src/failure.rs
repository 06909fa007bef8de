//! What PostgreSQL's errors mean for whoever asked.

use store::Error;
use tokio_postgres::error::SqlState;

/// Why a statement or a batch did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It collided with another transaction (40001, 40P01): the same again may work.
    Again(String),
    /// The connection is gone. What was not committed is not there.
    Gone(String),
    /// It breaks a constraint.
    Constraint,
    /// Anything else; the same again would fail again, or later may work.
    Other(Error),
}

impl Failure {
    /// Sorts an error by what can be done about it.
    pub(crate) fn of(error: &tokio_postgres::Error) -> Self {
        let text = describe(error);
        let Some(state) = error.code() else {
            if error.is_closed() || is_io(error) {
                return Failure::Gone(text);
            }
            return Failure::Other(Error::Invalid(text));
        };
        if *state == SqlState::T_R_SERIALIZATION_FAILURE
            || *state == SqlState::T_R_DEADLOCK_DETECTED
        {
            return Failure::Again(text);
        }
        match state.code().get(..2).unwrap_or_default() {
            "23" => Failure::Constraint,
            // Connection trouble, and the operator ending it (57P01, 57P02, 57P03).
            "08" => Failure::Gone(text),
            "57" if state.code().starts_with("57P") => Failure::Gone(text),
            "XX" => Failure::Other(Error::Corrupt(text)),
            // A value that cannot be, or SQL that PostgreSQL does not take: ours to mend.
            "22" | "42" => Failure::Other(Error::Invalid(text)),
            _ if *state == SqlState::DISK_FULL => Failure::Other(Error::Full(text)),
            _ => Failure::Other(Error::Unavailable(text)),
        }
    }

    /// The error for a caller who is told nothing finer.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Failure::Again(text) | Failure::Gone(text) => Error::Unavailable(text),
            Failure::Constraint => Error::Conflict { statement: 0 },
            Failure::Other(error) => error,
        }
    }
}

/// The whole chain in one line; PostgreSQL's own errors hide behind "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("postgresql: {} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("postgresql: {error}: {cause}"),
            None => format!("postgresql: {error}"),
        },
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}
