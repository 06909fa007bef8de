//! The commit that ends an attempt: what each copy met becomes its fate, with its trace and with
//! the notice that its sender is owed.

use crate::Queue;
use crate::met::{Met, Verdict};
use crate::notice::{HEADER_MAX, Kind, Notice};
use crate::schedule;
use mail::index::Index;
use mail::{
    BodyKind, Door, Envelope, Event, MessageId, Origin, Peer, Reason, ReversePath, SessionId,
    Timestamp, TraceRow,
};
use smtp::reply::Severity;
use std::net::Ipv4Addr;
use std::time::Duration;
use store::{Acceptance, Body, Error, Fate, Lease, Settlement};

/// Tries to write down what has happened already, and the pause between them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Settles copies of one message.
pub(crate) async fn settle(queue: &Queue, met: Vec<(Lease, Met)>) {
    if met.is_empty() {
        return;
    }
    for attempt in 1..=TRIES {
        match try_to(queue, &met).await {
            Ok(()) => return,
            // Another has the lease: it settles.
            Err(Error::Conflict { .. }) => {
                tracing::warn!("a lease has passed to another; the message may arrive twice");
                return;
            }
            Err(error) => {
                tracing::error!(attempt, %error, "what became of a delivery cannot be written down");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What is to happen to a copy, and what its sender hears.
struct Decided {
    lease: Lease,
    met: Met,
    fate: Fate,
    hears: Option<Kind>,
}

async fn try_to(queue: &Queue, met: &[(Lease, Met)]) -> Result<(), Error> {
    let now = queue.clock.now();
    let mut decided: Vec<Decided> =
        met.iter().map(|(lease, met)| decide(queue, lease, met, now)).collect();
    failures_first(&mut decided);
    let notice = match notice(queue, &decided, now).await {
        Ok(notice) => notice,
        Err(reason) => {
            // Nobody can be told: that is said, and it ends.
            for copy in decided.iter_mut().filter(|copy| copy.fate == Fate::Bounced) {
                copy.fate = Fate::Failed;
                copy.met.text = format!("{} (nobody is told: {reason})", copy.met.text);
            }
            None
        }
    };
    let settled = decided.into_iter().map(|copy| settlement(copy, now)).collect();
    queue.store.settle(settled, notice).await
}

fn decide(queue: &Queue, lease: &Lease, met: &Met, now: Timestamp) -> Decided {
    let (_, lifetime) = queue.limits();
    let (lease, mut met) = (lease.clone(), met.clone());
    let is_over = lifetime.is_over(lease.queued_at, now);
    let never = met.verdict == Verdict::Never || met.verdict == Verdict::Later && is_over;
    if met.verdict == Verdict::Later && is_over {
        let expired = Met::ours(Severity::Permanent, Reason::Expired, "");
        met.status = expired.status;
        met.text = format!("given up after {} attempts: {}", lease.attempts + 1, met.text);
    }
    // A forged sender would hear of mail that it never sent (RFC 5321 §6.1).
    let has_sender = lease.sender.address().is_some() && lease.needs.sender_known;
    let (fate, hears) = match met.verdict {
        Verdict::Delivered => (Fate::Delivered, None),
        _ if never && has_sender => (Fate::Bounced, Some(Kind::Failed)),
        _ if never => (Fate::Failed, None),
        _ => {
            let at = schedule::again(lease.attempts + 1, now);
            // Only who logged in is warned; to others a delay is no news worth a message.
            let late = lifetime.is_late(lease.queued_at, now) && lease.account.is_some();
            let until = lease.queued_at.plus_millis(lifetime.expires);
            let hears = (late && !lease.warned && has_sender).then_some(Kind::Delayed(until));
            (Fate::Again { at, warned: lease.warned || late }, hears)
        }
    };
    Decided { lease, met, fate, hears }
}

/// One notice tells of one kind: failures before delays. A delay that is not told now is told with
/// the next attempt.
fn failures_first(decided: &mut [Decided]) {
    if !decided.iter().any(|copy| copy.hears == Some(Kind::Failed)) {
        return;
    }
    for copy in decided {
        if let (Some(Kind::Delayed(_)), Fate::Again { at, .. }) = (copy.hears, copy.fate) {
            copy.hears = None;
            copy.fate = Fate::Again { at, warned: copy.lease.warned };
        }
    }
}

/// The message that tells the sender; `None` where there is nothing to tell.
///
/// All that is told has one kind, so one notice is enough: see [`failures_first`].
async fn notice(
    queue: &Queue,
    decided: &[Decided],
    now: Timestamp,
) -> Result<Option<Acceptance>, String> {
    let told: Vec<&Decided> = decided.iter().filter(|copy| copy.hears.is_some()).collect();
    let Some(first) = told.first() else { return Ok(None) };
    let (Some(to), Some(kind)) = (first.lease.sender.address(), first.hears) else {
        return Ok(None);
    };
    let snapshot = queue.policy.snapshot();
    let recipient = snapshot.own_mail(to).ok_or_else(|| format!("{to} takes no mail"))?;
    let hostname = queue.hostname();
    let notice = Notice {
        kind,
        hostname: &hostname,
        message: first.lease.message,
        to,
        queued_at: first.lease.queued_at,
        now,
        copies: told.iter().map(|it| (it.lease.recipient.clone(), it.met.clone())).collect(),
        header: header(queue, first.lease.message).await,
    };
    let bytes = notice.build().map_err(|error| error.to_string())?;
    let index = Index::of(&bytes);
    let body = Body::from_bytes(bytes).map_err(|error| error.to_string())?;
    let session = queue.store.ids(1).await.map_err(|error| error.to_string())?.start;
    let envelope = Envelope {
        peer: ourselves(SessionId(session)),
        origin: Origin::Own,
        from_outside: false,
        sender: ReversePath::Null,
        recipients: vec![recipient],
        body: BodyKind::SevenBit,
        smtputf8: to.needs_smtputf8(),
        limits: None,
    };
    let (filter, store, clock) = (&queue.filter, &queue.store, &queue.clock);
    let ready = filter::intake::prepare(filter, store, clock, envelope, index, body).await;
    ready.map(Some).map_err(|refusal| refusal.reason.word().to_owned())
}

/// Our own mail comes from this machine, through no door.
pub(crate) fn ourselves(session: SessionId) -> Peer {
    Peer {
        session,
        door: Door::Local,
        ip: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        helo: None,
        esmtp: true,
        tls: None,
        login: None,
        user: None,
    }
}

/// The header of a message as it was sent on, bounded; empty if it cannot be read.
async fn header(queue: &Queue, message: MessageId) -> Vec<u8> {
    let Ok(mut rendered) = queue.store.onward(message).await else { return Vec::new() };
    let mut header = Vec::new();
    while header.len() < HEADER_MAX {
        match rendered.read(HEADER_MAX - header.len()).await {
            Ok(window) if !window.is_empty() => header.extend_from_slice(&window),
            _ => break,
        }
    }
    let end = header.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    header.truncate(end.map_or(header.len(), |end| end + 2));
    header
}

fn settlement(copy: Decided, now: Timestamp) -> Settlement {
    let Decided { lease, met, fate, .. } = copy;
    let event = match fate {
        Fate::Again { .. } => Event::Deferred,
        Fate::Delivered => Event::Relayed,
        Fate::Bounced | Fate::Failed => Event::Failed,
    };
    let again = match fate {
        Fate::Again { at, .. } => format!(" again={}", at.rfc3339()),
        _ => String::new(),
    };
    let (class, subject, detail) = met.status;
    let told = if fate == Fate::Bounced { " told=sender" } else { "" };
    let attempt = lease.attempts + 1;
    let trace = TraceRow {
        at: now,
        event,
        session: None,
        message: Some(lease.message),
        door: String::new(),
        peer: met.host.clone(),
        sender: lease.sender.to_string(),
        recipient: lease.recipient.to_string(),
        reply: met.reply,
        reason: met.reason,
        rule: format!("destination {}", lease.destination),
        detail: format!(
            "attempt={attempt} status={class}.{subject}.{detail}{again}{told} said={}",
            met.text
        ),
    };
    line(&trace);
    Settlement { attempt: met.attempt(now), lease, fate, trace }
}

/// The one line that the log has of an attempt.
fn line(row: &TraceRow) {
    tracing::info!(
        message = row.message.map(|message| message.0),
        recipient = row.recipient,
        host = row.peer,
        reply = row.reply,
        reason = row.reason.word(),
        detail = row.detail,
        "{}",
        row.event.word()
    );
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{Decided, Kind, failures_first};
    use crate::met::Met;
    use mail::{MessageId, Reason, ReversePath, Timestamp};
    use smtp::reply::Severity;
    use store::{Fate, Lease, Needs};

    fn copy(fate: Fate, hears: Option<Kind>) -> Decided {
        let lease = Lease {
            id: 1,
            fence: 1,
            message: MessageId(1),
            n: 0,
            account: None,
            sender: ReversePath::parse("<anna@example.org>").unwrap(),
            recipient: "dora@far.example".parse().unwrap(),
            destination: "far.example".to_owned(),
            needs: Needs::default(),
            size: 1,
            queued_at: Timestamp(0),
            attempts: 3,
            warned: false,
        };
        let met = Met::ours(Severity::Temporary, Reason::RemoteDeferred, "busy");
        Decided { lease, met, fate, hears }
    }

    #[test]
    fn a_delay_beside_a_failure_is_told_later_and_not_taken_for_told() {
        let at = Timestamp(9);
        let late = || copy(Fate::Again { at, warned: true }, Some(Kind::Delayed(Timestamp(99))));
        let mut both = vec![late(), copy(Fate::Bounced, Some(Kind::Failed))];
        failures_first(&mut both);
        let [delayed, failed] = both.as_slice() else { panic!("two") };
        assert_eq!((delayed.fate, delayed.hears), (Fate::Again { at, warned: false }, None));
        assert_eq!(failed.hears, Some(Kind::Failed));
        let mut alone = vec![late()];
        failures_first(&mut alone);
        assert!(alone.iter().all(|copy| copy.fate == Fate::Again { at, warned: true }));
    }
}
