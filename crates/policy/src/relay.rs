//! Who may send mail through this server to elsewhere: a pure function without a branch that
//! allows by default.
//!
//! What allows, and nothing else does: the recipient is our own; the client logged in, or is a user
//! of this machine by the kernel's word; its network is a relay network; the access map says RELAY
//! of the client or of the recipient's domain; the recipient's domain, or one above it, is a relay
//! domain. Each recipient is judged by all hosts
//! that its address names ([`crate::route`]). Called by `recipient`; proven by its tests to deny
//! every address form that ever opened a relay.

use crate::access::{AccessMap, Question};
use crate::route::{self, Hop};
use config::access::Action;
use ipnet::IpNet;
use mail::{Address, Domain, Door, Id, Peer, Permit, Reason, Refusal, Timestamp};
use std::collections::HashMap;
use std::net::IpAddr;

/// What the settings say of relaying, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct RelayRules {
    /// Networks whose clients may send to anywhere, with the rule's name.
    pub networks: Vec<(IpNet, String)>,
    /// Domains that mail is taken for, each with all below it, with the rule's name.
    pub domains: HashMap<Domain, String>,
}

/// What relaying depends on, besides the peer and the address.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Whether mail for a domain is kept here.
    pub is_own: &'a dyn Fn(&Domain) -> bool,
    /// Whether exactly this address is an account or alias here.
    pub exists: &'a dyn Fn(&Address) -> bool,
    /// The addresses that we listen on, as far as they are named.
    pub literals: &'a [IpAddr],
    /// The relay rules.
    pub rules: &'a RelayRules,
    /// The access map.
    pub access: &'a AccessMap,
    /// The time, by which access entries end.
    pub now: Timestamp,
}

/// Where a recipient may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relay {
    /// Its host is ours: whether it exists is another question.
    Here,
    /// Its host is our own address literal: good for postmaster alone.
    HereByLiteral,
    /// Elsewhere, and it may; with the number of the access entry of the store that says so.
    Elsewhere(Permit, Option<Id>),
    /// Nobody allowed it.
    Denied(Refusal),
}

/// A permit, and the access entry of the store that gave it.
type Granted = (Permit, Option<Id>);

/// Judges one recipient.
pub fn judge(ground: &Ground<'_>, peer: &Peer, to: &Address) -> Relay {
    let hops = route::hops(to);
    match hops.as_slice() {
        [Hop::Domain(domain)] if (ground.is_own)(domain) => return Relay::Here,
        [Hop::Literal(ip)] if ground.literals.contains(ip) => return Relay::HereByLiteral,
        // An administrator may have made `a%b@ours` on purpose: it ends here.
        [Hop::Domain(domain), ..] if (ground.is_own)(domain) && (ground.exists)(to) => {
            return Relay::Here;
        }
        // A second host behind our own: we never pass such mail on, whoever asks.
        [Hop::Domain(domain), ..] if (ground.is_own)(domain) => return denied(peer, &hops),
        _ => {}
    }
    // What is handed over to be kept is kept here or not at all: neither a network nor the access
    // map makes a relay of LMTP (RFC 2033 §5 keeps it within the site).
    if peer.door == Door::Lmtp {
        return denied(peer, &hops);
    }
    if let Some((permit, stored)) = client_permit(ground, peer) {
        return Relay::Elsewhere(permit, stored);
    }
    match domain_permit(ground, &hops) {
        Some((permit, stored)) => Relay::Elsewhere(permit, stored),
        None => denied(peer, &hops),
    }
}

/// Whether a client is one that may not send to anywhere.
pub fn is_stranger(ground: &Ground<'_>, peer: &Peer) -> bool {
    client_permit(ground, peer).is_none()
}

fn denied(peer: &Peer, hops: &[Hop]) -> Relay {
    Relay::Denied(Refusal::new(Reason::RelayDenied).detail(detail(peer, hops)))
}

/// A client that may send to anywhere.
fn client_permit(ground: &Ground<'_>, peer: &Peer) -> Option<Granted> {
    if let Some(login) = &peer.login {
        let rule = format!("login {}", login.address);
        return Some((Permit::issue(rule, Reason::Authenticated), None));
    }
    if let Some(user) = &peer.user {
        let rule = format!("user {} ({})", user.uid, user.name);
        return Some((Permit::issue(rule, Reason::LocalSubmission), None));
    }
    let listed = ground.rules.networks.iter().find(|(net, _)| net.contains(&peer.ip));
    if let Some((_, rule)) = listed {
        return Some((Permit::issue(rule.clone(), Reason::RelayNetwork), None));
    }
    // By address alone: a name in the DNS is no proof of who a client is.
    ground.grant(Question::Client(peer.ip, None))
}

/// A recipient that anybody may send to. Each host of the address has to be our own or one that
/// we relay for: else an address that names two would be let through by the harmless one.
fn domain_permit(ground: &Ground<'_>, hops: &[Hop]) -> Option<Granted> {
    let mut permit = None;
    for hop in hops {
        let Hop::Domain(domain) = hop else { return None };
        if (ground.is_own)(domain) {
            continue;
        }
        let listed = domain
            .ancestors()
            .filter_map(|name| Domain::parse(name).ok())
            .find_map(|name| ground.rules.domains.get(&name));
        let found = match listed {
            Some(rule) => (Permit::issue(rule.clone(), Reason::RelayDomain), None),
            None => ground.grant(Question::RecipientDomain(domain))?,
        };
        permit = Some(found);
    }
    permit
}

impl Ground<'_> {
    /// The permit of an access entry that says RELAY, and nothing less.
    fn grant(&self, question: Question<'_>) -> Option<Granted> {
        let rule = self.access.find(question, self.now)?;
        let relays = rule.action == Action::Relay;
        relays.then(|| (Permit::issue(rule.name.clone(), Reason::AccessRelay), rule.stored))
    }
}

/// The facts for the trace: who asked, and where it would have gone.
fn detail(peer: &Peer, hops: &[Hop]) -> String {
    let show = |hop: &Hop| match hop {
        Hop::Domain(domain) => domain.to_string(),
        Hop::Literal(ip) => format!("[{ip}]"),
        Hop::Nonsense(_) => "?".to_owned(),
    };
    let way: Vec<String> = hops.iter().map(show).collect();
    format!("client={} way={}", peer.place(), way.join(","))
}

#[cfg(test)]
mod tests;
