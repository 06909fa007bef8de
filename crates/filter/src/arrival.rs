//! The notice that a message has arrived: for senders who asked for it (NOTIFY=SUCCESS, RFC 3461
//! §5.2), kept by the commit that keeps the message.
//!
//! Of what is sent on to another server, that server tells, or `queue` in its place.

use crate::Filter;
use crate::notice::{self, Action, HEADER_MAX, Notice, Told};
use mail::{Recipient, Verdict};
use net::Clock;
use store::Acceptance;

/// The enhanced code of a success that has nothing more to say (RFC 3463 §3.1).
const ARRIVED: (u8, u16, u16) = (2, 0, 0);

/// The notice to the sender of a message that is about to be kept, if one is owed and may be sent:
/// never to somebody of whom it is not known that he sent it. What cannot be told keeps no message
/// from its mailbox.
pub(crate) async fn notice(
    filter: &Filter,
    clock: &Clock,
    acceptance: &mut Acceptance,
    sender: Option<Recipient>,
) -> Option<Acceptance> {
    let told = tell(acceptance);
    let vouched = acceptance.envelope.is_sender_vouched();
    let recipient = sender.filter(|_| vouched && !told.is_empty())?;
    let whole = 0..acceptance.body.size();
    let content = acceptance.body.read(whole, HEADER_MAX).await.unwrap_or_default();
    let hostname = filter.in_force().hostname.clone();
    let to = recipient.address.clone();
    let notice = Notice {
        hostname: &hostname,
        message: acceptance.message,
        to: &to,
        envelope_id: acceptance.envelope.dsn.id.clone(),
        tls_demand: acceptance.envelope.tls_demand,
        queued_at: acceptance.received_at,
        now: acceptance.received_at,
        told,
        content: content.to_vec(),
        is_whole: false,
    };
    match notice::prepare(filter, clock, notice, recipient).await {
        Ok(notice) => Some(notice),
        Err(why) => {
            tracing::warn!(message = %acceptance.message, why, "a success is told to nobody");
            None
        }
    }
}

/// What is told of each recipient that was asked after. Where an alias leads to more than one
/// place, that is all there is to tell: those elsewhere are sent on without the question
/// (RFC 3461 §5.2.7.2).
fn tell(acceptance: &mut Acceptance) -> Vec<Told> {
    let verdicts = &acceptance.judgement.verdicts;
    let recipients = acceptance.envelope.recipients.iter_mut().zip(verdicts);
    let told = recipients.filter(|(recipient, _)| recipient.dsn.wants_success());
    let told = told.filter_map(|(recipient, verdict)| {
        let Verdict::Deliver(placements, onward) = verdict else { return None };
        let action = match (placements.is_empty(), onward.len()) {
            (false, 0) => Action::Delivered,
            (true, 0 | 1) => return None,
            _ => Action::Expanded,
        };
        if let (Action::Expanded, Some(notify)) = (action, &mut recipient.dsn.notify) {
            notify.success = false;
        }
        Some(Told {
            action,
            recipient: recipient.address.clone(),
            original: recipient.dsn.original.clone(),
            status: ARRIVED,
            reason: recipient.permit.reason(),
            reply: 0,
            text: String::new(),
            host: String::new(),
        })
    });
    told.collect()
}
