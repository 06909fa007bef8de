//! Who may send as whom: a log-in owns its own address, the aliases that end in it, what is written
//! behind a plus, and what an administrator granted it; a user of this machine its name at the
//! host, and what it was granted.
//!
//! And how much each may send to elsewhere in a day.
//!
//! Asked of the envelope's sender and of the header's From and Sender, so that a user of this
//! server cannot pretend to be another one, or somebody elsewhere.

use crate::snapshot::Snapshot;
use config::LocalGrant;
use mail::{
    AccountId, Address, Domain, Finding, LocalUser, Login, Peer, Reason, Refusal, ReversePath,
    SendLimits, Suggestion,
};
use store::LimitOf;

impl Snapshot {
    /// How much a peer may send to elsewhere in a day, apart from what clean days add: by its own
    /// limits, those of its domain, those of the settings. `None` for strangers: what they may
    /// relay has no owner to be told.
    pub fn send_limits(&self, peer: &Peer) -> Option<SendLimits> {
        match (&peer.login, &peer.user) {
            (Some(login), _) => Some(self.limits_of(login.account)),
            (None, Some(user)) => Some(self.limits_granted(|grant| grant.is_for(user))),
            (None, None) => None,
        }
    }

    /// The same of an account.
    pub fn limits_of(&self, account: AccountId) -> SendLimits {
        let address = self.directory.account(account).map(|account| &account.address);
        let wider = self.limits_in(address.and_then(|address| address.domain()));
        self.narrowed(LimitOf::Account(account), wider)
    }

    /// The same of a user of this machine, as far as it is named by its number in the settings.
    pub fn limits_of_user(&self, uid: u32) -> SendLimits {
        self.limits_granted(|grant| grant.user.parse() == Ok(uid))
    }

    fn limits_granted(&self, is_meant: impl Fn(&LocalGrant) -> bool) -> SendLimits {
        let granted = self.settings.local.users.iter().filter(|grant| is_meant(grant));
        let wider = self.limits_in(Some(&self.settings.server.hostname));
        granted.fold(wider, |limits, grant| SendLimits {
            recipients: grant.recipients_per_day.unwrap_or(limits.recipients),
            first_time: grant.first_time_per_day.unwrap_or(limits.first_time),
        })
    }

    /// The same of every account in a domain that has none of its own.
    pub fn limits_in(&self, domain: Option<&Domain>) -> SendLimits {
        let send = &self.settings.send;
        let all = SendLimits {
            recipients: send.recipients_per_day_max,
            first_time: send.first_time_per_day_max,
        };
        let found = domain.and_then(|domain| self.directory.domain(domain));
        found.map_or(all, |record| self.narrowed(LimitOf::Domain(record.id), all))
    }

    fn narrowed(&self, of: LimitOf, wider: SendLimits) -> SendLimits {
        let own = self.directory.send_limit(of);
        SendLimits {
            recipients: own.and_then(|own| own.recipients).unwrap_or(wider.recipients),
            first_time: own.and_then(|own| own.first_time).unwrap_or(wider.first_time),
        }
    }

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

    /// Whether a user of this machine may send as this address: its own, one that the settings
    /// grant it, what such an account owns; root as every address of ours.
    pub fn owns_locally(&self, user: &LocalUser, address: &Address) -> bool {
        if address.key() == user.address.key() {
            return true;
        }
        let is_own = address.domain().is_some_and(|domain| self.is_own(domain));
        if user.uid == 0 && is_own {
            return true;
        }
        let granted = self.settings.local.users.iter().filter(|grant| grant.is_for(user));
        granted.flat_map(|grant| &grant.addresses).any(|granted| {
            let holder = || self.directory.account_by_key(&granted.key()).map(|found| found.id);
            granted.key() == address.key()
                || is_own
                    && holder().is_some_and(|account| {
                        self.expand(address).targets.iter().any(|target| target.account == account)
                    })
        })
    }

    /// Why the envelope's sender does not belong to who sends it; `None` if it does, for the null
    /// path, which is nobody's, and where nobody has said who they are.
    pub(crate) fn sender_not_owned(&self, peer: &Peer, from: &ReversePath) -> Option<Refusal> {
        self.not_owned(peer, "envelope", from.address()?)
    }

    fn not_owned(&self, peer: &Peer, place: &str, address: &Address) -> Option<Refusal> {
        let (owns, rule) = match (&peer.login, &peer.user) {
            (Some(login), _) => (self.owns(login, address), format!("login {}", login.address)),
            (None, Some(user)) => {
                (self.owns_locally(user, address), format!("user {} ({})", user.uid, user.name))
            }
            (None, None) => return None,
        };
        let refusal = Refusal::new(Reason::SenderNotOwned).rule(rule);
        (!owns).then(|| refusal.detail(format!("{place}={address}")))
    }

    /// What speaks against the addresses of the header of a message that was sent with a log-in, or
    /// by a user of this machine: `field` is From or Sender.
    pub fn header_not_owned(&self, peer: &Peer, field: &str, address: &Address) -> Option<Finding> {
        let refusal = self.not_owned(peer, field, address)?;
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

#[cfg(test)]
mod tests;
