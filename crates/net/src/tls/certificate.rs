//! Certificate and key files: reading what the administrator gives, and making a first pair.

use super::TlsError;
use aws_lc_rs::digest::{SHA256, digest};
use mail::{Secret, Timestamp};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A chain of certificates or a key is a few KiB; what is larger is something else.
const FILE_MAX: u64 = 1024 * 1024;
/// How long a self-signed certificate holds: nobody renews it, and nobody trusts it by its date.
const SELF_SIGNED_DAYS: u64 = 3_650;
/// Clocks differ: a certificate made now must hold for a peer whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// What certificate and key file hold, comparable to find a change.
#[derive(Debug)]
pub(super) struct Material {
    /// The server's own certificate first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The key file as it is.
    key_pem: Secret<Vec<u8>>,
    /// The end of the certificate that ends first.
    pub(super) not_after: Timestamp,
    /// SHA-256 of the server's own public key (SubjectPublicKeyInfo).
    pub(super) key_digest: [u8; 32],
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain && self.key_pem.expose() == other.key_pem.expose()
    }
}

impl Material {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let (chain, not_after) = read_chain(certificate)?;
        let key_pem = Secret::new(read_file(key)?);
        let key_digest = key_digest(chain.first())
            .ok_or_else(|| content(certificate, "its public key cannot be read".to_owned()))?;
        let material = Self { chain, key_pem, not_after, key_digest };
        material.key_der().map_err(|problem| content(key, problem))?;
        Ok(material)
    }

    /// The key in the form that rustls takes.
    pub(super) fn key_der(&self) -> Result<PrivateKeyDer<'static>, String> {
        PrivateKeyDer::from_pem_slice(self.key_pem.expose())
            .map_err(|_| "no private key in PEM form is in it (a locked key cannot be used)".into())
    }
}

fn key_digest(certificate: Option<&CertificateDer<'_>>) -> Option<[u8; 32]> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate?).ok()?;
    digest(&SHA256, parsed.tbs_certificate.subject_pki.raw).as_ref().try_into().ok()
}

/// Makes a key and a certificate signed by itself for `names` (host names or addresses), and
/// writes them as PEM files: the certificate for all to read, the key for its owner alone.
///
/// Holds for ten years. Files that are there are replaced, each at once, so a crash leaves the old
/// or the new one, never half of it.
///
/// # Errors
/// A name is no host name, or a file cannot be written.
pub fn self_signed(names: &[String], certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let making = |error: rcgen::Error| content(certificate, error.to_string());
    let mut params = CertificateParams::new(names.to_vec()).map_err(making)?;
    if let Some(first) = names.first() {
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, first.as_str());
    }
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + Duration::from_secs(SELF_SIGNED_DAYS * 24 * 3600)).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pair = KeyPair::generate().map_err(making)?;
    let made = params.self_signed(&pair).map_err(making)?;
    let key_pem = Secret::new(pair.serialize_pem().into_bytes());
    // The key first: a certificate without its key would look finished to the next start.
    write_file(key, key_pem.expose(), 0o600)?;
    write_file(certificate, made.pem().as_bytes(), 0o644)
}

/// Reads every certificate of a PEM file, and when the first of them to end ends.
pub(crate) fn read_chain(
    file: &Path,
) -> Result<(Vec<CertificateDer<'static>>, Timestamp), TlsError> {
    let pem = read_file(file)?;
    let mut chain = Vec::new();
    let mut not_after = Timestamp(i64::MAX);
    for item in CertificateDer::pem_slice_iter(&pem) {
        let der = item.map_err(|error| content(file, format!("not PEM: {error}")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|error| content(file, format!("not a certificate: {error}")))?;
        let ends = parsed.validity().not_after.timestamp();
        not_after = not_after.min(Timestamp(ends.saturating_mul(1000)));
        chain.push(der);
    }
    if chain.is_empty() {
        return Err(content(file, "no certificate in PEM form is in it".to_owned()));
    }
    Ok((chain, not_after))
}

fn read_file(file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| {
        opened.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        Ok(())
    });
    read.map_err(|cause| TlsError::File { file: file.to_owned(), cause })?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(content(file, "larger than 1 MiB".to_owned()));
    }
    Ok(bytes)
}

fn write_file(file: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
    let failed = |cause| TlsError::File { file: file.to_owned(), cause };
    let fresh = fresh_name(file);
    let write = || -> io::Result<()> {
        // What a crash left may have any mode: it is made anew, never written into.
        let _ = std::fs::remove_file(&fresh);
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        opened.write_all(bytes)?;
        opened.sync_all()?;
        std::fs::rename(&fresh, file)
    };
    write().map_err(failed)
}

fn fresh_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn content(file: &Path, problem: String) -> TlsError {
    TlsError::Content { file: file.to_owned(), problem }
}
