//! Judging a message: stages, findings, verdicts, rendition. Stores nothing and counts nothing, so
//! that a scan, an explanation or a milter may ask as well.

use crate::pipeline::{self, Facts};
use crate::{Filter, Mail, decide, headers, received, rendition};
use mail::{Finding, Judgement, Timestamp};

/// The filter's whole answer about a message.
///
/// `known` are findings that were made before the content was looked at: what the access map says
/// of the header From.
pub async fn judge(
    filter: &Filter,
    mail: &Mail<'_>,
    known: Vec<Finding>,
    now: Timestamp,
) -> Judgement {
    let rules = filter.in_force();
    let envelope = mail.envelope;
    let directory = filter.directory();
    let ours =
        |domain: &mail::Domain| *domain == rules.hostname || directory.domain(domain).is_some();
    let forged = headers::forged(mail.index, envelope.origin, ours);
    let facts = Facts { rules: &rules, forged: &forged, now };
    let mut findings = known;
    findings.extend(pipeline::run(mail, &facts).await);
    let verdicts = decide::decide(envelope, &findings);
    let fields = received::fields(envelope, mail.id, &rules.hostname, now);
    let rendition = rendition::build(mail.index, fields, &forged);
    Judgement { findings, verdicts, rendition }
}
