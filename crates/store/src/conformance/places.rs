//! Known places: kept over a restart, bounded for each account, forgotten in time.

use super::site::{account, domain};
use super::{Failure, Ground, same};
use crate::columns::Columns;
use crate::place::PLACE_MILLIS;
use crate::{Error, Store};
use mail::{AccountId, Timestamp};
use std::net::{IpAddr, Ipv4Addr};

const NOW: i64 = 1_795_545_915_042;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    domain(&store, "example.org").await?;
    let anna = account(&store, "at-home@example.org").await?;
    let ben = account(&store, "everywhere@example.org").await?;
    store.remember_place(anna, ip(0), Timestamp(NOW - 5));
    store.remember_place(anna, ip(0), Timestamp(NOW));
    for n in 0..60 {
        store.remember_place(ben, ip(n), Timestamp(NOW - 60 + i64::from(n)));
    }
    store.close().await;
    let store = ground.store().await?;
    same!(store.place_seen(anna, ip(0)).await?, Some(Timestamp(NOW)));
    same!(store.place_seen(anna, ip(1)).await?, None);
    // The oldest ten of too many have gone, and nobody else's.
    same!(number(&store, ben).await?, 50);
    same!(store.place_seen(ben, ip(9)).await?, None);
    same!(store.place_seen(ben, ip(10)).await?, Some(Timestamp(NOW - 50)));
    // In time, all but the newest.
    same!(store.forget_places(Timestamp(NOW - 2 + PLACE_MILLIS)).await?, false);
    same!((number(&store, anna).await?, number(&store, ben).await?), (1, 1));
    store.remove_account(ben).await?;
    same!((number(&store, anna).await?, number(&store, ben).await?), (1, 0));
    store.close().await;
    Ok(())
}

fn ip(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
}

async fn number(store: &Store, account: AccountId) -> Result<i64, Error> {
    let sql = "SELECT CAST(count(*) AS INTEGER) FROM known_place WHERE account = $1";
    let row = store.db.read(sql, vec![account.0.into()]).await?.pop().unwrap_or_default();
    Columns::of(row).int()
}
