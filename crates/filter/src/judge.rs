//! Judging a message: stages, findings, verdicts, rendition. Stores nothing and counts nothing, so
//! that a scan, an explanation or a milter may ask as well.

use crate::pipeline::{self, Facts};
use crate::{Filter, Mail, decide, headers, received, rendition, submission};
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
    let stamp = received::Stamp { envelope, message: mail.id, hostname: &rules.hostname, now };
    let mended = submission::mended(mail, &rules.hostname, now);
    let (left_out, added) = (rendition::left_out(&forged, &mended.removed), &mended.added);
    let fields = received::return_path(envelope) + &stamp.received() + added;
    let rendition = rendition::build(mail.index, fields, &left_out);
    let is_sent_on = envelope.recipients.iter().any(|recipient| !recipient.onward.is_empty());
    let onward =
        is_sent_on.then(|| rendition::build(mail.index, stamp.received() + added, &left_out));
    Judgement { findings, verdicts, rendition, onward }
}
