//! DMARC (RFC 9989): whether the domain that people see in From stands behind a message, and what
//! it wants to be done if not.
//!
//! [`check`] takes what SPF and DKIM proved and asks for records; `record` reads them, `walk` goes
//! up the tree of names. Called by the authentication stage; refuses nothing itself, and a `reject`
//! is a wish that the receiver weighs (RFC 9989 §7.4).

pub mod record;
mod walk;

use crate::authentication::inquiry::{Fact, Inquiry, Missing};
use mail::Domain;
use net::{Kind, Name, Resolver};
use record::{Alignment, Policies, Policy, Record, Suffix};
use serde::Serialize;
use std::time::Instant;
use walk::At;

/// Questions to the DNS in all: two walks (RFC 9989 §4.10 allows eight each), whether the author's
/// name exists, and a little room for other signers of the same organisation.
pub const QUESTIONS_MAX: usize = 20;
/// Domains of signatures that are looked at beside the author's own; a message with more of them
/// was made to cost something.
pub const SIGNERS_MAX: usize = 10;

/// A DKIM signature that verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DkimPass {
    /// Who signed (`d=`).
    pub domain: Domain,
    /// With which key (`s=`).
    pub selector: String,
}

/// What DMARC says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcResult {
    /// The domain takes no part.
    None,
    /// The domain stands behind the message.
    Pass,
    /// It does not.
    Fail,
    /// The DNS did not tell; later it may.
    TempError,
    /// A record cannot be read at all.
    PermError,
}

impl DmarcResult {
    /// Its word in Authentication-Results.
    pub fn word(self) -> &'static str {
        match self {
            DmarcResult::None => "none",
            DmarcResult::Pass => "pass",
            DmarcResult::Fail => "fail",
            DmarcResult::TempError => "temperror",
            DmarcResult::PermError => "permerror",
        }
    }
}

impl Policy {
    /// Its word in records and reports.
    pub fn word(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    /// One level less (`t=y`, RFC 9989 §4.7).
    fn milder(self) -> Self {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}

/// Whose record applies (RFC 9989 §4.10.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The author domain's own.
    Author,
    /// Its organisation's.
    Organisation,
    /// That of the public suffix above.
    PublicSuffix,
}

/// The record that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The domain that published it, without `_dmarc.`.
    pub domain: String,
    /// What that domain is to the author's.
    pub place: Place,
    /// What it says.
    pub record: Record,
}

/// A result, and all that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The domain of From.
    pub author: Domain,
    /// The result.
    pub result: DmarcResult,
    /// What is to be done with the message, test mode considered; `None` unless the result is
    /// fail.
    pub disposition: Policy,
    /// What was published for such a name; on anything but a fail without a look whether the name
    /// exists.
    pub policy: Option<Policy>,
    /// The organisation's domain, where it had to be found.
    pub organisation: Option<String>,
    /// The record that applies.
    pub found: Option<Found>,
    /// The domain that SPF passed is aligned.
    pub spf_aligned: bool,
    /// The signatures whose domains are aligned, as far as was looked.
    pub dkim_aligned: Vec<DkimPass>,
    /// Why there is an error, or no policy.
    pub problem: Option<String>,
    /// What was asked and heard.
    pub facts: Vec<Fact>,
}

/// Evaluates DMARC for one author domain.
///
/// `spf` is the domain of MAIL FROM (of HELO for the null sender) if SPF passed it
/// (`spf::Outcome::passed`), `dkim` the signatures that verified. Asks at most [`QUESTIONS_MAX`]
/// questions and returns by `deadline`. Never fails: what goes wrong is a result. Several authors
/// of different domains are the caller's to judge, one by one.
pub async fn check(
    resolver: &dyn Resolver,
    author: &Domain,
    spf: Option<&Domain>,
    dkim: &[DkimPass],
    deadline: Instant,
) -> Outcome {
    let outcome = Outcome {
        author: author.clone(),
        result: DmarcResult::None,
        disposition: Policy::None,
        policy: None,
        organisation: None,
        found: None,
        spf_aligned: false,
        dkim_aligned: Vec::new(),
        problem: None,
        facts: Vec::new(),
    };
    let inquiry = Inquiry::new(resolver, QUESTIONS_MAX, deadline);
    let mut check = Check { inquiry, author, spf, dkim, outcome };
    if let Err(missing) = check.run().await {
        check.outcome.result = error_of(missing);
        check.outcome.problem = Some(missing.words().to_owned());
    }
    Outcome { facts: check.inquiry.into_facts(), ..check.outcome }
}

fn error_of(missing: Missing) -> DmarcResult {
    match missing {
        Missing::Temporary => DmarcResult::TempError,
        _ => DmarcResult::PermError,
    }
}

/// What cannot be read, or would take too many questions, is not aligned: the signer chose those
/// names, and must not make a failure milder by them.
fn settle(aligned: Result<bool, Missing>, uncertain: &mut Option<Missing>) -> bool {
    if aligned == Err(Missing::Temporary) {
        *uncertain = Some(Missing::Temporary);
    }
    aligned.unwrap_or(false)
}

struct Check<'a> {
    inquiry: Inquiry<'a>,
    author: &'a Domain,
    spf: Option<&'a Domain>,
    dkim: &'a [DkimPass],
    outcome: Outcome,
}

impl Check<'_> {
    /// Fails where a record that is needed cannot be had.
    async fn run(&mut self) -> Result<(), Missing> {
        let own = walk::record_at(&mut self.inquiry, self.author.as_str()).await?;
        if let Some(own) = own.filter(|own| self.needs_no_walk(own)) {
            let found =
                self.found(At { name: self.author.to_string(), record: own }, Place::Author);
            let Some(policies) = found.record.policies else { return Ok(()) };
            return self.judge(&found, policies, None).await;
        }
        let walked = walk::walk(&mut self.inquiry, self.author).await?;
        let organisation = walk::organisation(self.author, &walked).to_owned();
        self.outcome.organisation = Some(organisation.clone());
        let Some((at, place)) = self.applicable(walked, &organisation) else {
            self.outcome.problem = Some("there is no record".to_owned());
            return Ok(());
        };
        let found = self.found(at, place);
        let Some(policies) = found.record.policies else { return Ok(()) };
        self.judge(&found, policies, Some(&organisation)).await
    }

    /// Whether the author's own record settles it: it cannot be used, an identifier is equal, or
    /// nothing but equal would do.
    fn needs_no_walk(&self, own: &Record) -> bool {
        let signed = self.dkim.iter().any(|pass| pass.domain == *self.author);
        let settled = own.policies.is_none() || self.spf == Some(self.author) || signed;
        let spf_is_strict = self.spf.is_none() || own.spf == Alignment::Strict;
        let dkim_is_strict = self.dkim.is_empty() || own.dkim == Alignment::Strict;
        settled || (spf_is_strict && dkim_is_strict)
    }

    /// RFC 9989 §4.10.1: the author's own record, its organisation's, the public suffix's; never
    /// one that lies between.
    fn applicable(&self, walked: Vec<At>, organisation: &str) -> Option<(At, Place)> {
        let place = |at: &At| match at.name.as_str() {
            name if name == self.author.as_str() => Some(Place::Author),
            name if name == organisation => Some(Place::Organisation),
            _ if at.record.suffix == Suffix::Public => Some(Place::PublicSuffix),
            _ => None,
        };
        // The longest name is the nearest.
        walked.into_iter().find_map(|at| place(&at).map(|place| (at, place)))
    }

    fn found(&mut self, at: At, place: Place) -> Found {
        let found = Found { domain: at.name, place, record: at.record };
        if found.record.policies.is_none() {
            self.outcome.problem = Some("the record has no usable policy".to_owned());
        }
        self.outcome.found = Some(found.clone());
        found
    }

    async fn judge(
        &mut self,
        found: &Found,
        policies: Policies,
        organisation: Option<&str>,
    ) -> Result<(), Missing> {
        let own = found.place == Place::Author;
        self.outcome.policy = Some(if own { policies.itself } else { policies.below });
        let uncertain = self.align(&found.record, organisation).await;
        if self.outcome.spf_aligned || !self.outcome.dkim_aligned.is_empty() {
            self.outcome.result = DmarcResult::Pass;
            return Ok(());
        }
        if let Some(missing) = uncertain {
            return Err(missing);
        }
        if !own && policies.nonexistent != policies.below && !self.author_exists().await? {
            self.outcome.policy = Some(policies.nonexistent);
        }
        let policy = self.outcome.policy.unwrap_or_default();
        self.outcome.disposition = if found.record.is_test { policy.milder() } else { policy };
        self.outcome.result = DmarcResult::Fail;
        Ok(())
    }

    /// Finds which identifiers are aligned; says whether one of them might be, had the DNS told.
    async fn align(&mut self, record: &Record, organisation: Option<&str>) -> Option<Missing> {
        let mut uncertain = None;
        if let Some(domain) = self.spf {
            let aligned = self.is_aligned(domain, record.spf, organisation).await;
            self.outcome.spf_aligned = settle(aligned, &mut uncertain);
        }
        let (equal, others): (Vec<_>, Vec<_>) =
            self.dkim.iter().partition(|pass| pass.domain == *self.author);
        for pass in equal.into_iter().chain(others.into_iter().take(SIGNERS_MAX)) {
            let aligned = self.is_aligned(&pass.domain, record.dkim, organisation).await;
            if settle(aligned, &mut uncertain) {
                self.outcome.dkim_aligned.push(pass.clone());
            }
        }
        uncertain
    }

    /// RFC 9989 §4.10.2; without an organisation, only equal names are.
    async fn is_aligned(
        &mut self,
        domain: &Domain,
        alignment: Alignment,
        organisation: Option<&str>,
    ) -> Result<bool, Missing> {
        if domain == self.author {
            return Ok(true);
        }
        let Some(organisation) = organisation.filter(|_| alignment == Alignment::Relaxed) else {
            return Ok(false);
        };
        // A name elsewhere cannot have the same organisation: strangers' signatures cost nothing.
        if !domain.ancestors().any(|name| name == organisation) {
            return Ok(false);
        }
        let walked = walk::walk(&mut self.inquiry, domain).await?;
        Ok(walk::organisation(domain, &walked) == organisation)
    }

    /// Whether the author's name exists (RFC 8020): asked for an address, but nothing there is not
    /// the same as no such name.
    async fn author_exists(&mut self) -> Result<bool, Missing> {
        match self.inquiry.ask(&Name::from(self.author), Kind::Ipv4).await {
            Err(Missing::NoSuchName) => Ok(false),
            Err(Missing::Temporary) => Err(Missing::Temporary),
            Ok(_) | Err(_) => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests;
