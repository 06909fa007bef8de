//! The submit socket: programs of this machine hand in mail, as who the kernel says they are.
//!
//! It speaks the same SMTP as the other doors, without pause, log-in and TLS. Who has no name in
//! the system's user database is refused; sessions are counted by user, so that one program gone
//! mad leaves the others their place.

use crate::Inbound;
use crate::connection;
use mail::{Address, LocalUser, Peer, Reason, Refusal};
use net::unix::{UnixDoor, UserNames};
use smtp::server::Answer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::{SpoolChange, SpoolFilter, Spooled};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

/// Sessions of all users at one time; more wait in the kernel's queue.
const SESSIONS_MAX: usize = 400;
/// How long to wait after an error of `accept`.
const BACK_OFF: Duration = Duration::from_millis(200);
/// Entries of the queue that one question shows.
const ENTRIES_MAX: usize = 200;
/// Entries of the queue that one flush looks at: beyond it the schedule has to do.
const FLUSH_MAX: usize = 10_000;
/// Bytes of the remote's words that are shown.
const WORDS_MAX: usize = 200;

/// Sessions by user.
#[derive(Debug, Default)]
struct Crowd(Mutex<HashMap<u32, usize>>);

/// A place in it, until it is dropped.
struct Place {
    crowd: Arc<Crowd>,
    uid: u32,
}

/// Lets users of this machine in until the drain, and waits until their sessions have ended, as
/// long as the drain allows.
pub async fn serve(inbound: Arc<Inbound>, door: UnixDoor) {
    let (mut sessions, drain) = (JoinSet::new(), inbound.drain.clone());
    let (names, crowd) = (Arc::new(UserNames::default()), Arc::new(Crowd::default()));
    loop {
        let accepted = tokio::select! {
            biased;
            () = drain.wait() => break,
            Some(_) = sessions.join_next() => continue,
            accepted = door.accept(), if sessions.len() < SESSIONS_MAX => accepted,
        };
        match accepted {
            Ok((stream, uid)) => {
                let (inbound, names) = (Arc::clone(&inbound), Arc::clone(&names));
                let place = crowd.enter(uid);
                sessions.spawn(async move { meet(inbound, stream, place, &names).await });
            }
            Err(error) => {
                tracing::warn!(%error, "the submit socket");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
    drop(door);
    let deadline = drain.deadline().unwrap_or_else(Instant::now);
    let ended = async { while sessions.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline.into(), ended).await.is_err() {
        tracing::warn!("the time to finish is over: local sessions are cut");
        sessions.shutdown().await;
    }
}

/// Finds out who is there, and serves them.
async fn meet(inbound: Arc<Inbound>, stream: UnixStream, place: Place, names: &UserNames) {
    let settings = inbound.settings.load_full();
    let uid = place.uid;
    let crowded = place.crowd.count(uid) > settings.local.sessions_per_user_max;
    let address = |name: &str| Address::at(name, &settings.server.hostname).ok();
    let named = names.name(uid).await.and_then(|name| Some((address(&name)?, name)));
    let (admitted, found) = match named {
        _ if crowded => (Err(Reason::TooManyConnections), named),
        Some(_) => (Ok(()), named),
        None => (Err(Reason::UnknownUser), None),
    };
    // Whom nobody knows has a number alone; the session goes no further than to say so.
    let stranger = || Some((address(&uid.to_string())?, uid.to_string()));
    let Some((address, name)) = found.or_else(stranger) else { return };
    let user = LocalUser { uid, name, address };
    connection::serve_user(inbound, stream, user, admitted).await;
    drop(place);
}

/// What of the queue is the user's own, as lines; root sees everything.
pub(crate) async fn own_entries(inbound: &Inbound, peer: &Peer, after: i64) -> Answer {
    match inbound.store.spool_list(after, &filter(peer), ENTRIES_MAX).await {
        Ok(entries) => {
            let mut lines = vec![format!("{} entries", entries.len())];
            lines.extend(entries.iter().map(line));
            Answer::Told(lines)
        }
        Err(error) => failed(&error),
    }
}

/// Has what is the user's own tried again now; what is held stays held.
pub(crate) async fn flush(inbound: &Inbound, peer: &Peer) -> Answer {
    let (mut after, mut looked, mut changed) = (0, 0, 0);
    let who = peer.user.as_ref().map(|user| format!("user {} ({})", user.uid, user.name));
    let change = SpoolChange::Flush(who.as_deref().unwrap_or_default());
    while looked < FLUSH_MAX {
        let entries = match inbound.store.spool_list(after, &filter(peer), ENTRIES_MAX).await {
            Ok(entries) => entries,
            Err(error) => return failed(&error),
        };
        let Some(last) = entries.last() else { break };
        after = last.id;
        looked += entries.len();
        match inbound.store.change_spool(&entries, change).await {
            Ok(retried) => changed += retried,
            Err(error) => return failed(&error),
        }
    }
    Answer::Told(vec![format!("{changed} tried again now")])
}

fn filter(peer: &Peer) -> SpoolFilter {
    let is_root = peer.user.as_ref().is_some_and(|user| user.uid == 0);
    let submitter = peer.submitter().filter(|_| !is_root);
    SpoolFilter { submitter, ..SpoolFilter::default() }
}

/// `NUMBER STATE SIZE TIME SENDER RECIPIENT WORDS`.
fn line(entry: &Spooled) -> String {
    let state = match entry {
        entry if !entry.held.is_empty() => "held",
        entry if entry.is_leased => "active",
        entry if entry.attempts > 0 => "deferred",
        _ => "waiting",
    };
    let words = if entry.held.is_empty() { &entry.last_text } else { &entry.held };
    let words: String = words.chars().take(WORDS_MAX).collect();
    let Spooled { id, size, queued_at, sender, recipient, .. } = entry;
    let line = format!("{id} {state} {size} {} {sender} {recipient} {words}", queued_at.rfc3339());
    line.trim_end().to_owned()
}

fn failed(error: &store::Error) -> Answer {
    tracing::error!(%error, "a user's entries of the queue");
    Answer::Later(Refusal::new(Reason::StorageFailed))
}

impl Crowd {
    fn enter(self: &Arc<Self>, uid: u32) -> Place {
        *self.lock().entry(uid).or_insert(0) += 1;
        Place { crowd: Arc::clone(self), uid }
    }

    fn count(&self, uid: u32) -> usize {
        self.lock().get(&uid).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut users = self.crowd.lock();
        if let Some(sessions) = users.get_mut(&self.uid) {
            *sessions = sessions.saturating_sub(1);
            if *sessions == 0 {
                users.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Crowd;
    use std::sync::Arc;

    #[test]
    fn sessions_are_counted_by_user_and_forgotten() {
        let crowd: Arc<Crowd> = Arc::default();
        let (first, second) = (crowd.enter(7), crowd.enter(7));
        let other = crowd.enter(8);
        assert_eq!((crowd.count(7), crowd.count(8), crowd.count(9)), (2, 1, 0));
        drop((first, other));
        assert_eq!((crowd.count(7), crowd.count(8)), (1, 0));
        drop(second);
        assert!(crowd.lock().is_empty());
    }
}
