//! Messages through the whole filter into a real SQLite store.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use config::Settings;
use filter::intake::{Known, Outcome, take, take_each};
use filter::{Filter, Mail, judge};
use mail::index::{Index, IndexBuilder};
use mail::{
    Address, BodyKind, Domain, Door, Envelope, Event, Finding, Login, MessageId, Notify, Onward,
    Origin, Peer, Permit, Piece, Reason, Recipient, Refusal, ReversePath, SessionId, Suggestion,
    Target, Timestamp, TraceRow,
};
use net::Clock;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use store::{NewAccount, NewSubject, Store, TraceQuery};

struct House {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    filter: Filter,
    clock: Clock,
}

fn settings(more: &str) -> Arc<Settings> {
    let text = format!("[server]\nhostname = \"mx.example.org\"\n{more}");
    Arc::new(Settings::from_str(&text, Path::new("gatepost.toml")).unwrap())
}

/// A DNS that knows no names.
fn zone() -> Arc<dyn net::Resolver> {
    Arc::new(net::ZoneResolver::parse("", Path::new("zone")).unwrap())
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
        let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
        store.add_domain(&Domain::parse("example.org").unwrap()).await.unwrap();
        for name in ["anna@example.org", "ben@example.org"] {
            let address = Address::parse(name).unwrap();
            let password_hash = "x".to_owned();
            let new = NewAccount { address, password_hash, quota: None, admin: false };
            store.add_account(new).await.unwrap();
        }
        let filter =
            Filter::new(&settings("[attachment]\nfilter = \"off\"\n"), Arc::clone(&store), zone());
        Self { _folder: folder, store, filter, clock }
    }

    fn recipient(&self, name: &str, reason: Reason) -> Recipient {
        let directory = self.store.directory();
        let account = directory.account_by_key(name).unwrap();
        let address = account.address.clone();
        Recipient {
            permit: Permit::issue(format!("account {name}"), reason),
            onward: Vec::new(),
            dsn: mail::RecipientDsn::default(),
            targets: vec![Target {
                account: account.id,
                inbox: account.inbox,
                junk: account.junk,
                address: address.clone(),
            }],
            address,
        }
    }

    fn envelope(&self, recipients: &[&str]) -> Envelope {
        let recipient = |name: &&str| self.recipient(name, Reason::LocalAccount);
        Envelope {
            peer: Peer {
                session: SessionId(9),
                door: Door::Smtp,
                ip: "192.0.2.1".parse().unwrap(),
                port: 1,
                helo: Some("client.example".to_owned()),
                esmtp: true,
                tls: None,
                login: None,
                user: None,
            },
            origin: Origin::Session,
            from_outside: true,
            sender: ReversePath::parse("<carl@client.example>").unwrap(),
            recipients: recipients.iter().map(recipient).collect(),
            body: BodyKind::SevenBit,
            smtputf8: false,
            limits: None,
            dsn: mail::EnvelopeDsn::default(),
            tls_demand: mail::TlsDemand::Usual,
        }
    }

    async fn take(&self, envelope: Envelope, message: &str, known: Vec<Finding>) -> Outcome {
        let mut incoming = self.store.incoming();
        incoming.write(message.as_bytes()).await.unwrap();
        let mut index = IndexBuilder::new();
        index.push(message.as_bytes());
        let (index, body) = (index.finish(), incoming.seal().await.unwrap());
        let known = Known { findings: known, ..Known::default() };
        take(&self.filter, &self.store, &self.clock, envelope, index, body, known).await
    }

    async fn take_each(&self, envelope: Envelope, message: &str, known: Known) -> Vec<Outcome> {
        let mut incoming = self.store.incoming();
        incoming.write(message.as_bytes()).await.unwrap();
        let (index, body) = (Index::of(message.as_bytes()), incoming.seal().await.unwrap());
        take_each(&self.filter, &self.store, &self.clock, envelope, index, body, known).await
    }

    /// What is in somebody's INBOX.
    async fn inbox(&self, name: &str) -> Vec<String> {
        let directory = self.store.directory();
        let inbox = directory.account_by_key(name).unwrap().inbox;
        let mut shown = Vec::new();
        for entry in self.store.entries(inbox).await.unwrap() {
            let mut rendered = self.store.rendition(&entry).await.unwrap();
            let mut bytes = Vec::new();
            loop {
                let more = rendered.read(1_000).await.unwrap();
                if more.is_empty() {
                    break;
                }
                bytes.extend_from_slice(&more);
            }
            shown.push(String::from_utf8(bytes).unwrap());
        }
        shown
    }

    /// The trace of a session; a refusal's rows ride a later commit, so one is made first.
    async fn trace(&self, expected: usize) -> Vec<TraceRow> {
        for _ in 0..100 {
            let rows = self.store.trace(TraceQuery::session(SessionId(9))).await.unwrap();
            if rows.len() >= expected {
                return rows;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let rows = self.store.trace(TraceQuery::session(SessionId(9))).await.unwrap();
        panic!("fewer than {expected} rows: {rows:#?}");
    }
}

const FORGED: &str = "Return-Path: <boss@example.org>\r\nFrom: c@client.example\r\n\
    Authentication-Results: mx.example.org; dkim=pass\r\nSubject: Hello\r\n\
    X-Spam-Flag: NO\r\n\r\nX-Spam-Flag: in the body\r\n";

#[tokio::test]
async fn a_message_is_kept_for_each_recipient_without_what_is_forged() {
    let house = House::open().await;
    let envelope = house.envelope(&["anna@example.org", "ben@example.org"]);
    let Outcome::Accepted(id) = house.take(envelope, FORGED, vec![]).await else { panic!() };
    for name in ["anna@example.org", "ben@example.org"] {
        let shown = house.inbox(name).await.pop().unwrap();
        let own = "From: c@client.example\r\nSubject: Hello\r\n\r\nX-Spam-Flag: in the body\r\n";
        let (head, rest) = shown.split_at(shown.len() - own.len());
        assert_eq!(rest, own);
        assert!(
            head.starts_with("Return-Path: <carl@client.example>\r\nAuthentication-Results: mx.")
                && head.contains("\r\nReceived: from client"),
            "{head}"
        );
        assert!(!head.contains("for <"), "{head}");
    }
    let rows = house.store.trace(TraceQuery::message(id)).await.unwrap();
    let forged = rows.iter().filter(|row| row.reason == Reason::ForgedTraceField).count();
    let delivered = rows.iter().filter(|row| row.event == Event::Delivered).count();
    assert_eq!((forged, delivered), (3, 2), "{rows:?}");
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_rule_of_store_or_settings_refuses_and_nothing_is_kept() {
    let house = House::open().await;
    let message =
        "From: c@client.example\r\nSubject: =?utf-8?q?Re:_D?= =?utf-8?q?etails?=\r\n\r\nx\r\n";
    let to = ["anna@example.org"];
    let take = |house: &House| house.envelope(&to);
    assert!(matches!(house.take(take(&house), message, vec![]).await, Outcome::Accepted(_)));

    let rule = house.store.add_subject(NewSubject::text("details")).await.unwrap();
    let Outcome::Refused(refusal) = house.take(take(&house), message, vec![]).await else {
        panic!("the rule holds at once")
    };
    assert_eq!(refusal.reason, Reason::SubjectProhibited);
    assert_eq!((refusal.rule, refusal.text), (format!("subject {rule}"), None));
    house.store.remove_subject(rule).await.unwrap();
    assert!(matches!(house.take(take(&house), message, vec![]).await, Outcome::Accepted(_)));

    let own = "[[subject.rules]]\nname = \"sobig\"\npattern = \"Re: Details\"\n\
               reply = \"554 5.7.1 WORM\"\n";
    house.filter.reload(&settings(own));
    let Outcome::Refused(refusal) = house.take(take(&house), message, vec![]).await else {
        panic!("a reload holds at once")
    };
    assert_eq!(refusal.rule, "subject sobig");
    assert_eq!(refusal.text.unwrap().code, 554);
    assert_eq!(house.inbox("anna@example.org").await.len(), 2);
    let refused: Vec<_> = house.trace(6).await.into_iter().filter(|row| row.reply >= 500).collect();
    assert_eq!(refused.len(), 2, "a row each: {refused:?}");
}

#[tokio::test]
async fn hits_of_a_rule_are_counted() {
    let house = House::open().await;
    house.store.add_subject(NewSubject::text("x")).await.unwrap();
    for _ in 0..3 {
        let envelope = house.envelope(&["anna@example.org"]);
        house.take(envelope, "From: c@client.example\r\nSubject: x\r\n\r\nx\r\n", vec![]).await;
    }
    for _ in 0..100 {
        house.store.reload_directory().await.unwrap();
        if house.store.directory().subjects().iter().any(|rule| rule.hits == 3) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{:?}", house.store.directory().subjects());
}

#[tokio::test]
async fn what_is_discarded_is_told_but_not_kept() {
    let house = House::open().await;
    let known = vec![Finding {
        stage: "access",
        rule: "access entry 1".to_owned(),
        reason: Reason::AccessDiscarded,
        score: 0.0,
        detail: String::new(),
        suggestion: Suggestion::Discard,
    }];
    let envelope = house.envelope(&["anna@example.org"]);
    let outcome = house.take(envelope, "From: x@y.example\r\n\r\nx\r\n", known).await;
    let Outcome::Discarded(id, refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.reason, Reason::AccessDiscarded);
    assert!(house.inbox("anna@example.org").await.is_empty());
    let rows = house.store.trace(TraceQuery::message(id)).await.unwrap();
    assert!(rows.iter().any(|row| row.event == Event::Discarded), "{rows:?}");
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn no_recipient_passes_without_a_place_and_a_permit_for_it() {
    let house = House::open().await;
    let anna = "anna@example.org";
    let nowhere = |reason| Recipient { targets: vec![], ..house.recipient(anna, reason) };
    for (recipients, expected) in [
        (vec![], Reason::InternalError),
        (vec![house.recipient(anna, Reason::Unopposed)], Reason::InternalError),
        (vec![house.recipient(anna, Reason::OwnMail)], Reason::InternalError),
        (vec![house.recipient(anna, Reason::RelayNetwork)], Reason::InternalError),
        // It has a sender: no bounce, so no way through by an address for bounces.
        (vec![nowhere(Reason::ForwardBounce)], Reason::InternalError),
        (vec![nowhere(Reason::ForwardBounceDropped)], Reason::InternalError),
        (vec![nowhere(Reason::LocalAccount)], Reason::NoRouteYet),
        (
            vec![house.recipient(anna, Reason::LocalAccount), nowhere(Reason::RelayDomain)],
            Reason::NoRouteYet,
        ),
    ] {
        let envelope = Envelope { recipients, ..house.envelope(&[]) };
        let outcome =
            house.take(envelope, "From: c@client.example\r\nSubject: x\r\n\r\nx\r\n", vec![]).await;
        assert!(matches!(&outcome, Outcome::Later(r) if r.reason == expected), "{outcome:?}");
    }
    assert!(house.inbox(anna).await.is_empty());
}

/// LMTP's way: one copy is refused, the others are kept by one commit with the trace of all.
#[tokio::test]
async fn each_recipient_has_an_outcome_of_its_own() {
    let house = House::open().await;
    let (anna, ben) = ("anna@example.org", "ben@example.org");
    let discarded = Recipient { targets: vec![], ..house.recipient(anna, Reason::AccessDiscarded) };
    let mut envelope = house.envelope(&[anna, ben]);
    envelope.recipients.push(discarded);
    let full = Refusal::new(Reason::MailboxFull).rule("account anna@example.org");
    let known = Known { against: vec![(0, full.clone())], ..Known::default() };
    let outcomes = house.take_each(envelope, "Subject: x\r\n\r\nx\r\n", known).await;
    let [Outcome::Later(refusal), Outcome::Accepted(id), Outcome::Discarded(other, _)] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!((refusal, id), (&full, other));
    assert!(house.inbox(anna).await.is_empty());
    assert_eq!(house.inbox(ben).await.len(), 1);
    let rows = house.store.trace(TraceQuery::message(*id)).await.unwrap();
    let about = |name, reply| rows.iter().any(|row| row.recipient == name && row.reply == reply);
    assert!(about(anna, 452) && about(ben, 250), "{rows:#?}");

    let against = vec![(0, full.clone()), (1, full)];
    let known = Known { against, ..Known::default() };
    let envelope = house.envelope(&[anna, ben]);
    let outcomes = house.take_each(envelope, "Subject: x\r\n\r\nx\r\n", known).await;
    assert!(matches!(outcomes.as_slice(), [Outcome::Later(_), Outcome::Later(_)]));
    house.store.add_subject(NewSubject::text("x")).await.unwrap();
    let envelope = house.envelope(&[anna, ben]);
    let outcomes = house.take_each(envelope, "Subject: x\r\n\r\nx\r\n", Known::default()).await;
    assert!(matches!(outcomes.as_slice(), [Outcome::Refused(_), Outcome::Refused(_)]));
    assert_eq!(house.inbox(ben).await.len(), 1);
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}

/// Whoever asks: only who logged in hears of a success, by the commit that keeps the message.
#[tokio::test]
async fn a_success_is_told_to_who_is_known() {
    let house = House::open().await;
    let (anna, ben) = ("anna@example.org", "ben@example.org");
    for (login, expected) in [(false, 0), (true, 1)] {
        let mut envelope = house.envelope(&[ben]);
        envelope.sender = ReversePath::parse("<anna@example.org>").unwrap();
        envelope.recipients.first_mut().unwrap().dsn.notify = Notify::parse("SUCCESS");
        let account = house.store.directory().account_by_key(anna).unwrap().clone();
        envelope.peer.login =
            login.then_some(Login { account: account.id, address: account.address });
        let sender = Some(house.recipient(anna, Reason::OwnMail));
        let known = Known { sender, ..Known::default() };
        let outcomes = house.take_each(envelope, "Subject: x\r\n\r\nx\r\n", known).await;
        assert!(matches!(outcomes.as_slice(), [Outcome::Accepted(_)]), "{outcomes:?}");
        let inbox = house.inbox(anna).await;
        assert_eq!(inbox.len(), expected);
        let told = |mail: &String| {
            mail.contains("Action: delivered") && mail.contains("rfc822; ben@example.org")
        };
        assert!(inbox.iter().all(told), "{inbox:?}");
    }
    assert_eq!(house.inbox(ben).await.len(), 2);
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}

/// An alias that leads here and elsewhere ends the question: the next server is not asked it again
/// (RFC 3461 §5.2.7.2).
#[tokio::test]
async fn a_list_answers_for_its_members() {
    let house = House::open().await;
    let (anna, ben) = ("anna@example.org", "ben@example.org");
    let mut envelope = house.envelope(&[ben]);
    envelope.sender = ReversePath::parse("<anna@example.org>").unwrap();
    let account = house.store.directory().account_by_key(anna).unwrap().clone();
    envelope.peer.login = Some(Login { account: account.id, address: account.address });
    let alias = envelope.recipients.first_mut().unwrap();
    let far = "dora@far.example".parse().unwrap();
    alias.onward = vec![Onward { address: far, sender: None }];
    alias.dsn.notify = Notify::parse("SUCCESS,FAILURE");
    let sender = Some(house.recipient(anna, Reason::OwnMail));
    let known = Known { sender, ..Known::default() };
    let outcomes = house.take_each(envelope, "Subject: x\r\n\r\nx\r\n", known).await;
    assert!(matches!(outcomes.as_slice(), [Outcome::Accepted(_)]), "{outcomes:?}");
    let inbox = house.inbox(anna).await;
    let [told] = inbox.as_slice() else { panic!("{inbox:?}") };
    assert!(told.contains("Action: expanded"), "{told}");
    let until = Timestamp(i64::MAX / 2);
    let due = house.store.spool_due((Timestamp(0), 0), until).await.unwrap();
    let due: Vec<(i64, i64)> = due.iter().map(|copy| (copy.id, copy.fence)).collect();
    let copies = house.store.lease(&due, until).await.unwrap();
    let [copy] = copies.as_slice() else { panic!("{copies:?}") };
    assert_eq!(copy.needs.recipient.notify, Notify::parse("FAILURE"));
}

#[tokio::test]
async fn judging_is_quick_and_keeps_nothing() {
    let house = House::open().await;
    for pattern in ["details", "Re: Party", "movie"] {
        house.store.add_subject(NewSubject::text(pattern)).await.unwrap();
    }
    let message = format!(
        "Received: from a.example by b.example; Tue, 24 Nov 2026 18:45:15 +0000\r\n\
         From: Carl <c@client.example>\r\nTo: anna@example.org\r\nSubject: Re: the invoice\r\n\
         Date: Tue, 24 Nov 2026 18:45:15 +0000\r\nMessage-ID: <1@client.example>\r\n\r\n{}",
        "All the best.\r\n".repeat(50)
    );
    let index = Index::of(message.as_bytes());
    let body = store::Body::from_bytes(message.into_bytes()).unwrap();
    let envelope = house.envelope(&["anna@example.org"]);
    let mail = Mail { id: MessageId(1), envelope: &envelope, index: &index, body: &body };
    let now = house.clock.now();
    let rounds = 2_000;
    let start = Instant::now();
    for _ in 0..rounds {
        let judgement = judge::judge(&house.filter, &mail, vec![], now).await.unwrap();
        assert!(matches!(judgement.rendition.pieces(), [Piece::Insert(_), Piece::Copy(_)]));
    }
    let each = start.elapsed() / rounds;
    println!("judging a message of 1 KiB takes {each:?}");
    // Measured: a few microseconds. The bound only catches what is grossly wrong.
    assert!(each.as_micros() < 500, "{each:?}");
    assert!(house.inbox("anna@example.org").await.is_empty());
}

fn doubt(suggestion: Suggestion) -> Vec<Finding> {
    vec![Finding {
        stage: "test",
        rule: "rule 7".to_owned(),
        reason: Reason::DmarcQuarantine,
        score: 0.0,
        detail: "why=so".to_owned(),
        suggestion,
    }]
}

/// One answer for all: who gets it in Junk and who would refuse to send it on hear the same 250,
/// and what would have been refused is held, with a sender that stands for its way on.
#[tokio::test]
async fn what_one_would_refuse_is_held_where_another_takes_it() {
    let house = House::open().await;
    let mut envelope = house.envelope(&["anna@example.org", "ben@example.org"]);
    let ben = envelope.recipients.last_mut().unwrap();
    ben.targets.clear();
    let onward = Onward { address: Address::parse("ben@far.example").unwrap(), sender: None };
    ben.onward.push(onward);
    let message = "From: x@y.example\r\nSubject: doubtful\r\n\r\nx\r\n";
    let outcome = house.take(envelope, message, doubt(Suggestion::Junk)).await;
    let Outcome::Accepted(id) = outcome else { panic!("{outcome:?}") };
    let held = house.store.quarantine_list(0, &store::HeldFilter::default(), 10).await.unwrap();
    let [held] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((held.message, held.address.as_str()), (id, "ben@far.example"));
    assert_eq!((held.reason, held.rule.as_str()), (Reason::DmarcQuarantine, "rule 7"));
    let by = store::Actor { door: Door::Admin, name: "administrator", peer: None };
    let released = house.store.release(held.id, None, by).await.unwrap();
    let store::Released::Queued(copy) = released else { panic!("{released:?}") };
    let copy = house.store.spooled(copy).await.unwrap();
    assert!(copy.sender.ends_with("@example.org"), "{}", copy.sender);
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}

/// A finding that has the message held holds it for all, never in Junk, and a release shows it as a
/// mailbox would have.
#[tokio::test]
async fn what_is_held_is_released_as_it_would_have_been_placed() {
    let house = House::open().await;
    let envelope = house.envelope(&["anna@example.org", "ben@example.org"]);
    let message = "From: x@y.example\r\nSubject: odd\r\n\r\nx\r\n";
    let outcome = house.take(envelope, message, doubt(Suggestion::Quarantine)).await;
    let Outcome::Quarantined(id, refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.rule, "rule 7");
    assert!(house.inbox("anna@example.org").await.is_empty());
    let held = house.store.quarantine_list(0, &store::HeldFilter::default(), 10).await.unwrap();
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|held| held.message == id && held.detail == "why=so"), "{held:?}");
    let by = store::Actor { door: Door::Admin, name: "administrator", peer: None };
    house.store.release(held.first().unwrap().id, None, by).await.unwrap();
    let shown = house.inbox("anna@example.org").await;
    let [shown] = shown.as_slice() else { panic!("{shown:?}") };
    assert!(shown.starts_with("Return-Path: <carl@client.example>\r\n"), "{shown}");
    assert!(shown.contains("\r\nReceived: from ") && shown.ends_with(message), "{shown}");
    assert!(house.inbox("ben@example.org").await.is_empty());
    assert_eq!(house.store.fsck().await.unwrap().problems, Vec::<String>::new());
}
