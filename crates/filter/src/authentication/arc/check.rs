//! Whether a chain holds (RFC 8617 §5.2).

use super::sets::{Set, Sets};
use super::{Chain, ChainResult};
use crate::authentication::body_hash::BodyDigests;
use crate::authentication::canonical::Canonicalization;
use crate::authentication::dkim::{Finder, Judged, Outcome, judge};
use crate::authentication::keys::Keys;
use crate::authentication::message::Message;
use crate::authentication::tags::without_signature;
use aws_lc_rs::digest::{Context, Digest, SHA256};
use mail::Timestamp;

/// Why a chain does not hold.
struct Broken {
    reason: String,
    temporary: bool,
}

impl Broken {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), temporary: false }
    }

    fn of(what: &str, instance: u32, judged: &Judged) -> Self {
        let reason = format!("{what} {instance}: {}", judged.reason);
        Self { reason, temporary: judged.outcome == Outcome::TempError }
    }
}

/// What signatures are verified with.
struct Means<'m> {
    message: &'m Message<'m>,
    finder: Finder<'m>,
    digests: &'m BodyDigests,
    keys: &'m Keys,
    now: Timestamp,
}

impl Sets {
    /// Verifies the chain.
    pub(crate) async fn check(
        &self,
        message: &Message<'_>,
        digests: &BodyDigests,
        keys: &Keys,
        now: Timestamp,
    ) -> Chain {
        let mut chain = Chain {
            result: ChainResult::None,
            reason: String::new(),
            temporary: false,
            ended: self.ended,
            instances: self.highest,
            oldest_pass: None,
            sets: self.results(),
        };
        if self.highest == 0 {
            return chain;
        }
        let means = Means { message, finder: Finder::of(message), digests, keys, now };
        match self.holds(&means).await {
            Ok(oldest_pass) => {
                chain.result = ChainResult::Pass;
                chain.oldest_pass = Some(oldest_pass);
            }
            Err(Broken { reason, temporary }) => {
                chain.result = ChainResult::Fail;
                (chain.reason, chain.temporary) = (reason, temporary);
            }
        }
        chain
    }

    /// The oldest instance from which on the message was not changed, if the chain holds.
    async fn holds(&self, means: &Means<'_>) -> Result<u32, Broken> {
        if let Some(fault) = &self.fault {
            return Err(Broken::new(fault.as_str()));
        }
        if self.ended {
            return Err(Broken::new("the newest seal says that the chain is broken"));
        }
        for set in &self.sets {
            let first = if set.instance == 1 { ChainResult::None } else { ChainResult::Pass };
            if set.seal.state != first {
                let reason = format!("seal {} says cv={}", set.instance, set.seal.state.word());
                return Err(Broken::new(reason));
            }
        }
        let oldest_pass = self.signatures(means).await?;
        self.seals(means).await?;
        Ok(oldest_pass)
    }

    /// The newest signature of the message must be good; the older ones tell since when.
    async fn signatures(&self, means: &Means<'_>) -> Result<u32, Broken> {
        for set in self.sets.iter().rev() {
            let judged = set.signature(means);
            if judged.outcome != Outcome::Pass {
                if set.instance == self.highest {
                    return Err(Broken::of("message signature", set.instance, &judged));
                }
                return Ok(set.instance + 1);
            }
            tokio::task::yield_now().await;
        }
        Ok(0)
    }

    /// Every seal covers all sets up to its own, itself without its value at the end.
    async fn seals(&self, means: &Means<'_>) -> Result<(), Broken> {
        let fields: Vec<&[u8]> = means.message.fields().collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let mut scope = Scope::default();
        for set in &self.sets {
            scope.add(field(set.results_at));
            scope.add(field(set.signature_at));
            let hash = scope.sealed_by(field(set.seal_at));
            let judged = judge(&set.seal.base, &hash, means.keys, true);
            if judged.outcome != Outcome::Pass {
                return Err(Broken::of("seal", set.instance, &judged));
            }
            scope.add(field(set.seal_at));
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// What a new seal has to cover of the sets that are there.
    pub(super) fn scope(&self, message: &Message<'_>) -> Scope {
        let fields: Vec<&[u8]> = message.fields().collect();
        let mut scope = Scope::default();
        for set in &self.sets {
            for at in [set.results_at, set.signature_at, set.seal_at] {
                scope.add(fields.get(at).copied().unwrap_or_default());
            }
        }
        scope
    }
}

impl Set {
    fn signature(&self, means: &Means<'_>) -> Judged {
        let Means { message, finder, digests, keys, now } = means;
        match &self.signature {
            Ok(signature) => {
                signature.check(message, finder, self.signature_at, digests, keys, *now)
            }
            Err(fault) => Judged::of(fault.clone()),
        }
    }
}

/// The fields that a seal covers, in the relaxed form (RFC 8617 §5.1.1).
///
/// A seal covers all that the one before covers, so one pass over the fields serves them all.
pub(super) struct Scope(Context);

impl Default for Scope {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Scope {
    pub(super) fn add(&mut self, field: &[u8]) {
        let mut text = Vec::new();
        Canonicalization::Relaxed.field(field, &mut text);
        self.0.update(&text);
    }

    /// The hash that a seal signs.
    pub(super) fn sealed_by(&self, seal: &[u8]) -> Digest {
        let mut context = self.0.clone();
        let mut text = Vec::new();
        Canonicalization::Relaxed.field(&without_signature(seal), &mut text);
        text.truncate(text.len().saturating_sub(2));
        context.update(&text);
        context.finish()
    }
}
