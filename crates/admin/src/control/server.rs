//! The server's side of the administrator's socket.

use super::{Answer, REQUEST_MAX, line, to_line};
use crate::{Admin, Error, Request, perform};
use net::Drain;
use net::unix::UnixDoor;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Administrators at once; scripts that loop should not crowd out a person.
const CONNECTIONS_MAX: usize = 16;
/// What a client may take to ask something, and to read an answer.
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// What one operation may take; `fsck` of a large store is the longest.
const OPERATION_LIMIT: Duration = Duration::from_secs(3600);
/// How long to wait after an error of `accept`.
const BACK_OFF: Duration = Duration::from_millis(200);

/// Lets administrators in until the server drains; what is asked for then is still answered.
pub async fn serve(door: UnixDoor, admin: Arc<Admin>, drain: Drain) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = door.accept(), if connections.len() < CONNECTIONS_MAX => accepted,
            Some(_) = connections.join_next() => continue,
            () = drain.wait() => break,
        };
        match accepted {
            Ok((stream, uid)) if UnixDoor::admits(uid) => {
                let (admin, drain) = (Arc::clone(&admin), drain.clone());
                connections.spawn(async move {
                    if let Err(error) = converse(stream, &admin, drain).await {
                        tracing::debug!(%error, "an administrator's connection broke");
                    }
                });
            }
            // Closed without a word: whoever this is has no business here.
            Ok((_, uid)) => tracing::warn!(uid, "refused at the administrator's socket"),
            Err(error) => {
                tracing::warn!(%error, "the administrator's socket");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
    drop(door);
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: UnixStream, admin: &Admin, drain: Drain) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let asked = tokio::select! {
            asked = timeout(IDLE_LIMIT, line(&mut read, REQUEST_MAX)) => asked??,
            () = drain.wait() => None,
        };
        let Some(asked) = asked else { return Ok(()) };
        let answer = match serde_json::from_slice::<Request>(&asked) {
            Ok(request) => match timeout(OPERATION_LIMIT, perform(admin, request)).await {
                Ok(Ok(response)) => Answer::Ok(response),
                Ok(Err(error)) => Answer::Error(error),
                Err(_) => Answer::Error(Error::Store("it took too long".to_owned())),
            },
            Err(error) => Answer::Error(Error::Invalid(format!("the request: {error}"))),
        };
        timeout(IDLE_LIMIT, write.write_all(&to_line(&answer)?)).await??;
    }
}
