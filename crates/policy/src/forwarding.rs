//! What comes back of mail that was forwarded: bounces to the senders' addresses that `mail::srs`
//! made. They are good for bounces alone, so that nobody sends mail through them.

use crate::Policy;
use crate::app_password::sign;
use crate::recipient::{allow, recipient};
use crate::snapshot::Snapshot;
use mail::srs::{self, Returned, Unfit};
use mail::{
    Address, Decision, Onward, Peer, Permit, Reason, Recipient, Refusal, ReversePath, Timestamp,
};

impl Policy {
    /// Whom a notice about mail from `sender` is for: if forwarding put that in the place of
    /// another, the other.
    pub fn first_sender(&self, sender: &Address) -> Address {
        let snapshot = self.snapshot();
        match snapshot.returned(sender, snapshot.shared.clock.now()) {
            Some(Ok(Returned::To(first))) => first,
            _ => sender.clone(),
        }
    }
}

impl Snapshot {
    /// Decides about a recipient that has the form of a rewritten sender at a domain of ours;
    /// `None` if it has not.
    pub(crate) fn forward_bounce(
        &self,
        peer: &Peer,
        from: &ReversePath,
        to: &Address,
        now: Timestamp,
    ) -> Option<Decision<Recipient>> {
        let returned = self.returned(to, now)?;
        let unfit = |why: &str| {
            // A guess costs what asking for an unknown name does.
            self.shared.count_unknown(&self.settings, peer, now);
            let refusal = Refusal::new(Reason::ForwardAddressUnfit);
            Decision::Refuse(refusal.rule("forwarded sender").detail(why))
        };
        Some(match returned {
            Err(why @ (Unfit::Forged | Unfit::Expired)) => unfit(&why.to_string()),
            Ok(_) if from.address().is_some() => unfit("not a bounce: it has a sender"),
            Ok(Returned::ToNobody) => {
                let rule = "forwarded sender: nobody vouched";
                allow(to, Permit::issue(rule, Reason::ForwardBounceDropped), Vec::new())
            }
            Ok(Returned::To(sender)) if self.is_ours(&sender) => {
                // Its domain has become ours since.
                self.local(peer, &sender, now)
            }
            Ok(Returned::To(sender)) => {
                let permit = Permit::issue("forwarded sender", Reason::ForwardBounce);
                let onward = vec![Onward { address: sender, sender: None }];
                Decision::Allow(recipient(to, permit, Vec::new(), onward))
            }
        })
    }

    fn is_ours(&self, address: &Address) -> bool {
        address.domain().is_some_and(|domain| self.is_own(domain))
    }

    /// What an address at a domain of ours was made of, if it has the form.
    fn returned(&self, address: &Address, now: Timestamp) -> Option<Result<Returned, Unfit>> {
        if !srs::is_rewritten(address) || !self.is_ours(address) {
            return None;
        }
        let key = self.shared.store.forwarding_key();
        let mac = |text: &[u8]| sign(key.expose(), text);
        Some(srs::reverse(&mac, address, now))
    }
}

#[cfg(test)]
mod tests;
