//! TLS towards a server whose certificate the DNS names (DANE for SMTP, RFC 7672).
//!
//! One record that matches is enough. A DANE-EE record is about the key alone: names and dates mean
//! nothing then (RFC 7672 §3.1.1). A DANE-TA record names an authority that the server has to send
//! (or that the record holds whole): the chain up to it, its dates and the server's name count
//! (RFC 7672 §3.1.2).

use super::opportunistic::{ClientTls, Signatures};
use super::{Flaw, TlsError};
use crate::dns::Tlsa;
use crate::dns::tlsa::{Matching, Selector, Usage};
use ::aws_lc_rs::digest;
use mail::Domain;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Certificates of a chain that are looked at: real chains have two or three.
const CHAIN_MAX: usize = 10;

impl ClientTls {
    /// TLS 1.2 and 1.3 with a server that one of these records vouches for, as far as they are
    /// usable; `names` are those that count for DANE-TA: the server's, then that of the domain
    /// (RFC 7672 §3.2.2). Made for one server, and not kept: no session of another is taken up.
    ///
    /// # Errors
    /// The library refuses its own defaults.
    pub fn dane(records: &[Tlsa], names: &[Domain]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let names = names.iter().filter_map(|name| name.as_str().to_owned().try_into().ok());
        let verifier = Dane {
            records: records.to_vec(),
            names: names.collect(),
            signatures: Signatures(Arc::clone(&provider)),
        };
        Self::verifying(provider, Arc::new(verifier))
    }
}

/// Believes what the records name.
#[derive(Debug)]
struct Dane {
    records: Vec<Tlsa>,
    names: Vec<ServerName<'static>>,
    signatures: Signatures,
}

impl ServerCertVerifier for Dane {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let intermediates = intermediates.get(..CHAIN_MAX).unwrap_or(intermediates);
        if self.of(Usage::Server).any(|record| matches(record, end_entity)) {
            return Ok(ServerCertVerified::assertion());
        }
        let authorities = self.authorities(intermediates, now);
        if authorities.is_empty() {
            return Err(Flaw::NotNamed.into());
        }
        let provider = Arc::clone(&self.signatures.0);
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider)
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        let mut last = Flaw::NotNamed.into();
        for name in &self.names {
            match chain.verify_server_cert(end_entity, intermediates, name, ocsp_response, now) {
                Ok(good) => return Ok(good),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes()
    }
}

impl Dane {
    fn of(&self, wanted: Usage) -> impl Iterator<Item = &Tlsa> {
        let is = move |record: &&Tlsa| record.terms().is_some_and(|(usage, _, _)| usage == wanted);
        self.records.iter().filter(is)
    }

    /// The authorities that the records name, of those that the server sent, and those that they
    /// hold whole (RFC 7671 §5.2.2); none out of its time.
    fn authorities(&self, sent: &[CertificateDer<'_>], now: UnixTime) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        for record in self.of(Usage::Authority) {
            let whole = record.terms().is_some_and(|(_, selector, matching)| {
                (selector, matching) == (Selector::Certificate, Matching::Full)
            });
            let held = whole.then(|| CertificateDer::from(record.data.as_slice()));
            let named = sent.iter().filter(|certificate| matches(record, certificate));
            for certificate in named.chain(held.iter()) {
                if is_in_time(certificate, now) {
                    // One that cannot be an authority is none.
                    drop(roots.add(certificate.clone().into_owned()));
                }
            }
        }
        roots
    }
}

/// Whether a record is about this certificate (in DER).
///
/// One that cannot be read, or a record that is not usable, matches nothing.
pub fn matches(record: &Tlsa, certificate: &[u8]) -> bool {
    let Some((_, selector, matching)) = record.terms() else { return false };
    let selected = match selector {
        Selector::Certificate => certificate,
        Selector::Key => match X509Certificate::from_der(certificate) {
            Ok((_, parsed)) => parsed.tbs_certificate.subject_pki.raw,
            Err(_) => return false,
        },
    };
    match matching {
        Matching::Full => selected == record.data,
        Matching::Sha256 => hash(&digest::SHA256, selected) == record.data,
        Matching::Sha512 => hash(&digest::SHA512, selected) == record.data,
    }
}

fn hash(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

fn is_in_time(certificate: &[u8], now: UnixTime) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
    now.is_some_and(|now| parsed.validity().is_valid_at(now))
}
