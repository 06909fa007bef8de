//! The quarantine: what was accepted and is held until somebody releases it, or its time is over.
//!
//! The commit that accepts a message holds what its verdict says: the whole message for a
//! recipient, or parts of it while the recipient gets the rest. Either way there is one row for
//! each recipient, which counts among the things that keep the message's body.
//!
//! [`Store::release`] is the second entrance for mail, beside `filter::intake`: what was judged
//! once and released by a person is put where it belongs as it came, and is not judged again.

mod list;
mod release;
mod retention;
mod telling;
mod token;

pub use list::{Held, HeldFilter, HeldKind, HeldState};
pub use release::{Actor, Released};
pub use telling::Listener;

use crate::Store;
use crate::accept::Acceptance;
use crate::database::{Expect, Write};
use crate::spool::{Needs, TEXT_MAX, destination};
use crate::trace::bounded;
use mail::{HeldPart, Id, MailboxId, Onward, RecipientDsn, Refusal};

/// The number of the rendition that a release shows.
pub(crate) const FULL: i64 = 2;
/// Parts of one message that are listed; who hides more holds the message with them.
const PARTS_MAX: usize = 100;
/// Bytes of the facts that a row keeps.
const DETAIL_MAX: usize = 1_000;

/// Something to be held for one recipient.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    /// Its row in the message's ledger.
    pub(crate) n: i64,
    /// As the ledger has it.
    pub(crate) address: String,
    /// Where a release leads.
    pub(crate) way: Way,
    /// Whose copy it is: a place in the envelope's recipients.
    pub(crate) of: usize,
    /// The recipient gets the rest of the message.
    pub(crate) is_part: bool,
    pub(crate) why: Refusal,
}

/// Where a release leads.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// Into these mailboxes; none: whoever releases it has to name an account.
    Here(Vec<MailboxId>),
    /// To another server.
    On(Onward),
}

impl Store {
    /// The rows of what is held, their ids from `first` on, and of the parts.
    pub(crate) fn hold(&self, write: &mut Write, it: &Acceptance, holds: &[Hold], first: Id) {
        for (id, hold) in (first..).zip(holds) {
            self.hold_one(write, it, hold, id);
        }
        for (part, held) in it.judgement.held.iter().take(PARTS_MAX).enumerate() {
            hold_part(write, it.message.0, part as i64, held);
        }
    }

    fn hold_one(&self, write: &mut Write, it: &Acceptance, hold: &Hold, id: Id) {
        let here = match &hold.way {
            Way::Here(here) => here.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Way::On(_) => String::new(),
        };
        let recipient = it.envelope.recipients.get(hold.of);
        let dsn = recipient.map_or_else(RecipientDsn::default, |of| of.dsn.clone());
        let permit = recipient.map_or("", |of| of.permit.rule());
        let (sender, goes_to, options) = match &hold.way {
            Way::Here(_) => (String::new(), String::new(), String::new()),
            Way::On(Onward { address, sender }) => (
                sender.as_ref().unwrap_or(&it.envelope.sender).to_string(),
                destination(&address.host),
                Needs::of(it, &dsn).encode(),
            ),
        };
        let size = |rendition: &Option<mail::Rendition>| {
            rendition.as_ref().map_or(0, mail::Rendition::size).cast_signed()
        };
        write.push(
            "INSERT INTO quarantine (id, organisation, node, message, n, kind, sender, address, \
             mailboxes, account, submitter, onward_sender, destination, options, onward_size, \
             permit, reason, rule, detail, size, full_size, at, state, state_at, state_by, \
             requested_by, tokens) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
             $14, $15, $16, $17, $18, $19, $20, $21, $22, 'held', $22, '', '', 0)",
            vec![
                id.into(),
                self.organisation.into(),
                self.node.into(),
                it.message.0.into(),
                hold.n.into(),
                HeldKind::of(hold.is_part).word().into(),
                bounded(it.envelope.sender.to_string(), TEXT_MAX).into(),
                bounded(hold.address.clone(), TEXT_MAX).into(),
                here.into(),
                it.envelope.peer.login.as_ref().map(|login| login.account.0).into(),
                self.submitter(it.envelope.peer.submitter()).into(),
                bounded(sender, TEXT_MAX).into(),
                goes_to.into(),
                options.into(),
                size(&it.judgement.onward).into(),
                bounded(permit.to_owned(), TEXT_MAX).into(),
                hold.why.reason.word().into(),
                bounded(hold.why.rule.clone(), TEXT_MAX).into(),
                bounded(hold.why.detail.clone(), DETAIL_MAX).into(),
                it.body.size().cast_signed().into(),
                size(&it.judgement.full).into(),
                it.received_at.0.into(),
            ],
            Expect::Any,
        );
    }
}

fn hold_part(write: &mut Write, message: Id, part: i64, held: &HeldPart) {
    write.push(
        "INSERT INTO quarantine_part (message, part, place_start, place_end, name, media_type, \
         size, sha256, reason, rule, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        vec![
            message.into(),
            part.into(),
            held.place.start.cast_signed().into(),
            held.place.end.cast_signed().into(),
            bounded(held.name.clone(), TEXT_MAX).into(),
            bounded(held.media_type.clone(), TEXT_MAX).into(),
            held.size.cast_signed().into(),
            bounded(held.sha256.clone(), TEXT_MAX).into(),
            held.reason.word().into(),
            bounded(held.rule.clone(), TEXT_MAX).into(),
            bounded(held.detail.clone(), DETAIL_MAX).into(),
        ],
        Expect::Any,
    );
}
