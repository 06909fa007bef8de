//! All durable state: schema, directory, mailboxes, ledger, trace and blobs.

pub mod database;
mod error;
pub mod schema;

pub use database::{Bell, Database, DatabaseStats, Expect, Row, Statement, Value, Write};
pub use error::Error;
