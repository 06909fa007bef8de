//! The content pipeline: stages look at a message and report findings, `decide` turns findings into
//! a judgement, `intake` keeps what is to be kept.
//!
//! Called with a complete message by the doors (`inbound`) and by whatever else brings mail in. It
//! never asks who may send what to whom (that was `policy`), opens no socket, writes no reply text.

mod arrival;
pub mod attachment;
pub mod authentication;
mod automatic;
pub mod decide;
mod forwarding;
mod headers;
mod held;
pub mod intake;
pub mod judge;
pub mod notice;
pub mod pipeline;
mod received;
pub mod release;
mod rendition;
mod rules;
pub mod scanner;
mod sealing;
mod signing;
pub mod subject;
mod submission;
#[cfg(test)]
mod testing;
pub mod texts;
pub mod trace;
pub mod worker;

use config::Settings;
use mail::index::Index;
use mail::{Envelope, Judgement, MessageId, Timestamp};
use net::Resolver;
use rules::{InForce, Rules};
use scanner::Scanners;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::{Body, Directory, Store};
use subject::normalise::Subject;
use subject::rules::Rule;
use worker::Pool;

/// A complete message, as stages see it.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    /// Its number; named in its Received field.
    pub id: MessageId,
    /// Who sends it to whom.
    pub envelope: &'a Envelope,
    /// Its header and structure.
    pub index: &'a Index,
    /// Its bytes, to be read in windows.
    pub body: &'a Body,
}

/// The filter of one server: the rules in force, and where they come from.
pub struct Filter {
    store: Arc<Store>,
    resolver: Arc<dyn Resolver>,
    rules: Rules,
    signers: signing::Signers,
    workers: OnceLock<Arc<Pool>>,
}

impl Filter {
    /// A filter with the rules of these settings and of the store, which asks this resolver.
    pub fn new(settings: &Arc<Settings>, store: Arc<Store>, resolver: Arc<dyn Resolver>) -> Self {
        let rules = Rules::new(settings, &store.directory());
        Self {
            store,
            resolver,
            rules,
            signers: signing::Signers::default(),
            workers: OnceLock::new(),
        }
    }

    /// Has these workers look at what a message contains. Said once, before the first message; a
    /// filter without has nobody to do it.
    pub fn employ(&self, workers: Arc<Pool>) {
        // Nobody says it twice.
        let _ = self.workers.set(workers);
    }

    /// The workers, if there are any.
    pub fn workers(&self) -> Option<&Arc<Pool>> {
        self.workers.get()
    }

    /// Puts new settings in force for messages that are judged from now on.
    pub fn reload(&self, settings: &Arc<Settings>) {
        self.rules.reload(settings, &self.store.directory());
    }

    /// Every subject rule in force, of the settings and then of the store, for lists.
    pub fn subject_rules(&self) -> Vec<Rule> {
        self.in_force().sources.clone()
    }

    /// The rules that would refuse a message with this subject, for trying them out.
    pub fn matching(&self, subject: &Subject, now: Timestamp) -> Vec<Rule> {
        self.in_force().subjects.matching(subject, now).into_iter().cloned().collect()
    }

    /// The texts for people in force.
    pub fn texts(&self) -> Arc<texts::Texts> {
        Arc::clone(&self.in_force().texts)
    }

    /// The scanners in force.
    pub fn scanners(&self) -> Arc<Scanners> {
        Arc::clone(&self.in_force().scanners)
    }

    /// Counts the rules of the store that decided; the counts ride a later commit.
    fn count_hits(&self, judgement: &Judgement) {
        let found = judgement.findings.iter().filter(|finding| finding.stage == subject::STAGE);
        let mut rules = None;
        for finding in found {
            let rules = rules.get_or_insert_with(|| self.in_force());
            if let Some(id) = rules.subjects.id_of(&finding.rule) {
                self.store.count_hits(&[id]);
            }
        }
    }

    /// What judging may take; after that the peer is asked to come again.
    fn time_limit(&self) -> Duration {
        self.in_force().time_limit
    }

    fn in_force(&self) -> Arc<InForce> {
        self.rules.in_force(&self.store.directory())
    }

    fn resolver(&self) -> &dyn Resolver {
        &*self.resolver
    }

    fn directory(&self) -> Arc<Directory> {
        self.store.directory()
    }
}
