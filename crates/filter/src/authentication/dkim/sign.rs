//! Signing: the fields to put before a message that is to be sent (RFC 6376 §5).

use super::check::hash_fields;
use super::selection::Finder;
use super::signature::NAMES_MAX;
use super::{KeyError, Selector, SigningKey};
use crate::authentication::body_hash::Wanted;
use crate::authentication::canonical::Canonicalization;
use crate::authentication::folding::{FieldWriter, Unsigned};
use crate::authentication::message::{Message, field_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::{Domain, Timestamp};
use std::time::Duration;

/// Fields that are signed where they are. Those marked are named once more than they stand there,
/// so that nobody can add another: mail programs differ in which of two they show (RFC 6376
/// §8.15). Lists add their own List fields, so these are only signed as they are; RFC 8058 §4 wants
/// those for unsubscribing.
const SIGNED: &[(&str, bool)] = &[
    ("From", true),
    ("To", true),
    ("Cc", true),
    ("Reply-To", true),
    ("Subject", true),
    ("Date", true),
    ("Message-ID", true),
    ("MIME-Version", true),
    ("Content-Type", true),
    ("Content-Transfer-Encoding", true),
    ("Sender", false),
    ("In-Reply-To", false),
    ("References", false),
    ("List-Id", false),
    ("List-Unsubscribe", false),
    ("List-Unsubscribe-Post", false),
];

/// Whose name a signature bears, and the key it is made with.
#[derive(Debug)]
pub struct Signer {
    /// The domain that signs (`d=`).
    pub domain: Domain,
    /// The name of the key (`s=`).
    pub selector: Selector,
    /// The key.
    pub key: SigningKey,
}

/// Why a message cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Its header is not at hand as a whole.
    #[error("the header is too large to be signed")]
    HeaderTooLarge,
    /// There is nobody it is from (RFC 6376 §5.4).
    #[error("the message has no From field")]
    NoFrom,
    /// More fields than a signature names.
    #[error("the message has more than 1,000 fields that would have to be signed")]
    TooManyFields,
    /// The key does not do it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The body cannot be read.
    #[error(transparent)]
    Body(#[from] store::Error),
}

/// Signs a message with each of the signers in turn, in one reading of the body.
///
/// Returns the DKIM-Signature fields with their line ends, to be put before the message. They bear
/// the time `now` and end after `lifetime`, if there is one. Header and body are signed in the
/// relaxed form, the whole body always.
///
/// # Errors
/// The message has no From or too many fields, its body cannot be read, or a key fails.
pub async fn sign(
    message: &Message<'_>,
    signers: &[&Signer],
    now: Timestamp,
    lifetime: Option<Duration>,
) -> Result<String, SignError> {
    let names = names_to_sign(message, &[])?;
    let body_hash = relaxed_body(message).await?;
    let made = now.seconds();
    let ends = lifetime.map(|lifetime| made.saturating_add_unsigned(lifetime.as_secs().max(1)));
    let finder = Finder::of(message);
    let mut fields = String::new();
    for signer in signers {
        let mut writer = FieldWriter::new("DKIM-Signature");
        writer.tag("v", "1");
        head(&mut writer, signer, made);
        if let Some(ends) = ends {
            writer.tag("x", &ends.to_string());
        }
        writer.list("h", &names);
        writer.tag("bh", &body_hash);
        let unsigned = writer.unsigned();
        fields.push_str(&over_fields(unsigned, &names, &finder, &signer.key).await?);
    }
    Ok(fields)
}

/// The tags that signatures of both kinds have.
pub(crate) fn head(writer: &mut FieldWriter, signer: &Signer, made: i64) {
    writer.tag("a", signer.key.algorithm().word());
    writer.tag("c", "relaxed/relaxed");
    writer.tag("d", signer.domain.as_str());
    writer.tag("s", signer.selector.as_str());
    writer.tag("t", &made.to_string());
}

/// The hash of the body in its relaxed form, as base64.
pub(crate) async fn relaxed_body(message: &Message<'_>) -> Result<String, SignError> {
    let wanted = Wanted { how: Canonicalization::Relaxed, length: None };
    let digests = message.hash_body([wanted]).await?;
    let found = digests.find(wanted).map(|found| STANDARD.encode(found.digest.as_ref()));
    found.ok_or(SignError::Key(KeyError::Failed))
}

/// Signs fields of the message and the field that is to hold the signature.
pub(crate) async fn over_fields(
    unsigned: Unsigned,
    names: &[&str],
    finder: &Finder<'_>,
    key: &SigningKey,
) -> Result<String, SignError> {
    let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let covered = finder.select(&names, None);
    let hash = hash_fields(Canonicalization::Relaxed, covered, unsigned.as_bytes());
    Ok(unsigned.signed(&key.sign_aside(hash).await?))
}

/// The names of the fields to sign, as often as each is to be named; `more` are signed as they are.
pub(crate) fn names_to_sign(
    message: &Message<'_>,
    more: &[&'static str],
) -> Result<Vec<&'static str>, SignError> {
    if !message.is_complete() {
        return Err(SignError::HeaderTooLarge);
    }
    let wanted = SIGNED.iter().copied().chain(more.iter().map(|name| (*name, false)));
    let mut names = Vec::new();
    for (name, once_more) in wanted {
        let is_it = |field: &&[u8]| field_name(field).eq_ignore_ascii_case(name.as_bytes());
        let count = message.fields().filter(is_it).count();
        if name == "From" && count == 0 {
            return Err(SignError::NoFrom);
        }
        if names.len() + count >= NAMES_MAX {
            return Err(SignError::TooManyFields);
        }
        names.extend(std::iter::repeat_n(name, count + usize::from(once_more)));
    }
    Ok(names)
}
