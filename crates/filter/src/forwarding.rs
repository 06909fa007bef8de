//! Who stands as the sender of what is forwarded (`mail::srs`): decided here, where it is known
//! both who is to get the message and who vouches for its sender.

use crate::Filter;
use aws_lc_rs::hmac;
use mail::srs::{self, Bounces};
use mail::{Domain, Envelope, Reason, Recipient, ReversePath, Timestamp, Verdict};

/// Whether copies for a recipient go on in its name: an alias or an account that leads elsewhere.
pub(crate) fn is_forwarded(recipient: &Recipient) -> bool {
    let reason = recipient.permit.reason();
    let here = matches!(reason, Reason::LocalAccount | Reason::LocalAlias | Reason::RoleAddress);
    here && !recipient.onward.is_empty()
}

/// Puts an address at the recipient's domain in the place of the sender, so that SPF fits the
/// server that sends.
///
/// The null path stays, and so does a sender of ours whom we know. Of a sender whom nobody vouches
/// for, bounces are not passed on: that address looks the same and ends here. A sender that is too
/// long to be rewritten stays as it is, so that its bounces find their way.
///
/// `known`: whether the sender may be told what becomes of the message. `hostname`: our own name,
/// where the recipient has no domain.
pub(crate) fn rewrite(
    filter: &Filter,
    envelope: &Envelope,
    verdicts: &mut [Verdict],
    known: bool,
    (hostname, ours): (&Domain, impl Fn(&Domain) -> bool),
    now: Timestamp,
) {
    let Some(sender) = envelope.sender.address() else { return };
    if known && sender.domain().is_some_and(&ours) {
        return;
    }
    let bounces = if known { Bounces::Returned } else { Bounces::Dropped };
    let key = hmac::Key::new(hmac::HMAC_SHA256, filter.store.forwarding_key().expose());
    let mac = |text: &[u8]| {
        let mut bytes = [0; 32];
        let tag = hmac::sign(&key, text);
        bytes.iter_mut().zip(tag.as_ref()).for_each(|(byte, of)| *byte = *of);
        bytes
    };
    for (recipient, verdict) in envelope.recipients.iter().zip(verdicts) {
        let (Verdict::Deliver(_, onward) | Verdict::Quarantine(_, _, onward)) = verdict else {
            continue;
        };
        if onward.is_empty() || !is_forwarded(recipient) {
            continue;
        }
        let forwarder = recipient.address.domain().unwrap_or(hostname);
        let stands = srs::forward(&mac, sender, forwarder, bounces, now);
        for copy in onward {
            copy.sender = stands.clone().map(ReversePath::Address);
        }
    }
}
