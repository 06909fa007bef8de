//! One message on its way in: envelope, body and index, until the filter takes it.

use crate::Inbound;
use filter::intake::Outcome;
use mail::index::IndexBuilder;
use mail::{
    BodyKind, Decision, Envelope, Event, ForwardPath, Origin, Peer, Reason, Recipient, Refusal,
    ReversePath, TraceRow,
};
use std::sync::Arc;

/// A transaction from MAIL to the end of the data. One snapshot of settings, maps and directory
/// decides for all of it.
pub(crate) struct Transaction {
    snapshot: Arc<policy::Snapshot>,
    sender: ReversePath,
    body_kind: BodyKind,
    smtputf8: bool,
    recipients: Vec<Recipient>,
    /// Recipients that a rule discards: the peer hears 250, nothing is kept.
    discarded: Vec<(String, Refusal)>,
    /// The sender is to be discarded, with all of its recipients.
    discard_all: Option<Refusal>,
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
        body_kind: BodyKind,
        smtputf8: bool,
        discard_all: Option<Refusal>,
    ) -> Self {
        Self {
            snapshot,
            sender,
            body_kind,
            smtputf8,
            recipients: Vec::new(),
            discarded: Vec::new(),
            discard_all,
            content: None,
        }
    }

    /// The sender, for the trace.
    pub(crate) fn sender(&self) -> &ReversePath {
        &self.sender
    }

    /// Asks policy about a recipient and keeps it if it may be kept.
    pub(crate) async fn recipient(
        &mut self,
        inbound: &Inbound,
        peer: &Peer,
        path: &ForwardPath,
    ) -> Decision<()> {
        let asked = inbound.policy.recipient(&self.snapshot, peer, &self.sender, path).await;
        match asked {
            Decision::Allow(recipient) => {
                // The same address twice is one recipient (RFC 5321 §4.1.1.3 allows the repeat).
                if !self.recipients.iter().any(|known| known.address == recipient.address) {
                    self.recipients.push(recipient);
                }
                Decision::Allow(())
            }
            Decision::Discard(refusal) => {
                self.discarded.push((path.to_string(), refusal));
                Decision::Allow(())
            }
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
        let content = self.content.unwrap_or_else(|| Content {
            incoming: inbound.store.incoming(),
            index: IndexBuilder::new(),
        });
        let index = content.index.finish();
        for (recipient, refusal) in &self.discarded {
            inbound.store.note(discard_row(inbound, peer, &self.sender, recipient, refusal));
        }
        if let Some(refusal) = self.discard_all {
            for recipient in &self.recipients {
                let to = recipient.address.to_string();
                inbound.store.note(discard_row(inbound, peer, &self.sender, &to, &refusal));
            }
            return Outcome::Discarded(None, refusal);
        }
        if self.recipients.is_empty() {
            let refusal = self.discarded.into_iter().next().map(|(_, refusal)| refusal);
            let refusal = refusal.unwrap_or_else(|| Refusal::new(Reason::BadSequence));
            return Outcome::Discarded(None, refusal);
        }
        let mut findings = Vec::new();
        for from in index.from() {
            findings.extend(self.snapshot.header_from(peer, &from));
        }
        let body = match content.incoming.seal().await {
            Ok(body) => body,
            Err(error) => return filter::intake::not_kept(&error),
        };
        let envelope = Envelope {
            peer: peer.clone(),
            origin: Origin::Session,
            sender: self.sender,
            recipients: self.recipients,
            body: self.body_kind,
            smtputf8: self.smtputf8,
        };
        filter::intake::take(
            &inbound.filter,
            &inbound.store,
            &inbound.clock,
            envelope,
            index,
            body,
            findings,
        )
        .await
    }
}

fn discard_row(
    inbound: &Inbound,
    peer: &Peer,
    sender: &ReversePath,
    recipient: &str,
    refusal: &Refusal,
) -> TraceRow {
    TraceRow {
        at: inbound.clock.now(),
        event: Event::Discarded,
        session: Some(peer.session),
        message: None,
        door: peer.door.word().to_owned(),
        peer: peer.ip.to_string(),
        sender: sender.to_string(),
        recipient: recipient.to_owned(),
        reply: 250,
        reason: refusal.reason,
        rule: refusal.rule.clone(),
        detail: refusal.detail.clone(),
    }
}
