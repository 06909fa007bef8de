//! Answers over HTTPS from servers that behave, and some that do not.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use bytes::Bytes;
use net::{ClientTls, Fetch, FetchError, ServerTls, Stream, Url, ZoneResolver, tls};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);
const ZONE: &str = "policy.example. A 127.0.0.1\nother.example. A 127.0.0.1\n\
                    inside.example. A 10.0.0.1\n";

struct Site {
    address: SocketAddr,
    certificate: PathBuf,
    _folder: TempDir,
    asked: Arc<Mutex<String>>,
}

/// A server for policy.example that gives one answer to everything, and closes.
async fn site(answer: Vec<u8>) -> Site {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    tls::self_signed(&["policy.example".to_owned()], &certificate, &key).unwrap();
    let tls = ServerTls::load(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<String>> = Arc::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = Stream::Plain(stream).start_tls(&tls, LIMIT).await else {
                continue;
            };
            let mut question = vec![0; 4_096];
            let size = stream.read(&mut question).await.unwrap_or_default();
            question.truncate(size);
            heard.lock().unwrap().push_str(&String::from_utf8_lossy(&question));
            // A client may have had enough.
            drop(stream.write_all(&answer).await);
            drop(stream.shutdown().await);
        }
    });
    Site { address, certificate, _folder: folder, asked }
}

fn fetch(site: &Site, allowed: &[SocketAddr]) -> Fetch {
    let zone = ZoneResolver::parse(ZONE, Path::new("zone")).unwrap();
    let tls = ClientTls::verified(Some(&site.certificate)).unwrap();
    Fetch::new(Arc::new(zone), tls, allowed.to_vec())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

async fn answered(answer: impl Into<Vec<u8>>) -> String {
    let site = site(answer.into()).await;
    let fetch = fetch(&site, &[site.address]);
    match fetch.get(&url("https://policy.example/.well-known/x")).await {
        Ok(fetched) => format!("{} {:?}", fetched.media_type, fetched.body),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test]
async fn an_answer_is_what_was_sent_within_bounds() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\n";
    let whole = format!("{head}Content-Length: 2\r\n\r\nhi");
    assert_eq!(answered(whole).await, "text/plain b\"hi\"");
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n");
    assert_eq!(answered(chunks).await, "text/plain b\"hi\"");
    let until_the_end = format!("{head}\r\nhi");
    assert_eq!(answered(until_the_end).await, "text/plain b\"hi\"");
    let cut = format!("{head}Content-Length: 5\r\n\r\nhi");
    assert!(answered(cut).await.starts_with("error: the answer cannot be read"));
    for size in [65_536, 65_537, 10_000_000] {
        let large = format!("{head}\r\n{}", "x".repeat(size));
        let expected = size > 65_536;
        let found = answered(large).await;
        assert_eq!(found == "error: the answer has more than 65536 bytes", expected, "{size}");
    }
    for (status, expected) in [
        ("301 Moved\r\nLocation: https://other.example/", "error: the answer is 301"),
        ("404 Not Found", "error: the answer is 404"),
        ("204 No Content", "error: the answer is 204"),
        ("201 Created", "error: the answer is 201"),
    ] {
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answered(text).await, expected);
    }
    for garbage in [
        "220 smtp.example ESMTP\r\n".to_owned(),
        String::new(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(10_000)),
    ] {
        let size = garbage.len();
        let found = answered(garbage).await;
        assert!(found.starts_with("error: the answer cannot be read"), "{found} {size}");
    }
}

#[tokio::test]
async fn only_whom_it_should_and_may_call_is_asked() {
    let good = site(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_vec()).await;
    let mine = fetch(&good, &[good.address]);
    assert!(mine.get(&url("https://policy.example/a?b")).await.is_ok());
    let asked = std::mem::take(&mut *good.asked.lock().unwrap());
    assert!(asked.starts_with("GET /a?b HTTP/1.1\r\nhost: policy.example\r\n"), "{asked}");
    let root = url("https://policy.example/");
    assert!(mine.post(&root, "text/plain", Bytes::from("all")).await.is_ok());
    let asked = std::mem::take(&mut *good.asked.lock().unwrap());
    assert!(asked.starts_with("POST / HTTP/1.1\r\n") && asked.ends_with("\r\n\r\nall"), "{asked}");
    // A certificate for another name, or from nobody that is known.
    let other = mine.get(&url("https://other.example/")).await;
    assert!(matches!(other, Err(FetchError::Tls(..))), "{other:?}");
    let stranger = site(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
    let result = fetch(&good, &[stranger.address]).get(&url("https://policy.example/")).await;
    assert!(matches!(result, Err(FetchError::Tls(..))), "{result:?}");
    assert_eq!(*good.asked.lock().unwrap(), "");
    // Nobody named this machine.
    let careful = fetch(&good, &[]);
    for name in ["policy.example", "inside.example"] {
        let result = careful.get(&url(&format!("https://{name}:{}/", good.address.port()))).await;
        assert!(matches!(result, Err(FetchError::Private(_))), "{result:?}");
    }
    let result = careful.get(&url("https://nowhere.example/")).await;
    assert!(matches!(result, Err(FetchError::Name { .. })), "{result:?}");
}
