//! Reads typed values out of rows, in the order of a statement's columns.

use crate::Error;
use crate::database::{Row, Value};
use bytes::Bytes;

/// Takes a row apart from the left.
pub(crate) struct Columns {
    values: std::vec::IntoIter<Value>,
}

impl Columns {
    pub(crate) fn of(row: Row) -> Self {
        Self { values: row.into_iter() }
    }

    fn next(&mut self) -> Value {
        self.values.next().unwrap_or(Value::Null)
    }

    pub(crate) fn int(&mut self) -> Result<i64, Error> {
        match self.next() {
            Value::Int(number) => Ok(number),
            other => Err(unfit("a number", &other)),
        }
    }

    pub(crate) fn int_or_null(&mut self) -> Result<Option<i64>, Error> {
        match self.next() {
            Value::Int(number) => Ok(Some(number)),
            Value::Null => Ok(None),
            other => Err(unfit("a number or null", &other)),
        }
    }

    pub(crate) fn truth(&mut self) -> Result<bool, Error> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        match self.next() {
            Value::Text(text) => Ok(text),
            other => Err(unfit("a text", &other)),
        }
    }

    pub(crate) fn bytes_or_null(&mut self) -> Result<Option<Bytes>, Error> {
        match self.next() {
            Value::Blob(bytes) => Ok(Some(bytes)),
            Value::Null => Ok(None),
            other => Err(unfit("bytes or null", &other)),
        }
    }

    /// A text that a type of the vocabulary reads.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        let text = self.text()?;
        parse(&text).map_err(|e| Error::Corrupt(format!("{text:?} cannot be read: {e}")))
    }
}

fn unfit(wanted: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Int(_) => "a number",
        Value::Text(_) => "a text",
        Value::Blob(_) => "bytes",
    };
    Error::Corrupt(format!("a row has {found} where {wanted} was expected"))
}
