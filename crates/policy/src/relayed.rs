//! Recipients of domains that are relayed for: they are known to exist before they are accepted, by
//! a list or by the next server's word. A gateway that takes what the next server refuses would
//! send bounces to whoever was named as the sender.

use crate::call_forward::Answer;
use crate::snapshot::Snapshot;
use config::relay_recipients::{Entry, Known};
use mail::{Address, Decision, Domain, Peer, Reason, Recipient, Refusal};
use std::collections::HashSet;

/// The list, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct RelayedList {
    /// By [`Address::key`].
    addresses: HashSet<String>,
    /// Everybody there exists.
    whole: HashSet<Domain>,
    /// Domains that it speaks of: of others it knows nothing.
    spoken_of: HashSet<Domain>,
    file: String,
}

impl RelayedList {
    /// The entries of the file of this name.
    pub(crate) fn new(file: String, entries: &[Entry]) -> Self {
        let mut list = Self { file, ..Self::default() };
        for entry in entries {
            list.spoken_of.insert(entry.domain.clone());
            match &entry.known {
                Known::Address(key) => drop(list.addresses.insert(key.clone())),
                Known::Domain(domain) => drop(list.whole.insert(domain.clone())),
            }
        }
        list
    }

    /// Whether an address exists; `None` if the list does not speak of its domain.
    fn knows(&self, address: &Address) -> Option<bool> {
        let domain = address.domain().filter(|domain| self.spoken_of.contains(*domain))?;
        Some(self.whole.contains(domain) || self.addresses.contains(&address.key()))
    }
}

impl Snapshot {
    /// Whether a recipient has a permit that anybody gets, so that it has to be known to exist.
    /// Who may send to anywhere is told of its mistakes by a notice.
    pub(crate) fn is_to_be_verified(&self, peer: &Peer, recipient: &Recipient) -> bool {
        let by_domain =
            matches!(recipient.permit.reason(), Reason::RelayDomain | Reason::AccessRelay);
        by_domain && self.is_stranger(peer)
    }

    /// Allows a recipient that exists at the next server.
    pub(crate) async fn verified(&self, peer: &Peer, recipient: Recipient) -> Decision<Recipient> {
        let rule = recipient.permit.rule().to_owned();
        let refusal =
            |reason, detail: String| Refusal::new(reason).rule(rule.clone()).detail(detail);
        let unknown = |detail| {
            self.shared.count_unknown(&self.settings, peer, self.shared.clock.now());
            Decision::Refuse(refusal(Reason::UnknownRecipient, detail))
        };
        let list = &self.tables.relayed;
        match list.knows(&recipient.address) {
            Some(true) => return Decision::Allow(recipient),
            Some(false) => return unknown(format!("list={}", list.file)),
            None => {}
        }
        match self.call_forward(&recipient.address).await {
            Answer::Yes => Decision::Allow(recipient),
            Answer::No(said) => unknown(format!("next={said}")),
            Answer::Unsure(why) => {
                Decision::Later(refusal(Reason::RecipientUnverified, format!("next={why}")))
            }
        }
    }
}
