//! Judging a message: stages, findings, verdicts, rendition. Stores nothing and counts nothing, so
//! that a scan, an explanation or a milter may ask as well.

use crate::attachment::{self, Looking};
use crate::authentication::evidence::{self, Evidence, Given};
use crate::authentication::message::Message;
use crate::authentication::results;
use crate::pipeline::{self, CHEAP, COSTLY, Facts};
use crate::rules::InForce;
use crate::{
    Filter, Mail, decide, forwarding, headers, received, rendition, scanner, sealing, signing,
    submission,
};
use mail::{
    Domain, Door, Envelope, Finding, Judgement, Origin, Reason, Rendition, Timestamp, Verdict,
};

/// The filter's whole answer about a message.
///
/// `known` are findings that were made before the content was looked at: what the access map says
/// of the header From.
///
/// # Errors
/// The body cannot be read.
pub async fn judge(
    filter: &Filter,
    mail: &Mail<'_>,
    known: Vec<Finding>,
    now: Timestamp,
) -> Result<Judgement, store::Error> {
    let rules = filter.in_force();
    let envelope = mail.envelope;
    let directory = filter.directory();
    let is_own = |domain: &Domain| directory.domain(domain).is_some();
    let ours = |domain: &Domain| *domain == rules.hostname || is_own(domain);
    let forged = headers::forged(mail.index, envelope.origin, ours);
    let facts = Facts { rules: &rules, forged: &forged, evidence: None, is_own: &is_own, now };
    let mut findings = known;
    findings.extend(pipeline::run(CHEAP, mail, &facts));
    let evidence = match decide::is_refused(&findings) {
        true => None,
        false => gather(filter, &rules, mail, now).await?,
    };
    let facts = Facts { evidence: evidence.as_ref(), ..facts };
    findings.extend(pipeline::run(COSTLY, mail, &facts));
    // Whoever is refused already is not looked into: nobody will see it.
    let looking = match decide::is_refused(&findings) {
        true => Looking::default(),
        false => attachment::look(filter, &rules, mail).await?,
    };
    findings.extend(looking.findings);
    scan(filter, &rules, mail, &mut findings, now).await;
    let mut verdicts = decide::decide(envelope, &findings);
    if envelope.peer.door != Door::Lmtp {
        decide::one_answer(envelope, &mut verdicts);
    }
    let stamp = received::Stamp { envelope, message: mail.id, hostname: &rules.hostname, now };
    let mended = submission::mended(mail, &rules.hostname, now);
    // Who releases a message wants it whole.
    let holds = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Quarantine(..)));
    let (surgery, held) = match holds {
        true => (Vec::new(), Vec::new()),
        false => (looking.edits, looking.held),
    };
    let is_changed = !surgery.is_empty();
    let edits = rendition::edits(&forged, &mended.removed, surgery);
    let told = evidence.as_ref().map(Evidence::results);
    let told = told.map(|told| results::field(&rules.hostname, &told)).unwrap_or_default();
    let fields = told + &stamp.received() + &mended.added;
    let shown = received::return_path(envelope) + &fields;
    let full = (holds || !held.is_empty()).then(|| {
        let edits = rendition::edits(&forged, &mended.removed, Vec::new());
        rendition::build(mail.index, shown.clone(), &edits)
    });
    let mut rendition = rendition::build(mail.index, shown, &edits);
    if let (true, Some(found)) = (is_changed, &evidence) {
        // Signatures break by surgery: our word that they held goes with what is shown.
        rendition = sealing::sealed(filter, mail, rendition, (&rules.hostname, found), now).await?;
    }
    let sender_known = is_known(envelope, evidence.as_ref());
    let here = (&rules.hostname, ours);
    forwarding::rewrite(filter, envelope, &mut verdicts, sender_known, here, now);
    let mut onward = None;
    if verdicts.iter().any(is_sent_on) {
        let bare = rendition::build(mail.index, fields, &edits);
        match vouched(filter, mail, bare, (&rules.hostname, evidence.as_ref()), now).await {
            Ok(vouched) => onward = Some(vouched),
            Err(error) => verdicts.fill(signing::not_read(&error)),
        }
    }
    Ok(Judgement {
        full,
        held,
        authentication: evidence.as_ref().map(Evidence::summary).unwrap_or_default(),
        sender_known,
        author_known: evidence.as_ref().is_some_and(Evidence::vouches_for_author),
        findings,
        verdicts,
        rendition,
        onward,
    })
}

/// Shows a message to the scanners. What is held is scanned too: who releases it should know.
async fn scan(
    filter: &Filter,
    rules: &InForce,
    mail: &Mail<'_>,
    findings: &mut Vec<Finding>,
    now: Timestamp,
) {
    if decide::is_refused(findings) {
        return;
    }
    let scanned = scanner::look(filter, rules, mail, now).await;
    let is_virus = |finding: &Finding| finding.reason == Reason::VirusFound;
    let (viruses, others): (Vec<_>, Vec<_>) = scanned.into_iter().partition(is_virus);
    // Of several reasons to hold a message, this one is named.
    findings.splice(0..0, viruses);
    findings.extend(others);
}

/// What is sent on, with our word for it: signed where it is ours, sealed where it is a stranger's.
async fn vouched(
    filter: &Filter,
    mail: &Mail<'_>,
    bare: Rendition,
    (hostname, evidence): (&Domain, Option<&Evidence>),
    now: Timestamp,
) -> Result<Rendition, store::Error> {
    match evidence {
        None => signing::signed(filter, mail, bare, now).await,
        Some(found) => sealing::sealed(filter, mail, bare, (hostname, found), now).await,
    }
}

/// Whether it is sent on, or would be once it is released: then as it was vouched for when it came.
fn is_sent_on(verdict: &Verdict) -> bool {
    let (Verdict::Deliver(_, onward) | Verdict::Quarantine(_, _, onward)) = verdict else {
        return false;
    };
    !onward.is_empty()
}

/// What the DNS and signatures prove of a stranger's message; of others we know who they are.
async fn gather(
    filter: &Filter,
    rules: &InForce,
    mail: &Mail<'_>,
    now: Timestamp,
) -> Result<Option<Evidence>, store::Error> {
    let Envelope { peer, origin, from_outside, sender, .. } = mail.envelope;
    if *origin == Origin::Own || !from_outside || peer.door != Door::Smtp {
        return Ok(None);
    }
    let message = Message::received(mail.index, mail.body);
    let (ip, helo, receiver) = (Some(peer.ip), peer.helo.as_deref(), &rules.hostname);
    let given = Given { ip, helo, sender, receiver, now };
    evidence::gather(filter.resolver(), mail.index, &message, &given).await.map(Some)
}

/// Whether what becomes of the message may be told to its sender.
fn is_known(envelope: &Envelope, evidence: Option<&Evidence>) -> bool {
    match evidence {
        Some(evidence) => evidence.vouches_for(&envelope.sender),
        None => !envelope.from_outside,
    }
}
