//! The client's side of a connection: for our own demonstrations and tests, later for the queue.

use crate::stream::Stream;
use crate::tls::{TlsError, read_chain};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, TlsStream};

/// Connects to `to` within `limit`, from a chosen address of this machine if one is given.
///
/// # Errors
/// As `connect(2)`; `TimedOut` after `limit`.
pub async fn connect(to: SocketAddr, from: Option<IpAddr>, limit: Duration) -> io::Result<Stream> {
    let stream = tokio::time::timeout(limit, dial(to, from)).await??;
    stream.set_nodelay(true)?;
    Ok(Stream::Plain(stream))
}

async fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from, 0))?;
    }
    socket.connect(to).await
}

/// Makes the handshake with a server that must be called `name` and prove it by a certificate
/// that the file `trusted` holds or signed; no other authority counts.
///
/// # Errors
/// The file cannot be used, `name` is no host name, the server is not who it should be, or
/// `limit` passed.
pub async fn start_tls(
    stream: Stream,
    name: &str,
    trusted: &Path,
    limit: Duration,
) -> Result<Stream, TlsError> {
    let Stream::Plain(stream) = stream else { return Err(TlsError::Already) };
    let unusable = |problem: String| TlsError::Content { file: trusted.to_owned(), problem };
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(trusted)?.0 {
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| unusable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).map_err(|_| {
        TlsError::Handshake(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name} is no host name"),
        ))
    })?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(server, stream);
    match tokio::time::timeout(limit, handshake).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(TlsStream::from(stream)))),
        Ok(Err(error)) => Err(TlsError::Handshake(error)),
        Err(_) => Err(TlsError::TimedOut),
    }
}
