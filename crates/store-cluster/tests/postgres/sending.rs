//! Two nodes count what one account sends as one would.

use crate::database::fresh;
use mail::{SendLimits, Submitter};
use net::Clock;
use std::sync::Arc;
use store::conformance::load;
use store::{SpoolFilter, Store};
use store_cluster::Postgres;
use tokio::task::JoinSet;

/// Messages of each node.
const MESSAGES: usize = 20;
const LIMITS: SendLimits = SendLimits { recipients: 15, first_time: 1 };

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_let_no_more_pass_than_one() {
    let Some(url) = fresh().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut nodes: Vec<Arc<Store>> = Vec::new();
    for name in ["mx1", "mx2"] {
        let db = Postgres::connect(&url).await.unwrap();
        let data = folder.path().join(name);
        nodes.push(Store::open(db, &data, Clock::system(), name).await.unwrap());
    }
    let account = load::accounts(&nodes[0], 1).await.unwrap()[0];
    nodes[1].reload_directory().await.unwrap();
    let mut tasks = JoinSet::new();
    for store in &nodes {
        for _ in 0..MESSAGES {
            let store = Arc::clone(store);
            let to = ["a@far.example"];
            let mail = load::sent(&store, account, &to, Some(LIMITS)).await.unwrap();
            tasks.spawn(async move { store.accept(mail).await.unwrap() });
        }
    }
    tasks.join_all().await;
    let who = Submitter::Account(account);
    let sent = nodes[1].sent_today(who, LIMITS, Clock::system().now()).await.unwrap();
    let all = 2 * MESSAGES as u64;
    assert_eq!((sent.recipients, sent.first_time, sent.held), (all, 1, all - 15));
    let filter = SpoolFilter { submitter: Some(who), held: true, ..SpoolFilter::default() };
    let held = nodes[0].spool_list(0, &filter, 100).await.unwrap();
    assert_eq!(held.len() as u64, all - 15);
    // Both see that somebody is to be told; one of them does.
    let now = Clock::system().now();
    let holds = nodes[0].untold_holds(now).await.unwrap();
    let told =
        [nodes[0].tell_hold(&holds[0], None).await, nodes[1].tell_hold(&holds[0], None).await];
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
    for node in nodes {
        node.close().await;
    }
}
