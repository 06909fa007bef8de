//! The server's certificate: loaded, renewed when its files change, made where there is none.

use arc_swap::ArcSwap;
use mail::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What can go wrong with TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A file does not hold what it must.
    #[error("{0}: {1}")]
    Content(PathBuf, String),
    /// Certificate and key do not fit.
    #[error("the certificate and the key do not fit: {0}")]
    Mismatch(rustls::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Making(rcgen::Error),
    /// The handshake failed.
    #[error("the handshake failed: {0}")]
    Handshake(io::Error),
    /// The handshake took too long.
    #[error("the handshake took too long")]
    Slow,
    /// TLS is active already.
    #[error("TLS is active already")]
    Twice,
}

/// The certificate in force, shared by all doors.
#[derive(Clone)]
pub struct ServerTls {
    inner: Arc<Inner>,
}

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    loaded: ArcSwap<Loaded>,
}

struct Loaded {
    acceptor: TlsAcceptor,
    not_after: Timestamp,
    /// The bytes of both files: what is compared to see whether they changed.
    files: (Vec<u8>, Vec<u8>),
}

impl ServerTls {
    /// Loads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// A file cannot be read, holds something else, or the two do not fit.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let loaded = Loaded::read(certificate, key)?;
        Ok(Self {
            inner: Arc::new(Inner {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
                loaded: ArcSwap::from_pointee(loaded),
            }),
        })
    }

    /// Loads the files anew if their content changed; true if it did. On an error the certificate
    /// in force stays.
    ///
    /// # Errors
    /// As [`ServerTls::load`].
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let files = read_both(&self.inner.certificate, &self.inner.key)?;
        if files == self.inner.loaded.load().files {
            return Ok(false);
        }
        let loaded = Loaded::read(&self.inner.certificate, &self.inner.key)?;
        self.inner.loaded.store(Arc::new(loaded));
        Ok(true)
    }

    /// When the certificate ends.
    pub fn not_after(&self) -> Timestamp {
        self.inner.loaded.load().not_after
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.inner.loaded.load().acceptor.clone()
    }
}

impl Loaded {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = read_both(certificate, key)?;
        let wrong = |path: &Path, text: String| TlsError::Content(path.to_owned(), text);
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&files.0)
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(certificate, format!("no PEM certificate: {e}")))?;
        let first = chain.first().ok_or_else(|| wrong(certificate, "no certificate in it".into()))?;
        let not_after = not_after(first).map_err(|e| wrong(certificate, e))?;
        let private = PrivateKeyDer::from_pem_slice(&files.1)
            .map_err(|e| wrong(key, format!("no PEM private key: {e}")))?;
        let config = rustls::ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(TlsError::Mismatch)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), not_after, files })
    }
}

fn read_both(certificate: &Path, key: &Path) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| TlsError::File(path.to_owned(), e));
    Ok((read(certificate)?, read(key)?))
}

fn not_after(certificate: &CertificateDer<'_>) -> Result<Timestamp, String> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|e| format!("no X.509: {e}"))?;
    Ok(Timestamp(parsed.validity().not_after.timestamp().saturating_mul(1000)))
}

/// Makes a self-signed certificate for these names, valid for ten years from the day before now,
/// and writes it and its key (0600) as PEM. Files that are there are kept: it fails.
///
/// # Errors
/// A name is none, or a file cannot be made.
pub fn self_signed(names: &[String], certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let made = rcgen::generate_simple_self_signed(names.to_vec()).map_err(TlsError::Making)?;
    write(key, &made.signing_key.serialize_pem(), 0o600)?;
    write(certificate, &made.cert.pem(), 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let mut options = std::fs::OpenOptions::new();
    let written = options.write(true).create_new(true).mode(mode).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|e| TlsError::File(path.to_owned(), e))
}

#[cfg(test)]
mod tests {
    use super::{ServerTls, TlsError, self_signed};

    #[test]
    fn certificates_are_made_loaded_and_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        self_signed(&["mail.example.org".to_owned()], &certificate, &key).unwrap();
        let tls = ServerTls::load(&certificate, &key).unwrap();
        assert!(tls.not_after() > crate::Clock::system().now());
        assert!(!tls.reload_if_changed().unwrap());
        // Half a renewal does not fit and changes nothing.
        std::fs::remove_file(&certificate).unwrap();
        let other = folder.path().join("other-key.pem");
        self_signed(&["mail.example.org".to_owned()], &certificate, &other).unwrap();
        assert!(matches!(tls.reload_if_changed(), Err(TlsError::Mismatch(_))));
        std::fs::rename(&other, &key).unwrap();
        assert!(tls.reload_if_changed().unwrap());
    }

    #[test]
    fn a_wrong_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&certificate, "no certificate").unwrap();
        std::fs::write(&key, "no key").unwrap();
        let error = ServerTls::load(&certificate, &key).err().unwrap().to_string();
        assert!(error.contains("c.pem"), "{error}");
    }
}
