//! The database as the store sees it: statements in, rows out; one trait, two engines.
//!
//! A write is data, not a closure: a list of parametrised statements with what each expects. So an
//! engine can batch it with others into one commit, pipeline it, and try it again. Logic between
//! statements is SQL (`UPDATE ... RETURNING`, `INSERT ... SELECT`). The SQL text is written once,
//! in a dialect that SQLite and PostgreSQL share, with parameters `$1` to `$n`; what differs is
//! substituted by each engine in its own file. Nothing outside this crate and `store-cluster`
//! sees SQL.

use crate::{Error, NewName};
use bytes::Bytes;
use mail::MailboxId;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;
use tokio::sync::broadcast;

/// A future that can be sent between threads, as the dyn-safe trait needs it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A value bound to a statement or read from a row.
///
/// The columns of the schema are 64-bit integers, text, bytes, or null; a truth value is 0 or 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// NULL. An engine must bind it so that the column's type is taken, whatever that is.
    Null,
    /// A whole number.
    Int(i64),
    /// Text, without NUL (PostgreSQL stores none).
    Text(String),
    /// Bytes.
    Blob(Bytes),
}

/// A row: one value for each column, in the statement's order.
pub type Row = Vec<Value>;

/// One statement with its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The SQL, with `$1` to `$n`. Static, so that an engine may key prepared statements by it.
    pub sql: &'static str,
    /// One value for each parameter.
    pub params: Vec<Value>,
    /// What must be true of the rows it changes (or returns, with RETURNING).
    pub expect: Expect,
}

/// How many rows a statement must change; with RETURNING, how many it must return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any number.
    Any,
    /// Exactly so many.
    Rows(u64),
    /// So many or more.
    AtLeast(u64),
}

/// A list of statements that are kept together or not at all.
///
/// If a statement finds other rows than it expects, or breaks a constraint, the whole write is
/// rolled back with [`Error::Conflict`]; other writes in the same commit are not touched.
#[derive(Debug, Clone, Default)]
pub struct Write {
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Names that must be on stable storage before the commit: the engine settles each.
    pub new_names: Vec<NewName>,
    /// What to ring once the write is durable.
    pub bells: Vec<Bell>,
}

/// A hint that something was committed: by this process or, on PostgreSQL, by any node.
///
/// It may be lost or come twice; who waits for it also looks by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bell {
    /// Domains, accounts, aliases or rules have changed.
    Directory,
    /// A mailbox has changed.
    Mailbox(MailboxId),
    /// Entries of the spool are due.
    Spool,
}

/// What an engine counted since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseStats {
    /// Commits.
    pub commits: u64,
    /// Writes in them, posted ones included.
    pub writes: u64,
    /// Statements in them.
    pub statements: u64,
    /// Writes that were rolled back because of a conflict.
    pub conflicts: u64,
    /// The largest number of writes in one commit.
    pub batch_max: u64,
    /// Posted writes that were dropped because too many waited, or because their commit failed.
    pub dropped: u64,
    /// Commits that failed.
    pub failures: u64,
    /// Bytes in the write-ahead log that are not yet in the database; 0 where there is none.
    pub wal_bytes: u64,
    /// The newest failure: when, and its text.
    pub last_error: Option<(Instant, String)>,
}

/// An engine: SQLite here, PostgreSQL in `store-cluster`.
pub trait Database: Send + Sync + std::fmt::Debug {
    /// Reads rows. Sees every write that was answered before the call; holds no snapshot after it.
    fn read(&self, sql: &'static str, params: Vec<Value>)
    -> BoxFuture<'_, Result<Vec<Row>, Error>>;

    /// Writes; resolved when it is on stable storage. For each statement the rows it returned
    /// (none without RETURNING). Dropping the future does not take the write back.
    fn write(&self, write: Write) -> BoxFuture<'_, Result<Vec<Vec<Row>>, Error>>;

    /// Hands over a write that rides a commit soon, which nobody waits for. A conflict drops it;
    /// so does a failed commit, or a queue that is at its bound: both are counted.
    fn post(&self, write: Write);

    /// Resolved when all that was posted before the call is committed or counted as dropped.
    fn flush(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Rings after commits.
    fn listen(&self) -> broadcast::Receiver<Bell>;

    /// Brings the schema to this program's version by [`crate::schema::steps_from`], each step and
    /// its version number in one transaction. A newer schema is refused with [`Error::TooNew`].
    fn migrate(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// The engine's name for people: `sqlite`, `postgresql`.
    fn engine(&self) -> &'static str;

    /// Whether opening this database took the lock of the data folder already.
    fn holds_data_lock(&self) -> bool {
        false
    }

    /// What was counted since it was opened.
    fn stats(&self) -> DatabaseStats;

    /// What the engine itself finds wrong with its files; empty is well.
    fn check(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Commits what waits and shuts down; later calls answer [`Error::Unavailable`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl Statement {
    /// A statement that may change any number of rows.
    pub fn new(sql: &'static str, params: Vec<Value>) -> Self {
        Self { sql, params, expect: Expect::Any }
    }

    /// The same with an expectation.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }
}

impl Expect {
    /// Whether `rows` meet the expectation.
    pub fn is_met(self, rows: u64) -> bool {
        match self {
            Expect::Any => true,
            Expect::Rows(n) => rows == n,
            Expect::AtLeast(n) => rows >= n,
        }
    }
}

impl Write {
    /// A write of these statements.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { statements, ..Self::default() }
    }

    /// Adds a statement.
    pub fn push(&mut self, sql: &'static str, params: Vec<Value>, expect: Expect) {
        self.statements.push(Statement { sql, params, expect });
    }

    /// Adds all of another write behind its own.
    pub fn append(&mut self, other: Write) {
        let Write { statements, new_names, bells } = other;
        if self.statements.is_empty() {
            self.statements = statements;
        } else {
            self.statements.extend(statements);
        }
        self.new_names.extend(new_names);
        self.bells.extend(bells);
    }

    /// Adds what to ring.
    #[must_use]
    pub fn ring(mut self, bell: Bell) -> Self {
        self.bells.push(bell);
        self
    }

    /// Roughly how many bytes it carries, by which batches are bounded.
    pub fn size(&self) -> usize {
        let value = |value: &Value| match value {
            Value::Null | Value::Int(_) => 8,
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
        };
        self.statements.iter().flat_map(|s| &s.params).map(value).sum()
    }
}

impl Bell {
    /// The text that travels between nodes.
    pub fn encode(self) -> String {
        match self {
            Bell::Directory => "directory".to_owned(),
            Bell::Mailbox(id) => format!("mailbox {id}"),
            Bell::Spool => "spool".to_owned(),
        }
    }

    /// Reads what [`Bell::encode`] wrote; `None` for what a newer node may ring.
    pub fn decode(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "directory" => Some(Bell::Directory),
            None if text == "spool" => Some(Bell::Spool),
            Some(("mailbox", id)) => id.parse().ok().map(|id| Bell::Mailbox(MailboxId(id))),
            _ => None,
        }
    }
}

impl Value {
    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Int(i64::from(truth))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Value::Blob(bytes)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Blob(bytes.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::Bell;
    use mail::MailboxId;

    #[test]
    fn bells_survive_the_wire() {
        for bell in [Bell::Directory, Bell::Spool, Bell::Mailbox(MailboxId(7))] {
            assert_eq!(Bell::decode(&bell.encode()), Some(bell));
        }
        assert_eq!(Bell::decode("mailbox x"), None);
        assert_eq!(Bell::decode("of the future 1"), None);
    }
}
