#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{ServerTls, TlsError, self_signed};
use crate::{Clock, Heard, Stream, Wire, client};
use mail::Timestamp;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(10);

/// A folder with a certificate for `mail.example.org` and `127.0.0.1`.
struct Files {
    folder: TempDir,
    certificate: PathBuf,
    key: PathBuf,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("certificate.pem");
    let key = folder.path().join("key.pem");
    let files = Files { folder, certificate, key };
    files.renew();
    files
}

impl Files {
    fn renew(&self) {
        let names = ["mail.example.org".to_owned(), "127.0.0.1".to_owned()];
        self_signed(&names, &self.certificate, &self.key).unwrap();
    }

    fn load(&self) -> Result<ServerTls, TlsError> {
        ServerTls::load(&self.certificate, &self.key)
    }
}

async fn pair() -> (TcpStream, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (accepted, connected) =
        tokio::join!(listener.accept(), client::connect(address, None, LIMIT));
    (accepted.unwrap().0, connected.unwrap())
}

/// Both sides of a handshake.
async fn shake(
    tls: &ServerTls,
    name: &str,
    trusted: &Path,
) -> (Result<Stream, TlsError>, Result<Stream, TlsError>) {
    let (server, client) = pair().await;
    tokio::join!(
        Stream::Plain(server).start_tls(tls, LIMIT),
        client::start_tls(client, name, trusted, LIMIT),
    )
}

#[tokio::test]
async fn a_handshake_with_the_certificate_that_was_made() {
    let files = files();
    let tls = files.load().unwrap();
    for name in ["mail.example.org", "127.0.0.1"] {
        let (server, client) = shake(&tls, name, &files.certificate).await;
        let (server, client) = (server.unwrap(), client.unwrap());
        let info = server.tls_info().unwrap();
        assert!(info.starts_with("TLSv1.3 TLS_"), "{info}");
        assert_eq!(client.tls_info().unwrap(), info);
        let (mut server, mut client) = (Wire::new(server), Wire::new(client));
        let soon = Instant::now() + LIMIT;
        assert!(client.say(&mut b"NOOP\r\n".to_vec(), soon).await);
        assert_eq!(server.hear(soon, false, None).await, Heard::Bytes);
        assert_eq!(server.bytes(), b"NOOP\r\n");
        client.close(soon).await;
        assert_eq!(server.hear(soon, false, None).await, Heard::End);
    }
}

#[tokio::test]
async fn a_client_that_trusts_another_or_calls_another_refuses() {
    let (files, others) = (files(), files());
    let tls = files.load().unwrap();
    for (name, trusted) in
        [("mail.example.org", &others.certificate), ("www.example.org", &files.certificate)]
    {
        let (server, client) = shake(&tls, name, trusted).await;
        assert!(matches!(server, Err(TlsError::Handshake(_))), "{server:?}");
        assert!(matches!(client, Err(TlsError::Handshake(_))), "{client:?}");
    }
    let (server, client) = shake(&tls, "no name", &files.certificate).await;
    assert!(server.is_err() && client.is_err());
}

#[tokio::test]
async fn a_peer_that_does_not_shake_hands() {
    let files = files();
    let tls = files.load().unwrap();
    let (server, client) = pair().await;
    let short = Duration::from_millis(30);
    let silent = Stream::Plain(server).start_tls(&tls, short).await;
    assert!(matches!(silent, Err(TlsError::TimedOut)), "{silent:?}");
    drop(client);
    let (server, client) = pair().await;
    let mut client = Wire::new(client);
    assert!(client.say(&mut b"EHLO client.example\r\n".to_vec(), Instant::now() + LIMIT).await);
    let plain = Stream::Plain(server).start_tls(&tls, LIMIT).await;
    assert!(matches!(plain, Err(TlsError::Handshake(_))), "{plain:?}");
}

#[tokio::test]
async fn tls_is_not_put_into_tls() {
    let files = files();
    let tls = files.load().unwrap();
    let (server, client) = shake(&tls, "mail.example.org", &files.certificate).await;
    let again = server.unwrap().start_tls(&tls, LIMIT).await;
    assert!(matches!(again, Err(TlsError::Already)));
    let again = client::start_tls(client.unwrap(), "x.example", &files.certificate, LIMIT).await;
    assert!(matches!(again, Err(TlsError::Already)));
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_then_on() {
    let (files, newer) = (files(), files());
    let tls = files.load().unwrap();
    let shown_by_all = tls.clone();
    assert!(!tls.reload_if_changed().unwrap());
    std::fs::copy(&newer.certificate, &files.certificate).unwrap();
    let half = tls.reload_if_changed();
    assert!(matches!(half, Err(TlsError::Mismatch { .. })), "{half:?}");
    let (_, client) = shake(&shown_by_all, "mail.example.org", &newer.certificate).await;
    assert!(client.is_err(), "the old one stays until the new one is whole");
    std::fs::copy(&newer.key, &files.key).unwrap();
    assert!(tls.reload_if_changed().unwrap());
    assert!(!tls.reload_if_changed().unwrap());
    let (_, client) = shake(&shown_by_all, "mail.example.org", &newer.certificate).await;
    assert!(client.is_ok());
}

#[tokio::test]
async fn a_pair_at_another_place_is_taken_over() {
    let (files, other) = (files(), files());
    let tls = files.load().unwrap();
    let broken = tls.reload_from(&other.certificate, &files.key);
    assert!(matches!(broken, Err(TlsError::Mismatch { .. })), "{broken:?}");
    let (_, client) = shake(&tls, "mail.example.org", &files.certificate).await;
    assert!(client.is_ok(), "the old pair stays");
    assert!(tls.reload_from(&other.certificate, &other.key).unwrap());
    let (_, client) = shake(&tls, "mail.example.org", &other.certificate).await;
    assert!(client.is_ok());
    files.renew();
    assert!(!tls.reload_if_changed().unwrap(), "the old files are not looked at any more");
    other.renew();
    assert!(tls.reload_if_changed().unwrap());
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let files = files();
    let good = std::fs::read(&files.key).unwrap();
    for (content, expected) in [
        (&b""[..], "no private key"),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "no private key",
        ),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key.pem"),
    ] {
        std::fs::write(&files.key, content).unwrap();
        let error = files.load().unwrap_err().to_string();
        assert!(error.contains("key.pem") && error.contains(expected), "{error}");
    }
    std::fs::remove_file(&files.key).unwrap();
    let error = files.load().unwrap_err();
    assert!(matches!(error, TlsError::File { .. }) && error.to_string().contains("key.pem"));
    std::fs::write(&files.key, good).unwrap();
    for (content, expected) in [
        (&b"nothing"[..], "no certificate in PEM form"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "not PEM"),
    ] {
        std::fs::write(&files.certificate, content).unwrap();
        let error = files.load().unwrap_err().to_string();
        assert!(error.contains("certificate.pem") && error.contains(expected), "{error}");
    }
    let large = std::fs::File::create(&files.certificate).unwrap();
    large.set_len(2 * 1024 * 1024).unwrap();
    assert!(files.load().unwrap_err().to_string().contains("1 MiB"));
}

#[test]
fn the_key_is_its_owners_alone() {
    let files = files();
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o666)).unwrap();
    files.renew();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&files.key), 0o600);
    assert_eq!(mode(&files.certificate) & 0o111, 0);
    let left: Vec<_> = std::fs::read_dir(files.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing else is left behind");
    let nowhere = files.folder.path().join("missing").join("key.pem");
    let error = self_signed(&["a.example".to_owned()], &files.certificate, &nowhere).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn the_end_of_a_certificate_is_told_in_time() {
    let tls = files().load().unwrap();
    let now = Clock::system().now();
    let day = 24 * 3_600 * 1_000;
    let ends = tls.not_after();
    assert!(ends > now.plus_millis(3_649 * day) && ends < now.plus_millis(3_651 * day));
    let fortnight = Duration::from_secs(14 * 24 * 3_600);
    assert!(!tls.expires_within(fortnight, now));
    assert!(!tls.expires_within(fortnight, ends.plus_millis(-15 * day)));
    assert!(tls.expires_within(fortnight, ends.plus_millis(-13 * day)));
    assert!(tls.expires_within(fortnight, Timestamp(i64::MAX)));
}

/// A certificate whose key has this digest to OpenSSL: `openssl x509 -noout -pubkey`,
/// `openssl pkey -pubin -outform der`, `sha256sum`.
const DIGEST: &str = "5afe6eebb1820b08393556923c9e2431460c97588282e37650237687b30c5b05";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBjTCCATOgAwIBAgIUNG/T3dduLFKsQpFBXTAdBk+sB4wwCgYIKoZIzj0EAwIw\n\
    GzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzAgFw0yNjExMjUwMzU1MjBaGA8y\n\
    MTI2MTEwMTAzNTUyMFowGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLm9yZzBZMBMG\n\
    ByqGSM49AgEGCCqGSM49AwEHA0IABK93e88SsotK2aUk3A/6ewwH8GtpLDgTh18O\n\
    VQK7JvFL1Jasyg2U8FQFNNGUzNDEn+lC3QLA+NMUJmbx1YrhWWWjUzBRMB0GA1Ud\n\
    DgQWBBSmKVD7CFmIQ3oFcG2int5iK3KrJjAfBgNVHSMEGDAWgBSmKVD7CFmIQ3oF\n\
    cG2int5iK3KrJjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDx\n\
    Ma6Vd/79/qAwcX6UU1uIJ4c3A3bXjnIpeb7L4zDqMgIgHixS7hYByeRVN3E3Kekj\n\
    jyN4GiGbmMkN/LI2YW01jhs=\n\
    -----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ4mU5wpEDrIUWdPS\n\
    GfhvoySSY7MGVH3Nbj+9orbGVeahRANCAASvd3vPErKLStmlJNwP+nsMB/BraSw4\n\
    E4dfDlUCuybxS9SWrMoNlPBUBTTRlMzQxJ/pQt0CwPjTFCZm8dWK4Vll\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn the_digest_of_a_key_is_that_of_other_programs() {
    let files = files();
    std::fs::write(&files.certificate, CERTIFICATE).unwrap();
    std::fs::write(&files.key, KEY).unwrap();
    let digest = files.load().unwrap().key_digest();
    let shown: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, DIGEST);
}
