//! How long adding accounts one by one takes, and what the newest costs beside the first.
//!
//!     cargo run -p store --example directory_bench -- [ACCOUNTS]

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::time::Instant;
use store::conformance::load;
use store::sqlite::Sqlite;
use store::{Store, StoreOptions};

/// How often it says how far it is.
const STEPS: usize = 10;

#[tokio::main]
async fn main() {
    let number: usize = std::env::args().nth(1).map_or(20_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let db = Sqlite::open(folder.path()).unwrap();
    let options = StoreOptions {
        disk_free_min_bytes: 0,
        disk_free_min_percent: 0,
        ..StoreOptions::default()
    };
    let clock = net::Clock::system();
    let store = Store::open_with(db, folder.path(), clock, "bench", options).await.unwrap();
    let started = Instant::now();
    for step in 1..=STEPS {
        let began = Instant::now();
        let all = load::accounts(&store, number * step / STEPS).await.unwrap();
        let each = began.elapsed() / u32::try_from(number / STEPS).unwrap().max(1);
        println!("{:7} accounts after {:?}, the last {each:?} each", all.len(), started.elapsed());
    }
    store.close().await;
}
