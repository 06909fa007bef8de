//! Chains: made, verified, broken in every way.

use crate::{ED25519, MESSAGE, NOW, RSA, at, keys, run, signed_by, signer, zone};
use filter::authentication::arc::{Chain, ChainResult, SETS_MAX, SealError, seal, verify};
use filter::authentication::dkim::{KeyKind, Signer};
use filter::authentication::message::Message;
use mail::index::Index;
use net::Resolver;
use std::sync::LazyLock;

static LIST: LazyLock<Signer> = LazyLock::new(|| signer("list.example", "s", KeyKind::Ed25519));

const RESULTS: &str = "mx.example.org; spf=pass smtp.mailfrom=anna@example.org;\r\n\
    \tdkim=pass header.d=example.org header.s=rsa.2026 header.b=abcdefgh;\r\n\
    \tdmarc=pass (p=reject) header.from=example.org";

pub(crate) fn chain(message: &[u8], resolver: &dyn Resolver) -> Chain {
    let index = Index::of(message);
    run(verify(&Message::at_hand(&index, message), resolver, at(NOW))).unwrap()
}

pub(crate) fn zone_of_all() -> impl Resolver {
    keys(&[&RSA, &ED25519, &LIST])
}

/// The message with one more set.
pub(crate) fn sealed(message: &[u8], signer: &Signer) -> Result<Vec<u8>, SealError> {
    let before = chain(message, &zone_of_all());
    let index = Index::of(message);
    let shown = Message::at_hand(&index, message);
    let fields = run(seal(&shown, &before, RESULTS, signer, at(NOW)))?;
    Ok([fields.as_bytes(), message].concat())
}

fn three() -> String {
    let mut message = signed_by(MESSAGE.as_bytes(), &[&RSA], None);
    for signer in [&*RSA, &*LIST, &*ED25519] {
        message = sealed(&message, signer).unwrap();
    }
    String::from_utf8(message).unwrap()
}

#[track_caller]
fn fails(message: &str, reason: &str) {
    let found = chain(message.as_bytes(), &zone_of_all());
    assert_eq!((found.result, found.reason.as_str()), (ChainResult::Fail, reason));
    assert_eq!(found.oldest_pass, None);
    assert!(!found.temporary);
}

#[test]
fn a_message_without_a_chain_has_none() {
    let found = chain(MESSAGE.as_bytes(), &zone_of_all());
    assert_eq!((found.result, found.instances), (ChainResult::None, 0));
}

#[test]
fn chains_hold_and_name_their_sealers() {
    let mut message = MESSAGE.as_bytes().to_vec();
    let signers = [&*RSA, &*ED25519, &*LIST, &*RSA];
    for (i, signer) in signers.into_iter().enumerate() {
        message = sealed(&message, signer).unwrap();
        let found = chain(&message, &zone_of_all());
        assert_eq!((found.result, found.reason.as_str()), (ChainResult::Pass, ""));
        assert_eq!((found.instances as usize, found.oldest_pass), (i + 1, Some(0)));
        let sealers: Vec<_> = found.sealers().cloned().collect();
        assert_eq!(sealers, signers.map(|signer| signer.domain.clone())[..=i]);
        let unfolded = RESULTS.replace("\r\n\t", " ");
        assert!(found.sets.iter().all(|set| set.results.replace('\t', " ") == unfolded));
    }
    for line in String::from_utf8(message).unwrap().lines() {
        assert!(line.replace('\t', "        ").len() < 78, "{line:?}");
    }
}

#[test]
fn a_list_that_changes_the_message_seals_what_it_sends() {
    let message = sealed(MESSAGE.as_bytes(), &RSA).unwrap();
    let changed = String::from_utf8(message).unwrap() + "-- \r\nThe list\r\n";
    fails(&changed, "message signature 1: the body is not what was signed");
    // The list verified before it changed anything.
    let message = changed.replace("-- \r\nThe list\r\n", "");
    let before = chain(message.as_bytes(), &zone_of_all());
    let index = Index::of(changed.as_bytes());
    let shown = Message::at_hand(&index, changed.as_bytes());
    let fields = run(seal(&shown, &before, RESULTS, &LIST, at(NOW))).unwrap();
    let sent = [fields.as_bytes(), changed.as_bytes()].concat();
    let found = chain(&sent, &zone_of_all());
    assert_eq!((found.result, found.oldest_pass), (ChainResult::Pass, Some(2)), "{found:?}");
}

#[test]
fn relays_may_do_what_is_harmless() {
    let message = three();
    for (from, to) in [
        ("X-Mailer: none\r\n", "Received: by us\r\n"),
        ("ARC-Seal: i=2", "arc-SEAL :\r\n\ti=2"),
        ("ARC-Authentication-Results: i=1", "ARC-Authentication-Results:\r\n i=1"),
    ] {
        assert!(message.contains(from), "{from:?}");
        let found = chain(message.replace(from, to).as_bytes(), &zone_of_all());
        assert_eq!(found.result, ChainResult::Pass, "{from:?} -> {to:?}: {found:?}");
    }
}

#[test]
fn a_chain_that_was_touched_is_broken() {
    let message = three();
    let changed = |from: &str, to: &str, reason: &str| {
        assert!(message.contains(from), "{from:?}");
        fails(&message.replacen(from, to, 1), reason);
    };
    let no_match = "the signature does not match the header";
    changed("Subject: Supper", "Subject: X", &format!("message signature 3: {no_match}"));
    // The oldest set stands last.
    let at = message.rfind("ARC-Authentication-Results: i=1").unwrap();
    let forged = message[at..].replacen("spf=pass", "spf=fail", 1);
    fails(&format!("{}{forged}", &message[..at]), &format!("seal 1: {no_match}"));
    changed("cv=pass", "cv=none", "seal 3 says cv=none");
    changed("cv=none", "cv=pass", "seal 1 says cv=pass");
    changed("cv=none", "cv=maybe", "a seal has an unknown cv=");
    changed("ARC-Seal: i=2;", "ARC-Seal: i=2; h=From;", "a seal names fields (h=)");
    changed("ARC-Seal: i=2", "ARC-Seal: i=3", "set 3 of the chain has a field twice");
    changed("ARC-Seal: i=2", "X-Seal: i=2", "a set of the chain lacks a field");
    changed("ARC-Message-Signature: i=1", "X-Was: i=1", "a set of the chain lacks a field");
    changed("ARC-Seal: i=3", "ARC-Seal: i=4", "a set of the chain lacks a field");
    changed("ARC-Seal: i=3", "ARC-Seal: i=99", "the chain has more than 50 sets");
    let unreadable = "a field of the chain has no instance that can be read";
    for instance in ["i=0", "i=", "i=-1", "i=x", "i=001", "x=1", "i=3; i=3"] {
        changed("ARC-Seal: i=3", &format!("ARC-Seal: {instance}"), unreadable);
    }
    for results in ["i=1 mx.example.org", "1; x", "j=1; x", "i=1(c); x"] {
        let field = format!("ARC-Authentication-Results: {results}\r\n");
        fails(&format!("{field}{MESSAGE}"), unreadable);
    }
    // A set removed from the top is what the sealer before has sent.
    let older = message.find("ARC-Seal: i=2").unwrap();
    assert_eq!(chain(&message.as_bytes()[older..], &zone_of_all()).result, ChainResult::Pass);
}

#[test]
fn keys_that_are_gone_break_it_and_trouble_does_so_for_now() {
    let message = three();
    let found = chain(message.as_bytes(), &keys(&[&RSA, &ED25519]));
    assert_eq!(found.reason, "seal 2: there is no key for the signature");
    struct Broken;
    impl Resolver for Broken {
        fn records<'a>(
            &'a self,
            _: &'a net::Name,
            kind: net::Kind,
        ) -> net::dns::Answer<'a, net::Record> {
            assert_eq!(kind, net::Kind::Txt);
            Box::pin(std::future::ready(Err(net::DnsError::TimedOut)))
        }
    }
    let found = chain(message.as_bytes(), &Broken);
    assert!(found.temporary && found.result == ChainResult::Fail, "{found:?}");
    let index = Index::of(message.as_bytes());
    let shown = Message::at_hand(&index, message.as_bytes());
    let sealed = run(seal(&shown, &found, RESULTS, &LIST, at(NOW)));
    assert!(matches!(sealed, Err(SealError::Unknown)));
}

#[test]
fn a_broken_chain_is_sealed_as_broken_once() {
    let broken = three().replacen("Subject: Supper", "Subject: X", 1);
    let once = sealed(broken.as_bytes(), &LIST).unwrap();
    let text = String::from_utf8(once.clone()).unwrap();
    assert!(text.starts_with("ARC-Seal: i=4; a=ed25519-sha256; cv=fail;"), "{text}");
    let found = chain(&once, &zone_of_all());
    assert!(found.ended && found.result == ChainResult::Fail, "{found:?}");
    assert_eq!(found.reason, "the newest seal says that the chain is broken");
    assert!(matches!(sealed(&once, &LIST), Err(SealError::Ended)));
}

#[test]
fn a_chain_has_fifty_sets_at_most() {
    let mut message = MESSAGE.as_bytes().to_vec();
    for _ in 0..SETS_MAX {
        message = sealed(&message, &ED25519).unwrap();
    }
    let begun = std::time::Instant::now();
    let found = chain(&message, &zone_of_all());
    assert_eq!((found.result, found.instances), (ChainResult::Pass, SETS_MAX), "{found:?}");
    assert!(begun.elapsed().as_millis() < 2_000, "{:?}", begun.elapsed());
    assert!(matches!(sealed(&message, &ED25519), Err(SealError::Full)));
}

#[test]
fn results_that_would_break_the_header_are_refused() {
    let index = Index::of(MESSAGE.as_bytes());
    let message = Message::at_hand(&index, MESSAGE.as_bytes());
    let none = chain(MESSAGE.as_bytes(), &zone(std::iter::empty()));
    let long = "x".repeat(1_000);
    for results in ["", " \r\n ", "a; b\0", "a; \u{7f}", &long] {
        let sealed = run(seal(&message, &none, results, &RSA, at(NOW)));
        assert!(matches!(sealed, Err(SealError::Results)), "{results:?}");
    }
    // A line end in them is a blank, never a field of its own.
    let fields = run(seal(&message, &none, "a; b\r\nFrom: evil", &RSA, at(NOW))).unwrap();
    assert!(fields.contains("ARC-Authentication-Results: i=1; a; b From: evil\r\n"), "{fields}");
}
