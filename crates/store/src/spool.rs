//! The spool: copies that are sent on to other servers, from the commit that accepted them to the
//! one that settles them.
//!
//! Who sends one on leases it first: [`Store::lease`] names the owner and a higher fence, and moves
//! the time at which it is due to the end of the lease, so that what a node left behind is due by
//! itself. [`Store::settle`] names the fence: who was too slow changes nothing.

mod lease;
mod list;
mod settle;

pub use lease::{DUE_AT_ONCE, Due, Lease};
pub use list::{SpoolChange, SpoolFilter, Spooled};
pub use settle::{Attempt, Fate, Settlement};

use crate::accept::Acceptance;
use crate::database::{Expect, Write};
use crate::trace::bounded;
use crate::{Error, Rendered, Store};
use mail::{
    BodyKind, EnvelopeDsn, EnvelopeId, Host, Id, MessageId, Notify, Onward, OriginalRecipient,
    RecipientDsn, Return, Submitter, TlsDemand,
};

/// The number of the rendition that is sent on.
pub(crate) const ONWARD: i64 = 1;
/// Bytes of an address, of a host, of a reason.
pub(crate) const TEXT_MAX: usize = 255;

/// A copy for the spool.
pub(crate) struct NewCopy<'a> {
    pub(crate) id: Id,
    /// Its row in the message's ledger.
    pub(crate) n: i64,
    pub(crate) onward: &'a Onward,
    /// What its recipient's sender wants to hear.
    pub(crate) dsn: &'a RecipientDsn,
}

/// What a copy needs of the server that it is sent to, and what its sender wants to hear of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// What the sender said of the body (RFC 6152).
    pub body: BodyKind,
    /// Whether the sender asked for SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// What the sender asked for of TLS (RFC 8689).
    pub tls_demand: TlsDemand,
    /// Not of the other server but of us: the sender is whom it says, and may be told what becomes
    /// of the message.
    pub sender_known: bool,
    /// RET= and ENVID= (RFC 3461).
    pub envelope: EnvelopeDsn,
    /// NOTIFY= and ORCPT=.
    pub recipient: RecipientDsn,
}

impl Needs {
    /// Those of a copy of this message.
    pub(crate) fn of(it: &Acceptance, recipient: &RecipientDsn) -> Self {
        Self {
            body: it.envelope.body,
            smtputf8: it.envelope.smtputf8,
            tls_demand: it.envelope.tls_demand,
            sender_known: it.judgement.sender_known,
            envelope: it.envelope.dsn.clone(),
            recipient: recipient.clone(),
        }
    }

    /// Words with blanks between them; no value has one.
    pub(crate) fn encode(&self) -> String {
        let mut words = Vec::new();
        if self.body == BodyKind::EightBitMime {
            words.push("8bitmime".to_owned());
        }
        if self.smtputf8 {
            words.push("smtputf8".to_owned());
        }
        match self.tls_demand {
            TlsDemand::Usual => {}
            TlsDemand::Required => words.push("requiretls".to_owned()),
            TlsDemand::Waived => words.push("tls-waived".to_owned()),
        }
        if self.sender_known {
            words.push("known".to_owned());
        }
        words.extend(self.envelope.ret.map(|ret| format!("ret={}", ret.word())));
        words.extend(self.envelope.id.as_ref().map(|id| format!("envid={}", id.as_str())));
        words.extend(self.recipient.notify.map(|notify| format!("notify={notify}")));
        let original = self.recipient.original.as_ref();
        words.extend(original.map(|original| format!("orcpt={}", original.as_str())));
        words.join(" ")
    }

    /// What is not known is passed over: another version wrote it.
    fn decode(text: &str) -> Self {
        let mut needs = Self::default();
        for word in text.split(' ') {
            match word.split_once('=').unwrap_or((word, "")) {
                ("8bitmime", _) => needs.body = BodyKind::EightBitMime,
                ("smtputf8", _) => needs.smtputf8 = true,
                ("requiretls", _) => needs.tls_demand = TlsDemand::Required,
                ("tls-waived", _) => needs.tls_demand = TlsDemand::Waived,
                ("known", _) => needs.sender_known = true,
                ("ret", value) => needs.envelope.ret = Return::parse(value),
                ("envid", value) => needs.envelope.id = EnvelopeId::parse(value),
                ("notify", value) => needs.recipient.notify = Notify::parse(value),
                ("orcpt", value) => needs.recipient.original = OriginalRecipient::parse(value),
                _ => {}
            }
        }
        needs
    }
}

impl Store {
    /// Adds a copy to the spool, due at once.
    pub(crate) fn spool(&self, write: &mut Write, it: &Acceptance, row: &NewCopy<'_>) {
        let Onward { address, sender } = row.onward;
        let sender = sender.as_ref().unwrap_or(&it.envelope.sender);
        let needs = Needs::of(it, row.dsn);
        let size = it.judgement.onward.as_ref().map_or(0, mail::Rendition::size);
        write.push(
            "INSERT INTO spool (id, organisation, node, message, n, account, sender, recipient, \
             destination, options, size, queued_at, next_at, attempts, warned, held, last_reply, \
             last_reason, last_text, last_host, fence, submitter) VALUES ($1, $2, $3, $4, $5, $6, \
             $7, $8, $9, $10, $11, $12, $12, 0, 0, '', 0, '', '', '', 0, $13)",
            vec![
                row.id.into(),
                self.organisation.into(),
                self.node.into(),
                it.message.0.into(),
                row.n.into(),
                it.envelope.peer.login.as_ref().map(|login| login.account.0).into(),
                bounded(sender.to_string(), TEXT_MAX).into(),
                bounded(address.to_string(), TEXT_MAX).into(),
                destination(&address.host).into(),
                needs.encode().into(),
                size.cast_signed().into(),
                it.received_at.0.into(),
                self.submitter(it.envelope.peer.submitter()).into(),
            ],
            Expect::Any,
        );
    }

    /// A submitter as the tables name it; empty for nobody. Users are those of this node's machine.
    pub(crate) fn submitter(&self, who: Option<Submitter>) -> String {
        match who {
            None => String::new(),
            Some(Submitter::Account(account)) => format!("account {account}"),
            Some(Submitter::User(uid)) => format!("uid {uid} node {}", self.node),
        }
    }

    /// Opens a message as it is sent on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the message is gone, [`Error::Corrupt`], or the database's.
    pub async fn onward(&self, message: MessageId) -> Result<Rendered, Error> {
        let sql = "SELECT m.body_place, r.pieces, m.body FROM message m \
                   JOIN rendition r ON r.message = m.id AND r.number = $2 WHERE m.id = $1";
        let row = self.db.read(sql, vec![message.0.into(), ONWARD.into()]).await?.pop();
        self.rendered(message, row).await
    }
}

/// What shares a way to other servers: the domain, or an address literal in brackets.
pub(crate) fn destination(host: &Host) -> String {
    match host {
        Host::Domain(domain) => domain.as_str().to_owned(),
        Host::Literal(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::Needs;
    use mail::{
        BodyKind, EnvelopeDsn, EnvelopeId, Notify, OriginalRecipient, RecipientDsn, Return,
        TlsDemand,
    };
    use proptest::prelude::*;

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let both = Needs { body: BodyKind::EightBitMime, smtputf8: true, ..Needs::default() };
        assert_eq!(both.encode(), "8bitmime smtputf8");
        assert_eq!(Needs::decode("8bitmime smtputf8"), both);
        assert_eq!(Needs::decode(""), Needs::default());
        assert_eq!(Needs::decode("later=x"), Needs::default());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(
            eight in any::<bool>(),
            smtputf8 in any::<bool>(),
            secure in any::<Option<bool>>(),
            sender_known in any::<bool>(),
            full in any::<Option<bool>>(),
            id in "[ -~]{0,33}",
            notify in any::<Option<(bool, bool, bool)>>(),
            original in "[ -~]{0,100}",
        ) {
            let notify = notify
                .map(|(success, failure, delay)| Notify { success, failure, delay });
            let original = OriginalRecipient::parse(&format!("rfc822;{original}"));
            let ret = full.map(|full| if full { Return::Full } else { Return::Headers });
            let tls_demand = match secure {
                None => TlsDemand::Usual,
                Some(true) => TlsDemand::Required,
                Some(false) => TlsDemand::Waived,
            };
            let needs = Needs {
                body: if eight { BodyKind::EightBitMime } else { BodyKind::SevenBit },
                smtputf8,
                tls_demand,
                sender_known,
                envelope: EnvelopeDsn { ret, id: EnvelopeId::of(&id) },
                recipient: RecipientDsn { notify, original },
            };
            prop_assert_eq!(Needs::decode(&needs.encode()), needs);
        }
    }
}
