//! App passwords and granted addresses: in force with their account, ended and wiped.

use super::site::{account, address, domain};
use super::{Failure, Ground, ensure, same};
use crate::columns::Columns;
use crate::database::Value;
use crate::directory::{APP_PASSWORDS_MAX, NewAppPassword, Verifier};
use crate::{Directory, Error, Store};
use mail::{AccountId, Credential, Protocol, SenderGrant, Timestamp};
use std::net::{IpAddr, Ipv4Addr};

const NOW: Timestamp = Timestamp(1_795_545_915_042);

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    domain(&store, "example.org").await?;
    let owner = account(&store, "credentials@example.org").await?;
    app_passwords(&store, owner).await?;
    grants(&store, owner).await?;
    let salt_key = store.salt_key().expose().to_owned();
    let forwarding_key = store.forwarding_key().expose().to_owned();
    ensure!(salt_key != [0; 32], "the key of salts is no key");
    ensure!(forwarding_key != [0; 32] && forwarding_key != salt_key, "each has a key of its own");
    store.close().await;
    let store = ground.store().await?;
    ensure!(*store.salt_key().expose() == salt_key, "a restart made another key of salts");
    let again = *store.forwarding_key().expose();
    ensure!(again == forwarding_key, "a restart made another key of forwarding");
    same!(names(&store, owner), ["scanner"]);
    removing(&store, owner).await?;
    store.close().await;
    Ok(())
}

fn new(name: &str) -> NewAppPassword {
    NewAppPassword {
        name: name.to_owned(),
        protocols: vec![Protocol::Submission, Protocol::Pop3],
        networks: Vec::new(),
        expires: None,
        verifier: Verifier {
            salt: vec![1; 16],
            iterations: 4_096,
            stored_key: [2; 32],
            server_key: [3; 32],
        },
    }
}

fn names(store: &Store, account: AccountId) -> Vec<String> {
    let directory = store.directory();
    let account = directory.account(account);
    account.map_or_else(Vec::new, |account| {
        account.app_passwords.iter().map(|app| app.name.clone()).collect()
    })
}

async fn app_passwords(store: &Store, owner: AccountId) -> Result<(), Failure> {
    let version = store.directory().version;
    let phone = store.add_app_password(owner, new("phone")).await?;
    let networks: Result<Vec<_>, _> =
        ["192.0.2.0/24", "2001:db8::/32"].iter().map(|text| text.parse()).collect();
    let networks = networks.map_err(|error| Failure::Wrong(format!("{error}")))?;
    let scanner = NewAppPassword {
        protocols: vec![Protocol::Submission],
        networks: networks.clone(),
        expires: Some(NOW),
        ..new("scanner")
    };
    let scanner = store.add_app_password(owner, scanner).await?;
    same!(store.directory().version, version + 2);
    same!(*store.directory(), Directory::load(&*store.db).await?);
    let directory = store.directory();
    let found = directory.account(owner).and_then(|owner| owner.app_password(scanner));
    let found = found.ok_or_else(|| Failure::Wrong("it is not in force".into()))?;
    same!(found.networks, networks);
    same!((found.protocols.as_slice(), found.expires), (&[Protocol::Submission][..], Some(NOW)));
    same!(found.verifier, new("").verifier);
    for (credential, at, expected) in [
        (Credential::Main, NOW, true),
        (Credential::App(phone), NOW, true),
        (Credential::App(scanner), NOW.plus_millis(-1), true),
        (Credential::App(scanner), NOW, false),
        (Credential::App(1), NOW, false),
    ] {
        same!(directory.may_go_on(owner, credential, at), expected);
    }
    same!(directory.expiry(owner, Credential::App(scanner)), Some(NOW));
    let twice = store.add_app_password(owner, new("phone")).await;
    ensure!(matches!(twice, Err(Error::Exists(_))), "a name twice: {twice:?}");
    for bad in ["", " x", "a\nb", &"x".repeat(65)] {
        let bad = store.add_app_password(owner, new(bad)).await;
        ensure!(matches!(bad, Err(Error::Invalid(_))), "an odd name: {bad:?}");
    }
    let none = NewAppPassword { protocols: Vec::new(), ..new("none") };
    let none = store.add_app_password(owner, none).await;
    ensure!(matches!(none, Err(Error::Invalid(_))), "good for nothing: {none:?}");
    for n in 2..APP_PASSWORDS_MAX {
        store.add_app_password(owner, new(&format!("{n}"))).await?;
    }
    let more = store.add_app_password(owner, new("more")).await;
    ensure!(matches!(more, Err(Error::Invalid(_))), "one too many: {more:?}");
    for n in 2..APP_PASSWORDS_MAX {
        store.remove_app_password(owner, &format!("{n}")).await?;
    }
    uses(store, owner, phone).await?;
    same!(store.remove_app_password(owner, "phone").await?, phone);
    let gone = store.remove_app_password(owner, "phone").await;
    ensure!(matches!(gone, Err(Error::NotFound(_))), "removed twice: {gone:?}");
    same!(names(store, owner), ["scanner"]);
    same!(verifiers(store, owner).await?, (APP_PASSWORDS_MAX as i64, 1));
    // A use that is told after the end is not kept.
    store.remember_use(phone, IpAddr::V4(Ipv4Addr::LOCALHOST), NOW);
    same!(count(store, "SELECT CAST(count(*) AS INTEGER) FROM app_password_use", &[]).await?, 0);
    Ok(())
}

async fn uses(store: &Store, owner: AccountId, phone: i64) -> Result<(), Failure> {
    same!(store.app_password_uses(owner).await?.len(), 0);
    let ip = |n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n));
    store.remember_use(phone, ip(1), NOW);
    store.remember_use(phone, ip(2), NOW.plus_millis(1));
    let uses = store.app_password_uses(owner).await?;
    let last = (NOW.plus_millis(1), "192.0.2.2/32".to_owned());
    same!(uses.get(&phone), Some(&last));
    Ok(())
}

async fn grants(store: &Store, owner: AccountId) -> Result<(), Failure> {
    let one = SenderGrant::Address(address("Info@Example.net")?);
    let all = SenderGrant::Domain(domain(store, "example.org").await?);
    for grant in [&one, &all] {
        store.grant(owner, grant).await?;
        let twice = store.grant(owner, grant).await;
        ensure!(matches!(twice, Err(Error::Exists(_))), "granted twice: {twice:?}");
    }
    same!(*store.directory(), Directory::load(&*store.db).await?);
    let granted = |directory: &Directory| {
        directory.account(owner).map(|owner| owner.grants.to_vec()).unwrap_or_default()
    };
    same!(granted(&store.directory()), vec![one, all.clone()]);
    store.revoke(owner, &SenderGrant::Address(address("info@example.NET")?)).await?;
    same!(granted(&store.directory()), vec![all.clone()]);
    let gone = store.revoke(owner, &SenderGrant::Address(address("info@example.net")?)).await;
    ensure!(matches!(gone, Err(Error::NotFound(_))), "revoked twice: {gone:?}");
    Ok(())
}

/// With the account everything of it ends; nothing that opens it is left.
async fn removing(store: &Store, owner: AccountId) -> Result<(), Failure> {
    let scanner = store.directory().account(owner).and_then(|a| Some(a.app_passwords.first()?.id));
    store.remember_use(scanner.unwrap_or(0), IpAddr::V4(Ipv4Addr::LOCALHOST), NOW);
    same!(store.app_password_uses(owner).await?.len(), 1);
    store.remove_account(owner).await?;
    same!(verifiers(store, owner).await?, (APP_PASSWORDS_MAX as i64, 0));
    let sql = "SELECT CAST(count(*) AS INTEGER) FROM sender_grant WHERE account = $1 \
               AND valid_to IS NULL";
    same!(count(store, sql, &[owner.0.into()]).await?, 0);
    same!(count(store, "SELECT CAST(count(*) AS INTEGER) FROM app_password_use", &[]).await?, 0);
    same!(*store.directory(), Directory::load(&*store.db).await?);
    let late = store.add_app_password(owner, new("late")).await;
    ensure!(matches!(late, Err(Error::NotFound(_))), "of an account that is gone: {late:?}");
    Ok(())
}

/// How many app passwords an account had, and how many still have something of a verifier.
async fn verifiers(store: &Store, account: AccountId) -> Result<(i64, i64), Error> {
    let all = "SELECT CAST(count(*) AS INTEGER) FROM app_password WHERE account = $1";
    let left = "SELECT CAST(count(*) AS INTEGER) FROM app_password WHERE account = $1 \
                AND (salt IS NOT NULL OR stored_key IS NOT NULL OR server_key IS NOT NULL)";
    let account = [account.0.into()];
    Ok((count(store, all, &account).await?, count(store, left, &account).await?))
}

async fn count(store: &Store, sql: &'static str, params: &[Value]) -> Result<i64, Error> {
    store.db.flush().await?;
    let row = store.db.read(sql, params.to_vec()).await?.pop().unwrap_or_default();
    Columns::of(row).int()
}
