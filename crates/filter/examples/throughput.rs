//! How many messages a second the filter judges, with its workers, as every door calls it.
//!
//!     cargo run --release -p filter --example throughput -- FOLDER [AT_ONCE] [SECONDS]
//!
//! FOLDER has one message a file. Prints one line of JSON, which `cargo xtask bench filter` reads.
//! Each message is indexed and judged as a stranger's; nothing is kept.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use config::Settings;
use filter::worker::{Options, Pool, Spawner, inside, spawner};
use filter::{Filter, Mail, judge};
use mail::index::Index;
use mail::{
    Address, BodyKind, Domain, Door, Envelope, MessageId, Origin, Peer, Permit, Reason, Recipient,
    ReversePath, SessionId, Target, Verdict,
};
use net::Clock;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Body, NewAccount, Store};

const MESSAGE_MAX: u64 = 36_700_160;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(spawner::WORKER) => {
            return inside::serve(arguments[2].parse().unwrap(), content::examination::work);
        }
        Some(spawner::SPAWNER) => return spawner::serve(),
        _ => {}
    }
    let launched = Spawner::launch().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(launched, &arguments[1..]));
    ExitCode::SUCCESS
}

struct Message {
    bytes: Vec<u8>,
    body: Body,
}

async fn measure(launched: Spawner, arguments: &[String]) {
    let at_once: usize = arguments.get(1).map_or(4, |text| text.parse().unwrap());
    let seconds: f64 = arguments.get(2).map_or(3.0, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
    let store = Store::open(database, folder.path(), Clock::system(), "bench").await.unwrap();
    store.add_domain(&Domain::parse("bench.test").unwrap()).await.unwrap();
    let address = Address::parse("u@bench.test").unwrap();
    let password_hash = "x".to_owned();
    store
        .add_account(NewAccount { address, password_hash, quota: None, admin: false })
        .await
        .unwrap();
    let text = "[server]\nhostname = \"mx.bench.test\"\n";
    let settings = Arc::new(Settings::from_str(text, Path::new("bench.toml")).unwrap());
    let zone = Arc::new(net::ZoneResolver::parse("", Path::new("zone")).unwrap());
    let filter = Filter::new(&settings, Arc::clone(&store), zone);
    filter.employ(Arc::new(Pool::new(launched, Options { count: 0, message_max: MESSAGE_MAX })));
    let messages = Arc::new(read(&store, Path::new(&arguments[0])).await);
    let (filter, envelope) = (Arc::new(filter), Arc::new(envelope(&store)));
    let next = Arc::new(AtomicUsize::new(0));
    // Everything once, to warm up.
    for at in 0..messages.len() {
        judge_one(&filter, &envelope, &messages[at]).await;
    }
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let until = began + Duration::from_secs_f64(seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (filter, envelope) = (Arc::clone(&filter), Arc::clone(&envelope));
        let (messages, next) = (Arc::clone(&messages), Arc::clone(&next));
        tasks.spawn(async move {
            let (mut times, mut bytes) = (Vec::new(), 0);
            while Instant::now() < until {
                let message = &messages[next.fetch_add(1, Ordering::Relaxed) % messages.len()];
                let asked = Instant::now();
                judge_one(&filter, &envelope, message).await;
                times.push(asked.elapsed());
                bytes += message.bytes.len();
            }
            (times, bytes)
        });
    }
    let (mut times, mut bytes) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (more, size) = done.unwrap();
        times.extend(more);
        bytes += size;
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
    println!(
        "{}",
        serde_json::json!({
            "per_s": times.len() as f64 / seconds,
            "mib_per_s": bytes as f64 / seconds / f64::from(1 << 20),
            "p50_ms": at(0.5).as_secs_f64() * 1e3,
            "p99_ms": at(0.99).as_secs_f64() * 1e3,
            "cpu_s_per_1000": (cpu_seconds() - cpu) * 1000.0 / times.len() as f64,
            "resident_mib": resident_mib(),
        })
    );
}

async fn judge_one(filter: &Filter, envelope: &Envelope, message: &Message) {
    let index = Index::of(&message.bytes);
    let mail = Mail { id: MessageId(1), envelope, index: &index, body: &message.body };
    let judgement = judge::judge(filter, &mail, Vec::new(), Clock::system().now()).await.unwrap();
    // What is measured is mail that passes; a fault of the workers would be quicker.
    assert!(matches!(judgement.verdicts[0], Verdict::Deliver(..)), "{:?}", judgement.findings);
}

async fn read(store: &Arc<Store>, folder: &Path) -> Vec<Message> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let mut messages = Vec::new();
    for path in paths {
        let bytes = std::fs::read(path).unwrap();
        let mut incoming = store.incoming();
        incoming.write(&bytes).await.unwrap();
        messages.push(Message { bytes, body: incoming.seal().await.unwrap() });
    }
    messages
}

fn envelope(store: &Store) -> Envelope {
    let directory = store.directory();
    let account = directory.account_by_key("u@bench.test").unwrap();
    Envelope {
        peer: Peer {
            session: SessionId(9),
            door: Door::Smtp,
            ip: "203.0.113.5".parse().unwrap(),
            port: 1,
            helo: Some("mail.example.org".to_owned()),
            esmtp: true,
            tls: None,
            login: None,
            user: None,
        },
        origin: Origin::Session,
        from_outside: true,
        sender: ReversePath::parse("<p@example.org>").unwrap(),
        recipients: vec![Recipient {
            permit: Permit::issue("account u@bench.test", Reason::LocalAccount),
            onward: Vec::new(),
            dsn: mail::RecipientDsn::default(),
            targets: vec![Target {
                account: account.id,
                inbox: account.inbox,
                junk: account.junk,
                address: account.address.clone(),
            }],
            address: account.address.clone(),
        }],
        body: BodyKind::SevenBit,
        smtputf8: false,
        limits: None,
        dsn: mail::EnvelopeDsn::default(),
        tls_demand: mail::TlsDemand::Usual,
    }
}

/// This process, its spawner and the workers.
fn family() -> Vec<u32> {
    let mut found = vec![std::process::id()];
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

fn cpu_seconds() -> f64 {
    let ticks = |pid: u32| -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some((11..=14).filter_map(|at| fields.get(at)?.parse::<f64>().ok()).sum())
    };
    family().into_iter().filter_map(ticks).sum::<f64>() / 100.0
}

fn resident_mib() -> u64 {
    let kib = |pid: u32| -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().split(' ').next()?.parse().ok()
    };
    family().into_iter().filter_map(kib).sum::<u64>() / 1024
}
