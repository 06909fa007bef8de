//! A connection that is made anew when it is lost, and the statements it has prepared.

use crate::dialect::translate;
use crate::failure::Failure;
use crate::target::Target;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::Error;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client, NoTls, Notification, Statement};

/// Between attempts to connect: doubled after each failure. Who asks meanwhile is told at once
/// that the database is not there, so that a door can answer 451 instead of holding its peer.
const BACK_OFF_FIRST: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// In all: name look-up, TCP, TLS and log-in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Called with each notification that arrives.
pub(crate) type OnNotification = Arc<dyn Fn(Notification) + Send + Sync>;

/// A connection that works, or worked when it was handed out.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    prepared: tokio::sync::Mutex<HashMap<(&'static str, Vec<Type>), Statement>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// The prepared form of a statement for parameters of these types; prepared at its first use.
    ///
    /// The types are ours to say: beside a small literal PostgreSQL would take a number for one of
    /// 32 bits.
    pub(crate) async fn prepared(
        &self,
        sql: &'static str,
        types: Vec<Type>,
    ) -> Result<Statement, Failure> {
        let mut prepared = self.prepared.lock().await;
        let key = (sql, types);
        if let Some(statement) = prepared.get(&key) {
            return Ok(statement.clone());
        }
        let text = translate(sql);
        let statement =
            self.client.prepare_typed(&text, &key.1).await.map_err(|e| Failure::of(&e))?;
        prepared.insert(key, statement.clone());
        Ok(statement)
    }
}

/// Connects once.
pub(crate) async fn connect(
    target: &Target,
    on_notification: Option<OnNotification>,
) -> Result<Connection, Error> {
    let unavailable = |error: tokio_postgres::Error| Failure::of(&error).into_error();
    let connecting = async {
        match target.tls.clone() {
            Some(tls) => {
                let (client, connection) = target.config.connect(tls).await.map_err(unavailable)?;
                Ok((client, tokio::spawn(drive(connection, on_notification))))
            }
            None => {
                let (client, connection) =
                    target.config.connect(NoTls).await.map_err(unavailable)?;
                Ok((client, tokio::spawn(drive(connection, on_notification))))
            }
        }
    };
    let timed_out = || Error::Unavailable("postgresql: no connection in time".to_owned());
    let result: Result<_, Error> =
        tokio::time::timeout(CONNECT_MAX, connecting).await.unwrap_or_else(|_| Err(timed_out()));
    let (client, driver) = result.map_err(|error| match error {
        // Refused names and passwords may be mended on the other side; a door answers 451.
        Error::Invalid(text) => Error::Unavailable(text),
        other => other,
    })?;
    Ok(Connection { client, prepared: tokio::sync::Mutex::default(), driver })
}

/// Carries bytes to and fro until the connection ends; owned by its [`Connection`].
async fn drive<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    on_notification: Option<OnNotification>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match std::future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                if let Some(call) = &on_notification {
                    call(notification);
                }
            }
            Some(Ok(AsyncMessage::Notice(notice))) => tracing::debug!("postgresql: {notice}"),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!("postgresql: a connection is lost: {error}");
                return;
            }
            None => return,
        }
    }
}

/// The place of one connection, which may be empty for a while.
#[derive(Debug)]
pub(crate) struct Link {
    target: Target,
    current: tokio::sync::Mutex<Option<Arc<Connection>>>,
    pause: Mutex<Pause>,
}

#[derive(Debug)]
struct Pause {
    until: Option<Instant>,
    next: Duration,
    why: String,
}

impl Link {
    pub(crate) fn new(target: Target) -> Self {
        let pause = Pause { until: None, next: BACK_OFF_FIRST, why: String::new() };
        Self { target, current: tokio::sync::Mutex::default(), pause: Mutex::new(pause) }
    }

    /// The connection; made anew if it was lost.
    pub(crate) async fn get(&self) -> Result<Arc<Connection>, Error> {
        let mut current = self.current.lock().await;
        if let Some(connection) = current.as_ref().filter(|c| !c.client.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        *current = None;
        self.is_due()?;
        let result = connect(&self.target, None).await;
        self.note(result.as_ref().err());
        let connection = Arc::new(result?);
        *current = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Gives the connection up: it did not answer in time, or is in an unknown state.
    pub(crate) async fn lose(&self) {
        *self.current.lock().await = None;
    }

    fn is_due(&self) -> Result<(), Error> {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        match pause.until {
            Some(until) if Instant::now() < until => Err(Error::Unavailable(pause.why.clone())),
            _ => Ok(()),
        }
    }

    fn note(&self, error: Option<&Error>) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => {
                pause.until = None;
                pause.next = BACK_OFF_FIRST;
            }
            Some(error) => {
                pause.until = Some(Instant::now() + pause.next);
                pause.next = (pause.next * 2).min(BACK_OFF_MAX);
                pause.why = error.to_string();
            }
        }
    }
}
