//! The server's side of TLS: which certificate is shown, and that it is the current one.
//!
//! TLS 1.2 and 1.3 by rustls over aws-lc-rs, with its safe defaults; nothing can be switched off.

mod binding;
mod certificate;
pub mod dane;
mod flaw;
mod opportunistic;
mod verified;

pub(crate) use binding::bindings;
pub(crate) use certificate::read_chain;
pub use certificate::self_signed;
pub use flaw::Flaw;
pub use opportunistic::ClientTls;

use arc_swap::ArcSwap;
use certificate::Material;
use mail::Timestamp;
use rustls::crypto::aws_lc_rs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// Why TLS is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{file}: {cause}", file = file.display())]
    File {
        /// The certificate's or the key's file.
        file: PathBuf,
        /// What the system says. Told above, so it is no `source`: that would be told twice.
        cause: io::Error,
    },
    /// A file is read, but is not what it has to be.
    #[error("{file}: {problem}", file = file.display())]
    Content {
        /// The certificate's or the key's file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Each file is good by itself, but the key is not the certificate's.
    #[error("the key {key} does not belong to the certificate {certificate}",
        key = key.display(), certificate = certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The two sides do not agree, or the peer went away: normal on port 25.
    #[error("the handshake failed: {0}")]
    Handshake(io::Error),
    /// The handshake took too long.
    #[error("the handshake took too long")]
    TimedOut,
    /// Nobody could be believed.
    #[error(
        "this system has no certificate authorities: install ca-certificates, or name a file \
        in tls.authorities"
    )]
    NoAuthorities,
    /// The connection is under TLS already.
    #[error("TLS is active already")]
    Already,
}

/// The certificate and key that every door shows; a clone shows the same, also after a reload.
#[derive(Debug, Clone)]
pub struct ServerTls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    current: ArcSwap<Current>,
    /// Held by who looks at the files, so that none puts an older pair in a newer one's place.
    looking: Mutex<()>,
}

#[derive(Debug)]
struct Current {
    certificate: PathBuf,
    key: PathBuf,
    material: Material,
    /// What log-ins are bound to by `tls-server-end-point`; none where the standard knows none.
    end_point: Option<Arc<[u8]>>,
    config: Arc<rustls::ServerConfig>,
}

impl ServerTls {
    /// Reads a certificate (PEM, the server's own first, then the chain) and its key (PEM).
    ///
    /// # Errors
    /// A file cannot be read, holds something else, or the two do not belong together; the error
    /// names the file.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Current::new(Material::read(certificate, key)?, certificate, key)?;
        let shared = Shared { current: ArcSwap::from_pointee(current), looking: Mutex::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Looks at both files and shows what is in them from now on, if that has changed; says
    /// whether it has. Sessions that run keep what they have.
    ///
    /// Compares contents, not dates: a copied-back file has an old date, and certificate and key
    /// change one after the other (between the two they do not match; the next look finds both).
    ///
    /// # Errors
    /// As [`ServerTls::load`]; what was shown before is shown further.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let _one = self.looking();
        let current = self.shared.current.load_full();
        self.take(&current.certificate, &current.key)
    }

    /// The same with the two files at another place, which are looked at from now on.
    ///
    /// # Errors
    /// As [`ServerTls::load`]; what was shown before is shown further, and looked at.
    pub fn reload_from(&self, certificate: &Path, key: &Path) -> Result<bool, TlsError> {
        let _one = self.looking();
        self.take(certificate, key)
    }

    fn take(&self, certificate: &Path, key: &Path) -> Result<bool, TlsError> {
        let current = self.shared.current.load();
        let material = Material::read(certificate, key)?;
        let is_new = material != current.material;
        if is_new || certificate != current.certificate || key != current.key {
            self.shared.current.store(Arc::new(Current::new(material, certificate, key)?));
        }
        Ok(is_new)
    }

    fn looking(&self) -> MutexGuard<'_, ()> {
        self.shared.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the certificate ends (the first to end of its chain).
    pub fn not_after(&self) -> Timestamp {
        self.shared.current.load().material.not_after
    }

    /// Whether the certificate ends within `span` from `now`, or has ended.
    pub fn expires_within(&self, span: Duration, now: Timestamp) -> bool {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.not_after() <= now.plus_millis(span)
    }

    /// The SHA-256 hash of the server's public key, by which TLSA records know it
    /// (RFC 6698 §2.1.2, §2.1.3).
    pub fn key_digest(&self) -> [u8; 32] {
        self.shared.current.load().material.key_digest
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor_and_end_point().0
    }

    /// The acceptor, and what identifies the certificate that it shows.
    pub(crate) fn acceptor_and_end_point(&self) -> (TlsAcceptor, Option<Arc<[u8]>>) {
        let current = self.shared.current.load();
        (TlsAcceptor::from(Arc::clone(&current.config)), current.end_point.clone())
    }
}

impl Current {
    fn new(material: Material, certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let content = |problem: String| TlsError::Content { file: key.to_owned(), problem };
        let der = material.key_der().map_err(content)?;
        let mut config =
            rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .map_err(|error| content(error.to_string()))?
                .with_no_client_auth()
                .with_single_cert(material.chain.clone(), der)
                .map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                        certificate: certificate.to_owned(),
                        key: key.to_owned(),
                    },
                    other => content(other.to_string()),
                })?;
        // Tickets let a client that comes again skip half of the handshake, without memory here.
        if let Ok(ticketer) = aws_lc_rs::Ticketer::new() {
            config.ticketer = ticketer;
        }
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let end_point = material.chain.first().and_then(|own| binding::end_point(own));
        Ok(Self { certificate, key, material, end_point, config: Arc::new(config) })
    }
}

#[cfg(test)]
mod tests;
