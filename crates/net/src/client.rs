//! Connections that we make: the demo's and the tests' now, delivery's later.

use crate::tls::TlsError;
use crate::Stream;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

/// Connects to `to`, from this machine's address `from` if one is given.
///
/// # Errors
/// As connect(2), or `TimedOut` after `limit`.
pub async fn connect(to: SocketAddr, from: Option<IpAddr>, limit: Duration) -> io::Result<Stream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind((from, 0).into())?;
    }
    let connected = tokio::time::timeout(limit, socket.connect(to)).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    Ok(Stream::Plain(stream))
}

/// Does the client's side of the handshake with a server that must have exactly the certificate in
/// the PEM file `trusted`, for `name`.
///
/// # Errors
/// The file is wrong, the server has another certificate, or it is too slow.
pub async fn start_tls(
    stream: Stream,
    name: &str,
    trusted: &Path,
    limit: Duration,
) -> Result<Stream, TlsError> {
    let Stream::Plain(stream) = stream else { return Err(TlsError::Twice) };
    let wrong = |text: String| TlsError::Content(trusted.to_owned(), text);
    let certificate =
        CertificateDer::from_pem_file(trusted).map_err(|e| wrong(format!("no certificate: {e}")))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
    let config = rustls::ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Mismatch)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(|e| wrong(e.to_string()))?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let secured = tokio::time::timeout(limit, handshake).await.map_err(|_| TlsError::Slow)?;
    Ok(Stream::Tls(Box::new(secured.map_err(TlsError::Handshake)?.into())))
}
