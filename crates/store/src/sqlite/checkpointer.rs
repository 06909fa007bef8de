//! The thread that moves the write-ahead log into the database.

use super::{Shared, locked};
use rusqlite::Connection;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// From here on the log is moved beside the writers.
pub(super) const PASSIVE_FROM: u64 = 16 << 20;
/// Above this the writers wait until it begins anew.
const RESTART_FROM: u64 = 64 << 20;
/// Above this something holds it up, and writes are refused.
pub(super) const LOG_MAX: u64 = 1 << 30;
/// A page with its frame.
const FRAME: u64 = 4096 + 24;
/// How often it looks without being woken.
const LOOK: Duration = Duration::from_secs(1);

/// Bytes of so many pages in the log.
pub(super) fn bytes(pages: u64) -> u64 {
    pages.saturating_mul(FRAME)
}

/// Checkpoints until the committer has ended.
pub(super) fn serve(shared: &Shared, connection: &Connection) {
    let mut moved = 0;
    loop {
        {
            let (ended, woken) = &shared.checkpoint;
            let ended = locked(ended);
            if *ended {
                return;
            }
            let waited = woken.wait_timeout(ended, LOOK);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
        }
        let pages = shared.log_pages.load(Ordering::Relaxed);
        if pages < moved {
            // The log has begun anew.
            moved = 0;
        }
        if bytes(pages) < PASSIVE_FROM || bytes(pages - moved) < PASSIVE_FROM / 4 {
            continue;
        }
        if bytes(pages - moved) >= PASSIVE_FROM || bytes(pages) >= RESTART_FROM {
            moved = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").unwrap_or(moved);
        }
        if bytes(pages) >= RESTART_FROM
            && checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)").is_some()
        {
            moved = 0;
        }
    }
}

/// How many pages are moved; `None` if it could not be done now.
fn checkpoint(connection: &Connection, pragma: &str) -> Option<u64> {
    let done = connection.query_row(pragma, [], |row| {
        let (busy, moved): (i64, i64) = (row.get(0)?, row.get(2)?);
        Ok((busy, moved))
    });
    match done {
        Ok((0, moved)) => Some(u64::try_from(moved).unwrap_or(0)),
        Ok(_) => None,
        Err(error) => {
            // A failed sync here loses nothing: the log still has every page, and the next
            // checkpoint writes them all again before it syncs.
            tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            None
        }
    }
}
