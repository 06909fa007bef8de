#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{ANSWERS_MAX, remember};
use crate::tests::{Site, recipient_word, site, stranger};
use mail::{ForwardPath, ReversePath, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The next server: how it answers RCPT for a local part, and what it was asked.
struct Next {
    port: u16,
    asked: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Next {
    async fn start(answer: fn(&str) -> &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, heard) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let (count, words) = (Arc::clone(&asked), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answer, Arc::clone(&words)));
            }
        });
        Self { port, asked, heard }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(
    stream: TcpStream,
    answer: fn(&str) -> &'static str,
    heard: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 next.example\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        heard.lock().unwrap().push(line.trim_end().to_owned());
        let said = match line.split_once("RCPT TO:<") {
            Some((_, rest)) => answer(rest.split('@').next().unwrap_or_default()),
            None if line.starts_with("MAIL") => answer("MAIL"),
            None => "250 next.example",
        };
        stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        line.clear();
    }
    Ok(())
}

async fn gateway(port: u16, list: &str) -> Site {
    let settings = format!(
        "[relay]\ndomains = [\"inner.example\", \"listed.example\", \"whole.example\"]\n\
         recipients_file = \"list\"\n[[send.routes]]\ndomain = \"inner.example\"\n\
         to = \"127.0.0.1:{port}\"\n"
    );
    let site = site(&settings, &[("list", list)], "x").await;
    let zone = net::ZoneResolver::parse("null.inner.example. MX 0 .\n", "zone".as_ref()).unwrap();
    site.policy.resolve_with(Arc::new(zone));
    site
}

async fn ask(site: &Site, to: &str) -> String {
    let snapshot = site.policy.snapshot();
    let (from, to) = (ReversePath::Null, ForwardPath::parse(&format!("<{to}>")).unwrap());
    recipient_word(&site.policy.recipient(&snapshot, &stranger(), (&from, None), &to).await)
}

const RULE: &str = "relay.domains inner.example";

#[tokio::test]
async fn who_exists_is_asked_once_in_a_while() {
    let next = Next::start(|name| match name {
        "dora" | "emil" | "MAIL" => "250 ok",
        "busy" => "450 4.2.1 not now",
        _ => "550 5.1.1 who?",
    })
    .await;
    let site = gateway(next.port, "").await;
    let yes = |name: &str| format!("relay_domain by {RULE}:  on to {name}@inner.example");
    assert_eq!(ask(&site, "dora@inner.example").await, yes("dora"));
    assert_eq!(ask(&site, "dora@inner.example").await, yes("dora"));
    assert_eq!(next.asked(), 1, "remembered");
    let no = format!("refuse unknown_recipient {RULE}");
    for _ in 0..2 {
        assert_eq!(ask(&site, "nobody@inner.example").await, no);
    }
    assert_eq!(next.asked(), 2, "remembered");
    for _ in 0..2 {
        let later = format!("later recipient_unverified {RULE}");
        assert_eq!(ask(&site, "busy@inner.example").await, later);
    }
    assert_eq!(ask(&site, "emil@inner.example").await, yes("emil"));
    let heard = next.heard.lock().unwrap().clone();
    let rcpts = heard.iter().filter(|line| line.starts_with("RCPT")).count();
    let invented = heard.iter().filter(|line| line.contains("gatepost-check-")).count();
    assert_eq!((rcpts, invented), (5, 1), "an invented name is tried once: {heard:?}");
    assert!(heard.iter().all(|line| !line.starts_with("DATA")), "{heard:?}");
    assert!(heard.iter().any(|line| line.starts_with("MAIL FROM:<>")), "{heard:?}");
    // A no costs what any unknown name costs here.
    let (snapshot, now) = (site.policy.snapshot(), site.policy.snapshot().shared.clock.now());
    let spent = snapshot.shared.unknown_spent(&snapshot.settings, &stranger(), now);
    assert_eq!(spent, 2);
}

#[tokio::test]
async fn a_server_that_takes_any_name_is_known_for_it() {
    let next = Next::start(|_| "250 ok").await;
    let site = gateway(next.port, "").await;
    for name in ["dora", "nobody", "emil"] {
        let asked = ask(&site, &format!("{name}@inner.example")).await;
        assert!(asked.starts_with("relay_domain "), "{asked}");
    }
    assert_eq!(next.asked(), 1);
}

#[tokio::test]
async fn a_server_that_refused_a_name_is_no_catch_all() {
    let next = Next::start(|name| if name == "nobody" { "550 no" } else { "250 ok" }).await;
    let site = gateway(next.port, "").await;
    for _ in 0..2 {
        let asked = ask(&site, "nobody@inner.example").await;
        assert_eq!(asked, format!("refuse unknown_recipient {RULE}"));
    }
}

#[tokio::test]
async fn what_cannot_be_found_out_is_asked_again_later() {
    let refuses = Next::start(|name| if name == "MAIL" { "550 no bounces" } else { "550 x" }).await;
    let site = gateway(refuses.port, "").await;
    let later = format!("later recipient_unverified {RULE}");
    assert_eq!(ask(&site, "dora@inner.example").await, later);
    // The whole domain is left alone for a minute.
    assert_eq!(ask(&site, "emil@inner.example").await, later);
    assert_eq!(refuses.asked(), 1);

    let garbage = Next::start(|_| "hello").await;
    let site = gateway(garbage.port, "").await;
    assert_eq!(ask(&site, "dora@inner.example").await, later);
    // Nobody listens.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let site = gateway(gone, "").await;
    assert_eq!(ask(&site, "dora@inner.example").await, later);
    // Without a way.
    assert_eq!(
        ask(&site, "dora@listed.example").await,
        "refuse unknown_recipient relay.domains listed.example",
        "no such domain"
    );
}

#[tokio::test]
async fn who_does_not_prove_what_the_dns_demands_is_not_believed() {
    let next = Next::start(|_| "250 ok").await;
    let port = next.port;
    let settings = format!(
        "[relay]\ndomains = [\"safe.example\", \"plain.example\"]\n[[send.routes]]\n\
         domain = \"safe.example\"\nto = \"safe.next.example:{port}\"\n[[send.routes]]\n\
         domain = \"plain.example\"\nto = \"plain.next.example:{port}\"\n"
    );
    let zone = format!(
        "$DNSSEC secure\nsafe.next.example. A 127.0.0.1\nplain.next.example. A 127.0.0.1\n\
         _{port}._tcp.safe.next.example. TLSA 3 1 1 {}\n",
        "00".repeat(32)
    );
    let site = site(&settings, &[], "x").await;
    let zone = net::ZoneResolver::parse(&zone, "zone".as_ref()).unwrap();
    site.policy.resolve_with(Arc::new(zone));
    let asked = ask(&site, "dora@safe.example").await;
    assert_eq!(asked, "later recipient_unverified relay.domains safe.example");
    assert!(next.heard.lock().unwrap().iter().all(|line| !line.starts_with("RCPT")));
    let asked = ask(&site, "dora@plain.example").await;
    assert!(asked.starts_with("relay_domain "), "{asked}");
}

#[tokio::test]
async fn a_list_knows_its_domains_alone() {
    let next = Next::start(|name| if name == "MAIL" { "250 ok" } else { "550 5.1.1 who?" }).await;
    let list = "dora@listed.example\n@whole.example\n";
    let site = gateway(next.port, list).await;
    for (to, expected) in [
        ("Dora@listed.example", "relay_domain by relay.domains listed.example: "),
        ("emil@listed.example", "refuse unknown_recipient relay.domains listed.example"),
        ("any@whole.example", "relay_domain by relay.domains whole.example: "),
    ] {
        let asked = ask(&site, to).await;
        assert!(asked.starts_with(expected), "{to}: {asked}");
    }
    assert_eq!(next.asked(), 0);
    let asked = ask(&site, "dora@inner.example").await;
    assert_eq!((asked.split(' ').next(), next.asked()), (Some("refuse"), 1), "{asked}");
}

#[test]
fn memory_is_bounded() {
    let memory = Mutex::new(HashMap::new());
    for n in 0..3 * ANSWERS_MAX {
        remember(&memory, n.to_string(), (), (Timestamp(0), 1_000));
        assert!(memory.lock().unwrap().len() <= ANSWERS_MAX);
    }
    // Those that have ended go first.
    remember(&memory, "late".to_owned(), (), (Timestamp(5_000), 1_000));
    assert!(memory.lock().unwrap().contains_key("late"));
}
