//! The DNS records of a domain.

use crate::records::{Site, each_once, named_doors, plan};
use crate::{Admin, Error, Response};
use config::Settings;
use mail::Domain;
use std::net::SocketAddr;

pub(super) fn records(admin: &Admin, domain: &Domain) -> Result<Response, Error> {
    let directory = admin.store.directory();
    if directory.domain(domain).is_none() {
        return Err(Error::NotFound(format!("domain {domain} is not here")));
    }
    let snapshot = admin.policy.snapshot();
    let settings = snapshot.settings();
    let doors = doors(admin, settings);
    let site = Site {
        settings,
        keys: directory.dkim_keys_of(domain),
        key_digest: admin.tls.as_ref().map(net::ServerTls::key_digest),
        doors: &doors,
    };
    Ok(Response::DomainDns(Box::new(plan(domain, &site))))
}

/// The doors that are open, or where no server runs those of the settings; each port once.
fn doors(admin: &Admin, settings: &Settings) -> Vec<(String, u16)> {
    let facts = admin.running.as_ref().map(|running| (running.facts)());
    let open = facts.into_iter().flat_map(|facts| facts.doors).filter_map(|door| {
        let address: SocketAddr = door.address.parse().ok()?;
        Some((door.door, address.port()))
    });
    let mut doors: Vec<(String, u16)> = match admin.running {
        Some(_) => open.collect(),
        None => named_doors(settings),
    };
    each_once(&mut doors);
    doors
}
