//! Keys that sign and the steps of their lives; jobs that one node at a time does.

use super::site::domain;
use super::{Failure, Ground, ensure, same};
use crate::columns::Columns;
use crate::{Directory, DkimKey, Error, KeyStage, KeyStep, NewDkimKey, Store};
use mail::{Domain, Secret};
use std::time::Duration;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let own = domain(&store, "signed.example").await?;
    same!(store.dkim_selectors(&own).await?, Vec::<String>::new());
    let old = store.add_dkim_key(key(&own, "a-rsa")).await?;
    same!(stages(&store, &own), [("a-rsa".to_owned(), KeyStage::Published)]);
    let second = store.add_dkim_key(key(&own, "b-rsa")).await;
    ensure!(matches!(second, Err(Error::Exists(_))), "two keys wait: {second:?}");
    let elsewhere =
        Domain::parse("elsewhere.example").map_err(|e| Failure::Wrong(e.to_string()))?;
    let foreign = store.add_dkim_key(key(&elsewhere, "a-rsa")).await;
    ensure!(matches!(foreign, Err(Error::NotFound(_))), "a key of no domain here: {foreign:?}");

    store.step_dkim_keys(&[(old, KeyStep::See), (old, KeyStep::Activate)]).await?;
    let again = store.step_dkim_keys(&[(old, KeyStep::Activate)]).await;
    ensure!(matches!(again, Err(Error::NotFound(_))), "activated twice: {again:?}");
    let early = store.step_dkim_keys(&[(old, KeyStep::End)]).await;
    ensure!(matches!(early, Err(Error::NotFound(_))), "ended while it signs: {early:?}");
    let new = store.add_dkim_key(key(&own, "b-rsa")).await?;
    let both = store.step_dkim_keys(&[(new, KeyStep::Activate)]).await;
    ensure!(both.is_err(), "two keys of one algorithm sign: {both:?}");
    // The order in which they are named does not matter.
    store.step_dkim_keys(&[(new, KeyStep::Activate), (old, KeyStep::Retire)]).await?;
    let expected =
        [("a-rsa".to_owned(), KeyStage::Retired), ("b-rsa".to_owned(), KeyStage::Active)];
    same!(stages(&store, &own), expected);
    let directory = store.directory();
    let secrets: Vec<&str> =
        directory.dkim_keys_of(&own).iter().map(|key| key.secret.expose()).collect();
    same!(secrets, ["", "secret of b-rsa"]);
    same!(*store.directory(), Directory::load(&*store.db).await?);

    store.step_dkim_keys(&[(old, KeyStep::End)]).await?;
    same!(stages(&store, &own), [("b-rsa".to_owned(), KeyStage::Active)]);
    same!(*store.directory(), Directory::load(&*store.db).await?);
    // What was there is still told, and its name is never used again.
    same!(store.dkim_selectors(&own).await?, ["a-rsa", "b-rsa"]);
    let reused = store.add_dkim_key(key(&own, "a-rsa")).await;
    ensure!(matches!(reused, Err(Error::Exists(_))), "a selector twice: {reused:?}");
    let sql = "SELECT CAST(count(*) AS INTEGER) FROM dkim_key \
               WHERE secret = '' AND retired_at IS NOT NULL AND valid_to IS NOT NULL";
    let row = store.db.read(sql, Vec::new()).await?.pop().unwrap_or_default();
    same!(Columns::of(row).int()?, 1);
    jobs(&store).await?;
    store.close().await;
    Ok(())
}

fn key(domain: &Domain, selector: &str) -> NewDkimKey {
    NewDkimKey {
        domain: domain.clone(),
        selector: selector.to_owned(),
        algorithm: "rsa-sha256",
        secret: Secret::new(format!("secret of {selector}")),
        record: "v=DKIM1; p=".to_owned(),
    }
}

fn stages(store: &Store, domain: &Domain) -> Vec<(String, KeyStage)> {
    let told = |key: &std::sync::Arc<DkimKey>| (key.selector.clone(), key.stage());
    store.directory().dkim_keys_of(domain).iter().map(told).collect()
}

async fn jobs(store: &Store) -> Result<(), Failure> {
    let (hour, none) = (Duration::from_secs(3_600), Duration::ZERO);
    let name = "conformance";
    let Some(first) = store.claim_job(name, hour, hour).await? else {
        return Err(Failure::Wrong("a job that never ran is not claimed".into()));
    };
    // As if another node had it: this one waits, until the lease is over.
    let sql = "UPDATE job SET owner = 0 WHERE name = $1";
    let given = |sql| crate::Write::new(vec![crate::Statement::new(sql, vec![name.into()])]);
    store.db.write(given(sql)).await?;
    ensure!(store.claim_job(name, none, hour).await?.is_none(), "a job of another is claimed");
    let sql = "UPDATE job SET expires = 1 WHERE name = $1";
    store.db.write(given(sql)).await?;
    let Some(second) = store.claim_job(name, hour, hour).await? else {
        return Err(Failure::Wrong("a lease that is over holds".into()));
    };
    // The first one's end is none any more.
    store.finish_job(first).await?;
    let sql = "SELECT last_run FROM job WHERE name = $1";
    let row = store.db.read(sql, vec![name.into()]).await?.pop().unwrap_or_default();
    same!(Columns::of(row).int_or_null()?, None);
    store.finish_job(second).await?;
    ensure!(store.claim_job(name, hour, hour).await?.is_none(), "a job runs again too early");
    ensure!(store.claim_job(name, none, hour).await?.is_some(), "a job that is due is not claimed");
    Ok(())
}
