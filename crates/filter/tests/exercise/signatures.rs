//! Any bytes as a signature, a key or a chain: what must be true whatever a stranger writes.
//!
//! Shared by the replay of the corpus and the fuzz targets `dkim_signature`, `dkim_key` and
//! `arc_set`. The message and its keys are those of RFC 8463 §A.

use filter::authentication::arc::{self, ChainResult};
use filter::authentication::dkim::{KeyRecord, Outcome, Report, Selector, Signer};
use filter::authentication::dkim::{SigningKey, verify};
use filter::authentication::message::Message;
use mail::index::Index;
use mail::{Domain, Timestamp};
use net::dns::Answer;
use net::{DnsError, Kind, Name, Record, Resolver};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The key pair of RFC 8463 §A.2, the private key as PKCS#8.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RSA: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id\
    Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3\
    rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
const DOMAIN: &str = "football.example.com";
const NOW: Timestamp = Timestamp(1_528_637_910_000);

/// A signature by the key at `brisbane`, which is good.
const GOOD: &str = " v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; \
    i=@football.example.com; q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : \
    message-id : from : subject : date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; \
    b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\
    Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";

/// One by the key at `test`.
const GOOD_RSA: &str = " v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com; \
    i=@football.example.com; q=dns/txt; s=test; t=1528637909; h=from : to : subject : date : \
    message-id : from : subject : date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; \
    b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\
    DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\
    dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";

const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
    \r\n\
    Hi.\r\n\
    \r\n\
    We lost the game.  Are you hungry yet?\r\n\
    \r\n\
    Joe.\r\n";

/// Texts at one or two selectors of the domain.
struct Texts<'t>(&'t [(&'t str, &'t str)]);

const KEYS: Texts<'static> = Texts(&[("brisbane", PUBLIC), ("test", RSA)]);

impl Resolver for Texts<'_> {
    fn records<'a>(&'a self, name: &'a Name, _: Kind) -> Answer<'a, Record> {
        let at = |selector: &str| format!("{selector}._domainkey.{DOMAIN}");
        let found = self.0.iter().find(|(selector, _)| at(selector) == name.as_str());
        let record = |(_, text): &(&str, &str)| vec![Record::Txt((*text).to_owned())];
        Box::pin(std::future::ready(found.map(record).ok_or(DnsError::NoSuchName)))
    }
}

/// Nothing here waits for anything outside.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// A reason is always there, short, and ours.
fn check_reason(reason: &str) {
    assert!((1..200).contains(&reason.len()) && reason.is_ascii(), "{reason:?}");
    assert!(!reason.bytes().any(|b| b.is_ascii_control()), "{reason:?}");
}

fn report(message: &[u8], resolver: &dyn Resolver) -> Report {
    let index = Index::of(message);
    let message = Message::at_hand(&index, message);
    let Ok(report) = run(verify(&message, resolver, NOW)) else { panic!("a body in memory") };
    for signature in &report.signatures {
        if signature.result == Outcome::Pass {
            assert!(signature.reason.is_empty() && signature.key_bits >= Some(256));
            assert_eq!(signature.domain.as_ref().map(Domain::as_str), Some(DOMAIN));
        } else {
            check_reason(&signature.reason);
        }
        let identity = signature.identity.as_deref().unwrap_or_default();
        assert!(identity.len() < 600 && !identity.chars().any(char::is_control), "{identity:?}");
        assert!(signature.start.as_ref().is_none_or(|start| start.len() <= 8));
    }
    report
}

/// The bytes are what stands behind the name of a DKIM-Signature.
pub(crate) fn dkim_signature(bytes: &[u8]) {
    let field = [b"DKIM-Signature:", bytes, b"\r\n"].concat();
    let alone = report(&[&field, MESSAGE.as_bytes()].concat(), &KEYS);
    // A good one beside it stays good, unless the bytes have fields of their own, or take up all
    // the places.
    let good = format!("DKIM-Signature:{GOOD}\r\n");
    let beside = report(&[good.as_bytes(), &field, MESSAGE.as_bytes()].concat(), &KEYS);
    assert_eq!(beside.signatures.len(), (alone.signatures.len() + 1).min(10));
    if !bytes.contains(&b'\n') {
        assert_eq!(beside.signatures.first().map(|one| one.result), Some(Outcome::Pass));
        assert_eq!(beside.signatures.get(1..), Some(alone.signatures.as_slice()));
    }
}

/// The bytes are the text of a key record.
pub(crate) fn dkim_key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (selector, good, record) in [("brisbane", GOOD, PUBLIC), ("test", GOOD_RSA, RSA)] {
        let message = format!("DKIM-Signature:{good}\r\n{MESSAGE}");
        let report = report(message.as_bytes(), &Texts(&[(selector, &text)]));
        let [signature] = report.signatures.as_slice() else { panic!("one signature") };
        let passes = signature.result == Outcome::Pass;
        match KeyRecord::parse(&text) {
            Ok(record_read) => {
                let KeyRecord { key, sha256, for_mail, .. } = &record_read;
                assert_eq!(signature.key_bits, Some(key.bits()));
                assert!(key.bits() as usize <= bytes.len() * 8);
                let is_own = KeyRecord::parse(record).is_ok_and(|own| own.key == *key);
                assert_eq!(passes, is_own && *sha256 && *for_mail, "{text:?}");
            }
            Err(reason) => {
                check_reason(reason);
                assert!(!passes);
            }
        }
    }
}

/// The bytes stand before the header of the message.
pub(crate) fn arc_set(bytes: &[u8]) {
    // What goes on with the field before would do so with ours.
    if bytes.starts_with(b" ") || bytes.starts_with(b"\t") {
        return;
    }
    let message = [bytes, MESSAGE.as_bytes()].concat();
    let before = chain(&message);
    let (Ok(key), Ok(domain)) = (SigningKey::read(PRIVATE.as_bytes()), Domain::parse(DOMAIN))
    else {
        panic!("a key and a domain")
    };
    let Some(selector) = Selector::parse("brisbane") else { panic!("a selector") };
    let signer = Signer { domain, selector, key };
    let index = Index::of(&message);
    let shown = Message::at_hand(&index, &message);
    let Ok(set) = run(arc::seal(&shown, &before, "mx.example.org; none", &signer, NOW)) else {
        return;
    };
    let after = chain(&[set.as_bytes(), &message].concat());
    assert_eq!(after.instances, before.instances + 1);
    if before.result == ChainResult::Fail {
        assert!(after.ended && after.result == ChainResult::Fail, "{after:?}");
    } else {
        assert_eq!(after.result, ChainResult::Pass, "{after:?}");
    }
}

fn chain(message: &[u8]) -> arc::Chain {
    let index = Index::of(message);
    let message = Message::at_hand(&index, message);
    let Ok(chain) = run(arc::verify(&message, &KEYS, NOW)) else { panic!("a body in memory") };
    match chain.result {
        ChainResult::None => assert!(chain.instances == 0 && chain.sets.is_empty()),
        ChainResult::Pass => {
            assert_eq!(chain.sets.len(), chain.instances as usize);
            assert!(chain.sealers().all(|sealer| sealer.as_str() == DOMAIN));
            assert!(chain.oldest_pass <= Some(chain.instances) && !chain.ended);
        }
        ChainResult::Fail => check_reason(&chain.reason),
    }
    chain
}
