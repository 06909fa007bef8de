//! App passwords by PLAIN, and by SCRAM.

use super::{QUICK, client, usual};
use crate::app_password::{self, ITERATIONS, canonical, verifier};
use crate::password;
use crate::tests::{Site, peer};
use aws_lc_rs::{digest, hmac, pbkdf2};
use mail::scram::Attempt;
use mail::{AccountId, Credential, Decision, Door, Id, Peer, Protocol, Secret, Timestamp};
use std::num::NonZeroU32;
use std::time::Duration;
use store::{About, NewAppPassword, TraceQuery};

/// An app password as a client knows it.
const PHONE: &str = "k7m2q-9xptw-04hve-r8zsd-2b6nfy";
const LAPTOP: &str = "00000-11111-22222-33333-444444";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

impl Site {
    fn anna(&self) -> AccountId {
        self.store.directory().account_by_key("anna@ours.example").unwrap().id
    }

    async fn give(&self, name: &str, text: &str, change: fn(&mut NewAppPassword)) -> Id {
        let address = mail::Address::parse("anna@ours.example").unwrap();
        let salt = app_password::salt_for(&self.store, &address);
        let mut new = NewAppPassword {
            name: name.to_owned(),
            protocols: Protocol::ALL.to_vec(),
            networks: Vec::new(),
            expires: None,
            verifier: verifier(&secret(text), &salt, ITERATIONS),
        };
        change(&mut new);
        self.store.add_app_password(self.anna(), new).await.unwrap()
    }

    /// Decision, rule and facts of a log-in by password; the credential of a good one.
    async fn told(&self, peer: &Peer, user: &str, password: &str) -> String {
        let answer = self.policy.login(peer, user, &secret(password)).await;
        told(answer.decision, answer.credential)
    }

    /// The same by SCRAM, as a client without channel binding does it.
    async fn scram(&self, peer: &Peer, user: &str, password: &str) -> String {
        let salt = self.policy.salt(user).unwrap();
        let message = format!("{user} {} of this exchange", salt.nonce);
        let attempt = prove(user, password, salt.salt, salt.iterations, message);
        let answer = self.policy.prove(peer, &attempt).await;
        let allowed = matches!(answer.decision, Decision::Allow(_));
        assert_eq!(answer.signature.is_some(), allowed);
        if let Some(signature) = answer.signature {
            let (_, server_key) = keys(password, &attempt.salt, attempt.iterations);
            assert_eq!(signature.as_slice(), sign(&server_key, attempt.auth_message.as_bytes()));
        }
        told(answer.decision, answer.credential)
    }
}

fn told(decision: Decision<mail::Login>, credential: Credential) -> String {
    match decision {
        Decision::Allow(login) => format!("{} {credential}", login.address),
        Decision::Refuse(r) | Decision::Later(r) | Decision::Discard(r) => {
            format!("{} {} {}", r.reason, r.rule, r.detail).trim().to_owned()
        }
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// A client's key and the server's, from the password.
fn keys(password: &str, salt: &[u8], iterations: u32) -> (Vec<u8>, Vec<u8>) {
    let mut salted = [0; 32];
    let rounds = NonZeroU32::new(iterations).unwrap();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut salted);
    (sign(&salted, b"Client Key"), sign(&salted, b"Server Key"))
}

fn prove(user: &str, password: &str, salt: Vec<u8>, iterations: u32, message: String) -> Attempt {
    let (client_key, _) = keys(password, &salt, iterations);
    let stored_key = digest::digest(&digest::SHA256, &client_key);
    let signature = sign(stored_key.as_ref(), message.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, by)| key ^ by).collect();
    let proof = Secret::new(proof.try_into().unwrap());
    let (user, auth_message) = (user.to_owned(), message);
    Attempt { user, plus: false, salt, iterations, auth_message, proof }
}

#[tokio::test]
async fn each_app_password_opens_by_itself_and_costs_no_dear_hash() {
    let site = usual().await;
    let phone = site.give("phone", PHONE, |_| ()).await;
    let laptop = site.give("laptop", LAPTOP, |_| ()).await;
    let home = client("198.51.100.1");
    for (typed, id) in [
        (PHONE, phone),
        (LAPTOP, laptop),
        ("K7M2Q9XPTW04HVER8ZSD2B6NFY", phone),
        ("k7m2q 9xptw o4hve r8zsd 2b6nfy", phone),
        (PHONE, phone),
    ] {
        let found = site.told(&home, "anna", typed).await;
        assert_eq!(found, format!("anna@ours.example app-password-{id}"), "{typed}");
    }
    assert_eq!(site.policy.hashes_computed(), 0);
    assert_eq!(site.told(&home, "anna", "right").await, "anna@ours.example main");
    // Nobody else's, and none that is alike.
    assert_eq!(site.told(&home, "bert", PHONE).await, "bad_credentials");
    let near = PHONE.replace("fy", "fx");
    assert_eq!(site.told(&home, "anna", &near).await, "bad_credentials");
    site.store.remove_app_password(site.anna(), "phone").await.unwrap();
    assert_eq!(site.told(&home, "anna", PHONE).await, "bad_credentials");
    let found = site.told(&home, "anna", LAPTOP).await;
    assert_eq!(found, format!("anna@ours.example app-password-{laptop}"));
    site.store.disable_account(site.anna(), true).await.unwrap();
    assert_eq!(site.told(&home, "anna", LAPTOP).await, "bad_credentials");
    assert_eq!(site.scram(&home, "anna", LAPTOP).await, "bad_credentials");
}

#[tokio::test]
async fn a_main_password_may_look_like_an_app_password() {
    let hash = password::hash(PHONE).unwrap();
    let site = crate::tests::site(QUICK, &[], &hash).await;
    let laptop = site.give("laptop", LAPTOP, |_| ()).await;
    let home = client("198.51.100.1");
    for _ in 0..2 {
        assert_eq!(site.told(&home, "anna", PHONE).await, "anna@ours.example main");
        let found = site.told(&home, "anna", LAPTOP).await;
        assert_eq!(found, format!("anna@ours.example app-password-{laptop}"));
    }
}

#[tokio::test]
async fn in_the_wrong_place_it_is_refused_and_only_the_trace_knows_why() {
    let site = usual().await;
    site.give("reader", PHONE, |new| new.protocols = vec![Protocol::Pop3]).await;
    site.give("scanner", LAPTOP, |new| {
        new.networks = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    })
    .await;
    let old = "zzzzz-zzzzz-zzzzz-zzzzz-zzzzzz";
    site.give("old", old, |new| new.expires = Some(Timestamp(1_000))).await;
    let submission = |ip: &str| Peer { door: Door::Submissions, ..client(ip) };
    let unfit = |name: &str, why: &str| {
        format!("credential_unfit app password {name} of anna@ours.example {why}")
    };
    let (home, away) = ("192.0.2.7", "203.0.113.1");
    for (peer, typed, expected) in [
        (submission(home), PHONE, unfit("reader", "protocol=submissions")),
        (client(away), LAPTOP, unfit("scanner", "network=203.0.113.1")),
        (client(home), old, unfit("old", "expired=1970-01-01T00:00:01.000Z")),
    ] {
        let answer = site.policy.login(&peer, "anna", &secret(typed)).await;
        assert!(answer.delay > Duration::from_secs(4), "{:?}", answer.delay);
        assert_eq!(told(answer.decision, answer.credential), expected);
        assert_eq!(site.scram(&peer, "anna", typed).await, expected);
    }
    for (peer, typed) in [
        (client("192.0.2.8"), PHONE),
        (client("192.0.2.9"), LAPTOP),
        (submission("2001:db8:7::1"), LAPTOP),
    ] {
        let found = site.told(&peer, "anna", typed).await;
        assert!(found.starts_with("anna@ours.example app-password"), "{found}");
    }
}

#[tokio::test]
async fn wrong_proofs_and_unfit_ones_run_out_like_wrong_passwords() {
    let site = usual().await;
    site.give("reader", PHONE, |new| new.protocols = vec![Protocol::Pop3]).await;
    let stranger = Peer { door: Door::Submission, ..client("203.0.113.9") };
    assert_eq!(site.scram(&stranger, "anna", "guess").await, "bad_credentials");
    assert!(site.told(&stranger, "anna", PHONE).await.starts_with("credential_unfit"));
    assert!(site.scram(&stranger, "anna", PHONE).await.starts_with("credential_unfit"));
    assert_eq!(site.scram(&stranger, "nobody", "guess").await, "bad_credentials");
    let over = "login_budget limit login.failures_per_address_max";
    assert_eq!(site.scram(&stranger, "anna", "guess").await, over);
    assert_eq!(site.told(&stranger, "anna", PHONE).await, over);
    assert_eq!(site.scram(&stranger, "nobody", "guess").await, over);
    // A proof that was right takes nothing from the budget.
    let reader = client("198.51.100.4");
    for _ in 0..10 {
        assert!(site.scram(&reader, "anna", PHONE).await.starts_with("anna@ours.example"));
    }
    let clear = peer(Door::Pop3, "198.51.100.4");
    assert_eq!(site.scram(&clear, "anna", PHONE).await, "tls_required");
    let server = Peer { door: Door::Smtp, ..client("198.51.100.4") };
    assert_eq!(site.scram(&server, "anna", PHONE).await, "command_disabled");
}

/// The same work and the same delay, whatever is wrong.
#[tokio::test]
async fn a_guess_at_an_app_password_is_no_cheaper() {
    let site = usual().await;
    site.give("phone", PHONE, |_| ()).await;
    for (turn, user) in ["anna", "bert", "nobody", "gone"].into_iter().enumerate() {
        let before = site.policy.hashes_computed();
        let started = std::time::Instant::now();
        let peer = client(&format!("203.0.{turn}.1"));
        let answer = site.policy.login(&peer, user, &secret(LAPTOP)).await;
        let whole = started.elapsed() + answer.delay;
        assert!((4_900..5_500).contains(&whole.as_millis()), "{user}: {whole:?}");
        assert_eq!(told(answer.decision, answer.credential), "bad_credentials");
        assert_eq!(site.policy.hashes_computed() - before, 1, "{user}");
    }
    let salt = site.policy.salt("anna").unwrap();
    let attempt = prove("anna", LAPTOP, salt.salt, salt.iterations, "message".to_owned());
    let answer = site.policy.prove(&client("203.0.9.1"), &attempt).await;
    assert!(answer.delay > Duration::from_millis(4_900), "{:?}", answer.delay);
}

/// What a name is told gives nothing away, and is the same after a restart.
#[tokio::test]
async fn every_name_has_a_stable_salt() {
    let site = usual().await;
    let names = [
        "anna@ours.example",
        "bert@ours.example",
        "gone@ours.example",
        "nobody@ours.example",
        "anna@elsewhere.example",
        "\"odd name\"@ours.example",
        "no address at all \u{fc}",
    ];
    let salts = |site: &Site| names.map(|name| site.policy.salt(name).unwrap());
    let before = salts(&site);
    site.give("phone", PHONE, |_| ()).await;
    let with_app_password = salts(&site);
    let site = site.restarted().await;
    let after = salts(&site);
    for (at, name) in names.iter().enumerate() {
        let one = before.get(at).unwrap();
        assert_eq!((one.salt.len(), one.iterations), (16, ITERATIONS), "{name}");
        for other in [with_app_password.get(at).unwrap(), after.get(at).unwrap()] {
            assert_eq!((&other.salt, other.iterations), (&one.salt, one.iterations), "{name}");
            assert_ne!(other.nonce, one.nonce, "{name}");
        }
        let is_same = |other: &&mail::scram::Salt| other.salt == one.salt;
        assert_eq!(before.iter().filter(is_same).count(), 1, "{name}");
    }
    // However a name is written, as a log-in takes it.
    for name in ["anna", "ANNA@Ours.Example", " anna@ours.example "] {
        assert_eq!(site.policy.salt(name).unwrap().salt, after.first().unwrap().salt, "{name}");
    }
    for name in ["nobody", "NOBODY@OURS.example"] {
        assert_eq!(site.policy.salt(name).unwrap().salt, after.get(3).unwrap().salt, "{name}");
    }
}

/// Which password it was is written once a day for each place, and shown with the account.
#[tokio::test]
async fn a_use_is_remembered_with_its_place() {
    let site = usual().await;
    let phone = site.give("phone", PHONE, |_| ()).await;
    let (home, cafe) = (client("198.51.100.1"), client("198.51.100.2"));
    for peer in [&home, &home, &cafe, &cafe, &home] {
        site.told(peer, "anna", PHONE).await;
        site.scram(peer, "anna", PHONE).await;
        site.told(peer, "anna", "right").await;
    }
    let uses = site.store.app_password_uses(site.anna()).await.unwrap();
    assert_eq!(uses.get(&phone).unwrap().1, "198.51.100.2/32");
    let query = TraceQuery { about: About::Everything, before: i64::MAX, limit: 100 };
    let rows = site.store.trace(query).await.unwrap();
    let told: Vec<String> = rows
        .iter()
        .filter(|row| row.event == mail::Event::Login)
        .map(|row| format!("{}: {}", row.rule, row.detail))
        .collect();
    let by =
        |what: &str, place: &str| format!("{what} anna@ours.example: place={place}/32 by=password");
    let expected = ["198.51.100.1", "198.51.100.2"]
        .map(|place| ["app password phone of", "account"].map(|what| by(what, place)));
    assert_eq!(told, expected.as_flattened());
}

#[test]
fn the_tests_type_what_can_be_made() {
    for typed in [PHONE, LAPTOP] {
        assert_eq!(canonical(typed).map(|read| read.expose().clone()).as_deref(), Some(typed));
    }
}
