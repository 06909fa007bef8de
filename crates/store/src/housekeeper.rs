//! What is done in the background: looking, indexing, collecting, forgetting.
//!
//! One task a store. It does little at a time, so that mail never waits long for it, and what
//! fails is tried again at the next turn.

use crate::sending::Walk;
use crate::trace::retention::Forgotten;
use crate::{Bell, Error, Store};
use mail::Timestamp;
use std::path::PathBuf;
use std::sync::Weak;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval};

/// How often it looks round.
const TURN: Duration = Duration::from_secs(1);
/// The pause after each small write of a longer work.
const PAUSE: Duration = Duration::from_millis(10);
/// Small writes of one kind in one turn, at most.
const WRITES_A_TURN: usize = 40;
/// Folders of blobs that are swept in one turn after the start.
const FOLDERS_A_TURN: usize = 4;
/// Milliseconds between two looks for what is to be forgotten.
const FORGET_EVERY: i64 = 3_600_000;
/// The same for what is held: how far the quarantine may grow over its limit meanwhile.
const EXPIRE_EVERY: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// What it remembers from turn to turn.
#[derive(Default)]
struct Chores {
    to_sweep: Vec<PathBuf>,
    forgotten: Forgotten,
    correspondents: Walk,
    /// The last row of the quarantine that was looked at for forgetting.
    settled: mail::Id,
    forget_next: i64,
    expire_next: i64,
    has_purged: bool,
}

/// Work that is done in small writes.
enum Work {
    IndexTrace,
    CollectGarbage,
    ForgetTrace(Timestamp),
    ForgetCounted(Timestamp),
    ForgetPlaces(Timestamp),
    ForgetSent(Timestamp),
    ExpireHeld(Timestamp),
}

/// Keeps house until the store is gone.
pub(crate) async fn keep(store: Weak<Store>) {
    let Some(mut bell) = store.upgrade().map(|store| store.bell()) else { return };
    let mut chores = Chores::default();
    if let Some(store) = store.upgrade() {
        chores.to_sweep = store.folder.blob_folders().collect();
        chores.forget_next = store.now();
        chores.expire_next = store.now();
    }
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let looks_round = tokio::select! {
            _ = turns.tick() => true,
            rung = directory_rang(&mut bell) => {
                if !rung {
                    return;
                }
                false
            }
        };
        let Some(store) = store.upgrade() else { return };
        let done = if looks_round {
            turn(&store, &mut chores).await
        } else {
            store.catch_up_directory().await
        };
        if let Err(error) = done {
            tracing::debug!(%error, "housekeeping is put off");
        }
    }
}

/// Waits for a bell of the directory; `false` when no bell will ring any more.
async fn directory_rang(bell: &mut broadcast::Receiver<Bell>) -> bool {
    loop {
        match bell.recv().await {
            Ok(Bell::Directory) => return true,
            Ok(_) => {}
            // Bells were lost; perhaps the one that matters.
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

async fn turn(store: &Store, chores: &mut Chores) -> Result<(), Error> {
    store.look_at_disk().await;
    store.ids.refill(&*store.db).await?;
    store.catch_up_directory().await?;
    if let Some(write) = store.notes.counted(store.node) {
        store.db.post(write);
    }
    if !chores.has_purged {
        store.purge_ended_mailboxes().await?;
        chores.has_purged = true;
    }
    repeat(store, &Work::IndexTrace).await?;
    repeat(store, &Work::CollectGarbage).await?;
    for _ in 0..FOLDERS_A_TURN {
        let Some(folder) = chores.to_sweep.pop() else { break };
        store.sweep_blobs(folder).await?;
    }
    expire(store, chores).await?;
    forget(store, chores).await
}

/// What is held for too long, or is too much, goes.
async fn expire(store: &Store, chores: &mut Chores) -> Result<(), Error> {
    let now = store.clock.now();
    if now.0 >= chores.expire_next && !repeat(store, &Work::ExpireHeld(now)).await? {
        chores.expire_next = now.0.saturating_add(EXPIRE_EVERY);
    }
    Ok(())
}

async fn forget(store: &Store, chores: &mut Chores) -> Result<(), Error> {
    let now = store.clock.now();
    if now.0 < chores.forget_next {
        return Ok(());
    }
    let mut more = repeat(store, &Work::ForgetPlaces(now)).await?;
    more |= repeat(store, &Work::ForgetSent(now)).await?;
    // A walk through all of them may take days, and begins again at its end.
    for _ in 0..WRITES_A_TURN {
        if !store.forget_correspondents(now, &mut chores.correspondents).await? {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let days = store.retention_days();
    if days > 0 {
        let end = now.plus_millis(-days.saturating_mul(DAY));
        more |= forget_before(store, chores, end).await?;
    }
    if !more {
        chores.forget_next = now.0.saturating_add(FORGET_EVERY);
    }
    Ok(())
}

/// Forgets trace and ledger from before `end`; `true` if more is left for the next turn.
async fn forget_before(store: &Store, chores: &mut Chores, end: Timestamp) -> Result<bool, Error> {
    let mut more = repeat(store, &Work::ForgetTrace(end)).await?;
    more |= repeat(store, &Work::ForgetCounted(end)).await?;
    for _ in 0..WRITES_A_TURN {
        let walked = store.forget_settled(end, chores.settled).await?;
        chores.settled = walked.unwrap_or(0);
        if walked.is_none() {
            break;
        }
        more = true;
        tokio::time::sleep(PAUSE).await;
    }
    for _ in 0..WRITES_A_TURN {
        let messages = store.forget_messages(end, &mut chores.forgotten).await?;
        let expunged = store.forget_expunged(end, &mut chores.forgotten).await?;
        more |= messages || expunged;
        if !messages && !expunged {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(more)
}

/// Does a small work again and again, with pauses, while it says that more is left; `true` if
/// more is left for the next turn.
async fn repeat(store: &Store, work: &Work) -> Result<bool, Error> {
    for _ in 0..WRITES_A_TURN {
        let more = match work {
            Work::IndexTrace => store.index_trace().await?,
            Work::CollectGarbage => store.collect_garbage().await?,
            Work::ForgetTrace(end) => store.forget_trace(*end).await?,
            Work::ForgetCounted(end) => store.forget_counted(*end).await?,
            Work::ForgetPlaces(now) => store.forget_places(*now).await?,
            Work::ForgetSent(now) => store.forget_sent(*now).await?,
            Work::ExpireHeld(now) => store.expire_held(*now).await?,
        };
        if !more {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(true)
}
