//! Mailboxes and the messages in them. Reading somebody's mail leaves a row in the trace.

use super::accounts;
use crate::{Admin, EntryView, Error, MailboxView, Page, Paging, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::index::{Index, IndexBuilder};
use mail::{AccountId, Address, Door, EntryId, Event, Reason, TraceRow};
use std::collections::HashSet;
use store::{Entry, Mailbox, Rendered};

/// Bytes of a window; base64 makes a third more of it.
const WINDOW: usize = 256 * 1024;
/// Bytes of a message that are read for From and Subject.
const HEADER_MAX: usize = 64 * 1024;
/// Entries that one request may name.
const ENTRIES_MAX: usize = 10_000;

pub(super) async fn list(admin: &Admin, address: &Address) -> Result<Response, Error> {
    let account = accounts::find(admin, address)?;
    let mailboxes = admin.store.mailboxes(account.id).await?;
    let view = |mailbox: Mailbox| MailboxView {
        id: mailbox.id,
        name: mailbox.name,
        messages: mailbox.messages,
        size: mailbox.size,
    };
    Ok(Response::Mailboxes(mailboxes.into_iter().map(view).collect()))
}

pub(super) async fn show(
    admin: &Admin,
    address: &Address,
    mailbox: &str,
    paging: &Paging,
) -> Result<Response, Error> {
    let (after, limit) = (paging.number()?.unwrap_or(0), paging.rows()?);
    let account = accounts::find(admin, address)?;
    let mailbox = find(admin, account.id, mailbox).await?;
    if paging.cursor.is_none() {
        note(admin, address, &format!("listed mailbox={}", mailbox.name));
    }
    let mut entries = admin.store.entries_after(mailbox.id, after, limit + 1).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| entry.uid.to_string());
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        rows.push(view(admin, &entry).await?);
    }
    Ok(Response::Entries(Page { rows, next }))
}

async fn view(admin: &Admin, entry: &Entry) -> Result<EntryView, Error> {
    let index = head(&mut admin.store.rendition(entry).await?).await?;
    Ok(EntryView {
        id: entry.id,
        uid: entry.uid,
        message: entry.message,
        received: entry.internal_date,
        size: entry.size,
        from: index.from().first().map(ToString::to_string).unwrap_or_default(),
        subject: index.subject().unwrap_or_default(),
    })
}

/// The index of a message's head: its fields, not its parts.
pub(crate) async fn head(rendered: &mut Rendered) -> Result<Index, Error> {
    let mut index = IndexBuilder::new();
    let mut read = 0;
    while read < HEADER_MAX {
        let bytes = rendered.read(HEADER_MAX - read).await?;
        if bytes.is_empty() {
            break;
        }
        read += bytes.len();
        index.push(&bytes);
    }
    Ok(index.finish())
}

/// Moves entries from one mailbox to another of the same account; none named means all.
pub(super) async fn shift(
    admin: &Admin,
    address: &Address,
    from: &str,
    to: &str,
    mut entries: Vec<EntryId>,
) -> Result<Response, Error> {
    let account = accounts::find(admin, address)?;
    let source = find(admin, account.id, from).await?;
    let goal = find(admin, account.id, to).await?;
    if source.id == goal.id {
        return Err(Error::Invalid("that is the same mailbox".to_owned()));
    }
    if entries.len() > ENTRIES_MAX {
        return Err(Error::Invalid(format!("name at most {ENTRIES_MAX} entries at once")));
    }
    let there = admin.store.entries(source.id).await?.into_iter().map(|entry| entry.id);
    if entries.is_empty() {
        entries = there.collect();
    } else {
        let there: HashSet<EntryId> = there.collect();
        if let Some(missing) = entries.iter().find(|entry| !there.contains(entry)) {
            return Err(Error::NotFound(format!(
                "there is no entry {missing} in {}; nothing was moved",
                source.name
            )));
        }
    }
    let mut moved = 0;
    for some in entries.chunks(ENTRIES_MAX) {
        moved += admin.store.move_entries(source.id, goal.id, some).await?;
    }
    note(admin, address, &format!("moved entries={moved} from={} to={}", source.name, goal.name));
    Ok(Response::Done(format!("moved {moved} messages from {} to {}", source.name, goal.name)))
}

/// A window of a message, as its mailbox shows it.
pub(super) async fn read(
    admin: &Admin,
    address: &Address,
    mailbox: &str,
    uid: i64,
    offset: u64,
) -> Result<Response, Error> {
    let account = accounts::find(admin, address)?;
    let mailbox = find(admin, account.id, mailbox).await?;
    let entry = admin.store.entries_after(mailbox.id, uid.saturating_sub(1), 1).await?.pop();
    let entry = entry.filter(|entry| entry.uid == uid);
    let entry = entry.ok_or_else(|| Error::NotFound(format!("there is no message {uid}")))?;
    if offset == 0 {
        note(admin, address, &format!("read mailbox={} uid={uid}", mailbox.name));
    }
    let mut rendered = admin.store.rendition(&entry).await?;
    window(&mut rendered, offset).await
}

/// A window of a message.
pub(super) async fn window(rendered: &mut Rendered, offset: u64) -> Result<Response, Error> {
    rendered.seek(offset);
    let mut bytes = Vec::new();
    while bytes.len() < WINDOW {
        let more = rendered.read(WINDOW - bytes.len()).await?;
        if more.is_empty() {
            break;
        }
        bytes.extend_from_slice(&more);
    }
    Ok(Response::Window { bytes: STANDARD.encode(bytes), size: rendered.size() })
}

/// A mailbox by its name; INBOX in any case (RFC 9051 §5.1).
async fn find(admin: &Admin, account: AccountId, name: &str) -> Result<Mailbox, Error> {
    let is_it = |mailbox: &Mailbox| {
        mailbox.name == name
            || (name.eq_ignore_ascii_case("INBOX") && mailbox.name.eq_ignore_ascii_case("INBOX"))
    };
    let found = admin.store.mailboxes(account).await?.into_iter().find(is_it);
    found.ok_or_else(|| Error::NotFound(format!("there is no mailbox {name}")))
}

/// The row that tells of an administrator at somebody's mailbox.
fn note(admin: &Admin, address: &Address, what: &str) {
    admin.store.note(TraceRow {
        at: admin.clock.now(),
        event: Event::Administration,
        session: None,
        message: None,
        door: Door::Admin.word().to_owned(),
        peer: String::new(),
        sender: String::new(),
        recipient: address.to_string(),
        reply: 0,
        reason: Reason::Unopposed,
        rule: "mailbox".to_owned(),
        detail: what.to_owned(),
    });
}
