//! The one entrance for mail: a complete message is judged, and kept, refused or discarded.

use crate::judge::judge;
use crate::{Filter, Mail, arrival, decide, held, release, trace};
use mail::index::Index;
use mail::{
    BodyKind, Envelope, Finding, Judgement, MessageId, Origin, Reason, Recipient, Refusal,
    Timestamp, TlsDemand, TraceRow, Verdict,
};
use net::Clock;
use smtp::reply::Severity;
use store::{Acceptance, Body, Store};

/// What became of a message, as its door answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is on stable storage, in every mailbox it belongs to: answer 250.
    Accepted(MessageId),
    /// It is held in the quarantine: answer 250.
    Quarantined(MessageId, Refusal),
    /// A rule says to keep nothing and to say nothing: answer 250.
    Discarded(MessageId, Refusal),
    /// Answer 5yz.
    Refused(Refusal),
    /// Answer 4yz.
    Later(Refusal),
}

/// What is known of a message before its content is looked at.
#[derive(Debug, Default)]
pub struct Known {
    /// What the session and the access map (by the header's From) found.
    pub findings: Vec<Finding>,
    /// Recipients that cannot take it by themselves, by their places in the envelope. Only
    /// [`take_each`] looks at them: the other doors have one answer for all.
    pub against: Vec<(usize, Refusal)>,
    /// The sender, with the permit for our own mail: who hears of a success, where one was asked
    /// for, and that something is held.
    pub sender: Option<Recipient>,
}

/// Takes a complete message; an acceptance is on stable storage when this returns.
///
/// Every decision is in the trace: for kept mail by the same commit.
pub async fn take(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    envelope: Envelope,
    index: Index,
    body: Body,
    known: Known,
) -> Outcome {
    let now = clock.now();
    let weighed = weigh(filter, store, now, &envelope, &index, &body, known.findings).await;
    let Weighed { id, judgement, line } = match weighed {
        Ok(weighed) => weighed,
        Err(outcome) => return outcome,
    };
    let mail = Mail { id, envelope: &envelope, index: &index, body: &body };
    let rows = trace::rows(&mail, &judgement, now);
    let outcome = match decide::mildest(&judgement.verdicts).cloned() {
        Some(Verdict::Refuse(refusal)) => noted(store, rows, Outcome::Refused(refusal)),
        Some(Verdict::Later(refusal)) => noted(store, rows, Outcome::Later(refusal)),
        // What is discarded is answered 250 too: that it was is told by a commit of its own.
        verdict => {
            let (message, received_at, trace) = (id, now, rows);
            let envelope = declared(envelope, &index);
            let acceptance = Acceptance { message, received_at, envelope, body, judgement, trace };
            match keep(filter, store, clock, acceptance, known.sender).await {
                Ok(()) => outcome_of(id, verdict),
                Err(refusal) => Outcome::Later(refusal),
            }
        }
    };
    line.write(&outcome);
    outcome
}

/// The same for a door that answers each recipient by itself (LMTP): who is refused gets nothing,
/// whatever becomes of the others. One outcome for each recipient, in their order.
pub async fn take_each(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    mut envelope: Envelope,
    index: Index,
    body: Body,
    known: Known,
) -> Vec<Outcome> {
    let (now, recipients) = (clock.now(), envelope.recipients.len());
    let weighed = weigh(filter, store, now, &envelope, &index, &body, known.findings).await;
    let Weighed { id, mut judgement, line } = match weighed {
        Ok(weighed) => weighed,
        Err(outcome) => return vec![outcome; recipients],
    };
    for (at, refusal) in known.against {
        if let Some(verdict @ Verdict::Deliver(..)) = judgement.verdicts.get_mut(at) {
            *verdict = Verdict::Later(refusal);
        }
    }
    let mail = Mail { id, envelope: &envelope, index: &index, body: &body };
    let rows = trace::rows(&mail, &judgement, now);
    let verdicts = judgement.verdicts.clone();
    let keeps = |verdict: &Verdict| !matches!(verdict, Verdict::Refuse(_) | Verdict::Later(_));
    let mut failed = None;
    if verdicts.iter().any(keeps) {
        let mut kept = verdicts.iter().map(keeps);
        envelope.recipients.retain(|_| kept.next().unwrap_or_default());
        judgement.verdicts.retain(keeps);
        let (message, received_at, trace) = (id, now, rows);
        let envelope = declared(envelope, &index);
        let acceptance = Acceptance { message, received_at, envelope, body, judgement, trace };
        failed = keep(filter, store, clock, acceptance, known.sender).await.err();
    } else {
        rows.into_iter().for_each(|row| store.note(row));
    }
    let answer = |verdict: Verdict| match &failed {
        Some(refusal) if keeps(&verdict) => Outcome::Later(refusal.clone()),
        _ => outcome_of(id, Some(verdict)),
    };
    let mildest = decide::mildest(&verdicts).cloned();
    mildest.map(answer).iter().for_each(|outcome| line.write(outcome));
    verdicts.into_iter().map(answer).collect()
}

/// A judged message.
struct Weighed {
    id: MessageId,
    judgement: Judgement,
    line: Line,
}

/// Gives a message its number and judges it; the error is the answer for all where that cannot be.
async fn weigh(
    filter: &Filter,
    store: &Store,
    now: Timestamp,
    envelope: &Envelope,
    index: &Index,
    body: &Body,
    known: Vec<Finding>,
) -> Result<Weighed, Outcome> {
    let id = store.message_id(body).await.map_err(|error| not_kept(&error))?;
    let mail = Mail { id, envelope, index, body };
    let judgement = judged(filter, &mail, known, now).await;
    let judgement = judgement.map_err(|refusal| deferred(store, &mail, refusal, now))?;
    filter.count_hits(&judgement);
    let line = Line::new(&mail, judgement.findings.len());
    Ok(Weighed { id, judgement, line })
}

/// What a door answers where the verdict holds. None: there was no recipient.
fn outcome_of(id: MessageId, verdict: Option<Verdict>) -> Outcome {
    match verdict {
        Some(Verdict::Quarantine(refusal, ..)) => Outcome::Quarantined(id, refusal),
        Some(Verdict::Discard(refusal)) => Outcome::Discarded(id, refusal),
        Some(Verdict::Refuse(refusal)) => Outcome::Refused(refusal),
        Some(Verdict::Later(refusal)) => Outcome::Later(refusal),
        Some(Verdict::Deliver(..)) | None => Outcome::Accepted(id),
    }
}

/// Judges a message of our own, and makes ready what the store keeps of it. Nothing is kept yet:
/// the caller commits it with what it belongs to.
///
/// # Errors
/// The message, or the recipient, is not fit to be kept.
pub async fn prepare(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    envelope: Envelope,
    index: Index,
    body: Body,
) -> Result<Acceptance, Refusal> {
    let received_at = clock.now();
    let id = store.message_id(&body).await.map_err(|error| not_kept_refusal(&error))?;
    let mail = Mail { id, envelope: &envelope, index: &index, body: &body };
    let judgement = judged(filter, &mail, Vec::new(), received_at).await?;
    let trace = trace::rows(&mail, &judgement, received_at);
    match decide::mildest(&judgement.verdicts).cloned() {
        Some(Verdict::Refuse(refusal) | Verdict::Later(refusal) | Verdict::Discard(refusal)) => {
            Err(refusal)
        }
        _ => {
            let envelope = declared(envelope, &index);
            Ok(Acceptance { message: id, received_at, envelope, body, judgement, trace })
        }
    }
}

/// The envelope with the kind of body that the message has, whatever its sender said of it: the
/// next server is told the truth (RFC 6152 §3). What its header says of TLS counts where the
/// envelope says nothing (RFC 8689 §4.1).
fn declared(envelope: Envelope, index: &Index) -> Envelope {
    let body = if index.is_eight_bit() { BodyKind::EightBitMime } else { BodyKind::SevenBit };
    let tls_demand = match envelope.tls_demand {
        TlsDemand::Usual if waives_tls(index) => TlsDemand::Waived,
        demand => demand,
    };
    Envelope { body, tls_demand, ..envelope }
}

/// `TLS-Required: No`, once: more than one such field, or another value, says nothing
/// (RFC 8689 §3).
fn waives_tls(index: &Index) -> bool {
    let mut fields = index.fields_named("tls-required");
    let says_no = fields.next().is_some_and(|field| field.text().eq_ignore_ascii_case("no"));
    says_no && fields.next().is_none()
}

/// What a door answers when the store could not keep a message or a part of it.
pub fn not_kept(error: &store::Error) -> Outcome {
    Outcome::Later(not_kept_refusal(error))
}

/// The refusal of [`not_kept`]: the peer is told whether space was lacking, never more.
pub fn not_kept_refusal(error: &store::Error) -> Refusal {
    let reason = match error {
        store::Error::Full(_) => Reason::StorageFull,
        _ => Reason::StorageFailed,
    };
    tracing::error!(reason = reason.word(), %error, "mail not kept");
    Refusal::new(reason).detail(error.to_string())
}

/// Judges within the time limit, if every recipient may be accepted at all.
async fn judged(
    filter: &Filter,
    mail: &Mail<'_>,
    known: Vec<Finding>,
    now: Timestamp,
) -> Result<Judgement, Refusal> {
    admissible(mail.envelope)?;
    tokio::time::timeout(filter.time_limit(), judge(filter, mail, known, now))
        .await
        .map_err(|_| Refusal::new(Reason::FilterTimeout))?
        .map_err(|error| not_kept_refusal(&error))
}

/// Whether each recipient has a place here and a permit that fits it.
///
/// Policy has seen to both; this is the last door before a 250, so it looks again.
fn admissible(envelope: &Envelope) -> Result<(), Refusal> {
    if envelope.recipients.is_empty() {
        return Err(Refusal::new(Reason::InternalError).detail("recipients=0"));
    }
    envelope.recipients.iter().try_for_each(|recipient| fits(recipient, envelope))
}

fn fits(recipient: &Recipient, envelope: &Envelope) -> Result<(), Refusal> {
    let permit = &recipient.permit;
    let is_bounce = envelope.sender.address().is_none();
    let fits = match permit.reason() {
        Reason::LocalAccount | Reason::LocalAlias | Reason::RoleAddress => true,
        Reason::OwnMail => envelope.origin == Origin::Own,
        // A rule says yes and keeps nothing: there is no place, and none is wanted.
        Reason::AccessDiscarded | Reason::ReleaseRequest if recipient.targets.is_empty() => {
            return Ok(());
        }
        Reason::ForwardBounceDropped if recipient.targets.is_empty() && is_bounce => return Ok(()),
        Reason::ForwardBounce => recipient.targets.is_empty() && is_bounce,
        // Permits to relay are good for what is sent on, and for nothing that is kept here.
        Reason::RelayDomain
        | Reason::RelayNetwork
        | Reason::AccessRelay
        | Reason::Authenticated
        | Reason::LocalSubmission => recipient.targets.is_empty(),
        _ => false,
    };
    let goes = !recipient.targets.is_empty() || !recipient.onward.is_empty();
    match (fits, goes) {
        (true, true) => Ok(()),
        (true, false) => Err(unfit(recipient, Reason::NoRouteYet)),
        (false, _) => {
            tracing::error!(permit = permit.rule(), "a recipient's permit does not fit");
            Err(unfit(recipient, Reason::InternalError))
        }
    }
}

fn unfit(recipient: &Recipient, reason: Reason) -> Refusal {
    Refusal::new(reason).rule(recipient.permit.rule()).detail(format!(
        "recipient={} permit={}",
        recipient.address,
        recipient.permit.reason()
    ))
}

/// Has the store commit a message that is delivered or discarded, and what its sender hears of it.
async fn keep(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    mut acceptance: Acceptance,
    sender: Option<Recipient>,
) -> Result<(), Refusal> {
    let told = acceptance.trace.first().cloned();
    let asked = release::read(&mut acceptance).await;
    let notice = match arrival::notice(filter, clock, &mut acceptance, sender.clone()).await {
        Some(notice) => Some(notice),
        None => held::notice(filter, store, clock, &acceptance, sender).await,
    };
    let kept = match notice {
        None => store.accept(acceptance).await,
        Some(notice) => store.accept_with_notice(acceptance, notice).await,
    };
    if let (Ok(()), Some(asked)) = (&kept, asked) {
        release::request(store, asked).await;
    }
    kept.map_err(|error| {
        let refusal = not_kept_refusal(&error);
        let reply = trace::reply(&Verdict::Later(refusal.clone()));
        let failed = |row| TraceRow { reply, reason: refusal.reason, ..row };
        told.map(failed).into_iter().for_each(|row| store.note(row));
        refusal
    })
}

fn deferred(store: &Store, mail: &Mail<'_>, refusal: Refusal, now: Timestamp) -> Outcome {
    let rows = trace::refusal_rows(mail, Severity::Temporary, &refusal, now);
    let line = Line::new(mail, 0);
    let outcome = noted(store, rows, Outcome::Later(refusal));
    line.write(&outcome);
    outcome
}

/// Hands the rows of what is not kept to the next commit; nobody waits for it.
fn noted(store: &Store, rows: Vec<TraceRow>, outcome: Outcome) -> Outcome {
    for row in rows {
        store.note(row);
    }
    outcome
}

/// The one line that the log has of a message: ids of the trace, no content.
struct Line {
    id: MessageId,
    session: mail::SessionId,
    door: &'static str,
    ip: String,
    sender: String,
    recipients: usize,
    size: u64,
    findings: usize,
}

impl Line {
    fn new(mail: &Mail<'_>, findings: usize) -> Self {
        let Envelope { peer, sender, recipients, .. } = mail.envelope;
        Self {
            id: mail.id,
            session: peer.session,
            door: peer.door.word(),
            ip: peer.place(),
            sender: sender.to_string(),
            recipients: recipients.len(),
            size: mail.index.size,
            findings,
        }
    }

    fn write(&self, outcome: &Outcome) {
        let (said, refusal) = match outcome {
            Outcome::Accepted(_) => ("message kept", None),
            Outcome::Quarantined(_, refusal) => ("message quarantined", Some(refusal)),
            Outcome::Discarded(_, refusal) => ("message discarded", Some(refusal)),
            Outcome::Refused(refusal) => ("message refused", Some(refusal)),
            Outcome::Later(refusal) => ("message deferred", Some(refusal)),
        };
        tracing::info!(
            message = %self.id,
            session = %self.session,
            door = self.door,
            ip = self.ip,
            sender = self.sender,
            recipients = self.recipients,
            size = self.size,
            findings = self.findings,
            reason = refusal.map_or("unopposed", |refusal| refusal.reason.word()),
            rule = refusal.map_or("", |refusal| refusal.rule.as_str()),
            "{said}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::declared;
    use crate::testing::envelope;
    use mail::index::Index;
    use mail::{Envelope, TlsDemand};

    #[test]
    fn the_header_waives_tls_where_the_envelope_says_nothing() {
        use TlsDemand::{Required, Usual, Waived};
        for (header, asked, expected) in [
            ("", Usual, Usual),
            ("TLS-Required: No\r\n", Usual, Waived),
            ("tls-required:  NO \r\n", Usual, Waived),
            ("TLS-Required: Yes\r\n", Usual, Usual),
            ("TLS-Required: No way\r\n", Usual, Usual),
            ("TLS-Required: No\r\nTLS-Required: No\r\n", Usual, Usual),
            // REQUIRETLS outweighs it (RFC 8689 §4.1).
            ("TLS-Required: No\r\n", Required, Required),
            ("", Required, Required),
        ] {
            let message = format!("{header}Subject: x\r\n\r\nTLS-Required: No\r\n");
            let envelope = Envelope { tls_demand: asked, ..envelope(&["anna@example.org"]) };
            let found = declared(envelope, &Index::of(message.as_bytes())).tls_demand;
            assert_eq!(found, expected, "{header:?} {asked:?}");
        }
    }
}
