//! Mail in any number, for benchmarks of the store alone.

use super::site::{self, Fate};
use crate::{Acceptance, Body, Error, Store};
use mail::{AccountId, Login, SendLimits};

/// Accounts `u0@bench.test` and so on, made where they are not there yet.
///
/// # Errors
/// The store's.
pub async fn accounts(store: &Store, number: usize) -> Result<Vec<AccountId>, Error> {
    site::domain(store, "bench.test").await?;
    let mut accounts = Vec::with_capacity(number);
    for n in 0..number {
        let name = format!("u{n}@bench.test");
        let known = store.directory().account_by_key(&name).map(|account| account.id);
        accounts.push(match known {
            Some(id) => id,
            None => site::account(store, &name).await?,
        });
    }
    Ok(accounts)
}

/// A message to the INBOX of each of these accounts, with the trace that intake writes.
///
/// # Errors
/// The store's.
pub async fn message(store: &Store, to: &[AccountId], body: Body) -> Result<Acceptance, Error> {
    let directory = store.directory();
    let names: Vec<String> = to
        .iter()
        .filter_map(|id| directory.account(*id).map(|account| account.address.to_string()))
        .collect();
    let each: Vec<[AccountId; 1]> = to.iter().map(|id| [*id]).collect();
    let fates: Vec<(&str, Fate<'_>)> =
        names.iter().zip(&each).map(|(name, to)| (name.as_str(), Fate::To(to))).collect();
    site::message(store, body, &fates).await
}

/// A message to one address elsewhere, from nobody in particular.
///
/// # Errors
/// The store's.
pub async fn onward(store: &Store, to: &str, body: Body) -> Result<Acceptance, Error> {
    site::message(store, body, &[(to, Fate::On(&[to]))]).await
}

/// A message that an account sends to these addresses elsewhere, within limits or without.
///
/// # Errors
/// The store's.
pub async fn sent(
    store: &Store,
    by: AccountId,
    to: &[&str],
    limits: Option<SendLimits>,
) -> Result<Acceptance, Error> {
    let body = Body::from_bytes("to be counted")?;
    let mut sent = site::message(store, body, &[("x@far.example", Fate::On(to))]).await?;
    let address = store.directory().account(by).map(|account| account.address.clone());
    let address = address.ok_or_else(|| Error::NotFound(format!("account {by}")))?;
    sent.envelope.peer.login = Some(Login { account: by, address });
    sent.envelope.limits = limits;
    Ok(sent)
}
