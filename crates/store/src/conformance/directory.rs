//! The directory: what is in force, what was ended, who hears of it.

use super::site::{account, address, domain};
use super::{Failure, Ground, ensure, same};
use crate::columns::Columns;
use crate::{Bell, Directory, Error, NewSubject, Store};
use mail::Timestamp;
use std::time::Duration;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    accounts(&store).await?;
    is_as_loaded(&store).await?;
    aliases_and_rules(&store).await?;
    is_as_loaded(&store).await?;
    versions_and_bells(&store).await?;
    is_as_loaded(&store).await?;
    let (first, version) = (store.ids(1).await?.start, store.directory().version);
    store.close().await;
    let store = ground.store().await?;
    let again = store.ids(1).await?.start;
    ensure!(again > first, "id {again} after {first} was used before the store was reopened");
    same!(store.directory().version, version);
    ensure!(
        store.directory().account_by_key("anna@example.org").is_some(),
        "an account is lost when the store is opened again"
    );
    store.close().await;
    Ok(())
}

/// What was taken in change by change is what a fresh start would load.
async fn is_as_loaded(store: &Store) -> Result<(), Failure> {
    same!(*store.directory(), Directory::load(&*store.db).await?);
    Ok(())
}

async fn accounts(store: &Store) -> Result<(), Failure> {
    let example = domain(store, "example.org").await?;
    same!(store.add_domain(&example).await, Err(Error::Exists("the domain example.org".into())));
    let anna = account(store, "Anna@example.org").await?;
    let again = account(store, "anna@Example.ORG").await;
    ensure!(matches!(again, Err(Error::Exists(_))), "one address twice: {again:?}");
    let elsewhere = account(store, "anna@example.com").await;
    ensure!(matches!(elsewhere, Err(Error::NotFound(_))), "no such domain: {elsewhere:?}");
    let mailboxes = store.mailboxes(anna).await?;
    let names: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect();
    same!(names, ["INBOX", "Junk", "Sent", "Drafts", "Trash"]);
    let mut validities: Vec<u32> = mailboxes.iter().map(|mailbox| mailbox.uid_validity).collect();
    validities.dedup();
    same!(validities.len(), 5);
    store.set_password_hash(anna, "$new").await?;
    store.disable_account(anna, true).await?;
    store.set_quota(anna, Some(7)).await?;
    let directory = store.directory();
    let found = directory.account(anna);
    let found = found.ok_or_else(|| Failure::Wrong("the account is not in force".into()))?;
    same!((found.password_hash.expose(), found.disabled, found.quota), ("$new", true, Some(7)));
    same!(found.address.to_string(), "Anna@example.org");
    same!(versions(store, anna.0).await?, (4, 1, 1));
    let in_use = store.remove_domain(&example).await;
    ensure!(matches!(in_use, Err(Error::Invalid(_))), "a domain with accounts: {in_use:?}");
    store.disable_account(anna, false).await?;
    store.set_quota(anna, None).await?;
    removing(store).await
}

async fn removing(store: &Store) -> Result<(), Failure> {
    let ben = account(store, "ben@example.org").await?;
    super::site::deliver(store, ben, "his last one").await?;
    store.remove_account(ben).await?;
    ensure!(store.directory().account(ben).is_none(), "a removed account is in force");
    same!(store.mailboxes(ben).await?, []);
    let gone = store.remove_account(ben).await;
    ensure!(matches!(gone, Err(Error::NotFound(_))), "removed twice: {gone:?}");
    let new = account(store, "ben@example.org").await?;
    ensure!(new != ben, "a new account under an old number");
    same!(store.usage(new).await?, 0);
    Ok(())
}

/// How many versions an account had, how many are in force, and how many have a hash.
async fn versions(store: &Store, account: i64) -> Result<(i64, i64, i64), Error> {
    let sql = "SELECT CAST(count(*) AS INTEGER), \
               CAST(sum(CASE WHEN valid_to IS NULL THEN 1 ELSE 0 END) AS INTEGER), \
               CAST(sum(CASE WHEN password_hash <> '' THEN 1 ELSE 0 END) AS INTEGER) \
               FROM account_version WHERE account = $1";
    let row = store.db.read(sql, vec![account.into()]).await?.pop().unwrap_or_default();
    let mut row = Columns::of(row);
    Ok((row.int()?, row.int()?, row.int()?))
}

async fn aliases_and_rules(store: &Store) -> Result<(), Failure> {
    let name = address("Info@example.org")?;
    let goals = vec!["anna@example.org".to_owned(), "\"odd name\"".to_owned()];
    store.add_alias(&name, goals.clone()).await?;
    same!(
        store.directory().alias("info@example.org").map(|alias| alias.goals.clone()),
        Some(goals)
    );
    let twice = store.add_alias(&address("info@example.org")?, Vec::new()).await;
    ensure!(matches!(twice, Err(Error::Exists(_))), "an alias twice: {twice:?}");
    let account = super::site::account(store, "info@example.org").await;
    ensure!(matches!(account, Err(Error::Exists(_))), "an account under an alias: {account:?}");
    store.remove_alias(&name).await?;
    ensure!(store.directory().alias("info@example.org").is_none(), "an ended alias is in force");

    let rule = store.add_access("From", "spam.example", "REJECT", "why", None).await?;
    let expires = Some(Timestamp(5));
    let subject =
        store.add_subject(NewSubject { expires, ..NewSubject::text("make money fast") }).await?;
    store.count_hits(&[rule, subject]);
    store.count_hits(&[rule]);
    store.reload_directory().await?;
    let directory = store.directory();
    let access: Vec<_> = directory.access().iter().map(|a| (a.id, a.hits)).collect();
    same!(access, [(rule, 2)]);
    let subjects: Vec<_> = directory
        .subjects()
        .iter()
        .map(|s| (s.id, s.kind.as_str(), s.pattern.as_str(), s.code, s.expires, s.hits))
        .collect();
    same!(subjects, [(subject, "text", "make money fast", 0, expires, 1)]);
    let twice = store.add_access("From", "spam.example", "OK", "", None).await;
    ensure!(matches!(twice, Err(Error::Exists(_))), "an access entry twice: {twice:?}");
    store.remove_access(rule).await?;
    let gone = store.remove_access(rule).await;
    ensure!(matches!(gone, Err(Error::NotFound(_))), "ended twice: {gone:?}");
    // The ended one is still there to explain what it decided; a new one takes its place.
    let new = store.add_access("From", "spam.example", "OK", "", None).await?;
    ensure!(new != rule, "a new rule under an old number");
    store.remove_subject(subject).await?;
    same!(store.directory().subjects().len(), 0);
    Ok(())
}

async fn versions_and_bells(store: &Store) -> Result<(), Failure> {
    let mut bell = store.bell();
    let before = store.directory().version;
    store.add_alias(&address("sales@example.org")?, vec!["anna@example.org".into()]).await?;
    same!(store.directory().version, before + 1);
    let rung = tokio::time::timeout(Duration::from_secs(5), async {
        while !matches!(bell.recv().await, Ok(Bell::Directory)) {}
    });
    ensure!(rung.await.is_ok(), "the bell did not ring for the directory");
    let refused = store.remove_alias(&address("nobody@example.org")?).await;
    ensure!(matches!(refused, Err(Error::NotFound(_))), "ended what never was: {refused:?}");
    same!(store.directory().version, before + 1);
    Ok(())
}
