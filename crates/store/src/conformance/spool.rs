//! The spool: in by the accept commit, leased once, out by the commit that settles it.

use super::site::{Fate, ONWARD, account, message, row};
use super::{Failure, Ground, ensure, same};
use crate::{
    Attempt, Body, Due, Error, Fate as Settled, Lease, Settlement, SpoolChange, SpoolFilter, Store,
};
use mail::{
    AccountId, EnvelopeDsn, EnvelopeId, Event, MessageId, Notify, OriginalRecipient, Reason,
    RecipientDsn, Return, SessionId, Timestamp,
};

/// Long enough that no lease of the suite ends by itself.
const LEASE_MILLIS: i64 = 600_000;

pub(super) async fn run(ground: &Ground<'_>) -> Result<(), Failure> {
    let store = ground.store().await?;
    let here = account(&store, "spooler@example.org").await?;
    let body = Body::from_bytes("to be sent on")?;
    let fates = [
        ("spooler@example.org", Fate::To(&[here])),
        ("both@example.org", Fate::On(&["one@one.example", "two@two.example"])),
    ];
    let sent = message(&store, body, &fates).await?;
    let id = sent.message;
    store.accept(sent).await?;
    let due = due(&store, id).await?;
    let destinations: Vec<&str> = due.iter().map(|due| due.destination.as_str()).collect();
    same!(destinations, ["one.example", "two.example"]);
    whole(&store, id).await?;

    let until = store.clock.now().plus_millis(LEASE_MILLIS);
    let leased = store.lease(&fenced(&due), until).await?;
    same!(leased.len(), 2);
    same!(store.lease(&fenced(&due), until).await?.len(), 0);
    same!(self::due(&store, id).await?.len(), 0);
    let [one, two] = leased.as_slice() else { return Ok(()) };
    same!(one.recipient.to_string(), "one@one.example");
    same!((one.n, two.n, one.attempts), (1, 2, 0));

    administered(&store, id, one).await?;
    again(&store, one.clone()).await?;
    let retried = self::due(&store, id).await?;
    same!(retried.len(), 1);
    let settled = settlement(&store, one.clone(), Settled::Delivered);
    let result = store.settle(vec![settled], None).await;
    ensure!(matches!(result, Err(Error::Conflict { .. })), "an old lease settles: {result:?}");
    let one = store.lease(&fenced(&retried), until).await?;
    let one = one.first().cloned().ok_or_else(|| Error::NotFound("a lease".into()))?;
    same!(one.attempts, 1);
    let settled = settlement(&store, one, Settled::Delivered);
    store.settle(vec![settled], None).await?;
    reports(&store, here).await?;
    restart(ground, store, id).await
}

/// What a sender wants to hear goes with the copy, and a notice comes with the message.
async fn reports(store: &Store, here: AccountId) -> Result<(), Failure> {
    let fates = [
        ("x@example.org", Fate::Discarded("a rule")),
        ("on@example.org", Fate::On(&["x@reports.example"])),
    ];
    let mut sent = message(store, Body::from_bytes("with reports")?, &fates).await?;
    let id = sent.message;
    let asked = RecipientDsn {
        notify: Notify::parse("SUCCESS"),
        original: OriginalRecipient::parse("rfc822;x+2By@old.example"),
    };
    sent.envelope.dsn = EnvelopeDsn { ret: Return::parse("HDRS"), id: EnvelopeId::of("a b") };
    let on = sent.envelope.recipients.get_mut(1);
    on.ok_or_else(|| Error::NotFound("a recipient".into()))?.dsn = asked.clone();
    let said = sent.envelope.dsn.clone();
    let before = store.usage(here).await?;
    let fates = [("spooler@example.org", Fate::To(&[here]))];
    let notice = message(store, Body::from_bytes("it arrived")?, &fates).await?;
    store.accept_with_notice(sent, notice).await?;
    ensure!(store.usage(here).await? > before, "the notice is not in its mailbox");
    let until = store.clock.now().plus_millis(LEASE_MILLIS);
    let leased = store.lease(&fenced(&due(store, id).await?), until).await?;
    same!(leased.len(), 1);
    let [lease] = leased.as_slice() else { return Ok(()) };
    same!(lease.needs.recipient, asked);
    same!(lease.needs.envelope, said);
    let settled = settlement(store, lease.clone(), Settled::Failed);
    store.settle(vec![settled], None).await?;
    Ok(())
}

/// What a process leased and did not settle is due when the next one begins.
async fn restart(
    ground: &Ground<'_>,
    store: std::sync::Arc<Store>,
    id: MessageId,
) -> Result<(), Failure> {
    store.close().await;
    let store = ground.store().await?;
    same!(due(&store, id).await?.len(), 0);
    let now = store.clock.now();
    store.release_leases(now).await?;
    let due = due(&store, id).await?;
    same!(due.len(), 1);
    let leased = store.lease(&fenced(&due), now.plus_millis(LEASE_MILLIS)).await?;
    let settled = leased.into_iter().map(|lease| settlement(&store, lease, Settled::Bounced));
    let settled = settled.collect();
    // The notice goes to the one who sent it, in the same commit.
    let to = store.directory().account_by_key("spooler@example.org").map(|account| account.id);
    let to = to.ok_or_else(|| Error::NotFound("spooler@example.org".into()))?;
    let before = store.usage(to).await?;
    let notice = Body::from_bytes("it could not be sent on")?;
    let notice = message(&store, notice, &[("spooler@example.org", Fate::To(&[to]))]).await?;
    store.settle(settled, Some(notice)).await?;
    ensure!(store.usage(to).await? > before, "the notice is not in its mailbox");
    same!(self::due(&store, id).await?.len(), 0);
    store.close().await;
    Ok(())
}

/// What is being sent is left as it is; what waits can be held, and is due again once released.
async fn administered(store: &Store, id: MessageId, leased: &Lease) -> Result<(), Failure> {
    let all = SpoolFilter { message: Some(id), ..SpoolFilter::default() };
    let rows = store.spool_list(0, &all, 10).await?;
    same!(rows.len(), 2);
    ensure!(rows.iter().all(|row| row.is_leased), "a lease is not shown: {rows:?}");
    same!(store.change_spool(&rows, SpoolChange::Hold("for a while")).await?, 0);
    same!(store.spooled(leased.id).await?.recipient, leased.recipient.to_string());

    let third = Body::from_bytes("to be held")?;
    let third = message(store, third, &[("x@example.org", Fate::On(&["x@held.example"]))]).await?;
    let third_id = third.message;
    store.accept(third).await?;
    let held = SpoolFilter { destination: "held.example".into(), ..SpoolFilter::default() };
    let rows = store.spool_list(0, &held, 10).await?;
    let before = due(store, third_id).await?;
    same!(store.change_spool(&rows, SpoolChange::Hold("for a while")).await?, 1);
    same!(due(store, third_id).await?.len(), 0);
    let until = store.clock.now().plus_millis(LEASE_MILLIS);
    same!(store.lease(&fenced(&before), until).await?.len(), 0);
    let rows = store.spool_list(0, &SpoolFilter { held: true, ..held }, 10).await?;
    same!(rows.first().map(|row| row.held.as_str()), Some("for a while"));
    same!(store.change_spool(&rows, SpoolChange::Release).await?, 1);
    same!(due(store, third_id).await?.len(), 1);
    same!(store.change_spool(&rows, SpoolChange::Remove).await?, 1);
    same!(due(store, third_id).await?.len(), 0);
    let gone = store.spooled(rows.first().map_or(0, |row| row.id)).await;
    ensure!(matches!(gone, Err(Error::NotFound(_))), "it is still there: {gone:?}");
    Ok(())
}

async fn again(store: &Store, lease: Lease) -> Result<(), Failure> {
    let at = store.clock.now();
    let settled = settlement(store, lease, Settled::Again { at, warned: true });
    store.settle(vec![settled], None).await?;
    Ok(())
}

fn settlement(store: &Store, lease: Lease, fate: Settled) -> Settlement {
    let at = store.clock.now();
    let (reason, event) = match fate {
        Settled::Again { .. } => (Reason::RemoteDeferred, Event::Deferred),
        Settled::Delivered => (Reason::RemoteAccepted, Event::Relayed),
        Settled::Bounced | Settled::Failed => (Reason::RemoteRefused, Event::Failed),
    };
    let recipient = lease.recipient.to_string();
    let trace = row(event, lease.message, SessionId(0), &recipient);
    let host = "mx.one.example".to_owned();
    let attempt = Attempt { at, reply: 250, reason, text: "as it is".to_owned(), host };
    Settlement { lease, fate, attempt, trace }
}

async fn due(store: &Store, id: MessageId) -> Result<Vec<Due>, Error> {
    let until = store.clock.now();
    let mut due = store.spool_due((Timestamp(0), 0), until).await?;
    due.retain(|due| due.message == id);
    Ok(due)
}

/// What is sent on is the rendition for it.
async fn whole(store: &Store, id: MessageId) -> Result<(), Failure> {
    let mut rendered = store.onward(id).await?;
    let mut whole = Vec::new();
    loop {
        let window = rendered.read(7).await?;
        if window.is_empty() {
            break;
        }
        whole.extend_from_slice(&window);
    }
    same!(whole, [ONWARD, b"to be sent on"].concat());
    Ok(())
}

fn fenced(due: &[Due]) -> Vec<(mail::Id, i64)> {
    due.iter().map(|due| (due.id, due.fence)).collect()
}
