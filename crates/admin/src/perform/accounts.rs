//! Accounts and their passwords.

use super::domains;
use crate::paging::page;
use crate::{Admin, Error, Paging, Response};
use mail::Address;
use policy::Role;
use std::collections::HashSet;
use store::{Account, NewAccount};

/// Longest password that is hashed: more than anyone types, less than would slow the hash.
const PASSWORD_MAX: usize = 1_000;
/// Shortest password that an administrator may set by hand.
const PASSWORD_MIN: usize = 8;

/// What a new account is to log in with.
pub(super) enum Credential {
    /// A password, given.
    Given(String),
    /// A password that is made here, and answered once.
    Made,
    /// A stored form from elsewhere.
    Hash(String),
}

impl Credential {
    pub(super) fn new(password: Option<String>, hash: Option<String>) -> Result<Self, Error> {
        match (password, hash) {
            (Some(_), Some(_)) => {
                Err(Error::Invalid("give a password or a hash, not both".to_owned()))
            }
            (Some(password), None) => Ok(Self::Given(password)),
            (None, Some(hash)) => Ok(Self::Hash(hash)),
            (None, None) => Ok(Self::Made),
        }
    }

    /// The form to be stored, and the password if it was made here.
    async fn stored(self) -> Result<(String, Option<String>), Error> {
        match self {
            Credential::Given(password) => Ok((hashed(checked(password)?).await?, None)),
            Credential::Made => {
                let password =
                    crate::password::generate().map_err(|error| Error::Store(error.to_string()))?;
                Ok((hashed(password.clone()).await?, Some(password)))
            }
            Credential::Hash(text) => {
                let hash = policy::password::acceptable_hash(&text)
                    .map_err(|error| Error::Invalid(error.to_string()))?;
                Ok((hash, None))
            }
        }
    }
}

fn checked(password: String) -> Result<String, Error> {
    if password.chars().count() < PASSWORD_MIN {
        return Err(Error::Invalid(format!("a password has at least {PASSWORD_MIN} characters")));
    }
    if password.len() > PASSWORD_MAX || password.contains(['\0', '\r', '\n']) {
        return Err(Error::Invalid(format!(
            "a password has at most {PASSWORD_MAX} bytes, in one line"
        )));
    }
    Ok(password)
}

/// Hashing takes tens of milliseconds on purpose: never on a thread that serves others.
async fn hashed(password: String) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || policy::password::hash(&password))
        .await
        .map_err(|error| Error::Store(error.to_string()))?
        .map_err(|error| Error::Store(error.to_string()))
}

pub(super) fn list(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    let directory = admin.store.directory();
    let page = page(
        "accounts",
        directory.accounts(),
        paging,
        |account| account.address.key(),
        super::credentials::view,
    )?;
    Ok(Response::Accounts(page))
}

pub(super) async fn add(
    admin: &Admin,
    address: Address,
    credential: Credential,
    quota: Option<i64>,
    administers: bool,
) -> Result<Response, Error> {
    if quota.is_some_and(|bytes| bytes <= 0) {
        let text = "a quota is at least one byte; for a mailbox without a limit leave it out";
        return Err(Error::Invalid(text.to_owned()));
    }
    let (password_hash, password) = credential.stored().await?;
    let new = NewAccount { address: address.clone(), password_hash, quota, admin: administers };
    admin.store.add_account(new).await?;
    Ok(Response::Password { address, added: true, password })
}

pub(super) async fn password(
    admin: &Admin,
    address: Address,
    password: Option<String>,
) -> Result<Response, Error> {
    let account = find(admin, &address)?;
    let (hash, password) = Credential::new(password, None)?.stored().await?;
    admin.store.set_password_hash(account.id, &hash).await?;
    // Whoever knew the old password is out; app passwords are others.
    end_sessions(admin, &account, Some(mail::Credential::Main));
    Ok(Response::Password { address, added: false, password })
}

pub(super) async fn disable(
    admin: &Admin,
    address: &Address,
    disabled: bool,
) -> Result<Response, Error> {
    let account = find(admin, address)?;
    let unheard = domains::unheard(admin);
    admin.store.disable_account(account.id, disabled).await?;
    if !disabled {
        return Ok(Response::Done(format!("{address} is enabled")));
    }
    let ended = end_sessions(admin, &account, None);
    let lost = newly_unheard(admin, &unheard);
    Ok(Response::Done(format!("{address} is disabled, open sessions ended: {ended}{lost}")))
}

pub(super) async fn remove(admin: &Admin, address: &Address) -> Result<Response, Error> {
    let account = find(admin, address)?;
    let unheard = domains::unheard(admin);
    // First nobody may come in any more, then the sessions end, then the mail goes.
    admin.store.disable_account(account.id, true).await?;
    end_sessions(admin, &account, None);
    admin.store.remove_account(account.id).await?;
    let lost = newly_unheard(admin, &unheard);
    Ok(Response::Done(format!("{address} is removed with its mail{lost}")))
}

/// The warning about role addresses that were heard by somebody `before`, and are no more.
fn newly_unheard(admin: &Admin, before: &[Role]) -> String {
    let known: HashSet<_> = before.iter().map(|role| role.address.key()).collect();
    let mut now = domains::unheard(admin);
    now.retain(|role| !known.contains(&role.address.key()));
    domains::warning(&now)
}

/// Ends the sessions that a credential opened, or all of the account's.
pub(super) fn end_sessions(
    admin: &Admin,
    account: &Account,
    credential: Option<mail::Credential>,
) -> usize {
    admin.running.as_ref().map_or(0, |running| (running.end_sessions)(account.id, credential))
}

/// The account with this main address.
pub(super) fn find(admin: &Admin, address: &Address) -> Result<Account, Error> {
    let directory = admin.store.directory();
    let account = directory.account_by_key(&address.key()).cloned();
    account.ok_or_else(|| Error::NotFound(format!("there is no account {address}")))
}
