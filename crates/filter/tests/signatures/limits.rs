//! What a signature or a key may say, and how much of it: signatures that are good in themselves,
//! made here by hand.

use crate::{MESSAGE, NOW, RSA, check, keys, only, signed_by, signer, told, zone};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeySize, PublicKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filter::authentication::dkim::{KeyKind, Outcome, SIGNATURES_MAX, SignatureResult};
use std::sync::LazyLock;

static PAIR: LazyLock<Ed25519KeyPair> = LazyLock::new(|| Ed25519KeyPair::generate().unwrap());

const FROM: &str = "From: a@example.org\r\n";
const BODY: &str = "body\r\n";

/// A message whose signature in the simple form has these tags, and is good; `signed` is what its
/// h= stands for.
fn made(tags: &str, signed: &str, body: &str, key: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let hash = STANDARD.encode(digest(&SHA256, body.as_bytes()));
    let field = format!("DKIM-Signature: {}; b=", tags.replace("BH", &hash));
    let value = STANDARD.encode(key(format!("{signed}{field}").as_bytes()));
    format!("{field}{value}\r\n{FROM}Subject: x\r\n\r\n{BODY}").into_bytes()
}

fn by_ed25519(text: &[u8]) -> Vec<u8> {
    PAIR.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec()
}

fn record(tags: &str) -> String {
    format!("v=DKIM1; k=ed25519; {tags}p={}", STANDARD.encode(PAIR.public_key()))
}

fn result(tags: &str, record: &str) -> SignatureResult {
    let zone = zone([("ed._domainkey.example.org", record)]);
    only(&made(tags, FROM, BODY, by_ed25519), &zone)
}

const PLAIN: &str = "v=1; a=ed25519-sha256; d=example.org; s=ed; h=From; bh=BH";

/// The plain signature with something else in it.
#[track_caller]
fn with(from: &str, to: &str, outcome: Outcome, reason: &str) {
    assert!(PLAIN.contains(from));
    let result = result(&PLAIN.replacen(from, to, 1), &record(""));
    assert_eq!((result.result, result.reason.as_str()), (outcome, reason), "{from:?} -> {to:?}");
}

#[test]
fn tags_mean_what_the_standard_says() {
    with("v=1", "v=1", Outcome::Pass, "");
    with("v=1", "x=1795000001; unknown=; v=1", Outcome::Pass, "");
    with("v=1", "q=dns/txt; v=1", Outcome::Pass, "");
    with("v=1", "q=x/y : dns/txt; v=1", Outcome::Pass, "");
    with("v=1", "i=anna@mail.example.org; v=1", Outcome::Pass, "");
    with("v=1", "c=simple; v=1", Outcome::Pass, "");
    with("h=From", "h=From : Nothing:from", Outcome::Pass, "");

    let neutral = |from, to, reason| with(from, to, Outcome::Neutral, reason);
    neutral("v=1", "v=2", "the version of the signature is not 1");
    neutral("v=1; ", "", "the tag v= is missing or empty");
    neutral("v=1", "v=1; v=1", "a tag stands twice");
    neutral("v=1", "v=1; nothing", "something between two semicolons is no tag");
    neutral("a=ed25519-sha256", "a=ed25519-sha512", "the algorithm is not known");
    neutral("d=example.org", "d=exa mple", "the domain that signs is no domain");
    neutral("d=example.org", "d=192.0.2.1", "the domain that signs is no domain");
    neutral("d=example.org; ", "", "the tag d= is missing or empty");
    neutral("s=ed", "s=e_d..x", "the selector is no name");
    neutral("h=From", "h=From:a b", "the list of signed fields has something that is no name");
    neutral("h=From", "h=From::To", "the list of signed fields has something that is no name");
    neutral("bh=BH", "bh=AAAA", "the hash of the body has not 32 bytes");
    neutral("bh=BH", "bh=A", "something that should be base64 is not");
    neutral("bh=BH", "bh=BH; l=x", "the tag l= is no number, or too large");
    neutral("bh=BH", "bh=BH; t=-1", "the tag t= is no number, or too large");
    neutral("bh=BH", "bh=BH; x=9999999999999", "the tag x= is no number, or too large");
    neutral("bh=BH", "bh=BH; t=9; x=9", "the signature ends before it was made");
    neutral("bh=BH", "bh=BH; c=simple/strict", "the canonicalisation is not known");
    neutral("bh=BH", "bh=BH; q=http", "the key cannot be asked for in the DNS");
    neutral("bh=BH", "bh=BH; i=nobody", "the identity has no domain");

    let never = |from, to, reason| with(from, to, Outcome::PermError, reason);
    never("a=ed25519-sha256", "a=rsa-sha1", "rsa-sha1 has not been acceptable since RFC 8301");
    never("a=ed25519-sha256", "a=rsa-sha256", "the key is of another type than the signature");
    never("h=From", "h=To:Subject", "the field From is not signed");
    never("s=ed", "s=other", "there is no key for the signature");
    never("bh=BH", "bh=BH; i=@example.com", "the identity is not within the domain that signs");

    with("bh=BH", "bh=BH; x=1794999999", Outcome::Fail, "the signature has ended");
    with("h=From", "h=From:Subject", Outcome::Fail, "the signature does not match the header");
}

#[test]
fn what_a_stranger_wrote_is_told_only_where_it_is_what_it_should_be() {
    let told = result(
        "v=1; a=<b>; d=Example.ORG; s=../x; i==0D=0A@example.org; h=From; bh=BH",
        &record(""),
    );
    assert_eq!(told.domain.unwrap().as_str(), "example.org");
    assert_eq!((told.selector, told.algorithm, told.identity), (None, None, None));
    assert!(!told.reason.contains('<'));
}

#[test]
fn a_from_that_is_not_signed_spoils_the_signature() {
    let zone = zone([("ed._domainkey.example.org", record("").as_str())]);
    let one = made(PLAIN, FROM, BODY, by_ed25519);
    let two = [b"From: evil@example.com\r\n", one.as_slice()].concat();
    let result = only(&two, &zone);
    let expected = (Outcome::Policy, "the message has a From that is not signed");
    assert_eq!((result.result, result.reason.as_str()), expected);
}

#[test]
fn keys_say_what_they_are_for() {
    for (tags, record, outcome, reason) in [
        (PLAIN, record(""), Outcome::Pass, ""),
        (PLAIN, record("t=y; "), Outcome::Pass, ""),
        (PLAIN, record("h=sha1; "), Outcome::PermError, "the key is not for SHA-256"),
        (PLAIN, record("s=tlsrpt; "), Outcome::PermError, "the key is not for mail"),
        (PLAIN, record("t=s; "), Outcome::Pass, ""),
        (
            &PLAIN.replace("v=1", "v=1; i=@a.example.org"),
            record("t=s; "),
            Outcome::PermError,
            "the key is for the domain alone, the identity is below it",
        ),
        (PLAIN, "v=DKIM1; p=".to_owned(), Outcome::PermError, "the key was withdrawn"),
        (PLAIN, "v=spf1".to_owned(), Outcome::PermError, "the record is not one of DKIM1"),
    ] {
        let result = result(tags, &record);
        assert_eq!((result.result, result.reason.as_str()), (outcome, reason), "{record}");
        assert_eq!(result.testing, record.contains("t=y"), "{record}");
    }
}

#[test]
fn one_good_record_of_several_is_enough() {
    let message = made(PLAIN, FROM, BODY, by_ed25519);
    let (good, name) = (record(""), "ed._domainkey.example.org");
    let other = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let several = |texts: &[&str]| {
        let result = only(&message, &zone(texts.iter().map(|text| (name, *text))));
        (result.result, result.reason)
    };
    assert_eq!(several(&["v=spf1 -all", &good]).0, Outcome::Pass);
    assert_eq!(several(&[other, &good]).0, Outcome::Pass);
    let no_match = (Outcome::Fail, "the signature does not match the header".to_owned());
    assert_eq!(several(&["v=spf1 -all", other]), no_match);
    assert_eq!(several(&[other, "v=DKIM1; p="]), no_match);
    let too_many = (Outcome::PermError, "the selector has more than four records".to_owned());
    assert_eq!(several(&[&good, other, "a=1", "a=2", "a=3"]), too_many);
}

#[test]
fn a_part_of_the_body_is_never_the_whole() {
    let covered = |length: &str, body: &str| {
        let tags = format!("{PLAIN}; l={length}");
        let message = made(&tags, FROM, body, by_ed25519);
        let result = only(&message, &zone([("ed._domainkey.example.org", record("").as_str())]));
        (result.result, result.reason)
    };
    for (length, body) in [("6", "body\r\n"), ("2", "bo"), ("0", "")] {
        let (outcome, reason) = covered(length, body);
        assert_eq!(outcome, Outcome::Policy, "{length}");
        assert!(reason.contains(&format!("{length} of the 6 bytes")), "{reason}");
    }
    let more = (Outcome::Fail, "the signature covers more than the body has".to_owned());
    assert_eq!(covered("7", "body\r\n"), more);
    assert_eq!(covered("2", "ba").0, Outcome::Fail);
}

/// A signature of a key of this size, and what comes of it.
fn of_size(size: KeySize) -> SignatureResult {
    let pair = RsaKeyPair::generate(size).unwrap();
    let public: &PublicKey = pair.public_key();
    let record = format!("p={}", STANDARD.encode(public.as_der().unwrap().as_ref()));
    let sign = |text: &[u8]| {
        let mut value = vec![0; pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut value).unwrap();
        value
    };
    let message = made(&PLAIN.replace("ed25519", "rsa"), FROM, BODY, sign);
    only(&message, &zone([("ed._domainkey.example.org", record.as_str())]))
}

#[test]
fn keys_have_neither_too_few_nor_too_many_bits() {
    for (size, bits) in [(KeySize::Rsa2048, 2048), (KeySize::Rsa3072, 3072)] {
        let result = of_size(size);
        assert_eq!((result.result, result.key_bits), (Outcome::Pass, Some(bits)));
    }
    // Making a real key of 8,192 bits takes a minute; its size alone decides.
    for (bits, outcome, reason) in [
        (512, Outcome::Fail, "the key has 512 bits, fewer than the 1024 required"),
        (1016, Outcome::Fail, "the key has 1016 bits, fewer than the 1024 required"),
        (4096, Outcome::Fail, "the signature does not match the header"),
        (4104, Outcome::Policy, "the key has 4104 bits, more than the 4096 allowed"),
        (8192, Outcome::Policy, "the key has 8192 bits, more than the 4096 allowed"),
        (65_536, Outcome::Policy, "the key has 65536 bits, more than the 4096 allowed"),
    ] {
        let modulus = [vec![0], vec![0xff; bits / 8]].concat();
        let mut key = vec![2, 0x82, (modulus.len() >> 8) as u8, modulus.len() as u8];
        key.extend(&modulus);
        key.extend([2, 3, 1, 0, 1]);
        let outer = [0x30, 0x82, (key.len() >> 8) as u8, key.len() as u8];
        let record = format!("p={}", STANDARD.encode([&outer[..], &key].concat()));
        let message = made(&PLAIN.replace("ed25519", "rsa"), FROM, BODY, |_| vec![1; bits / 8]);
        let result = only(&message, &zone([("ed._domainkey.example.org", record.as_str())]));
        assert_eq!((result.result, result.reason.as_str()), (outcome, reason), "{bits}");
        assert_eq!(result.key_bits, Some(bits as u32));
    }
}

#[test]
fn ten_of_a_hundred_signatures_are_looked_at() {
    let ed = signer("example.org", "ed2", KeyKind::Ed25519);
    let mut message = signed_by(MESSAGE.as_bytes(), &[&RSA], None);
    for _ in 0..99 {
        message = signed_by(&message, &[&ed], None);
    }
    let report = check(&message, &keys(&[&RSA, &ed]), NOW);
    assert_eq!(told(&report), [(Outcome::Pass, ""); SIGNATURES_MAX]);
    assert_eq!(report.unseen, 90);
    assert!(report.signatures.iter().all(|one| one.key_bits == Some(256)));
}

#[test]
fn a_huge_header_never_passes_and_costs_little() {
    let message = signed_by(MESSAGE.as_bytes(), &[&RSA], None);
    for padding in ["X-Pad: y\r\n".repeat(2_100), format!("X-Pad: {}\r\n", "y".repeat(300_000))] {
        let text = String::from_utf8(message.clone()).unwrap();
        let large = text.replacen("X-Mailer: none\r\n", &padding, 1);
        let result = only(large.as_bytes(), &keys(&[&RSA]));
        let expected = "the header is larger than what is looked at";
        assert_eq!((result.result, result.reason.as_str()), (Outcome::Policy, expected));
    }
    let names = |count: usize| vec!["From"; count].join(":");
    with("h=From", &format!("h={}", names(1_000)), Outcome::Pass, "");
    let reason = "the signature names more than 1,000 fields";
    with("h=From", &format!("h={}", names(1_001)), Outcome::Neutral, reason);
    let long = format!("v=1; n={}", "x".repeat(70_000));
    let reason = "the list of tags is longer than 64 KiB or has more than 100 tags";
    with("v=1", &long, Outcome::Neutral, reason);
}
