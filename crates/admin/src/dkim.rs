//! Keys that sign what leaves: made for every own domain, and changed for new ones in time.
//!
//! [`rotation`] decides which step is due (pure), [`making`] makes keys; here the DNS is asked and
//! the steps are taken, by a timed job that one node at a time does. A key signs only once its
//! record was seen, unless the settings say otherwise, and the one that it follows signs until
//! then: what leaves is never signed by a key that nobody can verify.

mod making;
pub mod rotation;

pub(crate) use making::make;
pub use making::make_missing;

use crate::Error;
use config::{DkimActivation, Settings};
use filter::authentication::dkim::{KeyRecord, Selector};
use mail::Domain;
use net::{Clock, Drain, Name, Resolver};
use policy::Policy;
use rotation::{Due, KeyFacts, Periods, Seen, due};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use store::{Directory, DkimKey, KeyStage, Store};
use tokio::time::{MissedTickBehavior, interval};

/// How often the job is looked at.
const TURN: Duration = Duration::from_secs(60);
/// How often it runs, on one node: who publishes a record waits about so long for the first
/// signature.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// How long a run may take; a node that ended in the middle is waited for so long.
const LEASE: Duration = Duration::from_secs(30 * 60);
/// Domains whose records are asked for in one run; the next run goes on behind them.
const DOMAINS_A_RUN: usize = 500;
const JOB: &str = "dkim-keys";
const DAY: i64 = 86_400_000;

/// Looks after the keys as long as the server runs.
pub struct KeyKeeper {
    /// Where the keys are.
    pub store: Arc<Store>,
    /// The settings in force.
    pub policy: Arc<Policy>,
    /// The time.
    pub clock: Clock,
    /// Whom the records are asked of.
    pub resolver: Arc<dyn Resolver>,
}

impl KeyKeeper {
    /// Takes every step that is due, again and again until the drain.
    pub async fn keep(self, drain: Drain) {
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut behind = None;
        // After a start it runs whenever the last run was: somebody may wait for it.
        let mut every = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = drain.wait() => return,
                _ = turns.tick() => {}
            }
            tokio::select! {
                biased;
                () = drain.wait() => return,
                run = self.run(every, &mut behind) => match run {
                    Ok(()) => every = EVERY,
                    Err(error) => tracing::warn!(%error, "the DKIM keys are looked after later"),
                }
            }
        }
    }

    async fn run(&self, every: Duration, behind: &mut Option<Domain>) -> Result<(), Error> {
        let Some(lease) = self.store.claim_job(JOB, every, LEASE).await? else { return Ok(()) };
        let directory = self.store.directory();
        for domain in next_domains(&directory, behind) {
            self.look_after(&domain).await?;
        }
        if every.is_zero() {
            warn_of_unsigned(&self.store.directory());
        }
        Ok(self.store.finish_job(lease).await?)
    }

    /// Takes the steps that are due for the keys of one domain.
    async fn look_after(&self, domain: &Domain) -> Result<(), Error> {
        let settings = Arc::clone(self.policy.snapshot().settings());
        let directory = self.store.directory();
        let keys = directory.dkim_keys_of(domain);
        let facts = facts(keys, asks(keys, &settings).then_some(&*self.resolver)).await;
        let is_own = directory.domain(domain).is_some();
        let mut steps = Vec::new();
        for due in due(&facts, is_own, &periods(&settings), self.clock.now()) {
            match due {
                Due::Step(id, step) => steps.push((id, step)),
                Due::Make(kind) => make(&self.store, &self.clock, domain, kind).await?,
            }
        }
        for key in keys {
            for (_, step) in steps.iter().filter(|(id, _)| *id == key.id) {
                tracing::info!(%domain, selector = key.selector, ?step, "a DKIM key goes on");
            }
        }
        Ok(self.store.step_dkim_keys(&steps).await?)
    }
}

/// Says once a start how many domains send without a signature of some algorithm.
fn warn_of_unsigned(directory: &Directory) {
    let waits = |key: &&Arc<DkimKey>| key.stage() == KeyStage::Published;
    let is_first = |key: &&Arc<DkimKey>| {
        let keys = directory.dkim_keys_of(&key.domain).iter();
        let mut same = keys.filter(|other| other.algorithm == key.algorithm);
        !same.any(|other| other.stage() == KeyStage::Active)
    };
    let keys = directory.dkim_keys().iter().filter(waits).filter(is_first);
    let domains: BTreeSet<&Domain> = keys.map(|key| &key.domain).collect();
    if let Some(first) = domains.first() {
        tracing::warn!(
            domains = domains.len(),
            "DKIM keys wait until the DNS shows their records: gatepost domain dns {first}"
        );
    }
}

/// The domains that a run looks after: own ones and those that have keys, from where the last run
/// ended.
fn next_domains(directory: &Directory, behind: &mut Option<Domain>) -> Vec<Domain> {
    let own = directory.domains().map(|record| &record.name);
    let with_keys = directory.dkim_keys().iter().map(|key| &key.domain);
    let all: BTreeSet<&Domain> = own.chain(with_keys).collect();
    let is_behind = |domain: &&&Domain| behind.as_ref().is_none_or(|behind| **domain > behind);
    let next: Vec<Domain> =
        all.iter().filter(is_behind).take(DOMAINS_A_RUN).map(|domain| (*domain).clone()).collect();
    let is_end = next.last() == all.last().copied();
    *behind = if is_end { None } else { next.last().cloned() };
    next
}

/// Whether the DNS has a say in what is due: somebody waits, and is not to be activated anyway.
fn asks(keys: &[Arc<DkimKey>], settings: &Settings) -> bool {
    let waits = keys.iter().any(|key| key.stage() == KeyStage::Published);
    waits && settings.dkim.activate == DkimActivation::Seen
}

/// What the settings say, in milliseconds.
pub(crate) fn periods(settings: &Settings) -> Periods {
    let millis = |days: u64| i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY);
    let dkim = &settings.dkim;
    Periods {
        rotate_after: (dkim.rotate_after_days > 0).then(|| millis(dkim.rotate_after_days)),
        publish: millis(dkim.publish_days),
        retire: millis(dkim.retire_days),
        wants_seen: dkim.activate == DkimActivation::Seen,
    }
}

/// What is known of keys, with what the DNS shows of those that are not retired.
pub(crate) async fn facts(keys: &[Arc<DkimKey>], resolver: Option<&dyn Resolver>) -> Vec<KeyFacts> {
    let mut facts = Vec::with_capacity(keys.len());
    for key in keys {
        let seen = match resolver {
            Some(resolver) if key.stage() != KeyStage::Retired => seen(key, resolver).await,
            _ => Seen::Unknown,
        };
        facts.extend(KeyFacts::of(key, seen));
    }
    facts
}

/// Whether the DNS shows the record of a key, and no other beside it.
async fn seen(key: &DkimKey, resolver: &dyn Resolver) -> Seen {
    let name = Selector::parse(&key.selector).and_then(|selector| selector.key_name(&key.domain));
    let Some(name) = name.as_ref().map(Name::from) else { return Seen::Absent };
    let Ok(own) = KeyRecord::parse(&key.record) else { return Seen::Absent };
    match resolver.records(&name, net::Kind::Txt).await {
        Ok(records) => match records.as_slice() {
            [net::Record::Txt(text)] if serves(text, &own) => Seen::Shown,
            _ => Seen::Absent,
        },
        Err(error) if error.is_nothing() => Seen::Absent,
        Err(_) => Seen::Unknown,
    }
}

/// Whether a published text lets mail be verified by this key.
pub(crate) fn serves(text: &str, own: &KeyRecord) -> bool {
    KeyRecord::parse(text).is_ok_and(|found| found.key == own.key && found.sha256 && found.for_mail)
}
