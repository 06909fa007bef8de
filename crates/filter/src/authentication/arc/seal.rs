//! Adding a set to a chain (RFC 8617 §5.1).

use super::check::Scope;
use super::sets::Sets;
use super::{Chain, ChainResult, SETS_MAX};
use crate::authentication::dkim::{Finder, SignError, Signer, sign as signing};
use crate::authentication::folding::FieldWriter;
use crate::authentication::message::Message;
use mail::Timestamp;

/// Longest word of results, in bytes: a line may have 998 (RFC 5322 §2.1.1).
const WORD_MAX: usize = 900;

/// Why nothing is added to a chain.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Its newest seal says that it is broken: whatever comes after is no news (RFC 8617 §5.1).
    #[error("the chain was ended by its newest seal")]
    Ended,
    /// It has all the sets that it may have.
    #[error("the chain has 50 sets already")]
    Full,
    /// Whether it holds could not be found out; calling it broken would break it for good.
    #[error("whether the chain holds is not known yet")]
    Unknown,
    /// The results are empty, or cannot stand in a header field.
    #[error("the results cannot be written as a header field")]
    Results,
    /// The message cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<store::Error> for SealError {
    fn from(error: store::Error) -> Self {
        Self::Sign(error.into())
    }
}

/// Adds a set to the chain of a message that goes on at the time `now`.
///
/// `chain` is what [`super::verify`] found of this message when it came, `results` what an
/// Authentication-Results field of this server would hold (`mx.example.org; spf=pass ...`).
/// Returns the three fields with their line ends, to be put before the message. The seal of a
/// chain that is broken says so and covers its own set alone (RFC 8617 §5.1.2).
///
/// # Errors
/// The chain was ended, is full, or is broken only for now; the message cannot be signed.
pub async fn seal(
    message: &Message<'_>,
    chain: &Chain,
    results: &str,
    signer: &Signer,
    now: Timestamp,
) -> Result<String, SealError> {
    if chain.ended {
        return Err(SealError::Ended);
    }
    if chain.instances >= SETS_MAX {
        return Err(SealError::Full);
    }
    if chain.temporary {
        return Err(SealError::Unknown);
    }
    let instance = (chain.instances + 1).to_string();
    let made = now.seconds();
    let results = results_field(&instance, results)?;
    let signature = message_signature(message, &instance, signer, made).await?;

    let mut scope = match chain.result {
        ChainResult::Fail => Scope::default(),
        ChainResult::None | ChainResult::Pass => Sets::of(message).scope(message),
    };
    scope.add(results.as_bytes());
    scope.add(signature.as_bytes());
    let mut writer = FieldWriter::new("ARC-Seal");
    writer.tag("i", &instance);
    writer.tag("a", signer.key.algorithm().word());
    writer.tag("cv", chain.result.word());
    writer.tag("d", signer.domain.as_str());
    writer.tag("s", signer.selector.as_str());
    writer.tag("t", &made.to_string());
    let unsigned = writer.unsigned();
    let hash = scope.sealed_by(unsigned.as_bytes());
    let value = signer.key.sign_aside(hash).await.map_err(SignError::Key)?;
    Ok(unsigned.signed(&value) + &signature + &results)
}

fn results_field(instance: &str, results: &str) -> Result<String, SealError> {
    let proper = |word: &str| word.len() <= WORD_MAX && !word.chars().any(char::is_control);
    let mut writer = FieldWriter::new("ARC-Authentication-Results");
    writer.word(&format!("i={instance};"));
    let mut words = results.split_ascii_whitespace().peekable();
    if words.peek().is_none() {
        return Err(SealError::Results);
    }
    for word in words {
        if !proper(word) {
            return Err(SealError::Results);
        }
        writer.word(word);
    }
    Ok(writer.finish())
}

async fn message_signature(
    message: &Message<'_>,
    instance: &str,
    signer: &Signer,
    made: i64,
) -> Result<String, SealError> {
    // RFC 8617 §4.1.2: signatures that are there should be covered, results never.
    let names = signing::names_to_sign(message, &["DKIM-Signature"])?;
    let body_hash = signing::relaxed_body(message).await?;
    let mut writer = FieldWriter::new("ARC-Message-Signature");
    writer.tag("i", instance);
    signing::head(&mut writer, signer, made);
    writer.list("h", &names);
    writer.tag("bh", &body_hash);
    let finder = Finder::of(message);
    Ok(signing::over_fields(writer.unsigned(), &names, &finder, &signer.key).await?)
}
