//! Bells between nodes: NOTIFY after a commit, LISTEN for those of others, on one connection.
//!
//! A bell is a hint. What cannot be rung (no connection, too many waiting) is lost, and who waits
//! for it looks by the clock. NOTIFY has a transaction of its own, because PostgreSQL takes a lock
//! over the whole database when a transaction with a notification commits.

use crate::link::{Connection, OnNotification, connect};
use crate::target::Target;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::Bell;
use tokio::sync::{broadcast, mpsc};

const CHANNEL: &str = "gatepost";
/// Bells in one NOTIFY transaction.
const AT_ONCE_MAX: usize = 256;
/// How often a lost connection is looked for, and between attempts to make one.
const LOOK: Duration = Duration::from_secs(1);

/// Rings what comes from `ours` on other nodes, and what others ring in `here`, until `ours` ends.
pub(crate) async fn run(
    target: Target,
    mut ours: mpsc::Receiver<Bell>,
    here: broadcast::Sender<Bell>,
) {
    loop {
        match listen(&target, &here).await {
            Ok(connection) => {
                // What was rung while nobody listened is made up for by looking.
                for bell in [Bell::Directory, Bell::Spool] {
                    let _ = here.send(bell);
                }
                if !serve(&connection, &mut ours).await {
                    return;
                }
            }
            Err(text) => tracing::warn!("bells of other nodes are not heard: {text}"),
        }
        tokio::time::sleep(LOOK).await;
        if ours.is_closed() && ours.is_empty() {
            return;
        }
    }
}

/// A connection that listens and gives on what other nodes ring.
async fn listen(target: &Target, here: &broadcast::Sender<Bell>) -> Result<Connection, String> {
    let own = Arc::new(AtomicI64::new(0));
    let on_notification: OnNotification = {
        let (own, here) = (Arc::clone(&own), here.clone());
        Arc::new(move |notification| {
            let is_ours = i64::from(notification.process_id()) == own.load(Ordering::Relaxed);
            if let Some(bell) = Bell::decode(notification.payload()).filter(|_| !is_ours) {
                // Nobody listens: nothing to do.
                let _ = here.send(bell);
            }
        })
    };
    let connection = connect(target, Some(on_notification)).await.map_err(|e| e.to_string())?;
    let client = &connection.client;
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(|e| e.to_string())?;
    let pid: i32 = row.try_get(0).map_err(|e| e.to_string())?;
    own.store(pid.into(), Ordering::Relaxed);
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await.map_err(|e| e.to_string())?;
    Ok(connection)
}

/// Rings ours until the connection is lost (`true`) or we are to end (`false`).
async fn serve(connection: &Connection, ours: &mut mpsc::Receiver<Bell>) -> bool {
    loop {
        let first = tokio::select! {
            bell = ours.recv() => bell,
            () = tokio::time::sleep(LOOK) => {
                if connection.client.is_closed() {
                    return true;
                }
                continue;
            }
        };
        let Some(first) = first else { return false };
        let mut texts = vec![first.encode()];
        while texts.len() < AT_ONCE_MAX {
            let Ok(bell) = ours.try_recv() else { break };
            texts.push(bell.encode());
        }
        texts.sort_unstable();
        texts.dedup();
        let sql = "SELECT pg_notify($1, bell) FROM unnest($2::text[]) AS bell";
        if let Err(error) = connection.client.execute(sql, &[&CHANNEL, &texts]).await {
            tracing::warn!("bells are lost: {error}");
            return true;
        }
    }
}
