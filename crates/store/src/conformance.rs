//! What every engine must do: one suite, run by the tests of both.
//!
//! It works through the store's own face, on a fresh database that it may open again and again,
//! and answers the first thing that is not as it must be.

mod accepting;
mod credentials;
mod directory;
mod dkim;
mod ledger;
pub mod load;
mod mailboxes;
mod places;
mod quarantine;
mod sending;
mod site;
mod spool;
mod telling;
mod tls;
mod tracing;

use crate::database::{BoxFuture, Database};
use crate::{Error, Store, StoreOptions};
use net::Clock;
use std::path::PathBuf;
use std::sync::Arc;

/// Opens the database of the suite: at first an empty one, later the same again.
pub type Opener = dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Database>, Error>> + Send + Sync;

/// Why an engine does not conform.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something is not as it must be.
    #[error("{0}")]
    Wrong(String),
    /// Something failed that must not.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Fails the suite unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failure::Wrong(format!(
                "{}:{}: {}", file!(), line!(), format!($($text)+)
            )));
        }
    };
}
pub(crate) use ensure;

/// Fails the suite unless two values are equal.
macro_rules! same {
    ($found:expr, $expected:expr) => {{
        let (found, expected) = (&$found, &$expected);
        if found != expected {
            return Err($crate::conformance::Failure::Wrong(format!(
                "{}:{}: found {found:?}, expected {expected:?}",
                file!(),
                line!()
            )));
        }
    }};
}
pub(crate) use same;

/// Where the suite plays: a database that can be opened again, and a data folder.
pub(crate) struct Ground<'a> {
    open: &'a Opener,
    data: PathBuf,
}

impl Ground<'_> {
    /// Opens the store, as a process does when it starts.
    pub(crate) async fn store(&self) -> Result<Arc<Store>, Error> {
        let db = (self.open)().await?;
        let options = StoreOptions {
            disk_free_min_bytes: 0,
            disk_free_min_percent: 0,
            ..StoreOptions::default()
        };
        Store::open_with(db, &self.data, Clock::system(), "mx1.example.org", options).await
    }
}

/// Runs the suite on the database that `open` opens, with files in the folder `data`.
///
/// # Errors
/// The first thing that is not as it must be.
pub async fn run(open: &Opener, data: PathBuf) -> Result<(), Failure> {
    let ground = Ground { open, data };
    directory::run(&ground).await?;
    credentials::run(&ground).await?;
    dkim::run(&ground).await?;
    places::run(&ground).await?;
    accepting::run(&ground).await?;
    mailboxes::run(&ground).await?;
    spool::run(&ground).await?;
    tls::run(&ground).await?;
    telling::run(&ground).await?;
    quarantine::run(&ground).await?;
    ledger::is_clean(&ground).await?;
    tracing::run(&ground).await?;
    ledger::run(&ground).await?;
    // Last: it tells of days to come.
    sending::run(&ground).await
}
