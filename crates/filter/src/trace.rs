//! The rows that the trace keeps of a message: one of the message, one of each finding, one of each
//! recipient.

use crate::{Mail, decide};
use mail::{
    BodyKind, Envelope, Event, Finding, Judgement, Reason, Recipient, Refusal, ReversePath,
    Timestamp, TraceRow, Verdict,
};
use smtp::reply::{Severity, for_refusal};
use std::fmt::Write;

/// Findings of one message that are listed; a stage reports a handful.
const FINDINGS_MAX: usize = 50;
/// Recipients of a message that was not kept which are listed; they were all told the same.
const REFUSED_MAX: usize = 100;

/// Every row of a judged message.
pub fn rows(mail: &Mail<'_>, judgement: &Judgement, now: Timestamp) -> Vec<TraceRow> {
    let envelope = mail.envelope;
    let base = base(mail, now);
    let answer = decide::mildest(&judgement.verdicts);
    let kept = matches!(answer, Some(Verdict::Deliver(_)));
    let recipients_max = if kept { usize::MAX } else { REFUSED_MAX };
    let mut rows = Vec::with_capacity(1 + judgement.findings.len() + envelope.recipients.len());
    rows.push(TraceRow {
        detail: facts(mail),
        ..answer.map_or_else(|| base.clone(), |verdict| told(&base, verdict))
    });
    rows.extend(judgement.findings.iter().take(FINDINGS_MAX).map(|found| finding(&base, found)));
    let recipients = envelope.recipients.iter().zip(&judgement.verdicts).take(recipients_max);
    rows.extend(recipients.map(|(recipient, verdict)| fate(&base, recipient, verdict)));
    rows
}

/// Every row of a message that could not be judged or kept: the same refusal for all.
pub fn refusal_rows(
    mail: &Mail<'_>,
    severity: Severity,
    refusal: &Refusal,
    now: Timestamp,
) -> Vec<TraceRow> {
    let verdict = match severity {
        Severity::Permanent => Verdict::Refuse(refusal.clone()),
        Severity::Temporary => Verdict::Later(refusal.clone()),
    };
    let base = base(mail, now);
    let mut rows = vec![told(&base, &verdict)];
    let recipients = mail.envelope.recipients.iter().take(REFUSED_MAX);
    rows.extend(recipients.map(|recipient| fate(&base, recipient, &verdict)));
    rows
}

/// The reply code that a verdict is answered with.
pub(crate) fn reply(verdict: &Verdict) -> u16 {
    match verdict {
        Verdict::Deliver(_) | Verdict::Discard(_) => 250,
        Verdict::Refuse(refusal) => for_refusal(Severity::Permanent, refusal).code,
        Verdict::Later(refusal) => for_refusal(Severity::Temporary, refusal).code,
    }
}

fn base(mail: &Mail<'_>, now: Timestamp) -> TraceRow {
    let Envelope { peer, sender, .. } = mail.envelope;
    TraceRow {
        at: now,
        event: Event::Message,
        session: Some(peer.session),
        message: Some(mail.id),
        door: peer.door.word().to_owned(),
        peer: peer.ip.to_string(),
        sender: sender_text(sender),
        recipient: String::new(),
        reply: 250,
        reason: Reason::Unopposed,
        rule: String::new(),
        detail: String::new(),
    }
}

/// The sender as trace and log show it.
pub(crate) fn sender_text(sender: &ReversePath) -> String {
    sender.to_string()
}

fn told(base: &TraceRow, verdict: &Verdict) -> TraceRow {
    let mut row = TraceRow { reply: reply(verdict), ..base.clone() };
    if let Verdict::Refuse(refusal) | Verdict::Later(refusal) | Verdict::Discard(refusal) = verdict
    {
        row.reason = refusal.reason;
        row.rule.clone_from(&refusal.rule);
        row.detail.clone_from(&refusal.detail);
    }
    row
}

fn finding(base: &TraceRow, finding: &Finding) -> TraceRow {
    TraceRow {
        event: Event::Finding,
        reply: 0,
        reason: finding.reason,
        rule: finding.rule.clone(),
        detail: format!("stage={} {}", finding.stage, finding.detail),
        ..base.clone()
    }
}

/// What became of the message for one recipient.
fn fate(base: &TraceRow, recipient: &Recipient, verdict: &Verdict) -> TraceRow {
    let row = TraceRow { recipient: recipient.address.to_string(), ..told(base, verdict) };
    match verdict {
        Verdict::Deliver(placements) => TraceRow {
            event: Event::Delivered,
            reason: recipient.permit.reason(),
            rule: recipient.permit.rule().to_owned(),
            detail: placed(recipient, placements),
            ..row
        },
        Verdict::Discard(_) => TraceRow { event: Event::Discarded, ..row },
        Verdict::Refuse(_) | Verdict::Later(_) => TraceRow { event: Event::Recipient, ..row },
    }
}

fn placed(recipient: &Recipient, placements: &[mail::Placement]) -> String {
    let mut detail = String::new();
    for placement in placements {
        let blank = if detail.is_empty() { "" } else { " " };
        let _ =
            write!(detail, "{blank}account={} mailbox={}", placement.account, placement.mailbox);
    }
    let alias = recipient.permit.reason() == Reason::LocalAlias;
    for target in recipient.targets.iter().filter(|_| alias) {
        let _ = write!(detail, " to={}", target.address);
    }
    detail
}

/// What an administrator wants to know of a message, without its content.
fn facts(mail: &Mail<'_>) -> String {
    let Envelope { peer, body, smtputf8, .. } = mail.envelope;
    let mut facts = format!("size={}", mail.index.size);
    if let Some(greeting) = &peer.helo {
        let _ = write!(facts, " helo={}", word(greeting));
    }
    if let Some(tls) = &peer.tls {
        let _ = write!(facts, " tls={}", word(tls));
    }
    if let Some(login) = &peer.login {
        let _ = write!(facts, " login={}", word(&login.address.to_string()));
    }
    if *body == BodyKind::EightBitMime {
        facts.push_str(" body=8bitmime");
    }
    if *smtputf8 {
        facts.push_str(" smtputf8=yes");
    }
    facts
}

/// One value of `key=value`: no blanks, no controls, so that it cannot pose as another key.
fn word(text: &str) -> String {
    let harmless = |c: char| !(c.is_whitespace() || c.is_control());
    text.chars().map(|c| if harmless(c) { c } else { '_' }).take(255).collect()
}
