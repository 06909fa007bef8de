//! Two nodes that change one directory.

use crate::database::fresh;
use mail::{AccountId, Address, Domain};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Error, NewAccount, Store};
use store_cluster::Postgres;
use tokio::time::{Instant, sleep};

async fn node(url: &str, folder: &Path, name: &str) -> Arc<Store> {
    let db = Postgres::connect(url).await.unwrap();
    Store::open(db, &folder.join(name), net::Clock::system(), name).await.unwrap()
}

async fn add(store: &Store, name: &str) -> Result<AccountId, Error> {
    let address = Address::parse(name).unwrap();
    let password_hash = "$of-no-use".to_owned();
    store.add_account(NewAccount { address, password_hash, quota: None, admin: false }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_change_it_at_once_end_with_the_same() {
    let Some(url) = fresh().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = node(&url, folder.path(), "one").await;
    let two = node(&url, folder.path(), "two").await;
    one.add_domain(&Domain::parse("d.example").unwrap()).await.unwrap();
    // No bell is waited for: who changes something looks first at what the others did.
    let first = add(&two, "first@d.example").await.unwrap();
    one.disable_account(first, true).await.unwrap();
    let mut working = tokio::task::JoinSet::new();
    for (store, mine) in [(&one, "a"), (&two, "b")] {
        let store = Arc::clone(store);
        working.spawn(async move {
            for n in 0..40 {
                let id = add(&store, &format!("{mine}{n}@d.example")).await.unwrap();
                match n % 4 {
                    0 => store.set_quota(id, Some(n)).await.unwrap(),
                    1 => store.remove_account(id).await.unwrap(),
                    _ => {}
                }
            }
            // Both want the same name: one of them gets it.
            add(&store, "both@d.example").await.is_ok()
        });
    }
    let got = working.join_all().await;
    assert_eq!(got.iter().filter(|got| **got).count(), 1, "{got:?}");
    let until = Instant::now() + Duration::from_secs(10);
    while one.directory().version != two.directory().version && Instant::now() < until {
        sleep(Duration::from_millis(20)).await;
    }
    let fresh = node(&url, folder.path(), "three").await;
    assert_eq!(one.directory().accounts().count(), 62);
    assert_eq!(*one.directory(), *fresh.directory());
    assert_eq!(*two.directory(), *fresh.directory());
    for store in [one, two, fresh] {
        store.close().await;
    }
}
