//! The one commit that accepts a message: body, message, entries, ledger and trace together.

use crate::database::{Bell, Expect, Write};
use crate::incoming::Body;
use crate::mailbox::{PLACE_FILE, PLACE_NOWHERE, PLACE_ROW};
use crate::trace::{bounded, write_rows};
use crate::{Error, Store};
use mail::{
    Envelope, Id, Judgement, MailboxId, MessageId, Placement, Timestamp, TraceRow, Verdict,
};
use std::ops::Range;

/// Bytes of an address in the ledger.
const ADDRESS_MAX: usize = 255;
/// Entries of one message; above that an alias is a mailing list, which this is not.
const ENTRIES_MAX: usize = 20_000;

/// A judged message, to be kept.
#[derive(Debug)]
pub struct Acceptance {
    /// Its number, from [`Store::ids`].
    pub message: MessageId,
    /// When its last byte was received.
    pub received_at: Timestamp,
    /// Who sent what to whom.
    pub envelope: Envelope,
    /// Its bytes, as received.
    pub body: Body,
    /// Where it goes: every verdict is Deliver or Discard.
    pub judgement: Judgement,
    /// The trace rows that are kept with it.
    pub trace: Vec<TraceRow>,
}

/// Where one message goes, mailbox by mailbox.
struct Plan {
    /// Each mailbox once, in the order of their ids, with the flags of its entry.
    mailboxes: Vec<(MailboxId, i64)>,
    /// For each recipient the positions of its mailboxes in `mailboxes`, or the rule by which it
    /// is discarded.
    recipients: Vec<Result<Vec<usize>, String>>,
}

impl Store {
    /// Keeps a message: when this returns, it is on stable storage and in its mailboxes.
    ///
    /// Several recipients that lead to one mailbox get one entry there. A message that every
    /// recipient discards is kept as its ledger and trace alone.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a mailbox has ended meanwhile, [`Error::Full`] or
    /// [`Error::Unavailable`]: the message must not be acknowledged then (it may be there all the
    /// same). [`Error::Invalid`] if the acceptance contradicts itself.
    pub async fn accept(&self, acceptance: Acceptance) -> Result<(), Error> {
        if self.disk.is_exhausted() {
            return Err(Error::Full("what is left of the disk is for removing mail".to_owned()));
        }
        let plan = Plan::of(&acceptance)?;
        let ids = (plan.mailboxes.len() + acceptance.trace.len()) as i64;
        let numbered = self.numbered(ids).await?;
        let mut ids = numbered.ids.clone();
        let id = acceptance.message.0;
        let entries = ids.start..ids.start + plan.mailboxes.len() as i64;
        ids.start = entries.end;
        let mut write = self.acceptance(&acceptance, &plan, entries);
        let file = acceptance.body.file().filter(|_| !plan.mailboxes.is_empty());
        if let Some(file) = file {
            write.new_names.push(file.name.clone());
            file.keep();
        }
        write_rows(&mut write, self.organisation, self.node, ids, acceptance.trace);
        let result = self.db.write(write).await.map(drop);
        if file.is_some() && matches!(result, Err(Error::Conflict { .. })) {
            // Nothing refers to it for certain. After other errors the next start looks.
            self.remove_blob(id).await;
        }
        result
    }

    fn acceptance(&self, acceptance: &Acceptance, plan: &Plan, entries: Range<Id>) -> Write {
        let Acceptance { message, received_at, envelope, body, judgement, .. } = acceptance;
        let statements = 2 + plan.mailboxes.len() * 2 + plan.recipients.len();
        let mut write = Write::new(Vec::with_capacity(statements + acceptance.trace.len()));
        let is_kept = !plan.mailboxes.is_empty();
        let (place, inline) = match body.inline() {
            _ if !is_kept => (PLACE_NOWHERE, None),
            Some(bytes) => (PLACE_ROW, Some(bytes.clone())),
            None => (PLACE_FILE, None),
        };
        let sender = match envelope.sender.address() {
            Some(address) => address.to_string(),
            None => "<>".to_owned(),
        };
        write.push(
            "INSERT INTO message (id, organisation, node, session, received_at, sender, size, \
             entries, body_place, rendition, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            vec![
                message.0.into(),
                self.organisation.into(),
                self.node.into(),
                envelope.peer.session.0.into(),
                received_at.0.into(),
                bounded(sender, ADDRESS_MAX).into(),
                body.size().cast_signed().into(),
                (plan.mailboxes.len() as i64).into(),
                place.into(),
                is_kept.then(|| judgement.rendition.encode()).into(),
                inline.into(),
            ],
            Expect::Any,
        );
        if !is_kept {
            write.push(
                "INSERT INTO garbage (message, at, collected) VALUES ($1, $2, 1)",
                vec![message.0.into(), received_at.0.into()],
                Expect::Any,
            );
        }
        let size = judgement.rendition.size().cast_signed();
        for ((mailbox, flags), entry) in plan.mailboxes.iter().zip(entries.clone()) {
            let shown = Shown { entry, message: *message, at: *received_at, size, flags: *flags };
            place_entry(&mut write, *mailbox, &shown);
        }
        self.ledger(&mut write, acceptance, plan, entries.start);
        write
    }

    fn ledger(&self, write: &mut Write, acceptance: &Acceptance, plan: &Plan, first_entry: Id) {
        let recipients = acceptance.envelope.recipients.iter().zip(&plan.recipients);
        for (n, (recipient, goes)) in recipients.enumerate() {
            let (state, entries, rule) = match goes {
                Ok(mailboxes) => {
                    let entries: Vec<String> =
                        mailboxes.iter().map(|at| (first_entry + *at as i64).to_string()).collect();
                    ("mailbox", entries.join(","), String::new())
                }
                Err(rule) => ("discarded", String::new(), rule.clone()),
            };
            write.push(
                "INSERT INTO recipient (message, n, address, state, entries, rule) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    acceptance.message.0.into(),
                    (n as i64).into(),
                    bounded(recipient.address.to_string(), ADDRESS_MAX).into(),
                    state.into(),
                    entries.into(),
                    rule.into(),
                ],
                Expect::Any,
            );
        }
    }
}

struct Shown {
    entry: Id,
    message: MessageId,
    at: Timestamp,
    size: i64,
    flags: i64,
}

fn place_entry(write: &mut Write, mailbox: MailboxId, shown: &Shown) {
    write.push(
        "UPDATE mailbox SET uid_next = uid_next + 1, modseq = modseq + 1, \
         messages = messages + 1, size = size + $2 WHERE id = $1 AND valid_to IS NULL",
        vec![mailbox.0.into(), shown.size.into()],
        Expect::Rows(1),
    );
    write.push(
        "INSERT INTO entry \
         (mailbox, uid, id, modseq, message, rendition, flags, internal_date, size) \
         SELECT id, uid_next - 1, $2, modseq, $3, 0, $4, $5, $6 FROM mailbox WHERE id = $1",
        vec![
            mailbox.0.into(),
            shown.entry.into(),
            shown.message.0.into(),
            shown.flags.into(),
            shown.at.0.into(),
            shown.size.into(),
        ],
        Expect::Rows(1),
    );
    write.bells.push(Bell::Mailbox(mailbox));
}

impl Plan {
    fn of(acceptance: &Acceptance) -> Result<Self, Error> {
        let invalid = |text: &str| Error::Invalid(text.to_owned());
        let verdicts = &acceptance.judgement.verdicts;
        if acceptance.body.file().is_some_and(|file| file.id != acceptance.message.0) {
            return Err(invalid("a message whose body is a file bears the number of that file"));
        }
        if verdicts.is_empty() || verdicts.len() != acceptance.envelope.recipients.len() {
            return Err(invalid("a message has one verdict for each recipient"));
        }
        let mut mailboxes: Vec<(MailboxId, i64)> = verdicts
            .iter()
            .filter_map(|verdict| match verdict {
                Verdict::Deliver(placements) => Some(placements),
                _ => None,
            })
            .flatten()
            .map(|placement| (placement.mailbox, placement.flags))
            .collect();
        mailboxes.sort_by_key(|(mailbox, _)| *mailbox);
        mailboxes.dedup_by_key(|(mailbox, _)| *mailbox);
        if mailboxes.len() > ENTRIES_MAX {
            return Err(invalid("a message goes to more mailboxes than one commit takes"));
        }
        let position = |placement: &Placement| {
            mailboxes.binary_search_by_key(&placement.mailbox, |(mailbox, _)| *mailbox).ok()
        };
        let recipients = verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Deliver(placements) if !placements.is_empty() => {
                    let mut at: Vec<usize> = placements.iter().filter_map(position).collect();
                    at.sort_unstable();
                    at.dedup();
                    Ok(Ok(at))
                }
                Verdict::Deliver(_) => Err(invalid("a recipient is delivered to no mailbox")),
                Verdict::Discard(refusal) => {
                    let rule = if refusal.rule.is_empty() {
                        refusal.reason.word().to_owned()
                    } else {
                        bounded(refusal.rule.clone(), ADDRESS_MAX)
                    };
                    Ok(Err(rule))
                }
                Verdict::Refuse(_) | Verdict::Later(_) => {
                    Err(invalid("a refused recipient is not accepted"))
                }
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { mailboxes, recipients })
    }
}
