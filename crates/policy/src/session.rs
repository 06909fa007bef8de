//! What is decided of a session before there is a recipient: connection, greeting, sender; and of
//! the header's From after the message has come.

use crate::access::{Question, Rule};
use crate::budget::Allowance;
use crate::shared::{Source, is_counted};
use crate::snapshot::Snapshot;
use mail::{
    Address, Decision, Door, Finding, Peer, Reason, Refusal, ReversePath, Suggestion, Timestamp,
};
use std::time::Duration;

impl Snapshot {
    /// Whether a client may talk to us at all: the access map by its address and (if
    /// [`crate::Policy::meet`] learned it) its name, and its rate.
    ///
    /// A client that the map discards is let in here; [`Snapshot::sender`] remembers.
    pub fn connection(&self, peer: &Peer) -> Decision<()> {
        let now = self.shared.clock.now();
        if peer.door == Door::Lmtp {
            return self.hands_over(peer);
        }
        if takes_mail(peer.door)
            && let Some(rule) = self.rule_of_client(peer, now)
        {
            match rule.decision() {
                Decision::Discard(_) => {}
                Decision::Allow(()) => self.shared.count_hit(rule.stored, now),
                refused => {
                    self.shared.count_hit(rule.stored, now);
                    return refused;
                }
            }
        }
        let allowance = Allowance::per(self.settings.rate.connections_per_minute_max, 60);
        if self.shared.connections.take(allowance, &Source::of(peer), now) {
            Decision::Allow(())
        } else {
            let rule = "limit rate.connections_per_minute_max";
            Decision::Later(Refusal::new(Reason::RateExceeded).rule(rule))
        }
    }

    /// LMTP is for named networks, and for all that they hand over: no rate holds for a server that
    /// has taken the mail already.
    fn hands_over(&self, peer: &Peer) -> Decision<()> {
        if self.settings.lmtp.networks.iter().any(|net| net.contains(&peer.ip)) {
            return Decision::Allow(());
        }
        Decision::Refuse(Refusal::new(Reason::NetworkNotNamed).rule("lmtp.networks"))
    }

    /// How long this client waits for its greeting. Who speaks in this time is a program that
    /// listens to no answer (RFC 5321 §4.3.1 has it wait). Only at the door that is for strangers,
    /// and for none who brought wanted mail lately.
    pub fn greeting_pause(&self, peer: &Peer) -> Duration {
        let stranger =
            peer.door == Door::Smtp && !self.shared.is_welcome(peer, self.shared.clock.now());
        let millis = if stranger { self.settings.limits.greeting_pause_ms } else { 0 };
        Duration::from_millis(millis)
    }

    /// Whether a client may go on after EHLO or HELO. What it calls itself decides nothing:
    /// RFC 5321 §4.1.4 forbids to refuse mail because the name does not fit the address.
    pub fn helo(&self, _peer: &Peer) -> Decision<()> {
        Decision::Allow(())
    }

    /// Whether mail from this sender may come: a submission door wants a log-in first, and that
    /// the sender belongs to it; then the access map, the disk, the rate.
    ///
    /// `Discard` holds for the whole message: the caller remembers it until the end of the data.
    /// The null path is never refused by the map (RFC 5321 §4.5.5).
    pub fn sender(&self, peer: &Peer, from: &ReversePath, _size: Option<u64>) -> Decision<()> {
        let now = self.shared.clock.now();
        if matches!(peer.door, Door::Submission | Door::Submissions) && peer.login.is_none() {
            // RFC 6409 §4.3. Before every other rule, so that a stranger learns nothing of them.
            return Decision::Refuse(Refusal::new(Reason::LoginRequired));
        }
        if let Some(refusal) = self.sender_not_owned(peer, from) {
            return Decision::Refuse(refusal);
        }
        if let Some(rule) = self.rule_of_client(peer, now)
            && let discarded @ Decision::Discard(_) = rule.decision()
        {
            self.shared.count_hit(rule.stored, now);
            return discarded;
        }
        if let Some(address) = from.address()
            && let Some(rule) = self.ask(Question::Sender(address), now)
        {
            match rule.decision() {
                Decision::Allow(()) => {}
                refused => return refused,
            }
        }
        if !self.shared.store.disk_ok() {
            let rule = "limit storage.disk_free_min_bytes";
            return Decision::Later(Refusal::new(Reason::StorageFull).rule(rule));
        }
        self.message_rate(peer, now)
    }

    /// Whether an address of the header's From may be there: `Some` only if the access map says
    /// no, as a finding that suggests what to do.
    pub fn header_from(&self, _peer: &Peer, from: &Address) -> Option<Finding> {
        let rule = self.ask(Question::Sender(from), self.shared.clock.now())?;
        let (refusal, suggestion) = match rule.decision() {
            Decision::Allow(()) => return rule.hold(&format!("from={from}")),
            Decision::Refuse(refusal) => {
                let text = refusal.text.clone();
                (refusal, Suggestion::Refuse(text))
            }
            Decision::Later(refusal) => (refusal, Suggestion::Later),
            Decision::Discard(refusal) => (refusal, Suggestion::Discard),
        };
        Some(Finding {
            stage: "access",
            rule: refusal.rule,
            reason: refusal.reason,
            score: 0.0,
            detail: format!("from={from} {}", refusal.detail),
            suggestion,
        })
    }

    /// Whether the access map has mail from this client or this sender held: a finding each. That
    /// the entries spoke was counted when the sender was asked about.
    pub fn holds(&self, peer: &Peer, from: &ReversePath) -> Vec<Finding> {
        let now = self.shared.clock.now();
        let client = self.rule_of_client(peer, now).filter(|_| takes_mail(peer.door));
        let client = client.and_then(|rule| rule.hold(&format!("client={}", peer.place())));
        let sender = from.address().and_then(|sender| {
            let rule = self.tables.access.find(Question::Sender(sender), now)?;
            rule.hold(&format!("sender={sender}"))
        });
        client.into_iter().chain(sender).collect()
    }

    fn rule_of_client(&self, peer: &Peer, now: Timestamp) -> Option<&Rule> {
        if peer.user.is_some() {
            // The map speaks of networks; a user of this machine comes from none.
            return None;
        }
        let name = self.shared.names.name(peer.ip, now);
        self.tables.access.find(Question::Client(peer.ip, name.as_deref()), now)
    }

    /// Asks the access map and counts the answer.
    pub(crate) fn ask(&self, question: Question<'_>, now: Timestamp) -> Option<&Rule> {
        let rule = self.tables.access.find(question, now)?;
        self.shared.count_hit(rule.stored, now);
        Some(rule)
    }

    /// Whether a user of this machine may look at the own entries of the queue, or have them tried
    /// again: each draws on the same budget as a message.
    pub fn own_entries(&self, peer: &Peer) -> Decision<()> {
        self.message_rate(peer, self.shared.clock.now())
    }

    fn message_rate(&self, peer: &Peer, now: Timestamp) -> Decision<()> {
        if !is_counted(peer) {
            return Decision::Allow(());
        }
        let (per_minute, rule) = match peer.user {
            Some(_) => {
                (self.settings.local.messages_per_minute_max, "limit local.messages_per_minute_max")
            }
            None => {
                (self.settings.rate.messages_per_minute_max, "limit rate.messages_per_minute_max")
            }
        };
        let allowance = Allowance::per(per_minute, 60);
        let taken = match &peer.login {
            Some(login) => self.shared.submissions.take(allowance, &login.account, now),
            None => self.shared.messages.take(allowance, &Source::of(peer), now),
        };
        if taken {
            return Decision::Allow(());
        }
        Decision::Later(Refusal::new(Reason::RateExceeded).rule(rule))
    }
}

/// The access map speaks of mail, not of who reads it.
fn takes_mail(door: Door) -> bool {
    matches!(door, Door::Smtp | Door::Submission | Door::Submissions)
}
