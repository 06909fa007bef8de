//! The authentication stage: what follows from who a message is from.
//!
//! Pure: it takes the [`Evidence`] and says what should be done. What an author's domain wishes is
//! done for mail of strangers alone; of clients that logged in or may send to anywhere, `policy`
//! knows who they are.

use super::arc::ChainResult;
use super::author::NoAuthor;
use super::dmarc::record::Policy;
use super::dmarc::{self, DmarcResult};
use super::evidence::Evidence;
use mail::index::Index;
use mail::{Domain, Finding, Reason, Suggestion};

/// The stage's word in findings.
pub(crate) const STAGE: &str = "authentication";

/// Whom the administrator trusts, and what is ours.
pub(crate) struct Trust<'a> {
    /// Domains whose ARC seals are believed.
    pub(crate) sealers: &'a [Domain],
    /// Domains of mailing lists that change what they send on.
    pub(crate) lists: &'a [Domain],
    /// Whether a domain is one of our own.
    pub(crate) is_own: &'a (dyn Fn(&Domain) -> bool + Sync),
}

/// What the stage says of a stranger's message.
pub(crate) fn look(evidence: &Evidence, index: &Index, trust: &Trust<'_>) -> Vec<Finding> {
    match &evidence.dmarc {
        Err(why) => unusable(why).into_iter().collect(),
        Ok(outcomes) => {
            outcomes.iter().filter_map(|outcome| author(evidence, index, outcome, trust)).collect()
        }
    }
}

/// A message whose From cannot be read, whoever sent it. Where there is none at all, nobody is
/// deceived by it, and nothing speaks against it.
pub(crate) fn unusable(why: &NoAuthor) -> Option<Finding> {
    let refused = *why != NoAuthor::Missing;
    refused.then(|| finding(Reason::FromUnusable, "", why.to_string(), Suggestion::Refuse(None)))
}

/// What speaks against one author.
fn author(
    evidence: &Evidence,
    index: &Index,
    outcome: &dmarc::Outcome,
    trust: &Trust<'_>,
) -> Option<Finding> {
    let objection = objection(evidence, outcome, trust)?;
    let detail = detail(evidence, outcome);
    if let Some((reason, by)) = excuse(evidence, index, outcome, trust) {
        let detail = format!("{detail} instead_of={}", objection.reason);
        return Some(finding(reason, &by, detail, Suggestion::Note));
    }
    // What is put aside is there tomorrow too; what is refused might have passed.
    let refuses = objection.suggestion != Suggestion::Junk;
    if refuses && evidence.is_open_about(&outcome.author) {
        return Some(finding(
            Reason::AuthenticationUnclear,
            &objection.rule,
            detail,
            Suggestion::Later,
        ));
    }
    Some(finding(objection.reason, &objection.rule, detail, objection.suggestion))
}

struct Objection {
    reason: Reason,
    rule: String,
    suggestion: Suggestion,
}

fn objection(
    evidence: &Evidence,
    outcome: &dmarc::Outcome,
    trust: &Trust<'_>,
) -> Option<Objection> {
    let author = &outcome.author;
    if (trust.is_own)(author) {
        let kin = |proved: &Domain| author.is_within(proved) || proved.is_within(author);
        let aligned = outcome.result == DmarcResult::Pass || evidence.proved().any(kin);
        return (!aligned).then(|| Objection {
            reason: Reason::OwnDomainForged,
            rule: format!("domain {author}"),
            suggestion: Suggestion::Refuse(None),
        });
    }
    let published = outcome.found.as_ref().map_or(author.as_str(), |found| found.domain.as_str());
    let rule = format!("dmarc {published}");
    match (outcome.result, outcome.disposition) {
        (DmarcResult::Fail, Policy::Reject) => Some(Objection {
            reason: Reason::DmarcReject,
            rule,
            suggestion: Suggestion::Refuse(None),
        }),
        (DmarcResult::Fail, Policy::Quarantine) => {
            Some(Objection { reason: Reason::DmarcQuarantine, rule, suggestion: Suggestion::Junk })
        }
        _ => None,
    }
}

/// Why the message is taken all the same, and by whose word.
fn excuse(
    evidence: &Evidence,
    index: &Index,
    outcome: &dmarc::Outcome,
    trust: &Trust<'_>,
) -> Option<(Reason, String)> {
    if let Some(sealer) = trusted_sealer(evidence, outcome, trust.sealers) {
        return Some((Reason::TrustedSealer, format!("authentication.trusted_sealers {sealer}")));
    }
    let list = mailing_list(evidence, index, trust.lists)?;
    Some((Reason::MailingList, format!("authentication.mailing_lists {list}")))
}

/// The first sealer of a whole chain, if it is trusted, and says that the author was authentic.
///
/// All later sealers have to be trusted too: any of them could have changed the message, and said
/// what it liked of it (RFC 8617 §9.4).
fn trusted_sealer<'a>(
    evidence: &'a Evidence,
    outcome: &dmarc::Outcome,
    trusted: &[Domain],
) -> Option<&'a Domain> {
    let chain = &evidence.signed.arc;
    let is_trusted = |sealer: &Domain| trusted.iter().any(|known| sealer.is_within(known));
    if chain.result != ChainResult::Pass || !chain.sealers().all(is_trusted) {
        return None;
    }
    let first = chain.sets.first()?;
    says_authentic(&first.results, &outcome.author).then_some(&first.sealer)
}

/// Whether results say that DMARC passed for this author, or failing that, SPF or DKIM for the
/// author's own domain.
fn says_authentic(results: &str, author: &Domain) -> bool {
    let is_own = |clause: &str, properties: &[&str]| {
        clause.split_ascii_whitespace().any(|word| {
            let value = properties.iter().find_map(|name| word.strip_prefix(name));
            let value = value.map(|value| value.trim_matches('"'));
            let host = value.map(|value| value.rsplit('@').next().unwrap_or(value));
            host.and_then(|host| Domain::parse(host).ok()).is_some_and(|host| host == *author)
        })
    };
    // The first clause is the sealer's name.
    results.split(';').skip(1).any(|clause| {
        let clause = clause.trim();
        let method = clause.split_ascii_whitespace().next().unwrap_or_default();
        match method.to_ascii_lowercase().as_str() {
            "dmarc=pass" => is_own(clause, &["header.from="]),
            "dkim=pass" => is_own(clause, &["header.d=", "header.i="]),
            "spf=pass" => is_own(clause, &["smtp.mailfrom="]),
            _ => false,
        }
    })
}

/// The named list that sent the message on: it bears a List-Id, and the list's domain is proved.
fn mailing_list<'a>(evidence: &Evidence, index: &Index, lists: &'a [Domain]) -> Option<&'a Domain> {
    index.field("list-id")?;
    lists.iter().find(|list| evidence.proved().any(|proved| proved.is_within(list)))
}

/// The facts, for the trace.
fn detail(evidence: &Evidence, outcome: &dmarc::Outcome) -> String {
    let mut detail = format!("author={} dmarc={}", outcome.author, outcome.result.word());
    if let Some(policy) = outcome.policy {
        detail.push_str(&format!(" policy={}", policy.word()));
    }
    if let Some([mail_from, _]) = &evidence.spf {
        detail.push_str(&format!(" spf={}:{}", mail_from.result.word(), mail_from.identity));
    }
    for signature in &evidence.signed.dkim.signatures {
        let domain = signature.domain.as_ref().map_or("?", |domain| domain.as_str());
        detail.push_str(&format!(" dkim={}:{domain}", signature.result.word()));
    }
    let chain = &evidence.signed.arc;
    if chain.result != ChainResult::None {
        let sealers: Vec<_> = chain.sealers().map(Domain::as_str).collect();
        detail.push_str(&format!(" arc={}:{}", chain.result.word(), sealers.join(",")));
    }
    detail
}

fn finding(reason: Reason, rule: &str, detail: String, suggestion: Suggestion) -> Finding {
    Finding { stage: STAGE, rule: rule.to_owned(), reason, score: 0.0, detail, suggestion }
}

#[cfg(test)]
mod tests;
