//! One message on its way in: envelope, body and index, until the filter takes it.

use crate::Inbound;
use filter::intake::{Known, Outcome};
use mail::index::{Index, IndexBuilder};
use mail::{
    BodyKind, Decision, Envelope, EnvelopeDsn, Finding, ForwardPath, Origin, Peer, Reason,
    Recipient, RecipientDsn, Refusal, ReversePath, Suggestion, TlsDemand,
};
use std::sync::Arc;

/// The stage of findings that the session itself made.
const STAGE: &str = "session";

/// A transaction from MAIL to the end of the data. One snapshot of settings, maps and directory
/// decides for all of it.
pub(crate) struct Transaction {
    snapshot: Arc<policy::Snapshot>,
    sender: ReversePath,
    /// What SIZE= announced.
    size: Option<u64>,
    body_kind: BodyKind,
    smtputf8: bool,
    dsn: EnvelopeDsn,
    /// REQUIRETLS was asked for (RFC 8689).
    pub(crate) require_tls: bool,
    recipients: Vec<Recipient>,
    /// For each RCPT that was accepted, which of the recipients it named.
    named: Vec<usize>,
    /// What is known of the message before its content is looked at.
    findings: Vec<Finding>,
    content: Option<Content>,
}

struct Content {
    incoming: store::Incoming,
    index: IndexBuilder,
}

impl Transaction {
    pub(crate) fn new(
        snapshot: Arc<policy::Snapshot>,
        sender: ReversePath,
        size: Option<u64>,
        body_kind: BodyKind,
        smtputf8: bool,
        dsn: EnvelopeDsn,
    ) -> Self {
        Self {
            snapshot,
            sender,
            size,
            body_kind,
            smtputf8,
            dsn,
            require_tls: false,
            recipients: Vec::new(),
            named: Vec::new(),
            findings: Vec::new(),
            content: None,
        }
    }

    /// The client or the sender is one whose mail a rule discards: told yes, and nothing is kept.
    pub(crate) fn discard(&mut self, refusal: &Refusal) {
        self.findings.push(session_finding(refusal, Suggestion::Discard));
    }

    /// A fact that the machine saw in the message.
    pub(crate) fn remark(&mut self, reason: Reason, detail: &str) {
        let seen = Refusal::new(reason).rule(format!("smtp {reason}")).detail(detail);
        self.findings.push(session_finding(&seen, Suggestion::Note));
    }

    /// The sender, for the trace.
    pub(crate) fn sender(&self) -> &ReversePath {
        &self.sender
    }

    /// Whether a person or an alias is among the recipients: postmaster and abuse take mail from
    /// everybody.
    pub(crate) fn is_for_somebody(&self) -> bool {
        self.recipients.iter().any(|recipient| {
            matches!(recipient.permit.reason(), Reason::LocalAccount | Reason::LocalAlias)
        })
    }

    /// Asks policy about a recipient and keeps it if it may be kept.
    pub(crate) async fn recipient(
        &mut self,
        inbound: &Inbound,
        peer: &Peer,
        path: &ForwardPath,
        dsn: RecipientDsn,
    ) -> Decision<()> {
        let said = (&self.sender, self.size);
        let asked = inbound.policy.recipient(&self.snapshot, peer, said, path).await;
        match asked {
            Decision::Allow(recipient) => {
                // The same address twice is one recipient (RFC 5321 §4.1.1.3 allows the repeat).
                let is_it = |known: &Recipient| known.address == recipient.address;
                let known = self.recipients.iter().position(is_it);
                self.named.push(known.unwrap_or(self.recipients.len()));
                if known.is_none() {
                    self.recipients.push(Recipient { dsn, ..recipient });
                }
                Decision::Allow(())
            }
            Decision::Discard(refusal) => Decision::Discard(refusal),
            Decision::Refuse(refusal) => Decision::Refuse(refusal),
            Decision::Later(refusal) => Decision::Later(refusal),
        }
    }

    /// The next bytes of the body.
    pub(crate) async fn content(
        &mut self,
        inbound: &Inbound,
        bytes: &[u8],
    ) -> Result<(), store::Error> {
        let content = self.content.get_or_insert_with(|| Content {
            incoming: inbound.store.incoming(),
            index: IndexBuilder::new(),
        });
        content.index.push(bytes);
        content.incoming.write(bytes).await
    }

    /// Drops what was received of the body.
    pub(crate) fn abandon(&mut self) {
        self.content = None;
    }

    /// Hands the complete message to the filter.
    pub(crate) async fn finish(self, inbound: &Inbound, peer: &Peer) -> Outcome {
        let Complete { snapshot, envelope, index, body, mut known } =
            match self.complete(inbound, peer).await {
                Ok(complete) => complete,
                Err(error) => return filter::intake::not_kept(&error),
            };
        // What was announced was looked at before; what came may be more, or others were faster. A
        // finding like any other, so that intake writes it down.
        let no_room = inbound.policy.no_room(&snapshot, &envelope.recipients, index.size).await;
        known.findings.extend(no_room.map(|no| session_finding(&no, Suggestion::Later)));
        let (filter, store, clock) = (&inbound.filter, &inbound.store, &inbound.clock);
        filter::intake::take(filter, store, clock, envelope, index, body, known).await
    }

    /// The same for a door that answers each recipient by itself: an outcome for each RCPT that was
    /// accepted, in their order.
    pub(crate) async fn finish_each(mut self, inbound: &Inbound, peer: &Peer) -> Vec<Outcome> {
        let named = std::mem::take(&mut self.named);
        let Complete { snapshot, envelope, index, body, mut known } =
            match self.complete(inbound, peer).await {
                Ok(complete) => complete,
                Err(error) => return vec![filter::intake::not_kept(&error); named.len()],
            };
        let recipients = &envelope.recipients;
        known.against = inbound.policy.no_room_each(&snapshot, recipients, index.size).await;
        let (filter, store, clock) = (&inbound.filter, &inbound.store, &inbound.clock);
        let outcomes =
            filter::intake::take_each(filter, store, clock, envelope, index, body, known).await;
        named.into_iter().filter_map(|at| outcomes.get(at).cloned()).collect()
    }

    /// Ends the body, and says what is known of the message.
    async fn complete(self, inbound: &Inbound, peer: &Peer) -> Result<Complete, store::Error> {
        let content = self.content.unwrap_or_else(|| Content {
            incoming: inbound.store.incoming(),
            index: IndexBuilder::new(),
        });
        let index = content.index.finish();
        let mut findings = self.findings;
        findings.extend(self.snapshot.holds(peer, &self.sender));
        for from in index.from() {
            findings.extend(self.snapshot.header_from(peer, &from));
            findings.extend(self.snapshot.header_not_owned(peer, "From", &from));
        }
        for sender in index.addresses("sender") {
            findings.extend(self.snapshot.header_not_owned(peer, "Sender", &sender));
        }
        let sender = self.sender.address().and_then(|sender| self.snapshot.own_mail(sender));
        let envelope = Envelope {
            peer: peer.clone(),
            origin: Origin::Session,
            from_outside: self.snapshot.is_stranger(peer),
            sender: self.sender,
            recipients: self.recipients,
            body: self.body_kind,
            smtputf8: self.smtputf8,
            limits: self.snapshot.send_limits(peer),
            dsn: self.dsn,
            tls_demand: if self.require_tls { TlsDemand::Required } else { TlsDemand::Usual },
        };
        let known = Known { findings, sender, ..Known::default() };
        let body = content.incoming.seal().await?;
        Ok(Complete { snapshot: self.snapshot, envelope, index, body, known })
    }
}

/// A message that is ready for the filter.
struct Complete {
    snapshot: Arc<policy::Snapshot>,
    envelope: Envelope,
    index: Index,
    body: store::Body,
    known: Known,
}

fn session_finding(why: &Refusal, suggestion: Suggestion) -> Finding {
    Finding {
        stage: STAGE,
        rule: why.rule.clone(),
        reason: why.reason,
        score: 0.0,
        detail: why.detail.clone(),
        suggestion,
    }
}
