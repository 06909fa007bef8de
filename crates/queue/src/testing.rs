#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

//! A queue over a real store in a temporary folder, for tests.

use crate::Queue;
use config::{Maps, Settings};
use filter::Filter;
use net::{Clock, Resolver, ZoneResolver};
use policy::Policy;
use std::path::Path;
use std::sync::Arc;
use store::Store;
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) queue: Arc<Queue>,
    pub(crate) folder: TempDir,
}

/// A queue whose DNS is this zone, with more settings than the host's name.
pub(crate) async fn house(folder: TempDir, zone: &str, settings: &str, clock: Clock) -> House {
    let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
    let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
    let text = format!("[server]\nhostname = \"mx.ours.example\"\n{settings}");
    let path = folder.path().join("gatepost.toml");
    let settings = Arc::new(Settings::from_str(&text, &path).unwrap());
    let zone = ZoneResolver::parse(zone, Path::new("zone")).unwrap();
    let resolver: Arc<dyn Resolver> = Arc::new(zone);
    let filter = Filter::new(&settings, Arc::clone(&store), Arc::clone(&resolver));
    let filter = Arc::new(filter);
    let (shared, maps) = (Arc::clone(&settings), Maps::default());
    let policy = Arc::new(Policy::new(Arc::clone(&store), shared, maps, clock.clone()));
    let queue = Queue::new(store, filter, policy, clock, resolver, settings).unwrap();
    House { queue: Arc::new(queue), folder }
}

impl House {
    /// The same with another zone and clock, after a restart.
    pub(crate) async fn again(self, zone: &str, settings: &str, clock: Clock) -> Self {
        let Self { queue, folder } = self;
        queue.store.close().await;
        drop(queue);
        house(folder, zone, settings, clock).await
    }
}
