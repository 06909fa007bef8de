//! The client's side of the administrator's socket: what the command line uses.

use super::{Answer, RESPONSE_MAX, line, to_line};
use crate::{Error, Request, Response};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// What the server may take to answer: an hour for the operation, and a little.
const ANSWER_LIMIT: Duration = Duration::from_secs(3_660);

/// A connection to a running server.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// No server listens there (`NotFound`, `ConnectionRefused`), or this user may not
    /// (`PermissionDenied`).
    pub async fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(net::unix::connect(path).await?) })
    }

    /// Asks for one operation and waits for its result.
    ///
    /// # Errors
    /// The operation's own error, or [`Error::Store`] where the connection broke.
    pub async fn request(&mut self, request: &Request) -> Result<Response, Error> {
        match timeout(ANSWER_LIMIT, self.exchange(request)).await {
            Ok(Ok(Answer::Ok(response))) => Ok(response),
            Ok(Ok(Answer::Error(error))) => Err(error),
            Ok(Err(error)) => Err(Error::Store(format!("the server's socket: {error}"))),
            Err(_) => Err(Error::Store("the server does not answer".to_owned())),
        }
    }

    async fn exchange(&mut self, request: &Request) -> io::Result<Answer> {
        self.stream.write_all(&to_line(request)?).await?;
        match line(&mut self.stream, RESPONSE_MAX).await? {
            Some(line) => Ok(serde_json::from_slice(&line)?),
            None => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "closed without an answer; is this user root or the one the server runs as?",
            )),
        }
    }
}
