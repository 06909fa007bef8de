//! The self-test as a job: one run a span, whatever comes of it.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use admin::self_test::SelfTest;
use config::Settings;
use filter::Filter;
use net::{Clock, ZoneResolver};
use policy::Policy;
use std::path::Path;
use std::sync::Arc;
use store::Store;

async fn test(folder: &Path, hours: u64, door: Option<&str>) -> SelfTest {
    let text =
        format!("[server]\nhostname = \"mx.example.org\"\n[scanner]\nself_test_hours = {hours}\n");
    let settings = Arc::new(Settings::from_str(&text, Path::new("gatepost.toml")).unwrap());
    let clock = Clock::system();
    let database = store::sqlite::Sqlite::open(folder).unwrap();
    let store = Store::open(database, folder, clock.clone(), "node").await.unwrap();
    let zone = Arc::new(ZoneResolver::parse("", Path::new("zone")).unwrap());
    let filter = Arc::new(Filter::new(&settings, Arc::clone(&store), zone));
    let maps = config::Maps::default();
    let policy = Arc::new(Policy::new(Arc::clone(&store), settings, maps, clock.clone()));
    SelfTest { store, policy, filter, clock, door: door.map(|door| door.parse().unwrap()) }
}

#[tokio::test]
async fn it_is_done_once_a_span_also_if_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens at port 1: it cannot be done, which is an error and no reason to hurry.
    let test = test(folder.path(), 24, Some("127.0.0.1:1")).await;
    let why = test.run().await.unwrap_err();
    assert!(why.contains("127.0.0.1:1 cannot be reached"), "{why}");
    assert!(test.turn().await.unwrap());
    assert!(!test.turn().await.unwrap(), "within a day");
    test.store.close().await;
}

#[tokio::test]
async fn it_is_not_done_where_it_is_not_wanted_or_not_possible() {
    for (hours, door) in [(0, Some("127.0.0.1:1")), (24, None)] {
        let folder = tempfile::tempdir().unwrap();
        let test = test(folder.path(), hours, door).await;
        assert!(!test.turn().await.unwrap());
        test.store.close().await;
    }
}
