//! How many messages a second the store keeps, and what each costs the committer.
//!
//!     cargo run --release -p store --example commit_bench -- [FOLDER] [SECONDS]
//!
//! The example `history` fills a FOLDER first, if the bench is to run on old mail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may panic")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::conformance::load;
use store::sqlite::Sqlite;
use store::{Body, Store, StoreOptions};
use tokio::task::JoinSet;

const ACCOUNTS: usize = 1_000;

/// Writers, recipients of each message, bytes of its body.
const CELLS: &[(usize, usize, usize)] = &[
    (1, 1, 1 << 10),
    (10, 1, 1 << 10),
    (64, 1, 1 << 10),
    (10, 1, 10 << 10),
    (64, 1, 10 << 10),
    (10, 50, 1 << 10),
    (10, 1, 100 << 10),
    (10, 1, 1 << 20),
];

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().map(PathBuf::from);
    let seconds: u64 = args.next().map_or(3, |text| text.parse().unwrap());
    let own = tempfile::tempdir().unwrap();
    let folder = folder.unwrap_or_else(|| own.path().join("data"));
    let db = Sqlite::open(&folder).unwrap();
    let options = StoreOptions {
        disk_free_min_bytes: 0,
        disk_free_min_percent: 0,
        ..StoreOptions::default()
    };
    let store = Store::open_with(db, &folder, net::Clock::system(), "bench", options).await;
    let store = store.unwrap();
    let accounts = load::accounts(&store, ACCOUNTS).await.unwrap();
    println!("writers rcpts   bytes   msg/s  entries/s  commits/s  batch  us/msg  us-commit/msg");
    for cell in CELLS {
        let run = run(&store, &accounts, *cell, Duration::from_secs(seconds)).await;
        let (writers, recipients, bytes) = cell;
        let messages = run.messages as f64;
        println!(
            "{writers:7} {recipients:5} {bytes:7} {:7.0} {:10.0} {:10.0} {:6.1} {:7.1} {:14.1}",
            messages / run.seconds,
            messages * *recipients as f64 / run.seconds,
            run.commits as f64 / run.seconds,
            messages / run.commits as f64,
            run.cpu * 1e6 / messages,
            run.committer * 1e6 / messages,
        );
    }
    let status = store.status().await;
    println!("{status:?}");
    println!("resident KiB: {}", resident());
    store.close().await;
}

struct Run {
    messages: u64,
    commits: u64,
    seconds: f64,
    cpu: f64,
    committer: f64,
}

async fn run(
    store: &Arc<Store>,
    accounts: &[mail::AccountId],
    (writers, recipients, bytes): (usize, usize, usize),
    limit: Duration,
) -> Run {
    let (before, cpu, committer) = (store.status().await.commits, cpu(None), cpu_of_committer());
    let started = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (store, accounts) = (Arc::clone(store), accounts.to_vec());
        let done = Arc::clone(&done);
        tasks.spawn(async move {
            let bytes = vec![b'x'; bytes];
            let mut n = writer * 7919;
            while started.elapsed() < limit {
                let to: Vec<_> =
                    (0..recipients).map(|r| accounts[(n + r * 13) % accounts.len()]).collect();
                n += 31;
                let mut incoming = store.incoming();
                for chunk in bytes.chunks(16 << 10) {
                    incoming.write(chunk).await.unwrap();
                }
                let body: Body = incoming.seal().await.unwrap();
                let message = load::message(&store, &to, body).await.unwrap();
                store.accept(message).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    Run {
        messages: done.load(Ordering::Relaxed),
        commits: store.status().await.commits - before,
        seconds: started.elapsed().as_secs_f64(),
        cpu: self::cpu(None) - cpu,
        committer: cpu_of_committer() - committer,
    }
}

/// CPU seconds of this process, or of one of its threads.
fn cpu(thread: Option<&str>) -> f64 {
    let path = match thread {
        Some(thread) => format!("/proc/self/task/{thread}/stat"),
        None => "/proc/self/stat".to_owned(),
    };
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).map_or(0.0, |text| text.parse().unwrap());
    (ticks(11) + ticks(12)) / 100.0
}

fn cpu_of_committer() -> f64 {
    let mut seconds = 0.0;
    for thread in std::fs::read_dir("/proc/self/task").unwrap() {
        let name = thread.unwrap().file_name().into_string().unwrap();
        let comm = std::fs::read_to_string(format!("/proc/self/task/{name}/comm"));
        if comm.unwrap_or_default().trim() == "store-commit" {
            seconds += cpu(Some(&name));
        }
    }
    seconds
}

fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.trim_start_matches("VmRSS:").trim().to_owned()
}
