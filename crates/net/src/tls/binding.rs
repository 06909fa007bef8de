//! What identifies a TLS connection, so that a log-in can be bound to it.

use aws_lc_rs::digest;
use mail::scram::Bindings;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::AlgorithmIdentifier;

/// RFC 9266 §2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// The bindings of a server's connection.
///
/// `tls-exporter` only under TLS 1.3: in TLS 1.2 it is safe with the extended master secret alone
/// (RFC 9266 §4.2), and whether that was agreed on is not told to us.
pub(crate) fn bindings(
    connection: &rustls::ServerConnection,
    end_point: Option<&Arc<[u8]>>,
) -> Bindings {
    let exporter = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => {
            connection.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).ok()
        }
        _ => None,
    };
    Bindings { exporter, end_point: end_point.map(|bytes| bytes.to_vec()) }
}

/// The hash of a certificate that `tls-server-end-point` has (RFC 5929 §4.1): by the hash of its
/// signature, SHA-256 in place of MD5 and SHA-1. None for signatures without one hash (Ed25519).
pub(super) fn end_point(certificate: &CertificateDer<'_>) -> Option<Arc<[u8]>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let algorithm = hash_of(&parsed.signature_algorithm)?;
    Some(Arc::from(digest::digest(algorithm, certificate).as_ref()))
}

fn hash_of(signature: &AlgorithmIdentifier<'_>) -> Option<&'static digest::Algorithm> {
    let oid = match SignatureAlgorithm::try_from(signature) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            parameters.hash_algorithm_oid().to_id_string()
        }
        _ => signature.algorithm.to_id_string(),
    };
    Some(match oid.as_str() {
        // RSA with MD5, SHA-1; ECDSA and DSA with SHA-1; SHA-1 alone, as RSASSA-PSS has it.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.2.840.10040.4.3"
        | "1.3.14.3.2.26" => &digest::SHA256,
        // RSA, ECDSA, alone.
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" | "2.16.840.1.101.3.4.2.1" => {
            &digest::SHA256
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" | "2.16.840.1.101.3.4.2.2" => {
            &digest::SHA384
        }
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" | "2.16.840.1.101.3.4.2.3" => {
            &digest::SHA512
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
