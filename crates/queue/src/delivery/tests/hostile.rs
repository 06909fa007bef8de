//! Servers that take their time: whatever they do with it, a delivery ends, long before its lease.
//!
//! The runtime's time stands still once both sides have met, and leaps to the next deadline where
//! nobody has anything to do.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use crate::delivery::{BATCH_MAX, Caller, Connection, OPEN_MAX, Turn, now};
use crate::met::{Met, Verdict};
use mail::{Host, Reason, TlsDemand};
use net::ClientTls;
use policy::trust::Trust;
use policy::ways::Server;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, pause, sleep};

const MINUTE: Duration = Duration::from_secs(60);

fn caller() -> Caller {
    Caller {
        hostname: "mx.ours.example".parse().unwrap(),
        tls: ClientTls::opportunistic().unwrap(),
        verified: None,
        from: None,
        credentials: None,
    }
}

fn at(address: SocketAddr) -> Server {
    let name = Host::Literal(address.ip());
    Server { name, address, trust: Trust::Anybody, is_certain: false }
}

async fn open(caller: &Caller, servers: &[Server]) -> Result<Connection, Met> {
    crate::delivery::open(caller, servers, TlsDemand::Usual, &mut Vec::new()).await
}

/// What is met at a server that does this, and how long it took by the runtime's time.
async fn reach<F>(acts: impl FnOnce(TcpStream) -> F + Send + 'static) -> (Met, Duration)
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = at(listener.local_addr().unwrap());
    let acting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        pause();
        acts(stream).await;
    });
    let begun = Instant::now();
    let met = open(&caller(), &[server]).await.err().unwrap();
    let took = begun.elapsed();
    acting.abort();
    (met, took)
}

fn is_late(met: &Met) {
    let expected = (Verdict::Later, Reason::RemoteUnreachable, "the server did not answer in time");
    assert_eq!((met.verdict, met.reason, met.text.as_str()), expected);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let (met, took) = reach(|stream| async move {
        sleep(600 * MINUTE).await;
        drop(stream);
    })
    .await;
    is_late(&met);
    // RFC 5321 §4.5.3.2.1.
    assert!(took >= 5 * MINUTE && took < 6 * MINUTE, "{took:?}");
}

#[tokio::test]
async fn a_reply_that_drips_is_due_when_it_was() {
    let (met, took) = reach(|mut stream| async move {
        loop {
            // Gone is what is hoped for.
            let _ = stream.write_all(b"2").await;
            sleep(MINUTE).await;
        }
    })
    .await;
    is_late(&met);
    assert!(took < 6 * MINUTE, "{took:?}");
}

#[tokio::test]
async fn answers_that_lead_nowhere_do_not_prolong_a_visit() {
    // Whole lines of one reply.
    let (met, took) = reach(|mut stream| async move {
        loop {
            let _ = stream.write_all(b"220-wait\r\n").await;
            sleep(MINUTE).await;
        }
    })
    .await;
    is_late(&met);
    assert!(took < 6 * MINUTE, "{took:?}");
}

#[tokio::test]
async fn many_slow_servers_are_not_all_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = at(listener.local_addr().unwrap());
    let acting = tokio::spawn(async move {
        let mut held = vec![listener.accept().await.unwrap()];
        pause();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let begun = Instant::now();
    let servers = vec![server; 10];
    let met = open(&caller(), &servers).await.err().unwrap();
    is_late(&met);
    assert!(begun.elapsed() <= OPEN_MAX + MINUTE, "{:?}", begun.elapsed());
    acting.abort();
}

/// One recipient's answer at a time, each just in time.
#[tokio::test]
async fn a_batch_has_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = at(listener.local_addr().unwrap());
    let acting = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 slow.example\r\n").await.unwrap();
        let mut heard = [0; 4_096];
        let _ = stream.read(&mut heard).await.unwrap();
        stream.write_all(b"250-slow.example\r\n250 PIPELINING\r\n").await.unwrap();
        let _ = stream.read(&mut heard).await.unwrap();
        pause();
        loop {
            let _ = stream.write_all(b"250 ok\r\n").await;
            sleep(4 * MINUTE).await;
        }
    });
    let mut connection: Connection = open(&caller(), &[server]).await.ok().unwrap();
    connection.begin_batch(now() + BATCH_MAX);
    let recipient = |n: usize| smtp::client::Recipient {
        address: format!("p{n}@slow.example").parse().unwrap(),
        dsn: mail::RecipientDsn::default(),
    };
    let transaction = smtp::client::Transaction {
        sender: mail::ReversePath::Null,
        recipients: (0..90).map(recipient).collect(),
        size: 0,
        body: mail::BodyKind::SevenBit,
        smtputf8: false,
        require_tls: false,
        dsn: mail::EnvelopeDsn::default(),
    };
    let begun = Instant::now();
    connection.machine.begin(transaction).unwrap();
    let turn = connection.turn(None).await;
    let Turn::Done(outcomes) = turn else { panic!("no outcomes") };
    assert_eq!(outcomes.len(), 90);
    assert!(begun.elapsed() <= BATCH_MAX + MINUTE, "{:?}", begun.elapsed());
    acting.abort();
}
