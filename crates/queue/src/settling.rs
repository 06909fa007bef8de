//! The commit that ends an attempt: what each copy met becomes its fate, with its trace and with
//! the notice that its sender is owed.

use crate::Queue;
use crate::met::{Met, Verdict};
use crate::schedule::{self, Lifetime};
use filter::notice::{Action, HEADER_MAX, Notice, Told, WHOLE_MAX};
use mail::{EnvelopeDsn, Event, MessageId, Reason, Timestamp, TraceRow};
use smtp::reply::Severity;
use std::time::Duration;
use store::{Acceptance, Error, Fate, Lease, Settlement};

/// Tries to write down what has happened already, and the pause between them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Settles copies of one message.
pub(crate) async fn settle(queue: &Queue, met: Vec<(Lease, Met)>) {
    for met in by_sender(met) {
        settle_one(queue, met).await;
    }
}

/// What each sender is to hear of: copies that an alias sends on have another than the rest.
fn by_sender(met: Vec<(Lease, Met)>) -> Vec<Vec<(Lease, Met)>> {
    let mut groups: Vec<Vec<(Lease, Met)>> = Vec::new();
    for copy in met {
        let is_same = |group: &&mut Vec<(Lease, Met)>| {
            group.first().is_some_and(|(lease, _)| lease.sender == copy.0.sender)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(copy),
            None => groups.push(vec![copy]),
        }
    }
    groups
}

async fn settle_one(queue: &Queue, met: Vec<(Lease, Met)>) {
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
    hears: Option<Action>,
}

async fn try_to(queue: &Queue, met: &[(Lease, Met)]) -> Result<(), Error> {
    let now = queue.clock.now();
    let (_, lifetime) = queue.limits();
    let mut decided: Vec<Decided> =
        met.iter().map(|(lease, met)| decide(lifetime, lease, met, now)).collect();
    let notice = match notice(queue, &decided, now).await {
        Ok(notice) => notice,
        Err(reason) => {
            // Nobody can be told: that is said, and it ends.
            for copy in &mut decided {
                copy.hears = None;
                if copy.fate == Fate::Bounced {
                    copy.fate = Fate::Failed;
                    copy.met.text = format!("{} (nobody is told: {reason})", copy.met.text);
                }
            }
            None
        }
    };
    let settled = decided.into_iter().map(|copy| settlement(copy, now)).collect();
    queue.store.settle(settled, notice).await
}

fn decide(lifetime: Lifetime, lease: &Lease, met: &Met, now: Timestamp) -> Decided {
    let (lease, mut met) = (lease.clone(), met.clone());
    let is_over = lifetime.is_over(lease.queued_at, now);
    let never = met.verdict == Verdict::Never || met.verdict == Verdict::Later && is_over;
    if met.verdict == Verdict::Later && is_over {
        let expired = Met::ours(Severity::Permanent, Reason::Expired, "");
        met.status = expired.status;
        met.text = format!("given up after {} attempts: {}", lease.attempts + 1, met.text);
    }
    let dsn = &lease.needs.recipient;
    // A forged sender would hear of mail that it never sent (RFC 5321 §6.1).
    let has_sender = lease.sender.address().is_some() && lease.needs.sender_known;
    // Only who logged in is known to be the sender, and hears of anything but failures.
    let is_known = has_sender && lease.account.is_some();
    let (fate, hears) = match met.verdict {
        Verdict::Delivered => {
            let owed = is_known && dsn.wants_success() && !met.tells;
            (Fate::Delivered, owed.then_some(Action::Relayed))
        }
        _ if never && has_sender && dsn.wants_failure() => (Fate::Bounced, Some(Action::Failed)),
        _ if never => (Fate::Failed, None),
        _ => {
            let at = schedule::again(lease.attempts + 1, now);
            let wanted = is_known && dsn.notify.is_none_or(|notify| notify.delay);
            let late = lifetime.is_late(lease.queued_at, now) && wanted;
            let until = lease.queued_at.plus_millis(lifetime.expires);
            let hears = (late && !lease.warned).then_some(Action::Delayed(until));
            (Fate::Again { at, warned: lease.warned || late }, hears)
        }
    };
    Decided { lease, met, fate, hears }
}

/// The message that tells the sender, of all copies at once; `None` where there is nothing to tell.
async fn notice(
    queue: &Queue,
    decided: &[Decided],
    now: Timestamp,
) -> Result<Option<Acceptance>, String> {
    let told = decided.iter().filter_map(|copy| Some(told(copy, copy.hears?)));
    let told: Vec<Told> = told.collect();
    let Some(first) = decided.iter().find(|copy| copy.hears.is_some()) else { return Ok(None) };
    let Some(to) = first.lease.sender.address() else { return Ok(None) };
    // Not the address of ours that a forward put in its place.
    let to = &queue.policy.first_sender(to);
    let snapshot = queue.policy.snapshot();
    let recipient = snapshot.own_mail(to).ok_or_else(|| format!("{to} takes no mail"))?;
    let hostname = queue.hostname();
    let EnvelopeDsn { ret, id } = first.lease.needs.envelope.clone();
    let wants_whole = Notice::returns_whole(ret, &told) && first.lease.size <= WHOLE_MAX as u64;
    let size = if wants_whole { WHOLE_MAX } else { HEADER_MAX };
    let content = content(queue, first.lease.message, size).await;
    let notice = Notice {
        hostname: &hostname,
        message: first.lease.message,
        to,
        envelope_id: id,
        tls_demand: first.lease.needs.tls_demand,
        queued_at: first.lease.queued_at,
        now,
        told,
        is_whole: wants_whole && content.len() as u64 == first.lease.size,
        content,
    };
    filter::notice::prepare(&queue.filter, &queue.clock, notice, recipient).await.map(Some)
}

fn told(copy: &Decided, action: Action) -> Told {
    let Decided { lease, met, .. } = copy;
    Told {
        action,
        recipient: lease.recipient.clone(),
        original: lease.needs.recipient.original.clone(),
        status: met.status,
        reason: met.reason,
        reply: met.reply,
        text: met.text.clone(),
        host: met.host.clone(),
    }
}

/// The beginning of a message as it was sent on; empty if it cannot be read.
async fn content(queue: &Queue, message: MessageId, size_max: usize) -> Vec<u8> {
    let Ok(mut rendered) = queue.store.onward(message).await else { return Vec::new() };
    let mut content = Vec::new();
    while content.len() < size_max {
        match rendered.read(size_max - content.len()).await {
            Ok(window) if !window.is_empty() => content.extend_from_slice(&window),
            _ => break,
        }
    }
    content
}

fn settlement(copy: Decided, now: Timestamp) -> Settlement {
    let Decided { lease, met, fate, hears } = copy;
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
    let told = match (hears, lease.needs.recipient.notify) {
        (Some(_), _) => " told=sender".to_owned(),
        (_, Some(notify)) if fate == Fate::Failed => format!(" told=nobody notify={notify}"),
        _ => String::new(),
    };
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

    use super::{Action, by_sender, decide};
    use crate::met::{Met, Verdict};
    use crate::schedule::Lifetime;
    use mail::{AccountId, MessageId, Notify, Reason, RecipientDsn, ReversePath, Timestamp};
    use smtp::reply::Severity;
    use store::{Fate, Lease, Needs};

    const LIFETIME: Lifetime = Lifetime { expires: 1_000, warns: 100 };

    fn lease(notify: &str, account: Option<i64>) -> Lease {
        let recipient = RecipientDsn { notify: Notify::parse(notify), original: None };
        Lease {
            id: 1,
            fence: 1,
            message: MessageId(1),
            n: 0,
            account: account.map(AccountId),
            sender: ReversePath::parse("<anna@example.org>").unwrap(),
            recipient: "dora@far.example".parse().unwrap(),
            destination: "far.example".to_owned(),
            needs: Needs { recipient, sender_known: true, ..Needs::default() },
            size: 1,
            queued_at: Timestamp(0),
            attempts: 3,
            warned: false,
        }
    }

    fn met(verdict: Verdict, tells: bool) -> Met {
        let met = Met::ours(Severity::Temporary, Reason::RemoteDeferred, "busy");
        Met { verdict, tells, ..met }
    }

    /// What becomes of it at a time, and what its sender hears.
    fn check(lease: &Lease, met: &Met, now: i64, state: &str, hears: Option<Action>) {
        let decided = decide(LIFETIME, lease, met, Timestamp(now));
        let word = match decided.fate {
            Fate::Again { warned: false, .. } => "again",
            Fate::Again { warned: true, .. } => "again, warned",
            Fate::Delivered => "delivered",
            Fate::Bounced => "bounced",
            Fate::Failed => "failed",
        };
        let notify = lease.needs.recipient.notify;
        assert_eq!((word, decided.hears), (state, hears), "{notify:?} at {now}");
    }

    #[test]
    fn failures_are_told_unless_the_sender_wants_none() {
        let never = met(Verdict::Never, false);
        for account in [None, Some(1)] {
            for notify in ["", "FAILURE", "SUCCESS,FAILURE"] {
                check(&lease(notify, account), &never, 1, "bounced", Some(Action::Failed));
            }
            for notify in ["NEVER", "SUCCESS", "DELAY"] {
                check(&lease(notify, account), &never, 1, "failed", None);
                let later = met(Verdict::Later, false);
                check(&lease(notify, account), &later, 2_000, "failed", None);
            }
        }
        let null = Lease { sender: ReversePath::Null, ..lease("FAILURE", Some(1)) };
        check(&null, &never, 1, "failed", None);
    }

    #[test]
    fn who_is_not_known_to_be_the_sender_hears_nothing() {
        let known = lease("SUCCESS,FAILURE,DELAY", None);
        let lease = Lease { needs: Needs { sender_known: false, ..known.needs }, ..known };
        check(&lease, &met(Verdict::Never, false), 1, "failed", None);
        check(&lease, &met(Verdict::Later, false), 101, "again", None);
        check(&lease, &met(Verdict::Later, false), 2_000, "failed", None);
        check(&lease, &met(Verdict::Delivered, false), 1, "delivered", None);
    }

    #[test]
    fn delays_are_told_to_who_is_known() {
        let (later, late) = (met(Verdict::Later, false), Action::Delayed(Timestamp(1_000)));
        for notify in ["", "DELAY"] {
            check(&lease(notify, Some(1)), &later, 99, "again", None);
            check(&lease(notify, Some(1)), &later, 101, "again, warned", Some(late));
            check(&lease(notify, None), &later, 101, "again", None);
        }
        for notify in ["NEVER", "FAILURE"] {
            check(&lease(notify, Some(1)), &later, 101, "again", None);
        }
        let warned = Lease { warned: true, ..lease("", Some(1)) };
        check(&warned, &later, 101, "again, warned", None);
    }

    #[test]
    fn successes_are_told_where_the_next_server_does_not() {
        let (silent, tells) = (met(Verdict::Delivered, false), met(Verdict::Delivered, true));
        let relayed = Some(Action::Relayed);
        check(&lease("SUCCESS", Some(1)), &silent, 1, "delivered", relayed);
        check(&lease("SUCCESS", Some(1)), &tells, 1, "delivered", None);
        check(&lease("SUCCESS", None), &silent, 1, "delivered", None);
        for notify in ["", "FAILURE,DELAY", "NEVER"] {
            check(&lease(notify, Some(1)), &silent, 1, "delivered", None);
        }
        let null = Lease { sender: ReversePath::Null, ..lease("SUCCESS", Some(1)) };
        check(&null, &silent, 1, "delivered", None);
    }

    #[test]
    fn each_sender_hears_of_its_own_copies() {
        let copy = |n: i64, sender: &str| {
            let sender = ReversePath::parse(sender).unwrap();
            (Lease { id: n, sender, ..lease("", None) }, met(Verdict::Never, false))
        };
        let forwarded = "<SRS0=x=y=far.example=carol@example.org>";
        let met = vec![copy(1, "<anna@example.org>"), copy(2, forwarded), copy(3, "<>")];
        let met = met.into_iter().chain([copy(4, forwarded), copy(5, "<anna@example.org>")]);
        let groups = by_sender(met.collect()).into_iter();
        let ids: Vec<Vec<i64>> =
            groups.map(|group| group.iter().map(|(lease, _)| lease.id).collect()).collect();
        assert_eq!(ids, [vec![1, 5], vec![2, 4], vec![3]]);
    }
}
