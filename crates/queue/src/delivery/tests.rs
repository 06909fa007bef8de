//! Servers that prove who they are, and some that do not: real ones, with real certificates.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod hostile;

use super::{Caller, NOT_OFFERED, NOT_VALID, open};
use crate::met::Verdict;
use mail::{Domain, Host, Reason, Secret, TlsDemand};
use net::{ClientTls, ServerTls, Stream, Tlsa, tls};
use policy::trust::Trust;
use policy::ways::Server;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use smtp::client::Credentials;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "mx.example.net";

/// What the other server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acts {
    /// As it should.
    Well,
    /// It does not offer REQUIRETLS.
    KeepsNothing,
    /// As if there were no STARTTLS: itself, or somebody on the way.
    WithoutTls,
    /// It refuses STARTTLS, which it offers.
    Refuses,
    /// Something comes in the clear behind the answer to STARTTLS.
    Injects,
    /// Something comes in the clear before STARTTLS is said.
    InjectsBefore,
    /// It cannot make a handshake.
    Breaks,
}

struct Peer {
    server: Server,
    /// Its certificate as a record of its own (DANE-EE, its whole).
    record: Tlsa,
    /// Its certificate, as an authority.
    file: std::path::PathBuf,
    _folder: tempfile::TempDir,
    connections: Arc<AtomicUsize>,
    /// All that it was told in the clear, and under TLS.
    clear: Arc<std::sync::Mutex<String>>,
    secured: Arc<std::sync::Mutex<String>>,
}

async fn peer(acts: Acts) -> Peer {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    tls::self_signed(&[NAME.to_owned()], &file, &key).unwrap();
    let tls = ServerTls::load(&file, &key).unwrap();
    let pem = std::fs::read(&file).unwrap();
    let der = CertificateDer::from_pem_slice(&pem).unwrap().to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (clear, secured) = (Arc::default(), Arc::default());
    let heard = (Arc::clone(&connections), Arc::clone(&clear), Arc::clone(&secured));
    tokio::spawn(async move {
        let (connections, clear, secured) = heard;
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let (tls, clear, secured) = (tls.clone(), Arc::clone(&clear), Arc::clone(&secured));
            tokio::spawn(async move {
                let offer = if acts == Acts::WithoutTls { "250 DSN" } else { "250 STARTTLS" };
                let plain = talk(Stream::Plain(stream), &clear, offer, acts, true).await;
                if let Some(plain) = plain
                    && let Ok(stream) = plain.start_tls(&tls, LIMIT).await
                {
                    let offer = match acts {
                        Acts::KeepsNothing => "250 AUTH PLAIN",
                        _ => "250-AUTH PLAIN\r\n250 REQUIRETLS",
                    };
                    talk(stream, &secured, offer, acts, false).await;
                }
            });
        }
    });
    let name = Host::Domain(Domain::parse(NAME).unwrap());
    let server = Server { name, address, trust: Trust::Anybody, is_certain: false };
    let record = Tlsa { usage: 3, selector: 0, matching: 0, data: der };
    Peer { server, record, file, _folder: folder, connections, clear, secured }
}

/// Answers commands until STARTTLS, which gives the stream back, or the end.
async fn talk(
    mut stream: Stream,
    heard: &std::sync::Mutex<String>,
    offer: &str,
    acts: Acts,
    greets: bool,
) -> Option<Stream> {
    if greets {
        stream.write_all(b"220 mx.example.net\r\n").await.ok()?;
    }
    let mut line = Vec::new();
    loop {
        let byte = stream.read_u8().await.ok()?;
        line.push(byte);
        if byte != b'\n' {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
        heard.lock().unwrap().push_str(&text);
        let answer = match (text.trim(), acts) {
            ("STARTTLS", Acts::Refuses) => "454 not now\r\n".to_owned(),
            ("STARTTLS", Acts::Breaks) => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                let mut hello = [0; 64];
                stream.read_exact(&mut hello).await.ok()?;
                stream.write_all(b"nothing like TLS, and long enough\r\n").await.ok()?;
                return None;
            }
            ("STARTTLS", Acts::Injects) => {
                stream.write_all(b"220 go on\r\n250 mine\r\n").await.ok()?;
                return Some(stream);
            }
            ("STARTTLS", _) => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                return Some(stream);
            }
            ("QUIT", _) => "221 bye\r\n".to_owned(),
            (auth, _) if auth.starts_with("AUTH") => "235 welcome\r\n".to_owned(),
            (_, Acts::InjectsBefore) if greets => {
                format!("250-{NAME}\r\n{offer}\r\n220 go on\r\n")
            }
            _ => format!("250-{NAME}\r\n{offer}\r\n"),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

fn caller(authorities: Option<&Peer>) -> Caller {
    Caller {
        hostname: Domain::parse("mail.example.org").unwrap(),
        tls: ClientTls::opportunistic().unwrap(),
        verified: authorities.map(|peer| ClientTls::verified(Some(&peer.file)).unwrap()),
        from: None,
        credentials: None,
    }
}

impl Peer {
    fn trusted(&self, trust: Trust) -> Vec<Server> {
        vec![Server { trust, ..self.server.clone() }]
    }

    fn dane(&self) -> Trust {
        let names = vec![Domain::parse(NAME).unwrap()];
        Trust::Dane { records: vec![self.record.clone()], names }
    }

    fn wrong_dane(&self) -> Trust {
        let record = Tlsa { data: vec![1, 2, 3], ..self.record.clone() };
        Trust::Dane { records: vec![record], names: Vec::new() }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// What comes of a connection: `tls`, `clear`, or the reason, and how often the server was called.
async fn attempt(peer: &Peer, caller: &Caller, trust: Trust, demand: TlsDemand) -> String {
    let before = peer.connections();
    let came = match open(caller, &peer.trusted(trust), demand, &mut Vec::new()).await {
        Ok(connection) if connection.machine.is_secured() => "tls".to_owned(),
        Ok(_) => "clear".to_owned(),
        Err(met) => {
            let verdict = if met.verdict == Verdict::Later { "later" } else { "never" };
            format!("{verdict} {}", met.reason)
        }
    };
    format!("{came} {}", peer.connections() - before)
}

#[tokio::test]
async fn a_server_gets_mail_as_its_domain_says() {
    for (acts, anybody, unproven, dane, wrong) in [
        (Acts::Well, "tls 1", "tls 1", "tls 1", "later remote_untrusted 1"),
        (
            Acts::WithoutTls,
            "clear 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
        ),
        (
            Acts::Refuses,
            "clear 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
        ),
        (
            Acts::Injects,
            "later remote_fault 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
        ),
        (
            Acts::InjectsBefore,
            "later remote_fault 1",
            "later remote_fault 1",
            "later remote_fault 1",
            "later remote_fault 1",
        ),
        // Without a demand, the second connection is in the clear.
        (
            Acts::Breaks,
            "clear 2",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
            "later remote_untrusted 1",
        ),
    ] {
        let peer = peer(acts).await;
        let caller = caller(None);
        for (trust, expected) in [
            (Trust::Anybody, anybody),
            (Trust::Unproven, unproven),
            (peer.dane(), dane),
            (peer.wrong_dane(), wrong),
        ] {
            let found = attempt(&peer, &caller, trust.clone(), TlsDemand::Usual).await;
            assert_eq!(found, expected, "{acts:?} {trust:?}");
        }
        // Nothing but a greeting was ever said in the clear where TLS is demanded.
        assert!(!peer.clear.lock().unwrap().contains("MAIL"));
    }
}

#[tokio::test]
async fn a_certificate_is_good_by_an_authority_or_not_at_all() {
    let (good, other) = (peer(Acts::Well).await, peer(Acts::Well).await);
    for (authorities, expected) in [
        (Some(&good), "tls 1"),
        (Some(&other), "later remote_untrusted 1"),
        (None, "later remote_untrusted 1"),
    ] {
        let caller = caller(authorities);
        let found = attempt(&good, &caller, Trust::Verified, TlsDemand::Usual).await;
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_sender_may_demand_more_or_less() {
    let peer = peer(Acts::Well).await;
    let caller = caller(Some(&peer));
    for (trust, certain, demand, expected) in [
        (peer.dane(), true, TlsDemand::Required, "tls 1"),
        (Trust::Verified, false, TlsDemand::Required, "tls 1"),
        // Its name is proven, so its certificate means something.
        (Trust::Anybody, true, TlsDemand::Required, "tls 1"),
        (Trust::Anybody, false, TlsDemand::Required, "never remote_untrusted 0"),
        (Trust::Unproven, false, TlsDemand::Required, "never remote_untrusted 0"),
        (peer.wrong_dane(), true, TlsDemand::Required, "later remote_untrusted 1"),
        (peer.wrong_dane(), true, TlsDemand::Waived, "tls 1"),
    ] {
        let mut servers = peer.trusted(trust.clone());
        servers.iter_mut().for_each(|server| server.is_certain = certain);
        let before = peer.connections();
        let came = match open(&caller, &servers, demand, &mut Vec::new()).await {
            Ok(connection) if connection.machine.is_secured() => "tls".to_owned(),
            Ok(_) => "clear".to_owned(),
            Err(met) if met.verdict == Verdict::Never => {
                assert_eq!((met.reason, met.status), (Reason::RemoteUntrusted, (5, 7, 30)));
                "never remote_untrusted".to_owned()
            }
            Err(met) => format!("later {}", met.reason),
        };
        let found = format!("{came} {}", peer.connections() - before);
        assert_eq!(found, expected, "{trust:?} {certain} {demand:?}");
    }
}

/// RFC 8689 §4.2.1: who would not pass the demand on does not get the message, and the next is
/// tried; what becomes of it when all are, those say that may change their mind.
#[tokio::test]
async fn a_server_that_keeps_no_demand_is_passed_over() {
    let (good, lax, other) =
        (peer(Acts::Well).await, peer(Acts::KeepsNothing).await, peer(Acts::KeepsNothing).await);
    let broken = peer(Acts::Breaks).await;
    for (peers, demand, expected, called) in [
        (vec![&lax, &good], TlsDemand::Required, "tls", vec![1, 1]),
        (vec![&lax, &other, &good], TlsDemand::Required, "tls", vec![1, 1, 1]),
        (vec![&good, &lax], TlsDemand::Required, "tls", vec![1, 0]),
        (vec![&broken, &lax, &good], TlsDemand::Required, "tls", vec![1, 1, 1]),
        (vec![&lax, &other], TlsDemand::Required, "never remote_refused (5, 7, 30)", vec![1, 1]),
        (vec![&lax, &broken], TlsDemand::Required, "later remote_untrusted (4, 7, 5)", vec![1, 1]),
        (vec![&broken, &lax], TlsDemand::Required, "later remote_untrusted (4, 7, 5)", vec![1, 1]),
        (vec![&lax, &good], TlsDemand::Usual, "tls", vec![1, 0]),
    ] {
        let before: Vec<usize> = peers.iter().map(|peer| peer.connections()).collect();
        let servers: Vec<Server> =
            peers.iter().flat_map(|peer| peer.trusted(peer.dane())).collect();
        let came = match open(&caller(None), &servers, demand, &mut Vec::new()).await {
            Ok(connection) if connection.machine.is_secured() => "tls".to_owned(),
            Ok(_) => "clear".to_owned(),
            Err(met) => {
                let verdict = if met.verdict == Verdict::Later { "later" } else { "never" };
                format!("{verdict} {} {:?}", met.reason, met.status)
            }
        };
        let counts = peers.iter().zip(before).map(|(peer, before)| peer.connections() - before);
        assert_eq!((came.as_str(), counts.collect()), (expected, called), "{demand:?}");
    }
    assert!(!lax.secured.lock().unwrap().contains("MAIL"), "nothing was said of the message");
}

#[tokio::test]
async fn a_password_is_shown_to_the_right_server_alone() {
    let secret = || Secret::new("hunter2".to_owned());
    let (good, other) = (peer(Acts::Well).await, peer(Acts::Well).await);
    let login = |authority: &Peer| Caller {
        credentials: Credentials::new("us".to_owned(), secret()),
        ..caller(Some(authority))
    };
    let wrong = attempt(&good, &login(&other), Trust::Anybody, TlsDemand::Waived).await;
    assert_eq!(wrong, "later remote_untrusted 1");
    assert_eq!(*good.secured.lock().unwrap(), "", "nothing is said to who is not known");
    let right = attempt(&good, &login(&good), Trust::Anybody, TlsDemand::Usual).await;
    assert_eq!(right, "tls 1");
    assert!(good.secured.lock().unwrap().contains("AUTH PLAIN AHVzAGh1bnRlcjI="));
    let by_dane = attempt(&good, &login(&other), good.dane(), TlsDemand::Usual).await;
    assert_eq!(by_dane, "tls 1");
    let stripped = peer(Acts::WithoutTls).await;
    let found = attempt(&stripped, &login(&stripped), Trust::Anybody, TlsDemand::Usual).await;
    assert_eq!(found, "later remote_untrusted 1");
    assert!(!stripped.clear.lock().unwrap().contains("AUTH"));
}

#[tokio::test]
async fn what_a_domain_tests_is_seen_and_stops_nothing() {
    let (good, other) = (peer(Acts::Well).await, peer(Acts::Well).await);
    let (stripped, breaks) = (peer(Acts::WithoutTls).await, peer(Acts::Breaks).await);
    let tested = |named| Trust::Tested { named };
    for (peer, authority, named, secured, connections, result) in [
        (&good, &good, true, true, 1, ""),
        (&good, &other, true, true, 2, "certificate-not-trusted"),
        (&good, &good, false, true, 1, NOT_VALID),
        (&stripped, &good, true, false, 2, NOT_OFFERED),
        (&breaks, &good, true, false, 3, NOT_VALID),
    ] {
        let before = peer.connections();
        let mut seen = Vec::new();
        let servers = peer.trusted(tested(named));
        let usual = TlsDemand::Usual;
        let connection = open(&caller(Some(authority)), &servers, usual, &mut seen).await;
        assert_eq!(connection.unwrap().machine.is_secured(), secured, "{result}");
        assert_eq!(peer.connections() - before, connections, "{result}");
        let results: Vec<_> = seen.iter().map(|seen| seen.result).collect();
        assert_eq!(results, [result]);
    }
}

#[tokio::test]
async fn what_is_seen_has_the_words_of_reports() {
    let good = peer(Acts::Well).await;
    let stripped = peer(Acts::WithoutTls).await;
    for (peer, trust, result) in [
        (&good, good.dane(), Some("")),
        (&good, good.wrong_dane(), Some(NOT_VALID)),
        (&good, Trust::Anybody, Some("")),
        (&stripped, Trust::Anybody, Some(NOT_OFFERED)),
        (&stripped, stripped.dane(), Some(NOT_OFFERED)),
    ] {
        let mut seen = Vec::new();
        let servers = peer.trusted(trust.clone());
        drop(open(&caller(None), &servers, TlsDemand::Usual, &mut seen).await);
        let results: Vec<_> = seen.iter().map(|seen| Some(seen.result)).collect();
        assert_eq!(results, [result], "{trust:?}");
    }
}
