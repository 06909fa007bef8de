//! The attachment stage: what parts hold, and what is done with them.
//!
//! A text alone is looked at here; all else goes to a worker process, whose answer is believed as
//! little as the message. What was found is ruled by the policy table, and the strictest ruling
//! decides: parts are taken out by surgery, or the message is put aside or refused.

pub mod case;
pub mod lists;
pub mod policy;
mod surgery;

use crate::rendition::Edit;
use crate::rules::InForce;
use crate::worker::Fault;
use crate::{Filter, Mail};
use case::Case;
use config::attachment::{FailedChoice, FilterChoice};
use content::examination::Examination;
use mail::index::Part;
use mail::union::{self, Marks};
use mail::{Finding, HeldPart, Reason, Suggestion};

/// The stage's word in findings.
const STAGE: &str = "attachment";

/// Bytes of a text that is looked at here; longer ones go to a worker.
const PLAIN_MAX: u64 = 256 * 1024;

/// What the stage has to say of a message.
#[derive(Debug, Default)]
pub(crate) struct Looking {
    /// What it found.
    pub(crate) findings: Vec<Finding>,
    /// How the message is changed, if it is delivered.
    pub(crate) edits: Vec<Edit>,
    /// The parts that these edits take out.
    pub(crate) held: Vec<HeldPart>,
}

/// Looks into a message.
///
/// # Errors
/// Its body cannot be read.
pub(crate) async fn look(
    filter: &Filter,
    rules: &InForce,
    mail: &Mail<'_>,
) -> Result<Looking, store::Error> {
    if rules.attachment.filter == FilterChoice::Off || mail.envelope.origin == mail::Origin::Own {
        return Ok(Looking::default());
    }
    if is_plain(rules, mail).await? {
        return Ok(Looking::default());
    }
    let examination = match examine(filter, rules, mail).await.or_else(too_complex) {
        Ok(examination) => examination,
        Err(fault) => return Ok(failed(rules, &fault)),
    };
    let case = Case {
        settings: &rules.attachment,
        texts: &rules.texts,
        hostname: &rules.hostname,
        web: rules.web.as_ref(),
        id: mail.id,
        envelope: mail.envelope,
        index: mail.index,
        examination: &examination,
        token: "",
        nonce: nonce(),
    };
    if !case.takes_out() {
        return Ok(case.rule());
    }
    let token = filter.store.message_token(mail.id).await?;
    Ok(Case { token: &token, ..case }.rule())
}

/// What is known of a message that takes more than any may: that alone.
///
/// # Errors
/// Any other fault.
pub fn too_complex(fault: Fault) -> Result<Examination, Fault> {
    match fault {
        Fault::TooComplex(limit) => {
            Ok(Examination { incomplete: Some(limit.to_owned()), ..Examination::default() })
        }
        fault => Err(fault),
    }
}

/// A number that nobody knows before.
fn nonce() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers there is no TLS either; the message's number is left then.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Has a worker look into a message.
async fn examine(filter: &Filter, rules: &InForce, mail: &Mail<'_>) -> Result<Examination, Fault> {
    let nobody = || Fault::NoSandbox("there are no workers".to_owned());
    let answer = filter.workers().ok_or_else(nobody)?.ask(mail.body, rules.lists.request()).await?;
    Examination::decode(&answer).ok_or_else(|| Fault::Crashed("it answered nonsense".to_owned()))
}

/// Whether a message is text and nothing else, to every reader, with nothing that the lists know.
async fn is_plain(rules: &InForce, mail: &Mail<'_>) -> Result<bool, store::Error> {
    let size = mail.body.size();
    if size > PLAIN_MAX || !union::is_plain(mail.index) {
        return Ok(false);
    }
    let all = mail.body.read(0..size, PLAIN_MAX as usize).await?;
    let holds_no_file = |part: &Part| {
        let mut marks = Marks::new(part.encoding);
        let text = all.get(part.body.start as usize..part.body.end as usize);
        text.is_some_and(|text| {
            marks.feed(text);
            !marks.finish() && !is_listed(rules, part, text)
        })
    };
    Ok(all.len() as u64 == size && mail.index.parts.iter().all(holds_no_file))
}

/// Whether a list knows what some reader makes of a text.
fn is_listed(rules: &InForce, part: &Part, text: &[u8]) -> bool {
    let mut found = false;
    union::text_readings(part.encoding, text, &mut |reading| {
        found = rules.lists.lists.is_in(reading);
        !found
    });
    found
}

/// A message that no worker could look into is never taken for clean.
fn failed(rules: &InForce, fault: &Fault) -> Looking {
    let suggestion = match rules.attachment.failed {
        FailedChoice::Later => Suggestion::Later,
        FailedChoice::Quarantine => Suggestion::Quarantine,
    };
    let detail = format!("fault={fault}");
    let finding = Finding {
        stage: STAGE,
        rule: "attachment failed".to_owned(),
        reason: Reason::ScannerFailed,
        score: 0.0,
        detail,
        suggestion,
    };
    Looking { findings: vec![finding], ..Looking::default() }
}

#[cfg(test)]
mod tests;
