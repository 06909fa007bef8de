//! The bytes between a peer and its machine, with a deadline on every wait: what the shells of all
//! protocols read and write by.

use crate::{ClientTls, Drain, ServerTls, Stream, TlsError};
use mail::Host;
use mail::scram::Bindings;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes asked of the socket at once where much is expected: a body of 1 MiB takes 16 reads.
const READ_BULK: usize = 64 * 1024;
/// Bytes asked for while commands come.
const READ_COMMANDS: usize = 4 * 1024;
/// What a wait for a command holds until one is longer: idle sessions must be small (10 KiB each in
/// all), and a larger buffer leaves a hole in memory when it is given back.
const READ_IDLE: usize = 256;

/// What a wait for the peer ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// There are bytes: see [`Wire::bytes`].
    Bytes,
    /// The peer closed, or the connection broke.
    End,
    /// The deadline passed.
    Late,
    /// The server is draining.
    Drain,
}

/// One connection's stream and read buffer.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// How much the next read may ask for.
    room: usize,
    /// Under TLS as the server: the hash of the certificate shown.
    end_point: Option<Arc<[u8]>>,
}

impl Wire {
    /// A wire on which nothing has been heard.
    pub fn new(stream: Stream) -> Self {
        Self { stream, buffer: Vec::new(), room: READ_IDLE, end_point: None }
    }

    /// The bytes that the last [`Wire::hear`] brought.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Waits for bytes until `deadline`, or until the drain if one is given; `bulk` reads in large
    /// pieces. Safe to drop at any await: no byte is lost.
    pub async fn hear(&mut self, deadline: Instant, bulk: bool, drain: Option<&Drain>) -> Heard {
        let (least, most) =
            if bulk { (READ_COMMANDS, READ_BULK) } else { (READ_IDLE, READ_COMMANDS) };
        let room = self.room.clamp(least, most);
        self.buffer.clear();
        self.buffer.reserve(room);
        let read = self.stream.read_buf(&mut self.buffer);
        let read = tokio::time::timeout_at(deadline.into(), read);
        let next = &mut self.room;
        let read = async move {
            match read.await {
                Err(_) => Heard::Late,
                Ok(Ok(n)) if n > 0 => {
                    // There may be more where this came from.
                    *next = if n >= room { READ_BULK } else { room };
                    Heard::Bytes
                }
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
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
        self.room = READ_IDLE;
    }

    /// Sends what is in `output` and clears it; false if the peer is gone or does not take it.
    pub async fn say(&mut self, output: &mut Vec<u8>, deadline: Instant) -> bool {
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

    /// Turns the connection into a TLS one; what was heard before is gone.
    ///
    /// # Errors
    /// As [`Stream::start_tls`].
    pub async fn secure(self, tls: &ServerTls, limit: Duration) -> Result<Self, TlsError> {
        let (acceptor, end_point) = tls.acceptor_and_end_point();
        Ok(Self { end_point, ..Self::new(self.stream.accept(acceptor, limit).await?) })
    }

    /// The same as the client, with a server of this name or address.
    ///
    /// # Errors
    /// As [`Stream::connect_tls`].
    pub async fn secure_client(
        self,
        tls: &ClientTls,
        server: &Host,
        limit: Duration,
    ) -> Result<Self, TlsError> {
        Ok(Self::new(self.stream.connect_tls(tls, server, limit).await?))
    }

    /// Version and cipher suite, if TLS is active.
    pub fn tls_info(&self) -> Option<String> {
        self.stream.tls_info()
    }

    /// What a log-in over this connection can be bound to (RFC 5056).
    pub fn bindings(&self) -> Bindings {
        self.stream.bindings(self.end_point.as_ref())
    }

    /// Says goodbye to the transport (close_notify, FIN); waits no longer than `deadline`.
    pub async fn close(mut self, deadline: Instant) {
        let _ = tokio::time::timeout_at(deadline.into(), self.stream.shutdown()).await;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{Heard, READ_BULK, READ_IDLE, Wire};
    use crate::{Drain, Stream};
    use std::time::{Duration, Instant};
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connected = TcpStream::connect(listener.local_addr().unwrap());
        let (accepted, connected) = tokio::join!(listener.accept(), connected);
        (Wire::new(Stream::Plain(accepted.unwrap().0)), connected.unwrap())
    }

    fn after(millis: u64) -> Instant {
        Instant::now() + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn every_wait_ends() {
        let (mut wire, mut peer) = pair().await;
        let (handle, drain) = Drain::new();
        assert_eq!(wire.hear(after(10), false, Some(&drain)).await, Heard::Late);
        peer.write_all(b"NOOP\r\n").await.unwrap();
        handle.start();
        if let Stream::Plain(stream) = &wire.stream {
            stream.readable().await.unwrap();
        }
        let heard = wire.hear(after(5_000), false, Some(&drain)).await;
        assert_eq!(heard, Heard::Bytes, "what came before the drain is heard");
        assert_eq!(wire.bytes(), b"NOOP\r\n");
        assert_eq!(wire.hear(after(5_000), false, Some(&drain)).await, Heard::Drain);
        assert_eq!(wire.hear(after(10), false, None).await, Heard::Late);
        drop(peer);
        assert_eq!(wire.hear(after(5_000), false, None).await, Heard::End);
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let (mut wire, peer) = pair().await;
        let mut output = vec![b'x'; 32 * 1024 * 1024];
        assert!(!wire.say(&mut output, after(50)).await);
        assert!(output.is_empty());
        drop(peer);
    }

    #[tokio::test]
    async fn an_idle_wire_is_small_and_a_busy_one_large() {
        let (mut wire, mut peer) = pair().await;
        peer.write_all(&vec![b'x'; READ_BULK]).await.unwrap();
        wire.shrink();
        assert_eq!(wire.hear(after(5_000), false, None).await, Heard::Bytes);
        assert!(wire.bytes().len() <= READ_IDLE);
        assert_eq!(wire.hear(after(5_000), true, None).await, Heard::Bytes);
        assert!(wire.bytes().len() > READ_IDLE);
    }
}
