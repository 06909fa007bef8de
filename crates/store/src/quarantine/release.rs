//! Out of the quarantine: released to whom it belongs, or deleted. Each in one commit with the
//! ledger and the trace.

use super::FULL;
use super::list::{Held, HeldKind, HeldState};
use crate::accept::{Shown, place_entry};
use crate::database::{Bell, Expect, Write};
use crate::mailbox::INBOX;
use crate::trace::{bounded, write_rows};
use crate::{Error, Store};
use mail::{AccountId, Door, EntryId, Event, Id, MailboxId, Timestamp, TraceRow};
use std::net::IpAddr;

/// Bytes of a name in a row.
const NAME_MAX: usize = 255;

/// Who does something with what is held, for the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor<'a> {
    /// The way in.
    pub door: Door,
    /// `administrator`, or the address of a user.
    pub name: &'a str,
    /// From where, if no row of a session or message tells it.
    pub peer: Option<IpAddr>,
}

/// What a release did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// It is in these mailboxes.
    Placed(Vec<MailboxId>),
    /// It is in the queue, under this number.
    Queued(Id),
}

impl Store {
    /// Releases what is held: the whole message, as it came but for our trace fields, is put into
    /// the mailboxes of its owner, never Junk; or it goes on to where it would have gone, signed as
    /// it was then. With `to` it goes into the INBOX of this account instead. It is not judged
    /// again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is held no more, or has no mailbox (any more)
    /// and no account is named; otherwise as [`Store::accept`].
    pub async fn release(
        &self,
        id: Id,
        to: Option<AccountId>,
        by: Actor<'_>,
    ) -> Result<Released, Error> {
        if self.disk.is_exhausted() {
            return Err(Error::Full("what is left of the disk is for removing mail".to_owned()));
        }
        let held = self.still_held(id).await?;
        let is_sent_on = to.is_none() && !held.destination.is_empty();
        let mailboxes = if is_sent_on { Vec::new() } else { self.mailboxes_for(&held, to).await? };
        let copies = mailboxes.len().max(1) as i64;
        let numbered = self.numbered(copies + 1).await?;
        let (ids, now) = (numbered.ids.clone(), self.clock.now());
        let mut write = Write::default();
        settle(&mut write, &held, HeldState::Released, now, by.name);
        let detail = if is_sent_on {
            queue(&mut write, &held, ids.start, now);
            format!("queue={}", ids.start)
        } else {
            let entries: Vec<EntryId> = (ids.start..).take(mailboxes.len()).map(EntryId).collect();
            place(&mut write, &held, &mailboxes, &entries, now);
            let placed = mailboxes.iter().zip(&entries);
            let placed = placed.map(|(mailbox, entry)| format!("mailbox={mailbox} entry={entry}"));
            placed.collect::<Vec<_>>().join(" ")
        };
        // Each copy counts, and what is held no more does not.
        write.push(
            "UPDATE message SET entries = entries + $2 WHERE id = $1 AND entries > 0",
            vec![held.message.0.into(), (copies - 1).into()],
            Expect::Rows(1),
        );
        let row = row(&held, Event::Released, by, now, &detail);
        let last = ids.end - 1..ids.end;
        write_rows(&mut write, self.organisation, self.node, last, vec![row]);
        self.db.write(write).await.map_err(changed)?;
        Ok(if is_sent_on { Released::Queued(ids.start) } else { Released::Placed(mailboxes) })
    }

    /// Deletes what is held; nobody is told.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is held no more; the database's.
    pub async fn delete_held(&self, id: Id, by: Actor<'_>) -> Result<(), Error> {
        let held = self.still_held(id).await?;
        self.end_held(&[held], HeldState::Deleted, by).await.map_err(changed)
    }

    /// Somebody asks for a release. The first asker is remembered.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if it is held no more; the database's.
    pub async fn request_release(&self, id: Id, who: &str, by: Actor<'_>) -> Result<Held, Error> {
        let held = self.still_held(id).await?;
        self.ask(&held, who, by).await.map_err(changed)?;
        self.quarantined(id).await
    }

    /// Writes a request down, and spends the token that is in force.
    pub(super) async fn ask(&self, held: &Held, who: &str, by: Actor<'_>) -> Result<(), Error> {
        let numbered = self.numbered(1).await?;
        let now = self.clock.now();
        let mut write = Write::default();
        write.push(
            "UPDATE quarantine SET requested_at = coalesce(requested_at, $2), requested_by = \
             CASE WHEN requested_by = '' THEN $3 ELSE requested_by END, tokens = tokens + 1 \
             WHERE id = $1 AND state = 'held' AND tokens = $4",
            vec![
                held.id.into(),
                now.0.into(),
                bounded(who.to_owned(), NAME_MAX).into(),
                held.tokens.into(),
            ],
            Expect::Rows(1),
        );
        let row = row(held, Event::Administration, by, now, &format!("requested by={who}"));
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), vec![row]);
        self.db.write(write).await.map(drop)
    }

    /// What is held comes to an end that puts it nowhere.
    pub(super) async fn end_held(
        &self,
        ended: &[Held],
        state: HeldState,
        by: Actor<'_>,
    ) -> Result<(), Error> {
        let numbered = self.numbered(ended.len() as i64).await?;
        let now = self.clock.now();
        let mut write = Write::default();
        let mut rows = Vec::with_capacity(ended.len());
        for held in ended {
            settle(&mut write, held, state, now, by.name);
            if held.kind == HeldKind::Message {
                write.push(
                    "UPDATE recipient SET state = 'removed', rule = $3 \
                     WHERE message = $1 AND n = $2 AND state = 'quarantined'",
                    vec![
                        held.message.0.into(),
                        held.n.into(),
                        bounded(format!("quarantine {}", by.name), NAME_MAX).into(),
                    ],
                    Expect::Rows(1),
                );
            }
            crate::mailbox::remove::forget_one(&mut write, held.message.0, now.0);
            rows.push(row(held, Event::Removed, by, now, state.word()));
        }
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), rows);
        self.db.write(write).await.map(drop)
    }

    async fn still_held(&self, id: Id) -> Result<Held, Error> {
        let held = self.quarantined(id).await?;
        match held.state {
            HeldState::Held => Ok(held),
            state => {
                let (word, at) = (state.word(), held.state_at.rfc3339());
                Err(Error::Invalid(format!("{id} was {word} at {at}")))
            }
        }
    }

    /// The mailboxes in force that a release goes to, by their numbers.
    async fn mailboxes_for(
        &self,
        held: &Held,
        to: Option<AccountId>,
    ) -> Result<Vec<MailboxId>, Error> {
        let mut found = Vec::new();
        if let Some(account) = to {
            let mailboxes = self.mailboxes(account).await?;
            let inbox = mailboxes.iter().find(|mailbox| mailbox.name == INBOX);
            let nowhere = || Error::NotFound(format!("INBOX of account {account}"));
            return Ok(vec![inbox.ok_or_else(nowhere)?.id]);
        }
        for id in &held.mailboxes {
            match self.mailbox(*id).await {
                Ok(_) => found.push(*id),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() {
            let text = format!("{} has no mailbox here: name an account to release it to", held.id);
            return Err(Error::Invalid(text));
        }
        Ok(found)
    }
}

/// What a person is told where a conflict says that another was quicker.
fn changed(error: Error) -> Error {
    match error {
        Error::Conflict { .. } => {
            Error::Invalid("it was changed by somebody else at this moment: look again".to_owned())
        }
        other => other,
    }
}

fn settle(write: &mut Write, held: &Held, state: HeldState, now: Timestamp, by: &str) {
    write.push(
        "UPDATE quarantine SET state = $2, state_at = $3, state_by = $4 \
         WHERE id = $1 AND state = 'held'",
        vec![
            held.id.into(),
            state.word().into(),
            now.0.into(),
            bounded(by.to_owned(), NAME_MAX).into(),
        ],
        Expect::Rows(1),
    );
}

/// Puts the whole message into mailboxes; the ledger names the new entries. It is dated by now, so
/// that its owner finds it among the new.
fn place(
    write: &mut Write,
    held: &Held,
    mailboxes: &[MailboxId],
    entries: &[EntryId],
    now: Timestamp,
) {
    let size = held.full_size.cast_signed();
    for (mailbox, entry) in mailboxes.iter().zip(entries) {
        let shown = Shown {
            entry: entry.0,
            message: held.message,
            at: now,
            size,
            flags: 0,
            rendition: FULL,
        };
        place_entry(write, *mailbox, &shown);
    }
    let entries: Vec<String> = entries.iter().map(ToString::to_string).collect();
    let entries = entries.join(",");
    match held.kind {
        HeldKind::Message => write.push(
            "UPDATE recipient SET state = 'mailbox', entries = $3, rule = '' \
             WHERE message = $1 AND n = $2 AND state = 'quarantined'",
            vec![held.message.0.into(), held.n.into(), entries.into()],
            Expect::Rows(1),
        ),
        // A row of its own: where the rest is, and what became of it, stays told.
        HeldKind::Part => write.push(
            "INSERT INTO recipient (message, n, address, state, entries, rule) \
             SELECT message, max(n) + 1, $2, 'mailbox', $3, '' FROM recipient \
             WHERE message = $1 GROUP BY message",
            vec![held.message.0.into(), held.address.as_str().into(), entries.into()],
            Expect::Rows(1),
        ),
    }
}

/// Puts a copy into the spool as the accept commit would have, due now.
fn queue(write: &mut Write, held: &Held, id: Id, now: Timestamp) {
    write.push(
        "INSERT INTO spool (id, organisation, node, message, n, account, sender, recipient, \
         destination, options, size, queued_at, next_at, attempts, warned, held, last_reply, \
         last_reason, last_text, last_host, fence, submitter) SELECT $2, organisation, node, \
         message, n, account, onward_sender, address, destination, options, onward_size, $3, $3, \
         0, 0, '', 0, '', '', '', 0, submitter FROM quarantine WHERE id = $1",
        vec![held.id.into(), id.into(), now.0.into()],
        Expect::Rows(1),
    );
    write.push(
        "UPDATE recipient SET state = 'spool', rule = coalesce((SELECT permit FROM quarantine \
         WHERE id = $3), '') WHERE message = $1 AND n = $2 AND state = 'quarantined'",
        vec![held.message.0.into(), held.n.into(), held.id.into()],
        Expect::Rows(1),
    );
    write.bells.push(Bell::Spool);
}

fn row(held: &Held, event: Event, by: Actor<'_>, at: Timestamp, detail: &str) -> TraceRow {
    TraceRow {
        at,
        event,
        session: None,
        message: Some(held.message),
        door: by.door.word().to_owned(),
        peer: by.peer.map(|ip| ip.to_string()).unwrap_or_default(),
        sender: held.sender.clone(),
        recipient: held.address.clone(),
        reply: 0,
        reason: held.reason,
        rule: by.name.to_owned(),
        detail: format!("quarantine={} {detail}", held.id),
    }
}
