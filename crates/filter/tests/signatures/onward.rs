//! Mail on its way through intake: who signs what, over the bytes as they are sent on.

use crate::opinions::{dkimpy_is_there, dkimpy_of_all, opendkim, opendkim_is_there};
use crate::{ED25519, RSA, domain, keys};
use filter::Filter;
use filter::authentication::dkim::{Outcome, Signer, verify};
use filter::authentication::message::Message;
use filter::intake::{self, Known, take};
use mail::index::{Index, IndexBuilder};
use mail::{
    AccountId, Address, BodyKind, Door, Envelope, EnvelopeDsn, Login, Onward, Origin, Peer, Permit,
    Reason, Recipient, RecipientDsn, ReversePath, SessionId,
};
use net::Clock;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use store::{KeyStep, NewDkimKey, Store};

struct House {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    filter: Filter,
    clock: Clock,
}

/// Who brings a message.
#[derive(Debug, Clone, Copy)]
enum From {
    User,
    Program,
    Ourselves,
    Stranger,
}

impl House {
    /// A house of example.org whose two keys sign.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
        let store = Store::open(database, folder.path(), clock.clone(), "node").await.unwrap();
        store.add_domain(&domain("example.org")).await.unwrap();
        let text = "[server]\nhostname = \"mx.example.org\"\n[attachment]\nfilter = \"off\"\n";
        let settings = config::Settings::from_str(text, Path::new("gatepost.toml")).unwrap();
        let filter = Filter::new(&Arc::new(settings), Arc::clone(&store), no_names());
        let house = Self { _folder: folder, store, filter, clock };
        for signer in [&*RSA, &*ED25519] {
            let id = house.store.add_dkim_key(house.key(signer)).await.unwrap();
            house.store.step_dkim_keys(&[(id, KeyStep::Activate)]).await.unwrap();
        }
        house
    }

    fn key(&self, signer: &Signer) -> NewDkimKey {
        NewDkimKey {
            domain: signer.domain.clone(),
            selector: signer.selector.to_string(),
            algorithm: signer.key.algorithm().word(),
            secret: signer.key.to_pem().unwrap(),
            record: signer.key.record().unwrap(),
        }
    }

    /// The message as it is sent on.
    async fn sent(&self, from: From, message: &[u8]) -> Vec<u8> {
        let mut incoming = self.store.incoming();
        let mut index = IndexBuilder::new();
        for window in message.chunks(60_000) {
            incoming.write(window).await.unwrap();
            index.push(window);
        }
        let (index, body) = (index.finish(), incoming.seal().await.unwrap());
        let (filter, store, clock) = (&self.filter, &self.store, &self.clock);
        let outcome =
            take(filter, store, clock, envelope(from), index, body, Known::default()).await;
        let intake::Outcome::Accepted(id) = outcome else { panic!("{outcome:?}") };
        let mut rendered = self.store.onward(id).await.unwrap();
        let mut sent = Vec::new();
        loop {
            let window = rendered.read(1 << 16).await.unwrap();
            if window.is_empty() {
                return sent;
            }
            sent.extend_from_slice(&window);
        }
    }

    /// The results of our own verifier, in the order of the fields.
    async fn results(&self, sent: &[u8]) -> Vec<Outcome> {
        let index = Index::of(sent);
        let zone = keys(&[&RSA, &ED25519]);
        let shown = Message::at_hand(&index, sent);
        let report = verify(&shown, &zone, self.clock.now()).await.unwrap();
        report.signatures.iter().map(|signature| signature.result).collect()
    }
}

/// A DNS that knows no names.
fn no_names() -> Arc<dyn net::Resolver> {
    Arc::new(net::ZoneResolver::parse("", Path::new("zone")).unwrap())
}

fn envelope(from: From) -> Envelope {
    let address = Address::parse("dora@far.example").unwrap();
    let anna = Address::parse("anna@example.org").unwrap();
    let login = Login { account: AccountId(1), address: anna };
    let (door, origin, login, reason) = match from {
        From::User => (Door::Submission, Origin::Session, Some(login), Reason::Authenticated),
        From::Program => (Door::Local, Origin::Session, None, Reason::Authenticated),
        From::Ourselves => (Door::Local, Origin::Own, None, Reason::OwnMail),
        From::Stranger => (Door::Smtp, Origin::Session, None, Reason::RelayNetwork),
    };
    Envelope {
        peer: Peer {
            session: SessionId(9),
            door,
            user: None,
            ip: "192.0.2.1".parse().unwrap(),
            port: 1,
            helo: Some("client.example".to_owned()),
            esmtp: true,
            tls: None,
            login,
        },
        origin,
        from_outside: false,
        limits: None,
        tls_demand: mail::TlsDemand::Usual,
        sender: ReversePath::parse("<anna@example.org>").unwrap(),
        recipients: vec![Recipient {
            permit: Permit::issue("test", reason),
            targets: Vec::new(),
            dsn: RecipientDsn::default(),
            onward: vec![Onward { address: address.clone(), sender: None }],
            address,
        }],
        body: BodyKind::SevenBit,
        smtputf8: false,
        dsn: EnvelopeDsn::default(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

const MESSAGE: &str = "From: Anna <anna@example.org>\r\nTo: dora@far.example\r\n\
    Bcc: secret@far.example\r\nSubject: Supper  tonight\r\n\r\n.\r\n  at  eight \r\n\r\n";

#[test]
fn what_is_ours_is_signed_by_each_key_and_nothing_else() {
    use Outcome::Pass;
    run(async {
        let house = House::open().await;
        for (from, author, expected) in [
            (From::User, "anna@example.org", &[Pass, Pass][..]),
            (From::Program, "root@mx.example.org", &[Pass, Pass]),
            (From::Ourselves, "mailer-daemon@mx.example.org", &[Pass, Pass]),
            (From::User, "anna@elsewhere.example", &[]),
            (From::User, "anna@notexample.org", &[]),
            (From::Stranger, "anna@example.org", &[]),
        ] {
            let message = MESSAGE.replace("anna@example.org", author);
            let sent = house.sent(from, message.as_bytes()).await;
            let shown = String::from_utf8_lossy(&sent);
            assert_eq!(house.results(&sent).await, expected, "{from:?} {author}: {shown}");
            assert_eq!(shown.matches("d=example.org").count(), expected.len(), "{shown}");
        }
    });
}

#[test]
fn what_was_added_and_left_out_is_covered() {
    run(async {
        let house = House::open().await;
        let sent = String::from_utf8(house.sent(From::User, MESSAGE.as_bytes()).await).unwrap();
        assert!(sent.starts_with("DKIM-Signature: ") && !sent.contains("secret@"), "{sent}");
        for field in ["\r\nDate: ", "\r\nMessage-ID: <"] {
            let spoiled = sent.replace(field, &format!("{field}x"));
            assert!(spoiled != sent, "{field} is missing: {sent}");
            let results = house.results(spoiled.as_bytes()).await;
            assert_eq!(results, [Outcome::Fail, Outcome::Fail], "{field}");
        }
        // Another From, Subject or Reply-To above the one that is there spoils it.
        for field in ["From: boss@example.org", "Subject: x", "Reply-To: x@y.example", "Cc: x@y.z"]
        {
            let spoiled = format!("{field}\r\n{sent}");
            let results = house.results(spoiled.as_bytes()).await;
            assert_eq!(results, [Outcome::Fail, Outcome::Fail], "{field}");
        }
    });
}

#[test]
fn other_programs_take_what_is_sent_on() {
    run(async {
        let house = House::open().await;
        let sent = house.sent(From::User, MESSAGE.as_bytes()).await;
        if dkimpy_is_there() {
            let said = dkimpy_of_all("verify", &[&sent], &RSA, json!({}));
            assert_eq!(said, [json!([true, true])]);
        }
        if opendkim_is_there() {
            let said = opendkim(&sent, "Mode v\n");
            assert!(said.contains("dkim=pass (2048-bit key)"), "{said}");
        }
    });
}

#[test]
fn a_large_body_is_signed_from_its_file() {
    run(async {
        let house = House::open().await;
        let mut message = MESSAGE.as_bytes().to_vec();
        while message.len() < 5 << 20 {
            message.extend_from_slice(
                b"A line of 64 characters with  blanks, and one at its end  x \r\n",
            );
        }
        let sent = house.sent(From::User, &message).await;
        assert!(sent.len() > message.len());
        assert_eq!(house.results(&sent).await, [Outcome::Pass, Outcome::Pass]);
    });
}

#[test]
fn keys_that_wait_have_retired_or_belong_to_nobody_sign_nothing() {
    run(async {
        let house = House::open().await;
        let store = &house.store;
        let ids: Vec<i64> = store.directory().dkim_keys().iter().map(|key| key.id).collect();
        store.step_dkim_keys(&[(ids[0], KeyStep::Retire)]).await.unwrap();
        let sent = house.sent(From::User, MESSAGE.as_bytes()).await;
        assert_eq!(house.results(&sent).await, [Outcome::Pass]);
        store.step_dkim_keys(&[(ids[1], KeyStep::Retire)]).await.unwrap();
        let sent = house.sent(From::User, MESSAGE.as_bytes()).await;
        assert_eq!(house.results(&sent).await, []);
        // One of a domain below signs for its own name, and one that waits does not.
        let below = domain("sub.example.org");
        store.add_domain(&below).await.unwrap();
        let key = NewDkimKey { domain: below.clone(), ..house.key(&RSA) };
        let id = store.add_dkim_key(key).await.unwrap();
        let message = MESSAGE.replace("anna@example.org", "anna@sub.example.org");
        let sent = String::from_utf8(house.sent(From::User, message.as_bytes()).await).unwrap();
        assert!(!sent.contains("DKIM-Signature"), "{sent}");
        store.step_dkim_keys(&[(id, KeyStep::Activate)]).await.unwrap();
        let sent = String::from_utf8(house.sent(From::User, message.as_bytes()).await).unwrap();
        assert!(sent.contains("d=sub.example.org"), "{sent}");
        // Once the domain is not ours any more, its key is not either.
        store.remove_domain(&below).await.unwrap();
        let sent = String::from_utf8(house.sent(From::User, message.as_bytes()).await).unwrap();
        assert!(!sent.contains("DKIM-Signature"), "{sent}");
    });
}

#[test]
fn what_cannot_be_signed_is_sent_without() {
    run(async {
        let house = House::open().await;
        let many = "To: dora@far.example\r\n".repeat(1_000);
        let message = MESSAGE.replace("To: dora@far.example\r\n", &many);
        let sent = String::from_utf8(house.sent(From::User, message.as_bytes()).await).unwrap();
        assert!(!sent.contains("DKIM-Signature"), "{}", sent.len());
    });
}
