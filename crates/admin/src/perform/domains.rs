//! Domains whose mail is kept here.

use crate::paging::page;
use crate::{Admin, DomainView, Error, Paging, Response};
use mail::Domain;
use std::collections::HashMap;

pub(super) fn list(admin: &Admin, paging: &Paging) -> Response {
    let directory = admin.store.directory();
    let mut accounts: HashMap<&Domain, u64> = HashMap::new();
    for domain in directory.accounts().filter_map(|account| account.address.domain()) {
        *accounts.entry(domain).or_default() += 1;
    }
    Response::Domains(page(
        directory.domains(),
        paging,
        |record| record.name.to_string(),
        |record| DomainView {
            domain: record.name.to_string(),
            unicode: record.name.to_unicode(),
            accounts: accounts.get(&record.name).copied().unwrap_or(0),
        },
    ))
}

pub(super) async fn add(admin: &Admin, domain: &Domain) -> Result<Response, Error> {
    admin.store.add_domain(domain).await?;
    Ok(Response::Done(format!("mail for {domain} is received")))
}

pub(super) async fn remove(admin: &Admin, domain: &Domain) -> Result<Response, Error> {
    admin.store.remove_domain(domain).await?;
    Ok(Response::Done(format!("mail for {domain} is no longer received")))
}
