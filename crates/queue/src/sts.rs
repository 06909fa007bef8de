//! Policies of other domains (MTA-STS, RFC 8461): fetched, kept, and laid on the way to them.
//!
//! What is in force stays so until it ends, whatever becomes of its record or its server meanwhile:
//! who could take those away could else take the protection away.

use crate::Queue;
use mail::{Domain, Host, Reason, Timestamp};
use net::{DnsError, FetchError, Kind, Name, Record, Url};
use policy::trust::Trust;
use policy::ways::{NoWay, Server};
use smtp::reply::Severity;
use smtp::sts::{self, Mode, Policy};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::StsPolicy;

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;
/// A server that did not give a policy is left alone for so long (RFC 8461 §3.3).
const RETRY_MILLIS: i64 = 5 * 60 * SECOND;
/// A policy is looked at again once a day, or at half of a shorter life.
const RENEW_MILLIS: i64 = DAY;
/// How long what has ended is still kept.
const FORGET_MILLIS: i64 = 7 * DAY;

/// A policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) policy: Policy,
    /// As it was fetched.
    pub(crate) text: String,
}

/// Fetches under way: one for each domain, for which all others wait.
#[derive(Debug, Default)]
pub(crate) struct Fetching {
    domains: Mutex<HashMap<Domain, Arc<tokio::sync::Mutex<()>>>>,
}

impl Fetching {
    fn one(&self, domain: &Domain) -> Arc<tokio::sync::Mutex<()>> {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for any more are forgotten: there is one for each worker at most.
        domains.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(domains.entry(domain.clone()).or_default())
    }
}

/// What is to be done about a domain's policy, by what is known of it and what its record says now
/// (`None`: there is none, or it cannot be asked for).
fn wants_fetch(known: Option<&StsPolicy>, announced: Option<&str>, now: Timestamp) -> bool {
    match (known, announced) {
        (_, None) => false,
        (None, Some(_)) => true,
        // Whatever its record says: a server is not asked again at once (RFC 8461 §3.3).
        (Some(known), Some(_)) if now < known.asked_at.plus_millis(RETRY_MILLIS) => false,
        (Some(known), Some(id)) => now >= known.renew_at || known.id != id,
    }
}

/// What is known after a fetch.
fn learned(
    before: Option<StsPolicy>,
    id: &str,
    fetched: Result<(String, Policy), String>,
    now: Timestamp,
) -> StsPolicy {
    match (fetched, before) {
        (Ok((text, policy)), _) => {
            let age = i64::try_from(policy.max_age).unwrap_or(i64::MAX).saturating_mul(SECOND);
            StsPolicy {
                id: id.to_owned(),
                policy: text,
                asked_at: now,
                renew_at: now.plus_millis((age / 2).clamp(RETRY_MILLIS, RENEW_MILLIS)),
                expires_at: now.plus_millis(age),
            }
        }
        // What is kept stays in force.
        (Err(_), Some(kept)) if kept.expires_at > now => {
            StsPolicy { asked_at: now, renew_at: now.plus_millis(RETRY_MILLIS), ..kept }
        }
        (Err(_), _) => StsPolicy {
            id: id.to_owned(),
            policy: String::new(),
            asked_at: now,
            renew_at: now.plus_millis(RETRY_MILLIS),
            expires_at: now,
        },
    }
}

/// The policy in force for a domain.
pub(crate) async fn policy(queue: &Queue, domain: &Domain) -> Option<InForce> {
    match look(queue, domain).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%domain, %error, "what is known of its policy cannot be read");
            None
        }
    }
}

async fn look(queue: &Queue, domain: &Domain) -> Result<Option<InForce>, store::Error> {
    let announced = announced(queue, domain).await;
    let now = queue.clock.now();
    let mut known = queue.store.sts_policy(domain).await?;
    if wants_fetch(known.as_ref(), announced.as_deref(), now)
        && let (Some(id), Some(fetch)) = (announced, &queue.fetch)
    {
        let lock = queue.fetching.one(domain);
        let _one = lock.lock().await;
        // Another may have been faster.
        known = queue.store.sts_policy(domain).await?;
        if wants_fetch(known.as_ref(), Some(&id), now) {
            let fetched = fetched(fetch, domain).await;
            if let Err(error) = &fetched {
                tracing::info!(%domain, error, "its policy (MTA-STS) is not to be had");
            }
            let new = learned(known, &id, fetched, now);
            let forget = now.plus_millis(-FORGET_MILLIS);
            queue.store.keep_sts_policy(domain, &new, forget).await?;
            known = Some(new);
        }
    }
    let Some(known) = known.filter(|known| known.expires_at > now) else { return Ok(None) };
    // What was kept has been read before; an older program may have read it otherwise.
    let policy = Policy::parse(&known.policy).ok();
    let policy = policy.filter(|policy| policy.mode != Mode::None);
    Ok(policy.map(|policy| InForce { policy, text: known.policy }))
}

async fn announced(queue: &Queue, domain: &Domain) -> Option<String> {
    let name = Name::parse(&format!("_mta-sts.{domain}"))?;
    match queue.resolver.records(&name, Kind::Txt).await {
        Ok(records) => {
            let text = |record| match record {
                Record::Txt(text) => Some(text),
                _ => None,
            };
            let texts: Vec<String> = records.into_iter().filter_map(text).collect();
            sts::announced(&texts)
        }
        Err(DnsError::NoSuchName | DnsError::NoRecords) => None,
        Err(error) => {
            tracing::debug!(%name, %error, "whether there is a policy is not known");
            None
        }
    }
}

/// The policy as its server gives it, or why not.
async fn fetched(fetch: &net::Fetch, domain: &Domain) -> Result<(String, Policy), String> {
    let url = Url::parse(&sts::policy_url(domain)).ok_or("its name is too long")?;
    let answer = fetch.get(&url).await.map_err(|error: FetchError| error.to_string())?;
    let read = sts::read(&answer.media_type, &answer.body);
    let (text, policy) = read.map_err(|fault| fault.to_string())?;
    Ok((text.to_owned(), policy))
}

/// Lays a policy on the servers of its domain. DANE goes before it (RFC 8461 §2): a server with
/// TLSA records stays as it is.
///
/// # Errors
/// No server is one of the policy's.
pub(crate) fn restrict(
    servers: Vec<Server>,
    policy: &Policy,
    domain: &Domain,
) -> Result<Vec<Server>, NoWay> {
    let named = |server: &Server| match &server.name {
        Host::Domain(name) => policy.names(name),
        Host::Literal(_) => false,
    };
    let laid = |server: Server| match (&server.trust, policy.mode, named(&server)) {
        (Trust::Anybody, Mode::Enforce, true) => {
            Some(Server { trust: Trust::Verified, is_certain: true, ..server })
        }
        (Trust::Anybody, Mode::Enforce, false) => None,
        (Trust::Anybody, Mode::Testing, named) => {
            Some(Server { trust: Trust::Tested { named }, ..server })
        }
        _ => Some(server),
    };
    let found: Vec<String> = servers.iter().map(crate::delivery::called).collect();
    let left: Vec<Server> = servers.into_iter().filter_map(laid).collect();
    if left.is_empty() {
        let mx: Vec<String> = policy.mx.iter().map(ToString::to_string).collect();
        let text = format!(
            "the policy of {domain} (MTA-STS) allows the servers {}, and its MX records name {}",
            mx.join(", "),
            found.join(", ")
        );
        let (reason, severity) = (Reason::RemoteUntrusted, Severity::Temporary);
        return Err(NoWay { reason, severity, text });
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
