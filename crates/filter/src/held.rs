//! The notice to a sender whose message, or part of it, is held; kept by the commit that holds it.
//!
//! Our own users hear of it always. A sender elsewhere hears only if a notice can do no harm: it is
//! proven that he sent it, From names him and nobody else, the message is neither of a list nor of
//! a program, no virus was named (whoever sends those has forged the rest too), and he was not
//! told today already.

use crate::Filter;
use crate::automatic::{is_automatic, is_unread};
use crate::notice;
use crate::texts::{SenderTold, Text, one_line};
use mail::index::Index;
use mail::{Address, Reason, Recipient, Verdict};
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use net::Clock;
use store::{Acceptance, Store};

/// Bytes of a message that are read for its header.
const HEADER_MAX: u64 = 256 * 1024;
/// Bytes of a Message-ID that is answered; with its field's name it fits into a line.
const ID_MAX: usize = 250;
/// Recipients and parts that are named in a notice.
const NAMED_MAX: usize = 20;

/// The notice, if one is owed and may be sent. What cannot be told keeps no message from being
/// held.
pub(crate) async fn notice(
    filter: &Filter,
    store: &Store,
    clock: &Clock,
    acceptance: &Acceptance,
    sender: Option<Recipient>,
) -> Option<Acceptance> {
    let why = why(acceptance)?;
    let sender = sender?;
    let bytes =
        acceptance.body.read(0..acceptance.body.size().min(HEADER_MAX), HEADER_MAX as usize);
    let index = Index::of(&bytes.await.ok()?);
    let is_ours = acceptance.envelope.is_ours();
    if !is_ours && !may_hear(acceptance, &index, &sender.address) {
        return None;
    }
    if !is_ours {
        match store.may_tell_sender(&sender.address, acceptance.received_at).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                tracing::warn!(%error, "a sender is not told that mail is held");
                return None;
            }
        }
    }
    match prepare(filter, clock, acceptance, sender, &index, why).await {
        Ok(notice) => Some(notice),
        Err(why) => {
            tracing::warn!(message = %acceptance.message, why, "a sender is not told of held mail");
            None
        }
    }
}

/// Why something of the message is held; `None` where nothing is.
fn why(acceptance: &Acceptance) -> Option<Reason> {
    let judgement = &acceptance.judgement;
    let whole = judgement.verdicts.iter().find_map(|verdict| match verdict {
        Verdict::Quarantine(refusal, ..) => Some(refusal.reason),
        _ => None,
    });
    // What is discarded as a whole has nobody who misses a part.
    let arrives = judgement.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Deliver(..)));
    whole.or_else(|| judgement.held.first().filter(|_| arrives).map(|part| part.reason))
}

/// Whether a sender elsewhere may hear of it. A signature proves a domain, not who of it sent the
/// message, and holds under every envelope: so the author has to be who the envelope names, or
/// whoever got a signed message once could have others of that domain told.
fn may_hear(acceptance: &Acceptance, index: &Index, sender: &Address) -> bool {
    let judgement = &acceptance.judgement;
    let names_virus = judgement.findings.iter().any(|found| found.reason == Reason::VirusFound);
    let wrote = matches!(index.from().as_slice(), [from] if from.key() == sender.key());
    let is_proven = judgement.sender_known && judgement.author_known && wrote;
    is_proven && !names_virus && !is_automatic(index) && !is_unread(sender)
}

async fn prepare(
    filter: &Filter,
    clock: &Clock,
    acceptance: &Acceptance,
    sender: Recipient,
    index: &Index,
    why: Reason,
) -> Result<Acceptance, String> {
    let (hostname, now) = (filter.in_force().hostname.clone(), acceptance.received_at);
    let recipients = acceptance.envelope.recipients.iter().zip(&acceptance.judgement.verdicts);
    let whole = acceptance.judgement.held.is_empty();
    let concerned = recipients.filter(|(_, verdict)| match verdict {
        Verdict::Quarantine(..) => true,
        Verdict::Deliver(..) => !whole,
        _ => false,
    });
    let told = SenderTold {
        hostname: hostname.to_string(),
        subject: one_line(&index.subject().unwrap_or_default()),
        recipients: concerned.take(NAMED_MAX).map(|(one, _)| one.address.to_string()).collect(),
        why: why.meaning().to_owned(),
        parts: acceptance
            .judgement
            .held
            .iter()
            .take(NAMED_MAX)
            .map(|p| one_line(&p.name))
            .collect(),
        message: acceptance.message.to_string(),
    };
    let (subject, words) = filter.texts().words(Text::Sender, &told);
    let mut message = MessageBuilder::new()
        .from(("Mail Delivery System".to_owned(), format!("mailer-daemon@{hostname}")))
        .to(sender.address.to_string())
        .subject(subject)
        .header("Date", Raw::new(now.rfc5322()))
        .message_id(format!("{}.{}.held@{hostname}", acceptance.message, now.0))
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .text_body(words);
    let is_id = |id: &String| id.len() < ID_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    if let Some(id) = index.message_id().filter(is_id) {
        message = message.header("In-Reply-To", Raw::new(id.clone()));
        message = message.header("References", Raw::new(id));
    }
    let bytes = message.write_to_vec().map_err(|error| error.to_string())?;
    let smtputf8 = sender.address.needs_smtputf8();
    notice::ours(filter, clock, vec![sender], smtputf8, &bytes).await
}
