//! Statements in SQLite's form: parameters, values, rows, errors.

use crate::Error;
use crate::database::{Row, Value};
use bytes::Bytes;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Prepared statements, kept for the life of their connection. The texts are static, so a text
/// is known by its address.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    prepared: HashMap<(usize, usize), rusqlite::Statement<'c>>,
}

impl<'c> Statements<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, prepared: HashMap::new() }
    }

    /// Runs a statement; the rows it returned, and how many rows it changed or returned.
    pub(super) fn run(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> rusqlite::Result<(Vec<Row>, u64)> {
        let statement = match self.prepared.entry((sql.as_ptr() as usize, sql.len())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.connection.prepare(&numbered(sql))?),
        };
        for (n, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(n + 1, Bound(value))?;
        }
        let columns = statement.column_count();
        if columns == 0 {
            return Ok((Vec::new(), statement.raw_execute()? as u64));
        }
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(value(row.get_ref(column)?));
            }
            found.push(values);
        }
        let count = found.len() as u64;
        Ok((found, count))
    }
}

/// Runs a statement without parameters, passing over what it returns.
pub(super) fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    let work = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    };
    work().map_err(|e| error(&e))
}

/// `$n` as SQLite numbers parameters. The store's texts have no `$` but in parameters.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        // No column is REAL; what is not a number of ours is as good as damaged.
        ValueRef::Real(_) => Value::Null,
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(Bytes::copy_from_slice(bytes)),
    }
}

/// What an error of SQLite means to the store; `Conflict` with statement 0.
pub(super) fn error(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::Conflict { statement: 0 },
        Some(ErrorCode::DiskFull | ErrorCode::TooBig) => Error::Full(error.to_string()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::Corrupt(error.to_string())
        }
        _ => Error::Unavailable(error.to_string()),
    }
}
