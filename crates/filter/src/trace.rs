//! The rows that the trace keeps of a message: one of the message, one of each finding, one of each
//! recipient.

use crate::{Mail, decide};
use mail::{
    BodyKind, Envelope, Event, Finding, HeldPart, Judgement, Reason, Recipient, Refusal, Timestamp,
    TraceRow, Verdict,
};
use smtp::reply::{Severity, for_refusal};
use std::fmt::Write;

/// Findings of one message that are listed; a stage reports a handful.
const FINDINGS_MAX: usize = 50;
/// Recipients of a message that was not kept which are listed; they were all told the same.
const REFUSED_MAX: usize = 100;

/// Every row of a judged message.
pub fn rows(mail: &Mail<'_>, judgement: &Judgement, now: Timestamp) -> Vec<TraceRow> {
    let base = base(mail, now);
    let mut rows = match decide::mildest(&judgement.verdicts) {
        verdict @ (None | Some(Verdict::Deliver(..) | Verdict::Quarantine(..))) => {
            let recipients = mail.envelope.recipients.iter().zip(&judgement.verdicts);
            let mut message = verdict.map_or_else(|| base.clone(), |verdict| told(&base, verdict));
            let blank = if message.detail.is_empty() { "" } else { " " };
            let _ = write!(message.detail, "{blank}{}", facts(mail));
            if !judgement.authentication.is_empty() {
                let _ = write!(message.detail, " {}", judgement.authentication);
            }
            let fates = recipients.map(|(recipient, verdict)| fate(&base, recipient, verdict));
            std::iter::once(message).chain(fates).collect()
        }
        Some(verdict) => not_kept(mail, &base, verdict),
    };
    // The finding that decided is told by the message's own row.
    let decided = rows.first().map(|row| (row.reason, row.rule.clone()));
    let others = judgement.findings.iter().filter(|finding| {
        decided
            .as_ref()
            .is_none_or(|(reason, rule)| (finding.reason, &finding.rule) != (*reason, rule))
    });
    rows.extend(others.take(FINDINGS_MAX).map(|found| finding(&base, found)));
    rows.extend(judgement.held.iter().take(FINDINGS_MAX).map(|part| held(&base, part)));
    rows
}

/// Every row of a message that could not be judged: the same refusal for all.
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
    not_kept(mail, &base(mail, now), &verdict)
}

/// The rows of a message that all were told the same of. One that has a single recipient is told
/// in one row: a peer can cause many of them.
fn not_kept(mail: &Mail<'_>, base: &TraceRow, verdict: &Verdict) -> Vec<TraceRow> {
    let recipients = &mail.envelope.recipients;
    let mut message = told(base, verdict);
    let blank = if message.detail.is_empty() { "" } else { " " };
    let _ = write!(message.detail, "{blank}{}", facts(mail));
    match (recipients.as_slice(), verdict) {
        ([single], Verdict::Refuse(_) | Verdict::Later(_)) => {
            vec![TraceRow { recipient: single.address.to_string(), ..message }]
        }
        _ => {
            let recipients = recipients.iter().take(REFUSED_MAX);
            let fates = recipients.map(|recipient| fate(base, recipient, verdict));
            std::iter::once(message).chain(fates).collect()
        }
    }
}

/// The reply code that a verdict is answered with.
pub(crate) fn reply(verdict: &Verdict) -> u16 {
    match verdict {
        Verdict::Deliver(..) | Verdict::Quarantine(..) | Verdict::Discard(_) => 250,
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
        peer: peer.place(),
        sender: sender.to_string(),
        recipient: String::new(),
        reply: 250,
        reason: Reason::Unopposed,
        rule: String::new(),
        detail: String::new(),
    }
}

fn told(base: &TraceRow, verdict: &Verdict) -> TraceRow {
    let mut row = TraceRow { reply: reply(verdict), ..base.clone() };
    if let Verdict::Refuse(refusal)
    | Verdict::Later(refusal)
    | Verdict::Discard(refusal)
    | Verdict::Quarantine(refusal, ..) = verdict
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

/// A part that is held while the rest goes its way.
fn held(base: &TraceRow, part: &HeldPart) -> TraceRow {
    let HeldPart { name, media_type, size, sha256, reason, rule, detail, .. } = part;
    let (name, media_type) = (word(name), word(media_type));
    TraceRow {
        event: Event::Quarantined,
        reply: 0,
        reason: *reason,
        rule: rule.clone(),
        detail: format!("part={name} type={media_type} size={size} sha256={sha256} {detail}"),
        ..base.clone()
    }
}

/// What became of the message for one recipient.
fn fate(base: &TraceRow, recipient: &Recipient, verdict: &Verdict) -> TraceRow {
    let row = TraceRow { recipient: recipient.address.to_string(), ..told(base, verdict) };
    match verdict {
        Verdict::Deliver(placements, onward) => TraceRow {
            event: if placements.is_empty() { Event::Queued } else { Event::Delivered },
            reason: recipient.permit.reason(),
            rule: recipient.permit.rule().to_owned(),
            detail: placed(recipient, placements, onward),
            ..row
        },
        Verdict::Quarantine(..) => TraceRow { event: Event::Quarantined, ..row },
        Verdict::Discard(_) => TraceRow { event: Event::Discarded, ..row },
        Verdict::Refuse(_) | Verdict::Later(_) => TraceRow { event: Event::Recipient, ..row },
    }
}

fn placed(
    recipient: &Recipient,
    placements: &[mail::Placement],
    onward: &[mail::Onward],
) -> String {
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
    for onward in onward {
        let blank = if detail.is_empty() { "" } else { " " };
        let _ = write!(detail, "{blank}on={}", onward.address);
    }
    detail
}

/// What an administrator wants to know of a message, without its content.
fn facts(mail: &Mail<'_>) -> String {
    let Envelope { peer, body, smtputf8, .. } = mail.envelope;
    let mut facts = format!("size={}", mail.index.size);
    if let Some(id) = mail.index.message_id() {
        let _ = write!(facts, " message_id={}", word(&id));
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::{refusal_rows, rows, word};
    use crate::testing::{envelope, index};
    use crate::{Mail, decide};
    use mail::{
        Envelope, Event, Finding, Judgement, MessageId, Reason, Refusal, Rendition, ReplyText,
        Suggestion, Timestamp, TraceRow,
    };
    use smtp::reply::Severity;

    fn judged(envelope: &Envelope, suggestion: Option<Suggestion>) -> Vec<TraceRow> {
        let finding = |suggestion| Finding {
            stage: "subject",
            rule: "subject 7".to_owned(),
            reason: Reason::SubjectProhibited,
            score: 0.0,
            detail: "pattern=x".to_owned(),
            suggestion,
        };
        let findings: Vec<_> = suggestion.into_iter().map(finding).collect();
        let verdicts = decide::decide(envelope, &findings);
        let judgement = Judgement {
            findings,
            authentication: String::new(),
            sender_known: true,
            author_known: true,
            verdicts,
            rendition: Rendition::default(),
            onward: None,
            full: None,
            held: Vec::new(),
        };
        with_mail(envelope, |mail| rows(mail, &judgement, Timestamp(1_000)))
    }

    fn with_mail<T>(envelope: &Envelope, ask: impl FnOnce(&Mail<'_>) -> T) -> T {
        let index = index("Message-ID: <a b@c.example>\r\n");
        let body = store::Body::from_bytes(&b"x"[..]).unwrap();
        ask(&Mail { id: MessageId(5), envelope, index: &index, body: &body })
    }

    fn short(rows: &[TraceRow]) -> Vec<(Event, &str, u16, &str, &str)> {
        let short = |row: &TraceRow| row.reason.word();
        rows.iter()
            .map(|r| (r.event, r.recipient.as_str(), r.reply, short(r), r.rule.as_str()))
            .collect()
    }

    #[test]
    fn what_is_kept_is_told_of_each_recipient() {
        let envelope = envelope(&["anna@example.org", "ben@example.org"]);
        let rows = judged(&envelope, None);
        assert_eq!(
            short(&rows),
            [
                (Event::Message, "", 250, "unopposed", ""),
                (
                    Event::Delivered,
                    "anna@example.org",
                    250,
                    "local_account",
                    "account anna@example.org"
                ),
                (
                    Event::Delivered,
                    "ben@example.org",
                    250,
                    "local_account",
                    "account ben@example.org"
                ),
            ]
        );
        let facts = "size=39 message_id=<a_b@c.example> helo=client.example";
        assert_eq!(rows[0].detail, facts);
        assert!(rows[1].detail.starts_with("account="), "{}", rows[1].detail);
        assert!(rows.iter().all(|row| row.message == Some(MessageId(5)) && row.session.is_some()));
    }

    #[test]
    fn what_is_not_kept_names_its_rule() {
        let single = envelope(&["anna@example.org"]);
        let two = envelope(&["anna@example.org", "ben@example.org"]);
        let own = ReplyText { code: 554, enhanced: None, text: "no".to_owned() };
        let (anna, ben) = ("anna@example.org", "ben@example.org");
        let (subject, rule) = ("subject_prohibited", "subject 7");
        for (suggestion, reply) in [
            (Suggestion::Refuse(None), 553),
            (Suggestion::Refuse(Some(own)), 554),
            (Suggestion::Later, 450),
        ] {
            let message = |anna| (Event::Message, anna, reply, subject, rule);
            let recipient = |name| (Event::Recipient, name, reply, subject, rule);
            assert_eq!(short(&judged(&single, Some(suggestion.clone()))), [message(anna)]);
            let rows = judged(&two, Some(suggestion));
            assert_eq!(short(&rows), [message(""), recipient(anna), recipient(ben)]);
            assert!(rows[0].detail.starts_with("pattern=x size=39 "), "{}", rows[0].detail);
        }
        assert_eq!(
            short(&judged(&single, Some(Suggestion::Discard))),
            [
                (Event::Message, "", 250, subject, rule),
                (Event::Discarded, anna, 250, subject, rule),
            ]
        );
        let (reason, held) = (subject, Suggestion::Quarantine);
        let held = judged(&single, Some(held));
        assert_eq!(
            short(&held),
            [
                (Event::Message, "", 250, reason, rule),
                (Event::Quarantined, anna, 250, reason, rule),
            ]
        );
        assert!(held[0].detail.starts_with("pattern=x size=39 "), "{}", held[0].detail);
        let noted = judged(&single, Some(Suggestion::Note));
        assert_eq!(short(&noted)[2], (Event::Finding, "", 0, subject, rule));
    }

    #[test]
    fn a_crowd_that_is_refused_is_cut_a_crowd_that_is_kept_is_not() {
        let mut envelope = envelope(&["anna@example.org"]);
        envelope.recipients = vec![envelope.recipients[0].clone(); 500];
        assert_eq!(judged(&envelope, None).len(), 501);
        assert_eq!(judged(&envelope, Some(Suggestion::Refuse(None))).len(), 101);
        let refusal = Refusal::new(Reason::FilterTimeout);
        let rows = with_mail(&envelope, |mail| {
            refusal_rows(mail, Severity::Temporary, &refusal, Timestamp(0))
        });
        assert_eq!((rows.len(), rows[0].reply), (101, 451));
    }

    #[test]
    fn a_value_cannot_pose_as_another_key() {
        assert_eq!(word("a size=1\r\nb"), "a_size=1__b");
    }
}
