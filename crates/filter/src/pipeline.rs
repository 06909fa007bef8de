//! The stages, in the order they look at a message. A new stage is a variant here, a line in
//! [`STAGES`], and a module of its own.

use crate::headers::{self, Forged};
use crate::rules::InForce;
use crate::{Mail, subject};
use mail::{Finding, Timestamp};

/// One step of the filter: looks at the message, reports facts, decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Forged trace fields, mail in circles.
    Headers,
    /// Prohibited subjects.
    Subject,
}

/// Every stage, in order. Authentication will stand before `Subject`; attachment, scanner and spam
/// behind it: cheap stages first, because a later one may cost a scan.
pub const STAGES: &[Stage] = &[Stage::Headers, Stage::Subject];

/// What stages may look at beside the message.
pub(crate) struct Facts<'a> {
    /// The rules in force.
    pub(crate) rules: &'a InForce,
    /// The fields that claim to be ours.
    pub(crate) forged: &'a [Forged],
    /// The time, for what expires.
    pub(crate) now: Timestamp,
}

impl Stage {
    /// Lets this stage look at a message. (Asynchronous for the stages to come: those that ask
    /// DNS or a scanner.)
    #[expect(clippy::unused_async, reason = "stages that ask others come with later issues")]
    async fn look(self, mail: &Mail<'_>, facts: &Facts<'_>) -> Vec<Finding> {
        match self {
            Stage::Headers => headers::look(mail.index, facts.forged, facts.rules.hops_max),
            Stage::Subject => subject::look(mail.index, &facts.rules.subjects, facts.now),
        }
    }
}

/// Lets every stage look, and gathers what they say.
pub(crate) async fn run(mail: &Mail<'_>, facts: &Facts<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for stage in STAGES {
        findings.extend(stage.look(mail, facts).await);
    }
    findings
}
