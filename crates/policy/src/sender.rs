//! Who may send as whom: a log-in owns its own address, the aliases that end in it, what is written
//! behind a plus, and what an administrator granted it.
//!
//! Asked of the envelope's sender and of the header's From and Sender, so that a user of this
//! server cannot pretend to be another one, or somebody elsewhere.

use crate::snapshot::Snapshot;
use mail::{Address, Finding, Login, Peer, Reason, Refusal, ReversePath, Suggestion};

impl Snapshot {
    /// Whether mail that is sent on after this log-in may bear this address.
    pub fn owns(&self, login: &Login, address: &Address) -> bool {
        if address.key() == login.address.key() {
            return true;
        }
        let account = self.directory.account(login.account);
        if account.is_some_and(|account| account.grants.iter().any(|g| g.covers(address))) {
            return true;
        }
        let Some(domain) = address.domain() else { return false };
        self.is_own(domain)
            && self.expand(address).targets.iter().any(|target| target.account == login.account)
    }

    /// Why the envelope's sender is not the log-in's; `None` if it is, and for the null path, which
    /// is nobody's.
    pub(crate) fn sender_not_owned(&self, peer: &Peer, from: &ReversePath) -> Option<Refusal> {
        let login = peer.login.as_ref()?;
        let address = from.address()?;
        (!self.owns(login, address)).then(|| not_owned(login, "envelope", address))
    }

    /// What speaks against the addresses of the header of a message that was sent with a log-in:
    /// `field` is From or Sender.
    pub fn header_not_owned(&self, peer: &Peer, field: &str, address: &Address) -> Option<Finding> {
        let login = peer.login.as_ref()?;
        if self.owns(login, address) {
            return None;
        }
        let refusal = not_owned(login, field, address);
        Some(Finding {
            stage: "sender",
            rule: refusal.rule,
            reason: refusal.reason,
            score: 0.0,
            detail: refusal.detail,
            suggestion: Suggestion::Refuse(None),
        })
    }
}

fn not_owned(login: &Login, place: &str, address: &Address) -> Refusal {
    Refusal::new(Reason::SenderNotOwned)
        .rule(format!("login {}", login.address))
        .detail(format!("{place}={address}"))
}
