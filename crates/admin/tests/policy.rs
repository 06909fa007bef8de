//! The policy of a domain, fetched from a real server as others fetch it.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use admin::records::{Site, Standing, check_policy, plan};
use config::Settings;
use net::{ClientTls, Fetch, ServerTls, Stream, ZoneResolver, tls};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(10);

/// How it stands where the server of this name's policies answers so; and what it was asked.
async fn standing(certified: &str, answer: &str) -> (Standing, String) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    tls::self_signed(&[certified.to_owned()], &certificate, &key).unwrap();
    let server = ServerTls::load(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.to_owned();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = Stream::Plain(stream).start_tls(&server, LIMIT).await else {
            return String::new();
        };
        let mut question = vec![0; 4_096];
        let size = stream.read(&mut question).await.unwrap();
        question.truncate(size);
        stream.write_all(answer.as_bytes()).await.unwrap();
        // Who has heard enough may be gone.
        drop(stream.shutdown().await);
        String::from_utf8(question).unwrap()
    });
    let text = "[server]\nhostname = \"mail.example.org\"\n";
    let settings = Settings::from_str(text, Path::new("gatepost.toml")).unwrap();
    let site = Site { settings: &settings, keys: &[], key_digest: None, doors: &[] };
    let plan = plan(&"example.org".parse().unwrap(), &site);
    let zone = ZoneResolver::parse("mta-sts.example.org. A 127.0.0.1\n", Path::new("zone"));
    let believed = ClientTls::verified(Some(&certificate)).unwrap();
    let fetch = Fetch::new(Arc::new(zone.unwrap()), believed, vec![address]);
    let check = check_policy(&plan, &fetch).await;
    assert_eq!(check.problem.is_empty(), check.standing == Standing::Right, "{check:?}");
    (check.standing, serving.await.unwrap())
}

#[tokio::test]
async fn what_others_fetch_is_looked_at() {
    let policy = |mx: &str| {
        let text = format!("version: STSv1\r\nmode: enforce\r\nmx: {mx}\r\nmax_age: 86400\r\n");
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{text}")
    };
    let host = "mta-sts.example.org";
    let (right, asked) = standing(host, &policy("mail.example.org")).await;
    assert_eq!(right, Standing::Right);
    let head = "GET /.well-known/mta-sts.txt HTTP/1.1\r\nhost: mta-sts.example.org\r\n";
    assert!(asked.starts_with(head), "{asked}");
    assert_eq!(standing(host, &policy("other.example.org")).await.0, Standing::Differs);
    let nothing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(standing(host, nothing).await.0, Standing::Missing);
    // The certificate of the domain is none of the policy's server.
    assert_eq!(standing("example.org", &policy("mail.example.org")).await.0, Standing::Differs);
}
