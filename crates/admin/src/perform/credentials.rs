//! What an account has besides its main password: app passwords, and addresses granted to it.

use super::accounts::{end_sessions, find};
use crate::{AccountView, Admin, AppPasswordView, Error, Response};
use ipnet::IpNet;
use mail::{Address, Credential, Protocol, SenderGrant, Timestamp};
use policy::app_password::{self, ITERATIONS};
use std::net::IpAddr;
use store::{Account, NewAppPassword};

/// An app password that is asked for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) protocols: Vec<Protocol>,
    pub(super) networks: Vec<String>,
    pub(super) expires: Option<Timestamp>,
}

pub(super) async fn add(
    admin: &Admin,
    address: Address,
    wanted: Wanted,
) -> Result<Response, Error> {
    let account = find(admin, &address)?;
    let Wanted { name, mut protocols, networks, expires } = wanted;
    if expires.is_some_and(|at| at <= admin.clock.now()) {
        return Err(Error::Invalid("it would have expired before its first use".to_owned()));
    }
    protocols.sort_unstable();
    protocols.dedup();
    let networks = networks.iter().map(|text| network(text)).collect::<Result<Vec<_>, _>>()?;
    let failed = |error: &dyn std::fmt::Display| Error::Store(error.to_string());
    let password = app_password::generate().map_err(|error| failed(&error))?;
    let salt = match account.app_passwords.first() {
        // One salt fits all: a client is told one before it is known which password it has.
        Some(first) => first.verifier.salt.clone(),
        None => app_password::salt_for(&admin.store, &account.address),
    };
    let made = password.clone();
    let work =
        tokio::task::spawn_blocking(move || app_password::verifier(&made, &salt, ITERATIONS));
    let verifier = work.await.map_err(|error| failed(&error))?;
    let new = NewAppPassword { name: name.clone(), protocols, networks, expires, verifier };
    admin.store.add_app_password(account.id, new).await?;
    Ok(Response::AppPassword { address, name, password: password.expose().clone() })
}

/// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
fn network(text: &str) -> Result<IpNet, Error> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map(|net| net.trunc())
        .map_err(|_| Error::Invalid(format!("`{text}` is no network: write it as 192.0.2.0/24")))
}

pub(super) async fn list(admin: &Admin, address: &Address) -> Result<Response, Error> {
    let account = find(admin, address)?;
    Ok(Response::AppPasswords(views(admin, &account).await?))
}

pub(super) async fn remove(
    admin: &Admin,
    address: &Address,
    name: &str,
) -> Result<Response, Error> {
    let account = find(admin, address)?;
    let id = admin.store.remove_app_password(account.id, name).await?;
    let ended = end_sessions(admin, &account, Some(Credential::App(id)));
    let text =
        format!("the app password {name} of {address} is removed, open sessions ended: {ended}");
    Ok(Response::Done(text))
}

pub(super) async fn grant(
    admin: &Admin,
    address: &Address,
    grant: &SenderGrant,
) -> Result<Response, Error> {
    let account = find(admin, address)?;
    admin.store.grant(account.id, grant).await?;
    Ok(Response::Done(format!("{address} may send as {grant}")))
}

pub(super) async fn revoke(
    admin: &Admin,
    address: &Address,
    grant: &SenderGrant,
) -> Result<Response, Error> {
    let account = find(admin, address)?;
    admin.store.revoke(account.id, grant).await?;
    Ok(Response::Done(format!("{address} may no longer send as {grant}")))
}

pub(super) async fn show(admin: &Admin, address: &Address) -> Result<Response, Error> {
    let account = find(admin, address)?;
    let app_passwords = views(admin, &account).await?;
    Ok(Response::Account { account: Box::new(view(&account)), app_passwords })
}

pub(super) fn view(account: &Account) -> AccountView {
    AccountView {
        address: account.address.clone(),
        disabled: account.disabled,
        admin: account.admin,
        quota: account.quota,
        grants: account.grants.iter().map(ToString::to_string).collect(),
        app_passwords: account.app_passwords.len(),
    }
}

async fn views(admin: &Admin, account: &Account) -> Result<Vec<AppPasswordView>, Error> {
    let (uses, now) = (admin.store.app_password_uses(account.id).await?, admin.clock.now());
    let view = |app: &store::AppPassword| {
        let (last, place) = match uses.get(&app.id) {
            Some((at, place)) => (Some(*at), place.clone()),
            None => (None, String::new()),
        };
        AppPasswordView {
            id: app.id,
            name: app.name.clone(),
            protocols: app.protocols.clone(),
            networks: app.networks.iter().map(ToString::to_string).collect(),
            created: app.since,
            expires: app.expires,
            ended: app.has_expired(now),
            last,
            place,
        }
    };
    Ok(account.app_passwords.iter().map(view).collect())
}

#[cfg(test)]
mod tests {
    use super::network;

    fn check(text: &str, expected: Option<&str>) {
        let read = network(text).ok().map(|net| net.to_string());
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn networks_are_read_with_and_without_a_length() {
        check("192.0.2.0/24", Some("192.0.2.0/24"));
        check("192.0.2.7/24", Some("192.0.2.0/24"));
        check("192.0.2.7", Some("192.0.2.7/32"));
        check("2001:db8::/32", Some("2001:db8::/32"));
        check("::1", Some("::1/128"));
        for wrong in ["", "192.0.2", "192.0.2.0/33", "example.org", "192.0.2.0/24 "] {
            check(wrong, None);
        }
    }
}
