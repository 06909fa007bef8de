//! Sealing what is passed on (ARC, RFC 8617): the next server may then believe what we found of a
//! message whose SPF, and perhaps signature, do not survive us.

use crate::authentication::arc::{SealError, seal};
use crate::authentication::dkim::{SignError, Signer};
use crate::authentication::evidence::Evidence;
use crate::authentication::message::Message;
use crate::authentication::results;
use crate::{Filter, Mail, signing};
use mail::{Domain, Rendition, Timestamp};

/// The rendition with a set of ours before it; as it is where there is no key of ours, or the chain
/// can take no more: then the log says why, for mail without a seal is better than none.
///
/// `evidence` is what was found of the message when it came.
///
/// # Errors
/// The body cannot be read.
pub(crate) async fn sealed(
    filter: &Filter,
    mail: &Mail<'_>,
    rendition: Rendition,
    (hostname, evidence): (&Domain, &Evidence),
    now: Timestamp,
) -> Result<Rendition, store::Error> {
    let recipients = mail.envelope.recipients.iter();
    let named = recipients.filter(|one| !one.onward.is_empty());
    let domains = named.filter_map(|one| one.address.domain()).chain([hostname]);
    let Some(signer) = filter.signers.for_seal(&filter.directory(), domains).await else {
        return Ok(rendition);
    };
    let message = Message::rendered(&rendition, mail.body).await?;
    match set(&message, hostname, evidence, &signer, now).await {
        Ok(fields) => Ok(signing::before(fields, &rendition)),
        Err(SealError::Sign(SignError::Body(error))) => Err(error),
        Err(error) => {
            tracing::warn!(message = %mail.id, %error, "passed on without a seal");
            Ok(rendition)
        }
    }
}

async fn set(
    message: &Message<'_>,
    hostname: &Domain,
    evidence: &Evidence,
    signer: &Signer,
    now: Timestamp,
) -> Result<String, SealError> {
    let field = results::field(hostname, &evidence.results());
    let found = field.split_once(':').map(|(_, value)| value).unwrap_or_default();
    seal(message, &evidence.signed.arc, found, signer, now).await
}
