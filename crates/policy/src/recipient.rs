//! What is decided of a recipient: may it be relayed to, does it exist, has it room.

use crate::Policy;
use crate::access::Question;
use crate::aliases::{Expansion, Flag};
use crate::relay::Relay;
use crate::snapshot::Snapshot;
use mail::{
    Address, Decision, Domain, ForwardPath, Onward, Peer, Permit, Reason, Recipient, RecipientDsn,
    Refusal, ReversePath, Target, Timestamp,
};
use std::time::Duration;

/// The names that are reachable at every own domain.
const ROLES: [&str; 2] = ["postmaster", "abuse"];

/// A role address, and who gets its mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The address.
    pub address: Address,
    /// The account, alias or administrator that decides.
    pub rule: String,
    /// The accounts it ends in; none if its mail is answered with 451.
    pub ends: Vec<Address>,
}

/// A recipient for a question that is asked without a server, like what a filter would do: its
/// permit is good for no acceptance.
pub fn imagined(to: &Address) -> Recipient {
    recipient(to, Permit::issue("imagined", Reason::Unopposed), Vec::new(), Vec::new())
}

impl Policy {
    /// Decides whether a recipient may be accepted, before any byte of the message is sent.
    ///
    /// A local recipient must exist and have room; any other needs a rule. Postmaster and abuse are
    /// always reachable (RFC 5321 §4.5.1, RFC 2142). Who asks after many that do not exist waits
    /// for every answer, then is refused whatever it asks: neither tells who exists. Asks the store
    /// only for the sizes of bounded mailboxes, and the next server for recipients of domains that
    /// anybody may send to through us.
    ///
    /// `from` and `size` are what MAIL said: the sender, and the size (RFC 1870) in bytes.
    pub async fn recipient(
        &self,
        snapshot: &Snapshot,
        peer: &Peer,
        (from, size): (&ReversePath, Option<u64>),
        to: &ForwardPath,
    ) -> Decision<Recipient> {
        let now = snapshot.shared.clock.now();
        let address = match to {
            ForwardPath::Address { address, .. } => address.clone(),
            ForwardPath::Postmaster => match Address::at("postmaster", snapshot.first_domain()) {
                Ok(address) => address,
                Err(_) => return Decision::Refuse(Refusal::new(Reason::UnknownRecipient)),
            },
        };
        let mut decision = snapshot.recipient(peer, from, &address, now);
        if let Decision::Allow(recipient) = &decision
            && snapshot.is_to_be_verified(peer, recipient)
        {
            // Rare: it must not be a part of every waiting session.
            decision = Box::pin(snapshot.verified(peer, recipient.clone())).await;
        }
        let pause = snapshot.pause(peer, now);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        match decision {
            Decision::Allow(recipient) => {
                match full(snapshot, &recipient, size.unwrap_or(0)).await {
                    None => Decision::Allow(recipient),
                    Some(refusal) => Decision::Later(refusal),
                }
            }
            other => other,
        }
    }

    /// Why a message of `size` bytes that has come cannot be kept for any of its recipients: their
    /// mailboxes are full. `None` while one of them has room: the message is one for all.
    pub async fn no_room(
        &self,
        snapshot: &Snapshot,
        recipients: &[Recipient],
        size: u64,
    ) -> Option<Refusal> {
        let mut first = None;
        for recipient in recipients {
            let refusal = full(snapshot, recipient, size).await?;
            first.get_or_insert(refusal);
        }
        first
    }

    /// The same for a door that answers each recipient by itself: which of them have no room.
    pub async fn no_room_each(
        &self,
        snapshot: &Snapshot,
        recipients: &[Recipient],
        size: u64,
    ) -> Vec<(usize, Refusal)> {
        let mut against = Vec::new();
        for (at, recipient) in recipients.iter().enumerate() {
            against.extend(full(snapshot, recipient, size).await.map(|refusal| (at, refusal)));
        }
        against
    }
}

impl Snapshot {
    /// All but room and delay.
    fn recipient(
        &self,
        peer: &Peer,
        from: &ReversePath,
        to: &Address,
        now: Timestamp,
    ) -> Decision<Recipient> {
        let own = to.domain().is_some_and(|domain| self.is_own(domain));
        let role = own && is_role(to);
        if !role && let Some(refusal) = self.blocked(peer, now) {
            return Decision::Later(refusal);
        }
        if !role && let Some(rule) = self.ask(Question::Recipient(to, own), now) {
            match rule.decision() {
                Decision::Allow(()) => {}
                Decision::Refuse(refusal) => return Decision::Refuse(refusal),
                Decision::Later(refusal) => return Decision::Later(refusal),
                // The filter's table keeps nothing for who has this permit.
                Decision::Discard(refusal) => {
                    let permit = Permit::issue(refusal.rule, refusal.reason);
                    return allow(to, permit, Vec::new());
                }
            }
        }
        if let Some(decision) = self.forward_bounce(peer, from, to, now) {
            return decision;
        }
        if let Some(recipient) = self.release_request(to) {
            return Decision::Allow(recipient);
        }
        match self.relay(peer, to, now) {
            Relay::Here if role => self.role(to, to),
            Relay::Here => self.local(peer, to, now),
            Relay::HereByLiteral => match Address::at(to.local.as_str(), self.first_domain()) {
                // RFC 5321 §4.5.1 asks for postmaster at every name that we answer to.
                Ok(meant) if is_role(&meant) => self.role(to, &meant),
                // It would go nowhere else, so it is no relaying; but nobody has an address there.
                _ => {
                    self.shared.count_unknown(&self.settings, peer, now);
                    let refusal = Refusal::new(Reason::UnknownRecipient);
                    Decision::Refuse(refusal.rule(format!("account {to}")).detail("literal=own"))
                }
            },
            Relay::Elsewhere(permit, stored) => {
                self.shared.count_hit(stored, now);
                elsewhere(to, permit)
            }
            Relay::Denied(refusal) => Decision::Refuse(refusal),
        }
    }

    /// The address that requests for a release go to: at the server's own name, unless somebody has
    /// it. What comes there is read and not kept.
    fn release_request(&self, to: &Address) -> Option<Recipient> {
        let is_it = to.local.as_str().eq_ignore_ascii_case(mail::RELEASE)
            && to.domain() == Some(&self.settings.server.hostname);
        let free = || {
            let found = self.expand(to);
            found.targets.is_empty() && found.outside.is_empty()
        };
        let permit = || Permit::issue("release requests", Reason::ReleaseRequest);
        (is_it && free()).then(|| recipient(to, permit(), Vec::new(), Vec::new()))
    }

    /// Where mail of our own goes: bounces, notices. `None` if there is nobody.
    pub fn own_mail(&self, to: &Address) -> Option<Recipient> {
        let permit = Permit::issue("own mail", Reason::OwnMail);
        let own = to.domain().is_none_or(|domain| self.is_own(domain));
        if !own {
            let onward = vec![Onward { address: to.clone(), sender: None }];
            return Some(recipient(to, permit, Vec::new(), onward));
        }
        let ends = if is_role(to) { Expansion::default() } else { self.expand(to) };
        let (mut targets, onward) = (ends.targets, forwarded(ends.outside));
        if targets.is_empty() && onward.is_empty() {
            // A program of this machine, or who had the address: postmaster hears instead, so that
            // what is told ends with somebody.
            targets = self.role_targets(to).1;
        }
        let known = !targets.is_empty() || !onward.is_empty();
        known.then(|| recipient(to, permit, targets, onward))
    }

    pub(crate) fn local(&self, peer: &Peer, to: &Address, now: Timestamp) -> Decision<Recipient> {
        let expansion = self.expand(to);
        let rule = rule_of(&expansion, to);
        let refusal =
            |reason| Refusal::new(reason).rule(rule.clone()).detail(expansion.notes.join("; "));
        if let Some((reply, origin)) = &expansion.error {
            let refusal = refusal(Reason::UnknownRecipient).text(reply.clone());
            let refusal = refusal.rule(format!("virtusertable {origin}"));
            if reply.code < 500 {
                return Decision::Later(refusal);
            }
            self.shared.count_unknown(&self.settings, peer, now);
            return Decision::Refuse(refusal);
        }
        if expansion.flags.contains(&Flag::TooLarge) {
            return Decision::Refuse(refusal(Reason::AliasTooLarge));
        }
        if !expansion.targets.is_empty() || !expansion.outside.is_empty() {
            let alias = expansion.alias.is_some();
            let reason = if alias { Reason::LocalAlias } else { Reason::LocalAccount };
            let permit = Permit::issue(rule, reason);
            let Expansion { targets, outside, .. } = expansion;
            let onward = forwarded(outside);
            return Decision::Allow(recipient(to, permit, targets, onward));
        }
        if !expansion.disabled.is_empty() {
            return Decision::Refuse(refusal(Reason::AccountDisabled));
        }
        if expansion.flags.contains(&Flag::Loop) {
            return Decision::Refuse(refusal(Reason::AliasLoop));
        }
        self.shared.count_unknown(&self.settings, peer, now);
        Decision::Refuse(refusal(Reason::UnknownRecipient))
    }

    /// Postmaster and abuse: who has the name, else the first administrator.
    fn role(&self, to: &Address, meant: &Address) -> Decision<Recipient> {
        let (rule, targets) = self.role_targets(meant);
        // Beside the copy that is kept here, for what is doubtful is not forwarded.
        let onward = forwarded(self.expand(meant).outside);
        if targets.is_empty() && onward.is_empty() {
            let refusal = Refusal::new(Reason::InternalError).rule(rule);
            return Decision::Later(refusal.detail("no administrator can receive"));
        }
        let permit = Permit::issue(rule, Reason::RoleAddress);
        Decision::Allow(recipient(to, permit, targets, onward))
    }

    /// Who gets the mail of a role address, and by which rule; nobody where there is neither an
    /// account or alias of that name nor an administrator who can receive.
    fn role_targets(&self, meant: &Address) -> (String, Vec<Target>) {
        let expansion = self.expand(meant);
        let rule = rule_of(&expansion, meant);
        match self.administrator() {
            _ if !expansion.targets.is_empty() => (rule, expansion.targets),
            Some(target) => (format!("administrator {}", target.address), vec![target]),
            None => (rule, Vec::new()),
        }
    }

    /// The role addresses of a domain with who gets their mail, for lists and warnings.
    pub fn roles(&self, domain: &Domain) -> Vec<Role> {
        let role = |name: &&str| {
            let address = Address::at(name, domain).ok()?;
            let (rule, targets) = self.role_targets(&address);
            let ends = targets.into_iter().map(|target| target.address).collect();
            Some(Role { address, rule, ends })
        };
        ROLES.iter().filter_map(role).collect()
    }

    /// Whether a client that asked after too many unknown recipients is refused altogether, for a
    /// while. Never one that logged in or brought wanted mail lately: those are only slowed.
    fn blocked(&self, peer: &Peer, now: Timestamp) -> Option<Refusal> {
        let spent = self.shared.unknown_spent(&self.settings, peer, now);
        let over = spent >= self.settings.recipient.unknown_before_block;
        if !over || peer.login.is_some() || self.shared.is_welcome(peer, now) {
            return None;
        }
        let refusal = Refusal::new(Reason::RateExceeded);
        Some(
            refusal.rule("limit recipient.unknown_before_block").detail(format!("unknown={spent}")),
        )
    }

    /// How long the answer is held back: the same for recipients that exist and that do not.
    fn pause(&self, peer: &Peer, now: Timestamp) -> Duration {
        let spent = self.shared.unknown_spent(&self.settings, peer, now);
        if peer.login.is_some() || spent <= self.settings.recipient.unknown_before_delay {
            return Duration::ZERO;
        }
        Duration::from_secs(self.settings.recipient.unknown_delay_secs)
    }
}

/// Why a recipient has no room for so many bytes more; `None` if it has. A copy by an alias to
/// several is kept while one of them has room, so that one full mailbox does not stop a list. Role
/// addresses have always room.
async fn full(snapshot: &Snapshot, recipient: &Recipient, size: u64) -> Option<Refusal> {
    if recipient.permit.reason() == Reason::RoleAddress {
        return None;
    }
    let mut full = None;
    for target in &recipient.targets {
        let quota = snapshot.directory.account(target.account)?.quota?;
        let used = match snapshot.shared.store.usage(target.account).await {
            Ok(used) => used,
            Err(error) => {
                tracing::warn!(%error, account = %target.account, "the quota cannot be read");
                return Some(Refusal::new(Reason::StorageFailed));
            }
        };
        if used < quota.max(0).cast_unsigned() && used + size <= quota.max(0).cast_unsigned() {
            return None;
        }
        full.get_or_insert((target.address.clone(), used, quota));
    }
    let (address, used, quota) = full?;
    let detail = format!("used={used} size={size} quota={quota}");
    let refusal = Refusal::new(Reason::MailboxFull);
    Some(refusal.rule(format!("account {address}")).detail(detail))
}

pub(crate) fn recipient(
    to: &Address,
    permit: Permit,
    targets: Vec<Target>,
    onward: Vec<Onward>,
) -> Recipient {
    Recipient { address: to.clone(), permit, targets, onward, dsn: RecipientDsn::default() }
}

pub(crate) fn allow(to: &Address, permit: Permit, targets: Vec<Target>) -> Decision<Recipient> {
    Decision::Allow(recipient(to, permit, targets, Vec::new()))
}

/// Copies for those elsewhere that an alias leads to. Who stands as their sender is decided when it
/// is known who vouches for the message's own.
fn forwarded(outside: Vec<Address>) -> Vec<Onward> {
    outside.into_iter().map(|address| Onward { address, sender: None }).collect()
}

/// A recipient elsewhere, sent on as it is.
fn elsewhere(to: &Address, permit: Permit) -> Decision<Recipient> {
    let onward = vec![Onward { address: to.clone(), sender: None }];
    Decision::Allow(recipient(to, permit, Vec::new(), onward))
}

/// `alias info (aliases:12)` or `account anna@example.org`.
fn rule_of(expansion: &Expansion, to: &Address) -> String {
    match (&expansion.alias, expansion.targets.first()) {
        (Some((name, origin)), _) => format!("alias {name} ({origin})"),
        (None, Some(target)) => format!("account {}", target.address),
        (None, None) => format!("account {to}"),
    }
}

fn is_role(address: &Address) -> bool {
    ROLES.contains(&address.local.key().as_str())
}
