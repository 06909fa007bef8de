#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::end_point;
use crate::{Stream, Wire, client};
use aws_lc_rs::digest;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use std::time::Duration;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

fn certificate(algorithm: &'static rcgen::SignatureAlgorithm) -> CertificateDer<'static> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::new(vec!["mail.example.org".to_owned()]).unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

/// RFC 5929 §4.1.
#[test]
fn a_certificate_is_hashed_as_it_is_signed() {
    for (signed, hashed) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, Some(&digest::SHA256)),
        (&rcgen::PKCS_ECDSA_P384_SHA384, Some(&digest::SHA384)),
        (&rcgen::PKCS_ED25519, None),
    ] {
        let certificate = certificate(signed);
        let expected = hashed.map(|hash| digest::digest(hash, &certificate).as_ref().to_vec());
        assert_eq!(end_point(&certificate).as_deref(), expected.as_deref(), "{signed:?}");
    }
    assert_eq!(end_point(&CertificateDer::from(&b"no certificate"[..])), None);
}

/// Each connection has its own exporter, which both ends know; the certificate is the same.
#[tokio::test]
async fn both_ends_of_a_connection_know_what_it_is_bound_to() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    crate::tls::self_signed(&["mail.example.org".to_owned()], &chain, &key).unwrap();
    let tls = crate::ServerTls::load(&chain, &key).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connected = client::connect(listener.local_addr().unwrap(), None, LIMIT);
        let (accepted, connected) = tokio::join!(listener.accept(), connected);
        let wire = Wire::new(Stream::Plain(accepted.unwrap().0));
        assert_eq!(wire.bindings(), super::Bindings::default(), "nothing binds in the clear");
        let (server, client) = tokio::join!(
            wire.secure(&tls, LIMIT),
            client::start_tls(connected.unwrap(), "mail.example.org", &chain, LIMIT),
        );
        let Stream::Tls(client) = client.unwrap() else { panic!("no TLS") };
        let exported = match &*client {
            tokio_rustls::TlsStream::Client(client) => client
                .get_ref()
                .1
                .export_keying_material([0; 32], super::EXPORTER_LABEL, None)
                .unwrap(),
            tokio_rustls::TlsStream::Server(_) => panic!("a server"),
        };
        let bindings = server.unwrap().bindings();
        assert_eq!(bindings.exporter, Some(exported));
        let (own, _) = crate::tls::read_chain(&chain).unwrap();
        assert_eq!(bindings.end_point.as_deref(), end_point(own.first().unwrap()).as_deref());
        assert!(bindings.end_point.is_some());
        seen.push(exported);
    }
    assert_ne!(seen.first(), seen.last());
}
