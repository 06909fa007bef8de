//! A connection, plain or under TLS: the one type that every protocol's shell reads and writes.

use crate::tls::{ClientTls, ServerTls, TlsError};
use mail::Host;
use mail::scram::Bindings;
use rustls::pki_types::ServerName;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection, before or after its handshake, of either side.
#[derive(Debug)]
pub enum Stream {
    /// Readable by everybody on the way.
    Plain(TcpStream),
    /// Within this machine: never under TLS.
    Local(UnixStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Protocol version and cipher suite as the Received field shows them
    /// (`TLSv1.3 TLS_AES_256_GCM_SHA384`); `None` without TLS.
    pub fn tls_info(&self) -> Option<String> {
        let Stream::Tls(stream) = self else { return None };
        let (_, connection) = stream.get_ref();
        let version = match connection.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
            _ => "TLS",
        };
        let suite = format!("{:?}", connection.negotiated_cipher_suite()?.suite());
        Some(format!("{version} {}", suite.replacen("TLS13_", "TLS_", 1)))
    }

    /// What a log-in over this connection can be bound to; nothing where we are not the server, or
    /// without TLS. `end_point` is the hash of the certificate shown.
    pub(crate) fn bindings(&self, end_point: Option<&Arc<[u8]>>) -> Bindings {
        match self {
            Stream::Tls(stream) => match &**stream {
                TlsStream::Server(stream) => crate::tls::bindings(stream.get_ref().1, end_point),
                TlsStream::Client(_) => Bindings::default(),
            },
            Stream::Plain(_) | Stream::Local(_) => Bindings::default(),
        }
    }

    /// Waits for the peer's handshake, as the server.
    ///
    /// What was read from the connection before and not used is lost on purpose: nothing sent in
    /// the clear may be taken as if it had come under TLS (RFC 3207 §5).
    ///
    /// # Errors
    /// [`TlsError::Handshake`] when the two do not agree (normal on port 25),
    /// [`TlsError::TimedOut`] after `limit`, [`TlsError::Already`] under TLS and within
    /// this machine.
    pub async fn start_tls(self, tls: &ServerTls, limit: Duration) -> Result<Stream, TlsError> {
        self.accept(tls.acceptor(), limit).await
    }

    /// As [`Stream::start_tls`], with an acceptor at hand.
    pub(crate) async fn accept(
        self,
        acceptor: TlsAcceptor,
        limit: Duration,
    ) -> Result<Stream, TlsError> {
        let stream = self.plain()?;
        // On the heap while it lasts: every session's future would else carry its size for ever.
        let handshake = Box::pin(acceptor.accept(stream));
        match tokio::time::timeout(limit, handshake).await {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream.into()))),
            Ok(Err(error)) => Err(TlsError::Handshake(error)),
            Err(_) => Err(TlsError::TimedOut),
        }
    }
}

impl Stream {
    /// The connection that a handshake can begin on: not a local one, which needs none.
    fn plain(self) -> Result<TcpStream, TlsError> {
        match self {
            Stream::Plain(stream) => Ok(stream),
            Stream::Local(_) | Stream::Tls(_) => Err(TlsError::Already),
        }
    }

    /// Makes the handshake as the client, with a server of this name or address.
    ///
    /// # Errors
    /// As of [`Stream::start_tls`].
    pub async fn connect_tls(
        self,
        tls: &ClientTls,
        server: &Host,
        limit: Duration,
    ) -> Result<Stream, TlsError> {
        let stream = self.plain()?;
        let name = match server {
            Host::Literal(ip) => ServerName::from(*ip),
            Host::Domain(domain) => ServerName::try_from(domain.as_str().to_owned())
                .map_err(|error| TlsError::Handshake(io::Error::other(error)))?,
        };
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        let handshake = Box::pin(connector.connect(name, stream));
        match tokio::time::timeout(limit, handshake).await {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream.into()))),
            Ok(Err(error)) => Err(TlsError::Handshake(error)),
            Err(_) => Err(TlsError::TimedOut),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Local(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Local(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Local(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Local(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
