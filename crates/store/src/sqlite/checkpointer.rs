//! The thread that moves the write-ahead log into the database.

use super::{Shared, locked};
use rusqlite::Connection;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// From here on the log is moved beside the writers.
pub(super) const PASSIVE_FROM: u64 = 16 << 20;
/// Above this the writers wait until it begins anew.
const RESTART_FROM: u64 = 64 << 20;
/// Above this something holds it up, and writes are refused.
pub(super) const LOG_MAX: u64 = 1 << 30;
/// How long a restart of the log waits for the writer and for readers, while writes pause.
pub(super) const RESTART_WAIT: Duration = Duration::from_millis(250);
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
    let mut restart_next = Instant::now();
    while wait(shared) {
        let pages = shared.log_pages.load(Ordering::Relaxed);
        if pages < moved {
            // The log has begun anew.
            moved = 0;
        }
        let restart = bytes(pages) >= RESTART_FROM && restart_next <= Instant::now();
        if restart || bytes(pages - moved) >= PASSIVE_FROM {
            moved = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").unwrap_or(moved);
        }
        if restart {
            // Most is moved; the writers wait for the rest alone.
            shared.set_pause(true);
            let restarted = checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)").is_some();
            if restarted {
                moved = 0;
                shared.log_pages.store(0, Ordering::Relaxed);
            }
            shared.set_pause(false);
            if !restarted {
                // A long read is in the way: the writers do not wait for it again and again.
                restart_next = Instant::now() + LOOK;
            }
        }
    }
}

/// Waits until the log has grown or some time has passed; `false` at the end.
fn wait(shared: &Shared) -> bool {
    let (ended, woken) = &shared.checkpoint;
    let ended = locked(ended);
    if *ended {
        return false;
    }
    let waited = woken.wait_timeout(ended, LOOK);
    !*waited.unwrap_or_else(PoisonError::into_inner).0
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
