//! The stages, in the order they look at a message. A new stage is a variant here, a line in
//! [`STAGES`], and a module of its own.

use crate::authentication::stage as authentication;
use crate::authentication::{author, evidence::Evidence};
use crate::headers::{self, Forged};
use crate::rules::InForce;
use crate::{Mail, subject};
use mail::{Domain, Finding, Suggestion, Timestamp};

/// One step of the filter: looks at the message, reports facts, decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Forged trace fields, mail in circles.
    Headers,
    /// Who the message is from.
    Authentication,
    /// Prohibited subjects.
    Subject,
}

/// The stages that look at the message alone.
pub const CHEAP: &[Stage] = &[Stage::Headers, Stage::Subject];
/// The stages that others had to be asked for; where a cheap one refuses, nobody is asked.
/// The attachment and scanner stages follow them (`judge`), for those take a worker and others'
/// programs; spam will stand here too.
pub const COSTLY: &[Stage] = &[Stage::Authentication];

/// What stages may look at beside the message.
pub(crate) struct Facts<'a> {
    /// The rules in force.
    pub(crate) rules: &'a InForce,
    /// The fields that claim to be ours.
    pub(crate) forged: &'a [Forged],
    /// What is proved of a stranger's message.
    pub(crate) evidence: Option<&'a Evidence>,
    /// Whether a domain is one of our own.
    pub(crate) is_own: &'a (dyn Fn(&Domain) -> bool + Sync),
    /// The time, for what expires.
    pub(crate) now: Timestamp,
}

impl Stage {
    /// Lets this stage look at a message.
    fn look(self, mail: &Mail<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        match self {
            Stage::Headers => headers::look(mail.index, facts.forged, facts.rules.hops_max),
            Stage::Authentication => from(mail, facts),
            Stage::Subject => subject::look(mail.index, &facts.rules.subjects, facts.now),
        }
    }
}

/// Lets these stages look, and gathers what they say.
pub(crate) fn run(stages: &[Stage], mail: &Mail<'_>, facts: &Facts<'_>) -> Vec<Finding> {
    stages.iter().flat_map(|stage| stage.look(mail, facts)).collect()
}

/// What follows from who the message is from. Who is known to policy only has to name an author; a
/// device in a named network, which may never have learned to, only has that noted.
fn from(mail: &Mail<'_>, facts: &Facts<'_>) -> Vec<Finding> {
    let envelope = mail.envelope;
    if let Some(evidence) = facts.evidence {
        let (sealers, lists) = (&facts.rules.trusted_sealers, &facts.rules.mailing_lists);
        let trust = authentication::Trust { sealers, lists, is_own: facts.is_own };
        return authentication::look(evidence, mail.index, &trust);
    }
    if envelope.origin == mail::Origin::Own {
        return Vec::new();
    }
    let Err(why) = author::domains(mail.index, true) else { return Vec::new() };
    let finding = authentication::unusable(&why);
    let noted = |finding| Finding { suggestion: Suggestion::Note, ..finding };
    let finding = if envelope.peer.login.is_some() { finding } else { finding.map(noted) };
    finding.into_iter().collect()
}
