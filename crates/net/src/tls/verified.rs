//! TLS towards a server that an authority vouches for (WebPKI): for MTA-STS, smarthosts and HTTPS.

use super::{ClientTls, TlsError, read_chain};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::aws_lc_rs;
use std::io;
use std::path::Path;
use std::sync::Arc;

impl ClientTls {
    /// TLS 1.2 and 1.3 with a server whose certificate is good for its name, by one of the
    /// authorities in the file `authorities` (PEM); without a file, by one of the system's.
    ///
    /// # Errors
    /// The file cannot be used, or the system has no authorities.
    pub fn verified(authorities: Option<&Path>) -> Result<Self, TlsError> {
        let roots = match authorities {
            Some(file) => named(file)?,
            None => of_the_system()?,
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = Arc::new(roots);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::Handshake(io::Error::other(error)))?;
        Self::verifying(provider, verifier)
    }
}

fn named(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(file)?.0 {
        roots.add(certificate).map_err(|error| TlsError::Content {
            file: file.to_owned(),
            problem: error.to_string(),
        })?;
    }
    Ok(roots)
}

fn of_the_system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some that a system has are too old to be read; the others count.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(TlsError::NoAuthorities);
    }
    Ok(roots)
}
