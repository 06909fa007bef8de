//! The quarantine: what is held and why, and what an administrator does about it. Each change, and
//! that somebody looked into a message, is in the trace.

use super::{accounts, mailboxes};
use crate::held::{self, Seen};
use crate::{
    Admin, Error, HeldDetails, HeldPartView, HeldView, Page, Paging, QuarantineFilter,
    QuarantineRequest, QuarantineResponse, Response,
};
use mail::{Address, Door, Event, HeldPart, Id, Reason, TraceRow};
use store::{About, Actor, Held, HeldFilter, HeldState, Released, TraceQuery};

/// Rows of the trace that are shown with a message.
const TRACE_MAX: usize = 100;
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
const BY: Actor<'static> = Actor { door: Door::Admin, name: "administrator", peer: None };

pub(super) async fn perform(admin: &Admin, request: QuarantineRequest) -> Result<Response, Error> {
    match request {
        QuarantineRequest::List { filter, paging } => list(admin, filter, &paging).await,
        QuarantineRequest::Show { id } => show(admin, id).await,
        QuarantineRequest::Release { id, to } => release(admin, id, to.as_ref()).await,
        QuarantineRequest::Delete { id } => {
            admin.store.delete_held(id, BY).await?;
            Ok(Response::Done(format!("{id} is deleted")))
        }
        QuarantineRequest::Read { id, offset } => read(admin, id, offset).await,
        QuarantineRequest::Request { id, by } => {
            let held = admin.store.request_release(id, &by.to_string(), BY).await?;
            Ok(Response::Done(format!("{id} is asked for by {}", held.requested_by)))
        }
    }
}

async fn list(admin: &Admin, filter: QuarantineFilter, paging: &Paging) -> Result<Response, Error> {
    let (after, limit) = (paging.number()?.unwrap_or(0), paging.rows()?);
    let filter = HeldFilter {
        address: filter.recipient.unwrap_or_default(),
        sender: filter.sender.unwrap_or_default(),
        reason: filter.reason,
        message: filter.message,
        requested: filter.requested,
        settled: filter.all,
    };
    let mut rows = admin.store.quarantine_list(after, &filter, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let rows = rows.into_iter().map(|held| view(admin, held)).collect();
    Ok(Response::Quarantine(QuarantineResponse::List(Page { rows, next })))
}

async fn show(admin: &Admin, id: Id) -> Result<Response, Error> {
    let held = admin.store.quarantined(id).await?;
    let Seen { from, subject, date, parts } = held::seen(&admin.store, &held).await?;
    let query =
        TraceQuery { about: About::Message(held.message), before: Id::MAX, limit: TRACE_MAX };
    let details = HeldDetails {
        detail: held.detail.clone(),
        destination: held.destination.clone(),
        state_at: held.state_at,
        state_by: held.state_by.clone(),
        from,
        subject,
        date,
        parts: parts.into_iter().map(part).collect(),
        trace: admin.store.trace_page(query).await?.rows,
        held: view(admin, held),
    };
    note(admin, &details.held, "shown");
    Ok(Response::Quarantine(QuarantineResponse::One(Box::new(details))))
}

async fn release(admin: &Admin, id: Id, to: Option<&Address>) -> Result<Response, Error> {
    let account = to.map(|to| accounts::find(admin, to)).transpose()?.map(|account| account.id);
    let text = match (admin.store.release(id, account, BY).await?, to) {
        (Released::Queued(copy), _) => format!("{id} is in the queue as {copy}"),
        (Released::Placed(_), Some(to)) => format!("{id} is in the INBOX of {to}"),
        (Released::Placed(mailboxes), None) if mailboxes.len() == 1 => {
            format!("{id} is in its mailbox")
        }
        (Released::Placed(mailboxes), None) => {
            format!("{id} is in its {} mailboxes", mailboxes.len())
        }
    };
    Ok(Response::Done(text))
}

async fn read(admin: &Admin, id: Id, offset: u64) -> Result<Response, Error> {
    let held = admin.store.quarantined(id).await?;
    let mut original = admin.store.original(held.message).await?;
    if offset == 0 {
        note(admin, &view(admin, held), "exported");
    }
    mailboxes::window(&mut original, offset).await
}

fn view(admin: &Admin, held: Held) -> HeldView {
    let days = admin.policy.snapshot().settings().quarantine.retention_days;
    let days = i64::try_from(days).unwrap_or(0);
    let ends = days > 0 && held.state == HeldState::Held;
    HeldView {
        id: held.id,
        message: held.message,
        kind: held.kind.word().to_owned(),
        sender: held.sender,
        recipient: held.address,
        reason: held.reason,
        rule: held.rule,
        size: held.size,
        since: held.at,
        until: ends.then(|| held.at.plus_millis(days.saturating_mul(DAY))),
        state: held.state.word().to_owned(),
        requested: held.requested_at,
        requested_by: held.requested_by,
    }
}

fn part(part: HeldPart) -> HeldPartView {
    let HeldPart { name, media_type, size, sha256, reason, rule, detail, .. } = part;
    HeldPartView { name, media_type, size, sha256, reason, rule, detail }
}

/// The row that tells of an administrator who looked into a message.
fn note(admin: &Admin, held: &HeldView, what: &str) {
    admin.store.note(TraceRow {
        at: admin.clock.now(),
        event: Event::Administration,
        session: None,
        message: Some(held.message),
        door: BY.door.word().to_owned(),
        peer: String::new(),
        sender: held.sender.clone(),
        recipient: held.recipient.clone(),
        reply: 0,
        reason: Reason::Unopposed,
        rule: BY.name.to_owned(),
        detail: format!("quarantine={} {what}", held.id),
    });
}
