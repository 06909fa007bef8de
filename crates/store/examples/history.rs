//! Fills a data folder by the same commits as the server, each message of 1 KiB with its trace:
//! with old mail to one of 1,000 accounts each, or with mail that is queued for these domains in
//! turn.
//!
//!     cargo run --release -p store --example history -- FOLDER MESSAGES [DOMAIN...]

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a generator may panic")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::conformance::load;
use store::sqlite::Sqlite;
use store::{Store, StoreOptions};
use tokio::task::JoinSet;

const ACCOUNTS: usize = 1_000;
const WRITERS: usize = 256;
const BODY: usize = 1 << 10;
/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// The index of the trace is behind by some seconds: it is given time to catch up.
const SETTLE: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap());
    let messages: u64 = args.next().unwrap().parse().unwrap();
    let elsewhere: Arc<Vec<String>> = Arc::new(args.map(|domain| format!("u@{domain}")).collect());
    let db = Sqlite::open(&folder).unwrap();
    let options = StoreOptions {
        disk_free_min_bytes: 0,
        disk_free_min_percent: 0,
        ..StoreOptions::default()
    };
    let store = Store::open_with(db, &folder, net::Clock::system(), "history", options).await;
    let store = store.unwrap();
    let accounts = if elsewhere.is_empty() { ACCOUNTS } else { 0 };
    let accounts = Arc::new(load::accounts(&store, accounts).await.unwrap());
    let begun = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        let (accounts, elsewhere) = (Arc::clone(&accounts), Arc::clone(&elsewhere));
        tasks.spawn(async move {
            loop {
                let n = done.fetch_add(1, Ordering::Relaxed);
                if n >= messages {
                    return;
                }
                let mut incoming = store.incoming();
                incoming.write(text().as_bytes()).await.unwrap();
                let body = incoming.seal().await.unwrap();
                let message = if elsewhere.is_empty() {
                    let to = accounts[n as usize * 31 % ACCOUNTS];
                    load::message(&store, &[to], body).await
                } else {
                    let to = elsewhere[n as usize % elsewhere.len()].as_str();
                    load::onward(&store, to, body).await
                };
                store.accept(message.unwrap()).await.unwrap();
            }
        });
    }
    let telling = tokio::spawn(async move {
        loop {
            tokio::time::sleep(TOLD_EVERY).await;
            println!("{} of {messages}", done.load(Ordering::Relaxed).min(messages));
        }
    });
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    telling.abort();
    println!("{messages} messages in {:.0} s", begun.elapsed().as_secs_f64());
    tokio::time::sleep(SETTLE).await;
    store.close().await;
}

/// A message of [`BODY`] bytes or a few more.
fn text() -> String {
    let mut text = "From: <a@example.net>\r\nSubject: old\r\n\r\n".to_owned();
    while text.len() < BODY {
        text.push_str(&"x".repeat(62));
        text.push_str("\r\n");
    }
    text
}
