#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Directory, NewAppPassword, NewSubject, Verifier};
use crate::database::{Bell, BoxFuture, Database, DatabaseStats, Expect, Row, Value, Write};
use crate::sqlite::Sqlite;
use crate::{Error, NewAccount, Store, StoreOptions};
use mail::{Address, Domain, Protocol, SenderGrant};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast;

async fn open(db: Arc<dyn Database>, data: &Path) -> Arc<Store> {
    let options =
        StoreOptions { disk_free_min_bytes: 0, disk_free_min_percent: 0, ..Default::default() };
    Store::open_with(db, data, net::Clock::system(), "mx1", options).await.unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

async fn add_account(store: &Store, name: &str) -> Result<mail::AccountId, Error> {
    let password_hash = "$of-no-use".to_owned();
    let new = NewAccount { address: address(name), password_hash, quota: None, admin: false };
    store.add_account(new).await
}

/// One change of a small world; many of them are refused, because something is there or is not.
#[derive(Debug, Clone)]
enum Change {
    AddDomain(u8),
    RemoveDomain(u8),
    AddAccount(u8, u8),
    RemoveAccount(usize),
    Disable(usize, bool),
    Quota(usize, Option<i64>),
    Password(usize),
    AddAppPassword(usize, u8),
    RemoveAppPassword(usize, u8),
    Grant(usize, u8),
    Revoke(usize, u8),
    AddAlias(u8, u8),
    RemoveAlias(u8, u8),
    AddAccess(u8),
    RemoveAccess(usize),
    AddSubject(u8),
    RemoveSubject(usize),
    Hit(usize),
}

fn change() -> impl Strategy<Value = Change> {
    use Change as C;
    prop_oneof![
        4 => (0..3_u8).prop_map(C::AddDomain),
        1 => (0..3_u8).prop_map(C::RemoveDomain),
        9 => (0..3_u8, 0..4_u8).prop_map(|(domain, name)| C::AddAccount(domain, name)),
        3 => any::<usize>().prop_map(C::RemoveAccount),
        2 => any::<(usize, bool)>().prop_map(|(n, disabled)| C::Disable(n, disabled)),
        1 => any::<(usize, Option<i64>)>().prop_map(|(n, quota)| C::Quota(n, quota)),
        1 => any::<usize>().prop_map(C::Password),
        4 => (any::<usize>(), 0..3_u8).prop_map(|(n, name)| C::AddAppPassword(n, name)),
        3 => (any::<usize>(), 0..3_u8).prop_map(|(n, name)| C::RemoveAppPassword(n, name)),
        4 => (any::<usize>(), 0..3_u8).prop_map(|(n, domain)| C::Grant(n, domain)),
        3 => (any::<usize>(), 0..3_u8).prop_map(|(n, domain)| C::Revoke(n, domain)),
        5 => (0..3_u8, 0..4_u8).prop_map(|(domain, name)| C::AddAlias(domain, name)),
        3 => (0..3_u8, 0..4_u8).prop_map(|(domain, name)| C::RemoveAlias(domain, name)),
        3 => (0..4_u8).prop_map(C::AddAccess),
        2 => any::<usize>().prop_map(C::RemoveAccess),
        3 => (0..4_u8).prop_map(C::AddSubject),
        2 => any::<usize>().prop_map(C::RemoveSubject),
        1 => any::<usize>().prop_map(C::Hit),
    ]
}

fn app_password(name: u8) -> NewAppPassword {
    let (salt, iterations) = (vec![name; 16], 4_096);
    NewAppPassword {
        name: name.to_string(),
        protocols: vec![Protocol::Pop3],
        networks: Vec::new(),
        expires: None,
        verifier: Verifier { salt, iterations, stored_key: [name; 32], server_key: [name; 32] },
    }
}

/// Makes the change; `false` if it was refused.
async fn make(store: &Store, change: Change) -> bool {
    let directory = store.directory();
    let domain = |n: u8| Domain::parse(&format!("d{n}.example")).unwrap();
    let named = |domain: u8, name: u8| address(&format!("n{name}@d{domain}.example"));
    let mut accounts: Vec<_> = directory.accounts().map(|account| account.id).collect();
    accounts.sort();
    let account =
        |n: usize| accounts.get(n % accounts.len().max(1)).copied().unwrap_or(mail::AccountId(0));
    let rules: Vec<i64> = directory.access().iter().map(|rule| rule.id).collect();
    let subjects: Vec<i64> = directory.subjects().iter().map(|rule| rule.id).collect();
    let one = |all: &[i64], n: usize| all.get(n % all.len().max(1)).copied().unwrap_or_default();
    let made = match change {
        Change::AddDomain(n) => store.add_domain(&domain(n)).await,
        Change::RemoveDomain(n) => store.remove_domain(&domain(n)).await,
        Change::AddAccount(at, name) => {
            add_account(store, &named(at, name).to_string()).await.map(drop)
        }
        Change::RemoveAccount(n) => store.remove_account(account(n)).await,
        Change::Disable(n, disabled) => store.disable_account(account(n), disabled).await,
        Change::Quota(n, quota) => store.set_quota(account(n), quota).await,
        Change::Password(n) => store.set_password_hash(account(n), &format!("${n}")).await,
        Change::AddAppPassword(n, name) => {
            store.add_app_password(account(n), app_password(name)).await.map(drop)
        }
        Change::RemoveAppPassword(n, name) => {
            store.remove_app_password(account(n), &name.to_string()).await.map(drop)
        }
        Change::Grant(n, at) => store.grant(account(n), &SenderGrant::Domain(domain(at))).await,
        Change::Revoke(n, at) => store.revoke(account(n), &SenderGrant::Domain(domain(at))).await,
        Change::AddAlias(at, name) => {
            store.add_alias(&named(at, name), vec!["root".to_owned()]).await
        }
        Change::RemoveAlias(at, name) => store.remove_alias(&named(at, name)).await,
        Change::AddAccess(n) => {
            store.add_access("From", &format!("s{n}.example"), "REJECT", "", None).await.map(drop)
        }
        Change::RemoveAccess(n) => store.remove_access(one(&rules, n)).await,
        Change::AddSubject(n) => {
            store.add_subject(NewSubject::text(&format!("s{n}"))).await.map(drop)
        }
        Change::RemoveSubject(n) => store.remove_subject(one(&subjects, n)).await,
        Change::Hit(n) => {
            store.count_hits(&[one(&rules, n), one(&subjects, n)]);
            store.reload_directory().await
        }
    };
    match made {
        Ok(()) => true,
        Err(Error::Exists(_) | Error::NotFound(_) | Error::Invalid(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The snapshot that took in change after change is the one that a fresh start loads, and
    /// those that readers held on the way have not changed.
    #[test]
    fn what_was_taken_in_is_what_would_be_loaded(
        changes in prop::collection::vec(change(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = open(Sqlite::open(dir.path()).unwrap(), dir.path()).await;
            for n in 0..2 {
                make(&store, Change::AddDomain(n)).await;
            }
            let mut held = Vec::new();
            for change in changes {
                let before = store.directory();
                let version = before.version;
                let made = make(&store, change.clone()).await;
                let is_hit = matches!(change, Change::Hit(_));
                let raised = i64::from(made && !is_hit);
                assert_eq!(store.directory().version, version + raised, "{change:?}");
                let loaded = Directory::load(&*store.db).await.unwrap();
                assert_eq!(*store.directory(), loaded, "after {change:?}");
                if loaded.domains != before.domains
                    || loaded.aliases != before.aliases
                    || loaded.access != before.access
                {
                    assert!(!store.directory().has_maps_of(&before), "{change:?}");
                }
                held.push((store.directory(), loaded));
            }
            for (held, then) in held {
                assert_eq!(*held, then);
            }
            store.close().await;
        });
    }
}

/// Counts what is read of the directory.
#[derive(Debug)]
struct Counting {
    db: Arc<dyn Database>,
    work: AtomicU64,
}

impl Database for Counting {
    fn read(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(async move {
            let rows = self.db.read(sql, params).await?;
            let tables = [
                "directory_change",
                "domain",
                "account",
                "app_password",
                "sender_grant",
                "alias",
                "access",
                "subject",
            ];
            if tables.iter().any(|table| sql.contains(&format!("FROM {table}"))) {
                self.work.fetch_add(1 + rows.len() as u64, Ordering::Relaxed);
            }
            Ok(rows)
        })
    }

    fn write(&self, write: Write) -> BoxFuture<'_, Result<Vec<Vec<Row>>, Error>> {
        self.work.fetch_add(write.statements.len() as u64, Ordering::Relaxed);
        self.db.write(write)
    }

    fn post(&self, write: Write) {
        self.db.post(write);
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.db.flush()
    }

    fn listen(&self) -> broadcast::Receiver<Bell> {
        self.db.listen()
    }

    fn migrate(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.db.migrate()
    }

    fn engine(&self) -> &'static str {
        self.db.engine()
    }

    fn holds_data_lock(&self) -> bool {
        self.db.holds_data_lock()
    }

    fn stats(&self) -> DatabaseStats {
        self.db.stats()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.db.close()
    }
}

/// Ten times the accounts cost at most fifteen times the statements and rows read.
#[tokio::test]
async fn adding_accounts_costs_the_same_however_many_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Counting { db: Sqlite::open(dir.path()).unwrap(), work: AtomicU64::new(0) });
    let store = open(Arc::clone(&db) as Arc<dyn Database>, dir.path()).await;
    store.add_domain(&Domain::parse("d.example").unwrap()).await.unwrap();
    let empty = store.directory();
    let mut cost = Vec::new();
    for (stage, number) in [40, 400].into_iter().enumerate() {
        let before = db.work.load(Ordering::Relaxed);
        for n in 0..number {
            add_account(&store, &format!("n{n}-{stage}@d.example")).await.unwrap();
        }
        cost.push(db.work.load(Ordering::Relaxed) - before);
    }
    let [few, many] = cost[..] else { panic!("{cost:?}") };
    assert!(many <= 15 * few, "{cost:?}");
    assert!(store.directory().has_maps_of(&empty), "accounts are in no map");
    store.close().await;
}

/// Who is further behind than the log reaches loads everything.
#[tokio::test]
async fn a_gap_in_the_log_is_no_gap_in_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(Sqlite::open(dir.path()).unwrap(), dir.path()).await;
    store.add_domain(&Domain::parse("d.example").unwrap()).await.unwrap();
    let held = store.changing.lock().await;
    // What another node did, as far as the log still tells.
    let mut write = Write::default();
    for (id, name) in [(1_i64, "forgotten.example"), (2, "told.example")] {
        write.push(
            "INSERT INTO domain (id, organisation, node, name, valid_from) \
             VALUES ($1, 1, 1, $2, 0)",
            vec![id.into(), name.into()],
            Expect::Rows(1),
        );
        super::catch_up::log_change(&mut write, super::catch_up::Kind::Domain, id);
    }
    let version = store.directory().version;
    let forget = "DELETE FROM directory_change WHERE version = $1";
    write.push(forget, vec![(version + 1).into()], Expect::Rows(1));
    store.db.write(write).await.unwrap();
    drop(held);
    store.catch_up_directory().await.unwrap();
    assert_eq!(*store.directory(), Directory::load(&*store.db).await.unwrap());
    assert_eq!(store.directory().version, version + 2);
    for name in ["d.example", "forgotten.example", "told.example"] {
        assert!(store.directory().domain(&Domain::parse(name).unwrap()).is_some(), "{name}");
    }
    store.close().await;
}
