//! Keys that sign what leaves: seen, changed and withdrawn by an administrator.

use crate::dkim::rotation::{KINDS, KeyFacts, Seen, algorithm};
use crate::dkim::{facts, make, make_missing};
use crate::paging::{number_key, page};
use crate::request::DkimWhat;
use crate::{Admin, DkimKeyView, Error, Paging, Response};
use mail::Domain;
use std::sync::Arc;
use store::{DkimKey, KeyStage, KeyStep};

pub(super) fn list(
    admin: &Admin,
    domain: Option<&Domain>,
    paging: &Paging,
) -> Result<Response, Error> {
    let directory = admin.store.directory();
    let keys = match domain {
        Some(domain) => directory.dkim_keys_of(domain),
        None => directory.dkim_keys(),
    };
    let key = |key: &&Arc<DkimKey>| format!("{} {}", key.domain, number_key(key.id));
    Ok(Response::DkimKeys(page("dkim keys", keys, paging, key, |key| view(key))?))
}

fn view(key: &DkimKey) -> DkimKeyView {
    DkimKeyView {
        domain: key.domain.to_string(),
        selector: key.selector.clone(),
        algorithm: key.algorithm.clone(),
        state: key.stage().word().to_owned(),
        name: format!("{}._domainkey.{}", key.selector, key.domain),
        record: key.record.clone(),
        published: key.published_at,
        seen: key.seen_at,
        activated: key.activated_at,
        retired: key.retired_at,
    }
}

pub(super) async fn change(
    admin: &Admin,
    domain: &Domain,
    what: DkimWhat,
) -> Result<Response, Error> {
    if admin.store.directory().domain(domain).is_none() {
        return Err(Error::NotFound(format!("domain {domain} is not here")));
    }
    let done = match what {
        DkimWhat::Rotate => rotate(admin, domain).await?,
        DkimWhat::Activate { unseen } => activate(admin, domain, unseen).await?,
        DkimWhat::Retire { selector } => retire(admin, domain, &selector).await?,
    };
    Ok(Response::Done(done))
}

/// Makes a key to follow of each algorithm that has none.
async fn rotate(admin: &Admin, domain: &Domain) -> Result<String, Error> {
    let waiting = |kind| {
        let directory = admin.store.directory();
        let keys = directory.dkim_keys_of(domain).iter();
        let mut waits = keys.filter(|key| key.stage() == KeyStage::Published);
        waits.find(|key| key.algorithm == algorithm(kind)).cloned()
    };
    let mut lines = Vec::new();
    for kind in KINDS {
        let verb = match waiting(kind) {
            Some(_) => "waits already",
            None => {
                make(&admin.store, &admin.clock, domain, kind).await?;
                "is made"
            }
        };
        lines.extend(waiting(kind).map(|key| format!("{} {verb}", key.selector)));
    }
    lines.push(format!(
        "The keys sign once the DNS shows their records: gatepost domain dns {domain}"
    ));
    Ok(lines.join("\n"))
}

/// Has keys that wait sign now, each in the place of the one that does.
async fn activate(admin: &Admin, domain: &Domain, unseen: bool) -> Result<String, Error> {
    let directory = admin.store.directory();
    let keys = directory.dkim_keys_of(domain);
    let facts = match (&admin.resolver, unseen) {
        (_, true) => facts(keys, None).await,
        (Some(resolver), false) => facts(keys, Some(&**resolver)).await,
        (None, false) => return Err(Error::Refused("there is no DNS to ask here".to_owned())),
    };
    let waits: Vec<&KeyFacts> =
        facts.iter().filter(|key| key.stage == KeyStage::Published).collect();
    if waits.is_empty() {
        return Err(Error::Refused(format!("no key of {domain} waits")));
    }
    let selector = |fact: &KeyFacts| {
        let key = keys.iter().find(|key| key.id == fact.id);
        key.map(|key| key.selector.clone()).unwrap_or_default()
    };
    let mut steps = Vec::new();
    let mut lines = Vec::new();
    for key in waits {
        if !unseen && key.seen != Seen::Shown {
            lines.push(format!("{}: the DNS does not show its record", selector(key)));
            continue;
        }
        if key.seen == Seen::Shown && key.seen_at.is_none() {
            steps.push((key.id, KeyStep::See));
        }
        let signs =
            facts.iter().find(|other| other.kind == key.kind && other.stage == KeyStage::Active);
        steps.extend(signs.map(|other| (other.id, KeyStep::Retire)));
        steps.push((key.id, KeyStep::Activate));
        lines.push(format!("{} signs now", selector(key)));
    }
    if steps.is_empty() {
        return Err(Error::Refused(lines.join("\n")));
    }
    admin.store.step_dkim_keys(&steps).await?;
    Ok(lines.join("\n"))
}

/// Withdraws a key, whatever follows it; the domain gets another one.
async fn retire(admin: &Admin, domain: &Domain, selector: &str) -> Result<String, Error> {
    let directory = admin.store.directory();
    let keys = directory.dkim_keys_of(domain);
    let key = keys
        .iter()
        .find(|key| key.selector == selector && key.stage() != KeyStage::Retired)
        .ok_or_else(|| Error::NotFound(format!("no key {selector} of {domain} can be retired")))?;
    admin.store.step_dkim_keys(&[(key.id, KeyStep::Retire)]).await?;
    make_missing(&admin.store, &admin.clock, domain).await?;
    Ok(format!(
        "{selector} signs no more, and its secret is wiped. If it was known to others, take its \
         record out of the DNS now."
    ))
}
