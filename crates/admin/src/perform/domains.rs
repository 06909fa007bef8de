//! Domains whose mail is kept here, and who gets the mail of their role addresses.

use crate::paging::page;
use crate::{Admin, DomainView, Error, Paging, Response};
use mail::{Address, Domain};
use policy::Role;
use std::collections::HashMap;

/// Most role addresses that one warning names.
const NAMED_MAX: usize = 10;

pub(super) fn list(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    let directory = admin.store.directory();
    let snapshot = admin.policy.snapshot();
    let mut accounts: HashMap<&Domain, u64> = HashMap::new();
    for domain in directory.accounts().filter_map(|account| account.address.domain()) {
        *accounts.entry(domain).or_default() += 1;
    }
    let page = page(
        "domains",
        directory.domains(),
        paging,
        |record| record.name.to_string(),
        |record| {
            let roles = snapshot.roles(&record.name);
            let ends = |name: &str| {
                let of_name = |role: &&Role| role.address.local.as_str() == name;
                let ends = roles.iter().filter(of_name).flat_map(|role| &role.ends);
                ends.map(ToString::to_string).collect()
            };
            DomainView {
                domain: record.name.to_string(),
                unicode: record.name.to_unicode(),
                accounts: accounts.get(&record.name).copied().unwrap_or(0),
                postmaster: ends("postmaster"),
                abuse: ends("abuse"),
            }
        },
    )?;
    Ok(Response::Domains(page))
}

pub(super) async fn add(admin: &Admin, domain: &Domain) -> Result<Response, Error> {
    admin.store.add_domain(domain).await?;
    crate::dkim::make_missing(&admin.store, &admin.clock, domain).await?;
    let mut done = format!("mail for {domain} is received");
    let roles = admin.policy.snapshot().roles(domain);
    match roles.first().map(|role| role.ends.as_slice()) {
        Some([first, ..]) => done.push_str(&format!(", postmaster's goes to {first}")),
        _ => done.push_str(&warning(&roles)),
    }
    Ok(Response::Done(done))
}

/// The role addresses of all domains that nobody gets the mail of.
pub(super) fn unheard(admin: &Admin) -> Vec<Role> {
    let directory = admin.store.directory();
    let snapshot = admin.policy.snapshot();
    let roles = directory.domains().flat_map(|record| snapshot.roles(&record.name));
    let mut unheard: Vec<_> = roles.filter(|role| role.ends.is_empty()).collect();
    unheard.sort_by_key(|role| role.address.key());
    unheard
}

/// What to say of role addresses that nobody gets the mail of; nothing if there are none.
pub(super) fn warning(unheard: &[Role]) -> String {
    if unheard.is_empty() {
        return String::new();
    }
    let named: Vec<_> = unheard.iter().map(|role| &role.address).map(Address::to_string).collect();
    let more = named.len().saturating_sub(NAMED_MAX);
    let mut shown = named.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    format!(
        "\nWARNING: nobody gets the mail of {shown}, which every domain must take (RFC 5321 \
         §4.5.1): it is answered 451. Make an administrator (account add --admin) or an alias."
    )
}

pub(super) async fn remove(admin: &Admin, domain: &Domain) -> Result<Response, Error> {
    admin.store.remove_domain(domain).await?;
    Ok(Response::Done(format!("mail for {domain} is no longer received")))
}
