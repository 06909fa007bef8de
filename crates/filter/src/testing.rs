//! Small values for this crate's tests.

#![expect(clippy::unwrap_used, reason = "tests")]

use mail::index::Index;
use mail::{
    AccountId, Address, BodyKind, Door, Envelope, MailboxId, Origin, Peer, Permit, Reason,
    Recipient, ReversePath, SessionId, Target,
};

/// The index of a message of these fields and a short body.
pub(crate) fn index(fields: &str) -> Index {
    Index::of(format!("{fields}\r\nHello.\r\n").as_bytes())
}

/// An envelope of a stranger for these recipients, each with an INBOX of its own.
pub(crate) fn envelope(recipients: &[&str]) -> Envelope {
    Envelope {
        peer: Peer {
            session: SessionId(7),
            door: Door::Smtp,
            ip: "192.0.2.1".parse().unwrap(),
            port: 40_000,
            helo: Some("client.example".to_owned()),
            esmtp: true,
            tls: None,
            login: None,
            user: None,
        },
        origin: Origin::Session,
        from_outside: true,
        sender: ReversePath::parse("<carl@client.example>").unwrap(),
        recipients: recipients.iter().map(|address| recipient(address)).collect(),
        body: BodyKind::SevenBit,
        smtputf8: false,
        limits: None,
        dsn: mail::EnvelopeDsn::default(),
        tls_demand: mail::TlsDemand::Usual,
    }
}

/// A recipient that policy allowed, at one account of its own.
pub(crate) fn recipient(address: &str) -> Recipient {
    let address = Address::parse(address).unwrap();
    let id = address.key().bytes().fold(1, |id, byte| id * 31 % 10_007 + i64::from(byte));
    Recipient {
        permit: Permit::issue(format!("account {address}"), Reason::LocalAccount),
        onward: Vec::new(),
        dsn: mail::RecipientDsn::default(),
        targets: vec![Target {
            account: AccountId(id),
            inbox: MailboxId(id),
            junk: Some(MailboxId(id + 20_000)),
            address: address.clone(),
        }],
        address,
    }
}
