//! What the cases of the suite share: an organisation with accounts, and mail for them.

use crate::{Acceptance, Body, Error, NewAccount, Store};
use mail::{
    AccountId, Address, BodyKind, Domain, Door, Envelope, Event, Judgement, MessageId, Onward,
    Origin, Peer, Permit, Piece, Placement, Reason, Recipient, Refusal, Rendition, ReversePath,
    SessionId, Target, Timestamp, TraceRow, Verdict,
};
use std::net::{IpAddr, Ipv4Addr};

/// What stands before the body as the suite sends it on.
pub(super) const ONWARD: &[u8] = b"X-Onward: yes\r\n";
/// What stands before the body once it is released.
pub(super) const FULL: &[u8] = b"X-Full: yes\r\n";
/// What stands before the body in every rendition of the suite.
pub(super) const HEAD: &[u8] = b"Return-Path: <a@example.net>\r\n";

pub(super) fn address(text: &str) -> Result<Address, Error> {
    Address::parse(text).map_err(|e| Error::Invalid(e.to_string()))
}

/// A domain, unless it is there.
pub(super) async fn domain(store: &Store, name: &str) -> Result<Domain, Error> {
    let domain = Domain::parse(name).map_err(|e| Error::Invalid(e.to_string()))?;
    if store.directory().domain(&domain).is_none() {
        store.add_domain(&domain).await?;
    }
    Ok(domain)
}

pub(super) async fn account(store: &Store, name: &str) -> Result<AccountId, Error> {
    let new = NewAccount {
        address: address(name)?,
        password_hash: "$argon2id$of-no-use".to_owned(),
        quota: None,
        admin: false,
    };
    store.add_account(new).await
}

/// How a recipient of a message fares.
pub(super) enum Fate<'a> {
    /// Put into the INBOX of these accounts.
    To(&'a [AccountId]),
    /// Sent on to these addresses.
    On(&'a [&'a str]),
    /// Held for the INBOX of these accounts, and for these addresses elsewhere.
    Held(&'a [AccountId], &'a [&'a str]),
    /// Discarded by this rule.
    Discarded(&'a str),
}

/// A message for these recipients, with its trace as intake writes it.
pub(super) async fn message(
    store: &Store,
    body: Body,
    fates: &[(&str, Fate<'_>)],
) -> Result<Acceptance, Error> {
    let (message, session) = (store.message_id(&body).await?, SessionId(store.ids(1).await?.start));
    let mut recipients = Vec::new();
    let mut verdicts = Vec::new();
    let mut trace = vec![row(Event::Message, message, session, "")];
    for (name, fate) in fates {
        let (mut targets, mut onward) = (Vec::new(), Vec::new());
        verdicts.push(match fate {
            Fate::To(accounts) => {
                targets = self::targets(store, accounts)?;
                trace.push(row(Event::Delivered, message, session, name));
                Verdict::Deliver(targets.iter().map(placement).collect(), Vec::new())
            }
            Fate::On(elsewhere) => {
                onward = onwards(elsewhere)?;
                Verdict::Deliver(Vec::new(), onward.clone())
            }
            Fate::Held(accounts, elsewhere) => {
                targets = self::targets(store, accounts)?;
                onward = onwards(elsewhere)?;
                trace.push(row(Event::Quarantined, message, session, name));
                let why = Refusal::new(Reason::AttachmentProhibited).rule("a rule");
                Verdict::Quarantine(why, targets.iter().map(placement).collect(), onward.clone())
            }
            Fate::Discarded(rule) => {
                trace.push(row(Event::Discarded, message, session, name));
                Verdict::Discard(Refusal::new(Reason::AccessDiscarded).rule(*rule))
            }
        });
        recipients.push(Recipient {
            address: address(name)?,
            permit: Permit::issue("conformance", Reason::LocalAccount),
            targets,
            onward,
            dsn: mail::RecipientDsn::default(),
        });
    }
    let size = body.size();
    Ok(Acceptance {
        message,
        received_at: store.clock.now(),
        envelope: Envelope {
            peer: peer(session),
            origin: Origin::Session,
            from_outside: false,
            sender: ReversePath::Address(address("a@example.net")?),
            recipients,
            body: BodyKind::SevenBit,
            smtputf8: false,
            limits: None,
            dsn: mail::EnvelopeDsn::default(),
            tls_demand: mail::TlsDemand::Usual,
        },
        body,
        judgement: Judgement {
            authentication: String::new(),
            sender_known: true,
            author_known: true,
            findings: Vec::new(),
            verdicts,
            rendition: Rendition::new([Piece::Insert(HEAD.to_vec()), Piece::Copy(0..size)]),
            onward: Some(Rendition::new([Piece::Insert(ONWARD.to_vec()), Piece::Copy(0..size)])),
            full: Some(Rendition::new([Piece::Insert(FULL.to_vec()), Piece::Copy(0..size)])),
            held: Vec::new(),
        },
        trace,
    })
}

/// A small message to the INBOX of one account, kept.
pub(super) async fn deliver(store: &Store, to: AccountId, body: &str) -> Result<MessageId, Error> {
    let name = match store.directory().account(to) {
        Some(account) => account.address.to_string(),
        None => return Err(Error::NotFound(format!("account {to}"))),
    };
    let body = Body::from_bytes(body.to_owned())?;
    let acceptance = message(store, body, &[(&name, Fate::To(&[to]))]).await?;
    let id = acceptance.message;
    store.accept(acceptance).await?;
    Ok(id)
}

fn onwards(elsewhere: &[&str]) -> Result<Vec<Onward>, Error> {
    let on = |to: &&str| Ok(Onward { address: address(to)?, sender: None });
    elsewhere.iter().map(on).collect()
}

fn targets(store: &Store, accounts: &[AccountId]) -> Result<Vec<Target>, Error> {
    accounts.iter().map(|account| target(store, *account)).collect()
}

fn target(store: &Store, account: AccountId) -> Result<Target, Error> {
    let directory = store.directory();
    let found = directory.account(account);
    let found = found.ok_or_else(|| Error::NotFound(format!("account {account}")))?;
    Ok(Target { account, inbox: found.inbox, junk: found.junk, address: found.address.clone() })
}

fn placement(target: &Target) -> Placement {
    Placement { account: target.account, mailbox: target.inbox, flags: 0 }
}

fn peer(session: SessionId) -> Peer {
    Peer {
        session,
        door: Door::Smtp,
        ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        port: 40_000,
        helo: Some("client.example.net".to_owned()),
        esmtp: true,
        tls: None,
        login: None,
        user: None,
    }
}

pub(super) fn row(
    event: Event,
    message: MessageId,
    session: SessionId,
    recipient: &str,
) -> TraceRow {
    TraceRow {
        at: Timestamp(1_795_545_915_042),
        event,
        session: Some(session),
        message: Some(message),
        door: "smtp".to_owned(),
        peer: "192.0.2.1".to_owned(),
        sender: "a@example.net".to_owned(),
        recipient: recipient.to_owned(),
        reply: 250,
        reason: Reason::Unopposed,
        rule: "conformance".to_owned(),
        detail: "size=1".to_owned(),
    }
}
