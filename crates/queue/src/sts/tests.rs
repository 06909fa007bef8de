#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{RETRY_MILLIS, learned, policy, restrict, wants_fetch};
use crate::testing::house;
use mail::{Domain, Host, Timestamp};
use net::{Clock, ServerTls, Stream, tls};
use policy::trust::Trust;
use policy::ways::Server;
use smtp::sts::{Mode, Policy};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::StsPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const HOUR: i64 = 3_600_000;
const NOW: Timestamp = Timestamp(1_795_545_915_000);
const ENFORCE: &str =
    "version: STSv1\nmode: enforce\nmx: a.far.example\nmx: *.pool.example\nmax_age: 86400\n";

fn kept(id: &str, asked: i64, renew: i64, expires: i64) -> StsPolicy {
    StsPolicy {
        id: id.to_owned(),
        policy: ENFORCE.to_owned(),
        asked_at: NOW.plus_millis(asked),
        renew_at: NOW.plus_millis(renew),
        expires_at: NOW.plus_millis(expires),
    }
}

#[test]
fn a_policy_is_fetched_when_it_is_new_or_old() {
    let day = 24 * HOUR;
    for (known, announced, expected) in [
        (None, None, false),
        (None, Some("1"), true),
        (Some(kept("1", -HOUR, HOUR, day)), Some("1"), false),
        (Some(kept("1", -HOUR, HOUR, day)), Some("2"), true),
        (Some(kept("1", -HOUR, HOUR, day)), None, false),
        (Some(kept("1", -HOUR, 0, day)), Some("1"), true),
        (Some(kept("1", -HOUR, -1, -1)), Some("1"), true),
        (Some(kept("1", -HOUR, -1, day)), None, false),
        // Not again at once, whatever is said.
        (Some(kept("1", -1_000, HOUR, day)), Some("2"), false),
        (Some(kept("1", -1_000, -1, -1)), Some("1"), false),
    ] {
        assert_eq!(
            wants_fetch(known.as_ref(), announced, NOW),
            expected,
            "{known:?} {announced:?}"
        );
    }
}

#[test]
fn what_is_in_force_stays_so_when_a_fetch_fails() {
    let parsed = || Policy::parse(ENFORCE).unwrap();
    let fresh = learned(None, "7", Ok((ENFORCE.to_owned(), parsed())), NOW);
    assert_eq!(fresh.expires_at, NOW.plus_millis(24 * HOUR));
    assert_eq!(fresh.renew_at, NOW.plus_millis(12 * HOUR));
    let failed = |before| learned(before, "8", Err("no".to_owned()), NOW);
    let old = kept("7", -HOUR, -1, HOUR);
    let retry = NOW.plus_millis(RETRY_MILLIS);
    assert_eq!(failed(Some(old.clone())), StsPolicy { asked_at: NOW, renew_at: retry, ..old });
    for before in [None, Some(kept("7", -HOUR, -1, 0))] {
        let nothing = failed(before);
        assert_eq!((nothing.policy.as_str(), nothing.renew_at), ("", retry));
        assert!(nothing.expires_at <= NOW);
    }
}

fn server(name: &str, trust: Trust) -> Server {
    let address = SocketAddr::from(([192, 0, 2, 1], 25));
    let name = Host::Domain(Domain::parse(name).unwrap());
    Server { name, address, trust, is_certain: false }
}

#[test]
fn only_the_servers_of_a_policy_are_left() {
    let far = Domain::parse("far.example").unwrap();
    let dane = || Trust::Dane { records: Vec::new(), names: Vec::new() };
    let servers = || {
        vec![
            server("a.far.example", Trust::Anybody),
            server("b.far.example", Trust::Anybody),
            server("x.pool.example", Trust::Anybody),
            server("c.far.example", dane()),
            server("d.far.example", Trust::Unproven),
        ]
    };
    let show = |servers: &[Server]| -> Vec<String> {
        let show = |it: &Server| {
            format!("{} {:?} {}", crate::delivery::called(it), it.trust, it.is_certain)
        };
        servers.iter().map(show).collect()
    };
    let policy = Policy::parse(ENFORCE).unwrap();
    let enforced = restrict(servers(), &policy, &far).unwrap();
    assert_eq!(
        show(&enforced),
        [
            "a.far.example Verified true",
            "x.pool.example Verified true",
            "c.far.example Dane { records: [], names: [] } false",
            "d.far.example Unproven false",
        ]
    );
    let testing = Policy { mode: Mode::Testing, ..policy.clone() };
    let tested = restrict(servers(), &testing, &far).unwrap();
    assert_eq!(tested.len(), 5);
    assert_eq!(tested.first().unwrap().trust, Trust::Tested { named: true });
    assert_eq!(tested.get(1).unwrap().trust, Trust::Tested { named: false });
    let refused = restrict(vec![server("b.far.example", Trust::Anybody)], &policy, &far);
    assert_eq!(
        refused.unwrap_err().text,
        "the policy of far.example (MTA-STS) allows the servers a.far.example, *.pool.example, \
         and its MX records name b.far.example"
    );
}

/// A server of policies for mta-sts.far.example, whose answer can be changed; and how often it was
/// asked.
async fn policies(folder: &Path) -> (SocketAddr, Arc<Mutex<(String, usize)>>) {
    let (certificate, key) = (folder.join("c.pem"), folder.join("k.pem"));
    tls::self_signed(&["mta-sts.far.example".to_owned()], &certificate, &key).unwrap();
    let tls = ServerTls::load(&certificate, &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new((String::new(), 0)));
    let shared = Arc::clone(&state);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let limit = Duration::from_secs(10);
            let Ok(mut stream) = Stream::Plain(stream).start_tls(&tls, limit).await else {
                continue;
            };
            let mut question = vec![0; 4_096];
            let size = stream.read(&mut question).await.unwrap();
            let question = String::from_utf8_lossy(question.get(..size).unwrap()).into_owned();
            assert!(question.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
            let answer = {
                let mut state = shared.lock().unwrap();
                state.1 += 1;
                state.0.clone()
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
            drop(stream.shutdown().await);
        }
    });
    (address, state)
}

fn answer(kind: &str, text: &str) -> String {
    let length = text.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}")
}

#[tokio::test]
async fn a_policy_is_kept_over_a_restart_and_over_failures() {
    let folder = tempfile::tempdir().unwrap();
    let (address, state) = policies(folder.path()).await;
    let settings = format!("[tls]\nauthorities = \"c.pem\"\n[fetch]\nprivate = [\"{address}\"]\n");
    let zone = |id: &str| {
        format!(
            "_mta-sts.far.example. TXT \"v=STSv1; id={id}\"\nmta-sts.far.example. A 127.0.0.1\n"
        )
    };
    let at = |hours: i64| Clock::at(NOW.plus_millis(hours * HOUR));
    let far = Domain::parse("far.example").unwrap();
    let say = |text: String| state.lock().unwrap().0 = text;
    let asked = || state.lock().unwrap().1;

    say(answer("text/html", ENFORCE));
    let house = house(folder, &zone("1"), &settings, at(0)).await;
    assert_eq!(policy(&house.queue, &far).await, None, "a web page is no policy");
    assert_eq!(policy(&house.queue, &far).await, None);
    assert_eq!(asked(), 1, "it is not asked again at once");

    say(answer("text/plain; charset=utf-8", ENFORCE));
    let house = house.again(&zone("1"), &settings, at(1)).await;
    let mode = |found: Option<super::InForce>| found.map(|found| found.policy.mode);
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Enforce));
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Enforce));
    assert_eq!(asked(), 2);
    let other = Domain::parse("other.example").unwrap();
    assert_eq!(policy(&house.queue, &other).await, None);

    // Its server is gone, and then its record too: what was promised holds.
    say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned());
    let house = house.again(&zone("2"), &settings, at(3)).await;
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Enforce));
    assert_eq!(asked(), 3);
    let house = house.again("mta-sts.far.example. A 127.0.0.1\n", &settings, at(4)).await;
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Enforce));

    // Another one comes with another id.
    say(answer("text/plain", &ENFORCE.replace("enforce", "testing")));
    let house = house.again(&zone("3"), &settings, at(5)).await;
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Testing));
    say(answer("text/plain", &ENFORCE.replace("enforce", "none")));
    let house = house.again(&zone("4"), &settings, at(6)).await;
    assert_eq!(policy(&house.queue, &far).await, None, "it says that there is none");
    // And it ends.
    say(answer("text/plain", ENFORCE));
    let house = house.again(&zone("5"), &settings, at(7)).await;
    assert_eq!(mode(policy(&house.queue, &far).await), Some(Mode::Enforce));
    let house = house.again("none.example. A 192.0.2.1\n", &settings, at(7 + 25)).await;
    assert_eq!(policy(&house.queue, &far).await, None);
    house.queue.store.close().await;
}
