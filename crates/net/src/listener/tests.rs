#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{Accepted, Listener, Trouble, bind, spoke_first};
use crate::{Admission, Drain, Limits};
use mail::Reason;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMITS: Limits = Limits { per_address: 2, total: 3 };

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

async fn connect(to: SocketAddr, from: u8) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// A door that says whether it lets in, then repeats what it hears until the client closes.
async fn echo(mut accepted: Accepted) {
    let word: &[u8] = match accepted.admitted {
        Ok(()) => b"in  ",
        Err(Reason::TooManyFromAddress) => b"many",
        Err(Reason::ProxyHeader) => b"head",
        Err(_) => b"full",
    };
    accepted.stream.write_all(word).await.unwrap();
    let mut byte = [0; 1];
    while accepted.admitted.is_ok() && accepted.stream.read(&mut byte).await.unwrap() > 0 {
        assert!(byte != *b"!", "a panic that was asked for");
        accepted.stream.write_all(&byte).await.unwrap();
    }
    drop(accepted.guard);
}

async fn word(stream: &mut TcpStream) -> String {
    let mut word = [0; 4];
    match stream.read_exact(&mut word).await {
        Ok(_) => String::from_utf8_lossy(&word).into_owned(),
        Err(_) => "gone".to_owned(),
    }
}

struct Door {
    address: SocketAddr,
    admission: Arc<Admission>,
    sessions: crate::Sessions,
    handle: crate::DrainHandle,
    served: tokio::task::JoinHandle<()>,
}

fn open() -> Door {
    let listener = Listener::bind(loopback(0), 1_024).unwrap();
    let address = listener.local_addr().unwrap();
    let admission = Arc::new(Admission::new(LIMITS));
    let (handle, drain) = Drain::new();
    let sessions = listener.sessions();
    let served = tokio::spawn(listener.serve(Arc::clone(&admission), drain, echo));
    Door { address, admission, sessions, handle, served }
}

#[tokio::test]
async fn the_limits_hold_and_places_come_back() {
    let door = open();
    let mut first = connect(door.address, 1).await;
    let mut second = connect(door.address, 1).await;
    assert_eq!(word(&mut first).await, "in  ");
    assert_eq!(word(&mut second).await, "in  ");
    assert_eq!(word(&mut connect(door.address, 1).await).await, "many");
    let mut other = connect(door.address, 2).await;
    assert_eq!(word(&mut other).await, "in  ");
    assert_eq!(word(&mut connect(door.address, 3).await).await, "full");
    assert_eq!(door.admission.open(), 3);
    assert_eq!(door.sessions.open(), 3, "the refused are none");
    drop(first);
    while door.admission.open() > 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(word(&mut connect(door.address, 3).await).await, "in  ");
}

#[tokio::test]
async fn a_panic_ends_one_session_alone() {
    let door = open();
    let mut first = connect(door.address, 1).await;
    let mut second = connect(door.address, 1).await;
    assert_eq!(word(&mut first).await, "in  ");
    assert_eq!(word(&mut second).await, "in  ");
    first.write_all(b"!").await.unwrap();
    assert_eq!(word(&mut first).await, "gone");
    second.write_all(b"more").await.unwrap();
    assert_eq!(word(&mut second).await, "more");
    assert_eq!(door.admission.open(), 1, "the place of the one that panicked came back");
    assert_eq!(door.sessions.open(), 1);
}

#[tokio::test]
async fn a_drain_lets_sessions_finish_and_nobody_in() {
    let door = open();
    let mut client = connect(door.address, 1).await;
    assert_eq!(word(&mut client).await, "in  ");
    door.handle.start();
    loop {
        match TcpStream::connect(door.address).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => break,
            // Let in, or cut in the backlog, before the door was shut.
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    client.write_all(b"more").await.unwrap();
    assert_eq!(word(&mut client).await, "more");
    assert!(!door.served.is_finished());
    drop(client);
    door.served.await.unwrap();
}

#[tokio::test]
async fn a_drain_cuts_who_does_not_finish() {
    let door = open();
    let mut client = connect(door.address, 1).await;
    assert_eq!(word(&mut client).await, "in  ");
    let before = Instant::now();
    door.handle.start_within(Duration::from_millis(100));
    door.served.await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(100));
    assert_eq!(word(&mut client).await, "gone");
    assert_eq!(door.admission.open(), 0);
    assert_eq!(door.sessions.open(), 0);
}

#[tokio::test]
async fn a_server_out_of_something_waits_longer_each_time() {
    let (handle, drain) = Drain::new();
    let mut trouble = Trouble::default();
    let emfile = io::Error::from_raw_os_error(24);
    let before = Instant::now();
    for _ in 0..3 {
        trouble.wait_out(&emfile, &drain).await;
    }
    let spent = before.elapsed();
    assert!(spent >= Duration::from_millis(20 + 40 + 80), "{spent:?}");
    trouble.wait = Duration::from_secs(60);
    trouble.over();
    let before = Instant::now();
    trouble.wait_out(&io::ErrorKind::ConnectionAborted.into(), &drain).await;
    assert!(before.elapsed() < Duration::from_millis(20), "the peer's own end is no trouble");
    trouble.wait = Duration::from_secs(60);
    handle.start();
    trouble.wait_out(&emfile, &drain).await;
    assert!(before.elapsed() < Duration::from_millis(500), "a drain ends the wait");
}

#[tokio::test]
async fn who_speaks_first_is_seen() {
    let listener = Listener::bind(loopback(0), 16).unwrap();
    let mut client = connect(listener.local_addr().unwrap(), 1).await;
    let (server, _) = listener.listener.accept().await.unwrap();
    assert!(!spoke_first(&server));
    client.write_all(b"EHLO").await.unwrap();
    server.readable().await.unwrap();
    assert!(spoke_first(&server));
    assert!(spoke_first(&server), "looking takes nothing away");
    let (silent, closing) = (connect(listener.local_addr().unwrap(), 1).await, &listener.listener);
    let (server, _) = closing.accept().await.unwrap();
    drop(silent);
    server.readable().await.unwrap();
    assert!(!spoke_first(&server), "an end is no speech");
}

#[tokio::test]
async fn doors_are_non_blocking_reusable_and_of_one_family() {
    let first = bind(loopback(0), 4_096).unwrap();
    let address = first.local_addr().unwrap();
    assert_eq!(first.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(bind(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let options = socket2::SockRef::from(&first);
    assert!(options.reuse_address().unwrap());
    let Ok(six) = bind((std::net::Ipv6Addr::UNSPECIFIED, 0).into(), 16) else {
        return; // a machine without IPv6
    };
    let four = bind((Ipv4Addr::UNSPECIFIED, six.local_addr().unwrap().port()).into(), 16);
    assert!(four.is_ok(), "the IPv6 door leaves IPv4's port free");
}

#[tokio::test]
async fn connections_have_no_delay_and_plain_addresses() {
    let listener = Listener::bind(loopback(0), 16).unwrap();
    let address = listener.local_addr().unwrap();
    let admission = Arc::new(Admission::new(LIMITS));
    let (_handle, drain) = Drain::new();
    let (sender, mut seen) = tokio::sync::mpsc::channel(1);
    let served = tokio::spawn(listener.serve(admission, drain, move |accepted: Accepted| {
        let sender = sender.clone();
        async move {
            let nodelay = accepted.stream.nodelay().unwrap();
            sender.send((accepted.ip, accepted.port, nodelay)).await.unwrap();
        }
    }));
    let client = connect(address, 9).await;
    let (ip, port, nodelay) = seen.recv().await.unwrap();
    assert_eq!(ip, IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)));
    assert_eq!(port, client.local_addr().unwrap().port());
    assert!(nodelay);
    served.abort();
}

/// A connection of a proxy (127.0.0.9) with these first bytes: what the door says.
async fn handed(door: &Door, header: &[u8]) -> (String, TcpStream) {
    let mut stream = connect(door.address, 9).await;
    stream.write_all(header).await.unwrap();
    (word(&mut stream).await, stream)
}

fn line(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 198.51.100.1 4000 25\r\n").into_bytes()
}

#[tokio::test]
async fn who_a_proxy_announces_counts_and_not_the_proxy() {
    let door = open();
    door.admission.set_proxies(vec!["127.0.0.9/32".parse().unwrap()]);
    // What follows the header is the client's.
    let header = [&line("192.0.2.7")[..], b"?"].concat();
    let (said, mut one) = handed(&door, &header).await;
    assert_eq!(said, "in  ");
    let mut echoed = [0; 1];
    one.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"?");
    let (said, _two) = handed(&door, &line("192.0.2.7")).await;
    assert_eq!(said, "in  ");
    assert_eq!(handed(&door, &line("192.0.2.7")).await.0, "many");
    let (said, _three) = handed(&door, &line("192.0.2.8")).await;
    assert_eq!(said, "in  ", "the proxy itself has no limit");
    assert_eq!(handed(&door, &line("192.0.2.9")).await.0, "full");
    assert_eq!(door.admission.open(), 3);
    drop(one);
}

#[tokio::test]
async fn a_proxy_has_to_announce_somebody_who_can_be_there() {
    let door = open();
    door.admission.set_proxies(vec!["127.0.0.9/32".parse().unwrap()]);
    let impossible = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
    for client in impossible {
        assert_eq!(handed(&door, &line(client)).await.0, "head", "{client}");
    }
    for client in ["::1", "::ffff:127.0.0.1", "::", "ff02::1"] {
        let header = format!("PROXY TCP6 {client} 2001:db8::1 4000 25\r\n");
        assert_eq!(handed(&door, header.as_bytes()).await.0, "head", "{client}");
    }
    assert_eq!(handed(&door, b"EHLO client.example\r\n").await.0, "head");
    // From others none is read.
    let mut other = connect(door.address, 1).await;
    other.write_all(b"PROXY").await.unwrap();
    assert_eq!(word(&mut other).await, "in  ");
    assert_eq!(word(&mut other).await, "PROX");
}

#[tokio::test]
async fn a_proxy_that_looks_whether_we_live_is_known_as_one() {
    let listener = Listener::bind(loopback(0), 1_024).unwrap();
    let address = listener.local_addr().unwrap();
    let admission = Arc::new(Admission::new(LIMITS));
    admission.set_proxies(vec!["127.0.0.9/32".parse().unwrap()]);
    let (_handle, drain) = Drain::new();
    tokio::spawn(listener.serve(admission, drain, |mut accepted: Accepted| async move {
        let said = format!("{} {}", accepted.ip, accepted.is_check);
        accepted.stream.write_all(said.as_bytes()).await.unwrap();
    }));
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";
    for header in [&b"PROXY UNKNOWN\r\n"[..], v2] {
        let mut stream = connect(address, 9).await;
        stream.write_all(header).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "127.0.0.9 true");
    }
    // By version 1 HAProxy's checks announce themselves.
    let mut stream = connect(address, 9).await;
    let port = stream.local_addr().unwrap().port();
    let header = format!("PROXY TCP4 127.0.0.9 127.0.0.1 {port} 25\r\n");
    stream.write_all(header.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "127.0.0.9 true");
    // One that says nothing at all gets nothing.
    let mut silent = connect(address, 9).await;
    silent.shutdown().await.unwrap();
    assert_eq!(word(&mut silent).await, "gone");
}

#[tokio::test]
async fn a_header_is_due_within_five_seconds() {
    let door = open();
    door.admission.set_proxies(vec!["127.0.0.9/32".parse().unwrap()]);
    let mut stream = connect(door.address, 9).await;
    stream.write_all(b"PROXY TCP4 192.0.2.7").await.unwrap();
    let begun = Instant::now();
    assert_eq!(word(&mut stream).await, "head");
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
}
