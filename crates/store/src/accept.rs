//! The one commit that accepts a message: body, message, entries, ledger and trace together.

use crate::database::{Bell, Expect, Write};
use crate::incoming::Body;
use crate::mailbox::{PLACE_FILE, PLACE_NOWHERE, PLACE_ROW};
use crate::quarantine::{FULL, Hold, Way};
use crate::spool::{NewCopy, ONWARD};
use crate::trace::{bounded, write_rows};
use crate::{Error, Store};
use mail::{
    Envelope, Id, Judgement, MailboxId, MessageId, Onward, Placement, Recipient, RecipientDsn,
    Refusal, Timestamp, TraceRow, Verdict,
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
    /// Where it goes: every verdict is Deliver, Quarantine or Discard; with what is sent on, or
    /// held, how.
    pub judgement: Judgement,
    /// The trace rows that are kept with it.
    pub trace: Vec<TraceRow>,
}

/// Where one message goes, mailbox by mailbox.
struct Plan {
    /// Each mailbox once, in the order of their ids, with the flags of its entry.
    mailboxes: Vec<(MailboxId, i64)>,
    /// The rows of the ledger: each recipient's own, and one for each copy that is sent on.
    ledger: Vec<Line>,
    /// How many copies are sent on.
    onward: usize,
    /// What is held, in the order of the ledger's rows.
    held: Vec<Hold>,
    /// Whether a copy that is held would be sent on.
    may_go_on: bool,
}

/// A row of the ledger.
struct Line {
    /// The recipient's own address, or the one that it is sent on to.
    address: String,
    goes: Goes,
}

enum Goes {
    /// To these positions of [`Plan::mailboxes`].
    Here(Vec<usize>),
    /// To another server, by this permit, for the recipient of the envelope at this place.
    On(Onward, String, usize),
    /// Into the quarantine.
    Held(Box<Hold>),
    /// Nowhere, by this rule.
    Discarded(String),
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
        self.accept_with(acceptance, Write::default()).await
    }

    /// Keeps a message and the notice that tells its sender so, in one commit.
    ///
    /// # Errors
    /// As [`Store::accept`]: neither is acknowledged then.
    pub async fn accept_with_notice(
        &self,
        mut acceptance: Acceptance,
        notice: Acceptance,
    ) -> Result<(), Error> {
        let (plan, _) = (Plan::of(&acceptance)?, Plan::of(&notice)?);
        let numbered = self.numbered(plan.ids(&acceptance)).await?;
        let write = self.acceptance(&mut acceptance, &plan, numbered.ids.clone());
        let result = self.accept_with(notice, write).await;
        if plan.keeps() && acceptance.body.file().is_some() {
            self.after_conflict(&acceptance, &result).await;
        }
        result
    }

    /// The same, in one commit with what else has to be written.
    pub(crate) async fn accept_with(
        &self,
        mut acceptance: Acceptance,
        first: Write,
    ) -> Result<(), Error> {
        if self.disk.is_exhausted() {
            return Err(Error::Full("what is left of the disk is for removing mail".to_owned()));
        }
        let plan = Plan::of(&acceptance)?;
        let numbered = self.numbered(plan.ids(&acceptance)).await?;
        let mut write = first;
        write.append(self.acceptance(&mut acceptance, &plan, numbered.ids.clone()));
        let result = self.db.write(write).await.map(drop);
        if plan.keeps() && acceptance.body.file().is_some() {
            self.after_conflict(&acceptance, &result).await;
        }
        result
    }

    /// Removes the file of a body to which nothing refers for certain. After other errors the next
    /// start looks.
    async fn after_conflict(&self, acceptance: &Acceptance, result: &Result<(), Error>) {
        if matches!(result, Err(Error::Conflict { .. })) {
            self.remove_blob(acceptance.message.0).await;
        }
    }

    /// Everything that the commit writes. Ids are used in this order: entries, spool, the trace's
    /// row about a hold, quarantine, trace.
    fn acceptance(&self, acceptance: &mut Acceptance, plan: &Plan, mut ids: Range<Id>) -> Write {
        let statements = 3 + plan.mailboxes.len() * 2 + plan.ledger.len() + plan.onward * 3;
        let mut write = Write::new(Vec::with_capacity(statements + acceptance.trace.len()));
        self.message(&mut write, acceptance, plan);
        let size = acceptance.judgement.rendition.size().cast_signed();
        let entries = ids.start..ids.start + plan.mailboxes.len() as i64;
        for ((mailbox, flags), entry) in plan.mailboxes.iter().zip(entries.clone()) {
            let (message, at) = (acceptance.message, acceptance.received_at);
            let shown = Shown { entry, message, at, size, flags: *flags, rendition: 0 };
            place_entry(&mut write, *mailbox, &shown);
        }
        let copies = entries.end..entries.end + plan.onward as i64;
        ids.start = copies.end;
        self.ledger(&mut write, acceptance, plan, entries);
        if plan.onward > 0 {
            self.charge(&mut write, acceptance, copies, ids.start);
            ids.start += 1;
        }
        if !plan.held.is_empty() {
            self.hold(&mut write, acceptance, &plan.held, ids.start);
            ids.start += plan.held.len() as i64;
        }
        if let Some(file) = acceptance.body.file().filter(|_| plan.keeps()) {
            write.new_names.push(file.name.clone());
            file.keep();
        }
        let trace = std::mem::take(&mut acceptance.trace);
        write_rows(&mut write, self.organisation, self.node, ids, trace);
        write
    }

    fn message(&self, write: &mut Write, acceptance: &Acceptance, plan: &Plan) {
        let Acceptance { message, received_at, envelope, body, judgement, .. } = acceptance;
        let (place, inline) = match body.inline() {
            _ if !plan.keeps() => (PLACE_NOWHERE, None),
            Some(bytes) => (PLACE_ROW, Some(bytes.clone())),
            None => (PLACE_FILE, None),
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
                bounded(envelope.sender.to_string(), ADDRESS_MAX).into(),
                body.size().cast_signed().into(),
                ((plan.mailboxes.len() + plan.onward + plan.held.len()) as i64).into(),
                place.into(),
                plan.keeps().then(|| judgement.rendition.encode()).into(),
                inline.into(),
            ],
            Expect::Any,
        );
        if !plan.keeps() {
            write.push(
                "INSERT INTO garbage (message, at, collected) VALUES ($1, $2, 1)",
                vec![message.0.into(), received_at.0.into()],
                Expect::Any,
            );
        }
        let goes_on = plan.onward > 0 || plan.may_go_on;
        let onward = judgement.onward.as_ref().filter(|_| goes_on).map(|it| (ONWARD, it));
        let full = judgement.full.as_ref().filter(|_| !plan.held.is_empty()).map(|it| (FULL, it));
        for (number, rendition) in onward.into_iter().chain(full) {
            write.push(
                "INSERT INTO rendition (message, number, pieces) VALUES ($1, $2, $3)",
                vec![message.0.into(), number.into(), rendition.encode().into()],
                Expect::Any,
            );
        }
    }

    /// The ledger's rows, and those of the spool, whose ids follow those of the entries.
    fn ledger(&self, write: &mut Write, it: &Acceptance, plan: &Plan, entries: Range<Id>) {
        let mut spooled = entries.end;
        for (n, line) in plan.ledger.iter().enumerate() {
            let (state, at, rule) = match &line.goes {
                Goes::Here(positions) => {
                    let ids = positions.iter().map(|at| (entries.start + *at as i64).to_string());
                    ("mailbox", ids.collect::<Vec<_>>().join(","), "")
                }
                Goes::On(onward, rule, of) => {
                    let none = RecipientDsn::default();
                    let dsn = it.envelope.recipients.get(*of).map_or(&none, |of| &of.dsn);
                    let row = NewCopy { id: spooled, n: n as i64, onward, dsn };
                    self.spool(write, it, &row);
                    spooled += 1;
                    ("spool", String::new(), rule.as_str())
                }
                Goes::Held(_) => ("quarantined", String::new(), ""),
                Goes::Discarded(rule) => ("discarded", String::new(), rule.as_str()),
            };
            write.push(
                "INSERT INTO recipient (message, n, address, state, entries, rule) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    it.message.0.into(),
                    (n as i64).into(),
                    bounded(line.address.clone(), ADDRESS_MAX).into(),
                    state.into(),
                    at.into(),
                    rule.into(),
                ],
                Expect::Any,
            );
        }
        if plan.onward > 0 {
            write.bells.push(Bell::Spool);
        }
    }
}

/// What a new entry shows.
pub(crate) struct Shown {
    pub(crate) entry: Id,
    pub(crate) message: MessageId,
    pub(crate) at: Timestamp,
    pub(crate) size: i64,
    pub(crate) flags: i64,
    /// The number of the rendition; 0 is the one in the message's row.
    pub(crate) rendition: i64,
}

/// Puts an entry at the end of a mailbox; one that has ended is a conflict.
pub(crate) fn place_entry(write: &mut Write, mailbox: MailboxId, shown: &Shown) {
    write.push(
        "UPDATE mailbox SET uid_next = uid_next + 1, modseq = modseq + 1, \
         messages = messages + 1, size = size + $2 WHERE id = $1 AND valid_to IS NULL",
        vec![mailbox.0.into(), shown.size.into()],
        Expect::Rows(1),
    );
    write.push(
        "INSERT INTO entry \
         (mailbox, uid, id, modseq, message, rendition, flags, internal_date, size) \
         SELECT id, uid_next - 1, $2, modseq, $3, $7, $4, $5, $6 FROM mailbox WHERE id = $1",
        vec![
            mailbox.0.into(),
            shown.entry.into(),
            shown.message.0.into(),
            shown.flags.into(),
            shown.at.0.into(),
            shown.size.into(),
            shown.rendition.into(),
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
                Verdict::Deliver(placements, _) => Some(placements),
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
        let mut ledger = Vec::with_capacity(verdicts.len());
        let recipients = acceptance.envelope.recipients.iter().zip(verdicts);
        for (at, (recipient, verdict)) in recipients.enumerate() {
            ledger.extend(lines(at, recipient, verdict, &mailboxes)?);
        }
        let onward = ledger.iter().filter(|line| matches!(line.goes, Goes::On(..))).count();
        if onward > 0 && acceptance.judgement.onward.is_none() {
            return Err(invalid("a message that is sent on has no rendition for it"));
        }
        let held = held(acceptance, &ledger, &mailboxes);
        let may_go_on = held.iter().any(|hold| matches!(hold.way, Way::On(_)));
        if may_go_on && acceptance.judgement.onward.is_none() {
            return Err(invalid("a message that may be sent on has no rendition for it"));
        }
        if !held.is_empty() && acceptance.judgement.full.is_none() {
            return Err(invalid("a message that is held has no rendition for its release"));
        }
        Ok(Self { mailboxes, ledger, onward, held, may_go_on })
    }

    /// Whether the message is kept at all: in a mailbox, the spool or the quarantine.
    fn keeps(&self) -> bool {
        !self.mailboxes.is_empty() || self.onward > 0 || !self.held.is_empty()
    }

    /// How many ids the commit uses.
    fn ids(&self, acceptance: &Acceptance) -> i64 {
        let hold = usize::from(self.onward > 0);
        (self.mailboxes.len() + self.onward + hold + self.held.len() + acceptance.trace.len())
            as i64
    }
}

/// What is held of a message, in the order of the ledger: copies as a whole, and where parts are
/// held, whoever gets the rest.
fn held(it: &Acceptance, ledger: &[Line], mailboxes: &[(MailboxId, i64)]) -> Vec<Hold> {
    let part = it.judgement.held.first();
    let hold = |(n, line): (usize, &Line)| {
        let way = match &line.goes {
            Goes::Held(hold) => return Some(Hold { n: n as i64, ..Hold::clone(hold) }),
            Goes::Discarded(_) => return None,
            Goes::Here(at) => {
                let mailbox = |at: &usize| mailboxes.get(*at).map(|(mailbox, _)| *mailbox);
                Way::Here(at.iter().filter_map(mailbox).collect())
            }
            // The rest was sent on, and nothing can be added to that.
            Goes::On(..) => Way::Here(Vec::new()),
        };
        let why = part.map(|part| Refusal {
            reason: part.reason,
            rule: part.rule.clone(),
            detail: part.detail.clone(),
            text: None,
        })?;
        Some(Hold { n: n as i64, address: line.address.clone(), way, of: 0, is_part: true, why })
    };
    ledger.iter().enumerate().filter_map(hold).collect()
}

/// The ledger's rows of one recipient, the `of`-th of the envelope.
fn lines(
    of: usize,
    recipient: &Recipient,
    verdict: &Verdict,
    mailboxes: &[(MailboxId, i64)],
) -> Result<Vec<Line>, Error> {
    let invalid = |text: &str| Error::Invalid(text.to_owned());
    let address = recipient.address.to_string();
    let position = |placement: &Placement| {
        mailboxes.binary_search_by_key(&placement.mailbox, |(mailbox, _)| *mailbox).ok()
    };
    match verdict {
        Verdict::Deliver(placements, onward) if placements.is_empty() && onward.is_empty() => {
            Err(invalid("a recipient is delivered to no mailbox and not sent on"))
        }
        Verdict::Deliver(placements, onward) => {
            let mut at: Vec<usize> = placements.iter().filter_map(position).collect();
            at.sort_unstable();
            at.dedup();
            let here = (!at.is_empty()).then_some(Line { address, goes: Goes::Here(at) });
            let rule = bounded(recipient.permit.rule().to_owned(), ADDRESS_MAX);
            let on = onward.iter().map(|onward| Line {
                address: onward.address.to_string(),
                goes: Goes::On(onward.clone(), rule.clone(), of),
            });
            Ok(here.into_iter().chain(on).collect())
        }
        Verdict::Quarantine(..) if recipient.targets.is_empty() && recipient.onward.is_empty() => {
            Err(invalid("a recipient has no place to be released to"))
        }
        Verdict::Quarantine(why, placements, onward) => {
            let mut here: Vec<MailboxId> = placements.iter().map(|place| place.mailbox).collect();
            here.sort_unstable();
            here.dedup();
            let line = |address: String, way| {
                let (why, held) = (why.clone(), address.clone());
                let hold = Hold { n: 0, address: held, way, of, is_part: false, why };
                Line { address, goes: Goes::Held(Box::new(hold)) }
            };
            let here = (!here.is_empty()).then(|| line(address, Way::Here(here)));
            let on = |onward: &Onward| line(onward.address.to_string(), Way::On(onward.clone()));
            Ok(here.into_iter().chain(onward.iter().map(on)).collect())
        }
        Verdict::Discard(refusal) => {
            let rule = match refusal.rule.as_str() {
                "" => refusal.reason.word().to_owned(),
                rule => bounded(rule.to_owned(), ADDRESS_MAX),
            };
            Ok(vec![Line { address, goes: Goes::Discarded(rule) }])
        }
        Verdict::Refuse(_) | Verdict::Later(_) => {
            Err(invalid("a refused recipient is not accepted"))
        }
    }
}
