//! The bytes between a peer and its machine, with a deadline on every wait.

use net::Stream;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes asked of the socket at once: a body of 1 MiB takes 16 reads.
const READ_MAX: usize = 64 * 1024;
/// The buffer while commands come: idle sessions must be small (10 KiB each in all).
const READ_IDLE: usize = 4 * 1024;

/// What a long wait holds: enough for a command.
const READ_SMALL: usize = 256;

/// What a wait for the peer ended in.
pub(crate) enum Heard {
    /// This many bytes are in the buffer.
    Bytes,
    /// The peer closed, or the connection broke.
    End,
    /// The deadline passed.
    Late,
    /// The server is draining (only while waiting for a command).
    Drain,
}

/// One connection's stream and read buffer.
pub(crate) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// How much the next read may ask for.
    room: usize,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, buffer: Vec::new(), room: READ_MAX }
    }

    /// The bytes that the last [`Wire::hear`] brought.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Waits for bytes until `deadline`; `bulk` reads in large pieces.
    pub(crate) async fn hear(
        &mut self,
        deadline: Instant,
        bulk: bool,
        drain: Option<&net::Drain>,
    ) -> Heard {
        let want = if bulk { READ_MAX } else { READ_IDLE };
        self.buffer.clear();
        self.buffer.reserve(want.min(self.room));
        self.room = want;
        let read = self.stream.read_buf(&mut self.buffer);
        let read = tokio::time::timeout_at(deadline.into(), read);
        let read = async {
            match read.await {
                Err(_) => Heard::Late,
                Ok(Ok(n)) if n > 0 => Heard::Bytes,
                Ok(_) => Heard::End,
            }
        };
        match drain {
            None => read.await,
            Some(drain) => tokio::select! {
                biased;
                heard = read => heard,
                () = drain.wait() => Heard::Drain,
            },
        }
    }

    /// Gives the buffer back; the next wait begins with a small one.
    pub(crate) fn shrink(&mut self) {
        self.buffer = Vec::new();
        self.room = READ_SMALL;
    }

    /// Sends what is in `output` and clears it; false if the peer is gone or does not take it.
    pub(crate) async fn say(&mut self, output: &mut Vec<u8>, deadline: Instant) -> bool {
        if output.is_empty() {
            return true;
        }
        let write = async {
            self.stream.write_all(output).await?;
            self.stream.flush().await
        };
        let sent = tokio::time::timeout_at(deadline.into(), write).await;
        output.clear();
        matches!(sent, Ok(Ok(())))
    }

    /// Turns the connection into a TLS one; nothing read before may be left over.
    pub(crate) async fn secure(
        self,
        tls: &net::ServerTls,
        limit: std::time::Duration,
    ) -> Result<Self, net::TlsError> {
        Ok(Self::new(self.stream.start_tls(tls, limit).await?))
    }

    /// Version and cipher suite, if TLS is active.
    pub(crate) fn tls_info(&self) -> Option<String> {
        self.stream.tls_info()
    }

    /// Says goodbye to the transport (close_notify, FIN); waits no longer than `deadline`.
    pub(crate) async fn close(mut self, deadline: Instant) {
        let _ = tokio::time::timeout_at(deadline.into(), self.stream.shutdown()).await;
    }
}
