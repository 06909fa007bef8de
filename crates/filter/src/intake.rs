//! The one entrance for mail: a complete message is judged, and kept, refused or discarded.

use crate::judge::judge;
use crate::{Filter, Mail, decide, trace};
use mail::index::Index;
use mail::{
    BodyKind, Envelope, Finding, Judgement, MessageId, Origin, Reason, Recipient, Refusal,
    Timestamp, TraceRow, Verdict,
};
use net::Clock;
use smtp::reply::Severity;
use store::{Acceptance, Body, Store};

/// What became of a message, as its door answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is on stable storage, in every mailbox it belongs to: answer 250.
    Accepted(MessageId),
    /// A rule says to keep nothing and to say nothing: answer 250.
    Discarded(MessageId, Refusal),
    /// Answer 5yz.
    Refused(Refusal),
    /// Answer 4yz.
    Later(Refusal),
}

/// Takes a complete message; an acceptance is on stable storage when this returns.
///
/// `known` are findings made before the content was looked at (the header From and the access
/// map). Every decision is in the trace: for kept mail by the same commit.
pub async fn take(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    envelope: Envelope,
    index: Index,
    body: Body,
    known: Vec<Finding>,
) -> Outcome {
    let now = clock.now();
    let id = match store.message_id(&body).await {
        Ok(id) => id,
        Err(error) => return not_kept(&error),
    };
    let mail = Mail { id, envelope: &envelope, index: &index, body: &body };
    let judgement = match judged(filter, &mail, known, now).await {
        Ok(mut judgement) => {
            decide::one_answer(&mut judgement.verdicts);
            judgement
        }
        Err(refusal) => return deferred(store, &mail, refusal, now),
    };
    filter.count_hits(&judgement);
    let rows = trace::rows(&mail, &judgement, now);
    let line = Line::new(&mail, judgement.findings.len());
    let outcome = match decide::mildest(&judgement.verdicts).cloned() {
        Some(Verdict::Refuse(refusal)) => noted(store, rows, Outcome::Refused(refusal)),
        Some(Verdict::Later(refusal)) => noted(store, rows, Outcome::Later(refusal)),
        // What is discarded is answered 250 too: that it was is told by a commit of its own.
        verdict => {
            let (message, received_at, trace) = (id, now, rows);
            let envelope = declared(envelope, &index);
            let acceptance = Acceptance { message, received_at, envelope, body, judgement, trace };
            keep(store, acceptance, verdict).await
        }
    };
    line.write(&outcome);
    outcome
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
/// next server is told the truth (RFC 6152 §3).
fn declared(envelope: Envelope, index: &Index) -> Envelope {
    let body = if index.is_eight_bit() { BodyKind::EightBitMime } else { BodyKind::SevenBit };
    Envelope { body, ..envelope }
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
    envelope.recipients.iter().try_for_each(|recipient| fits(recipient, envelope.origin))
}

fn fits(recipient: &Recipient, origin: Origin) -> Result<(), Refusal> {
    let permit = &recipient.permit;
    let fits = match permit.reason() {
        Reason::LocalAccount | Reason::LocalAlias | Reason::RoleAddress => true,
        Reason::OwnMail => origin == Origin::Own,
        // A rule says yes and keeps nothing: there is no place, and none is wanted.
        Reason::AccessDiscarded if recipient.targets.is_empty() => return Ok(()),
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

/// Has the store commit a message that is delivered or discarded.
async fn keep(store: &Store, acceptance: Acceptance, verdict: Option<Verdict>) -> Outcome {
    let id = acceptance.message;
    let told = acceptance.trace.first().cloned();
    match store.accept(acceptance).await {
        Ok(()) => match verdict {
            Some(Verdict::Discard(refusal)) => Outcome::Discarded(id, refusal),
            _ => Outcome::Accepted(id),
        },
        Err(error) => {
            let refusal = not_kept_refusal(&error);
            let reply = trace::reply(&Verdict::Later(refusal.clone()));
            let failed = |row| TraceRow { reply, reason: refusal.reason, ..row };
            noted(store, told.map(failed).into_iter().collect(), Outcome::Later(refusal))
        }
    }
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
