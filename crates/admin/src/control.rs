//! The control protocol: requests and responses as lines of JSON over the administrator's socket.
//!
//! One object a line in, one a line out, as many pairs as the client likes. Only root and the user
//! that the server runs as are let in. Everything is bounded: the line, the connections, the time.

mod client;
mod server;

pub use client::Client;
pub use server::serve;

use crate::{Error, Response};
use serde::{Deserialize, Serialize};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Longest line of a request: an alias with a thousand goals is 100 KiB.
const REQUEST_MAX: u64 = 1 << 20;
/// Longest line of a response: a page of 1,000 rows of the trace is below 2 MiB.
const RESPONSE_MAX: u64 = 16 << 20;

/// What a response line holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It was done.
    Ok(Response),
    /// It was not.
    Error(Error),
}

/// The next line, without its end; `None` where the other side has closed.
async fn line(from: &mut (impl AsyncBufRead + Unpin), max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // One byte more, to tell a line at the limit from one above it.
    from.take(max + 1).read_until(b'\n', &mut line).await?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() as u64 >= max => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"))
        }
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn to_line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::line;
    use std::io::ErrorKind;

    #[tokio::test]
    async fn lines_are_bounded() {
        let mut input: &[u8] = b"one\n\nfour\n";
        assert_eq!(line(&mut input, 4).await.unwrap().unwrap(), b"one");
        assert_eq!(line(&mut input, 4).await.unwrap().unwrap(), b"");
        assert_eq!(line(&mut input, 4).await.unwrap().unwrap(), b"four");
        assert_eq!(line(&mut input, 4).await.unwrap(), None);
        let long = line(&mut &b"12345\n"[..], 4).await.unwrap_err();
        assert_eq!(long.kind(), ErrorKind::InvalidData);
        let cut = line(&mut &b"12"[..], 4).await.unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
    }
}
