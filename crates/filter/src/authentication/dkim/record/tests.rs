use super::{KeyRecord, PublicKey};
use proptest::prelude::*;

/// The key of RFC 8463 §A.2.
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// The key of RFC 6376 §C.
const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt\
    IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitd\
    Y9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

#[track_caller]
fn check(text: &str, expected: Result<(u32, &str), &str>) {
    let flags = |record: &KeyRecord| {
        let KeyRecord { sha256, for_mail, testing, strict, .. } = record;
        let all = [("hash", sha256), ("mail", for_mail), ("testing", testing), ("strict", strict)];
        let set: Vec<&str> = all.iter().filter(|(_, set)| **set).map(|(name, _)| *name).collect();
        set.join(" ")
    };
    let found = KeyRecord::parse(text).map(|record| (record.key.bits(), flags(&record)));
    assert_eq!(found, expected.map(|(bits, flags)| (bits, flags.to_owned())), "{text:?}");
}

#[test]
fn records_are_read_as_domains_publish_them() {
    check(&format!("v=DKIM1; k=rsa; p={RSA}"), Ok((1024, "hash mail")));
    check(&format!("p={RSA}"), Ok((1024, "hash mail")));
    check(&format!("v=DKIM1; k=ed25519; p={ED25519}"), Ok((256, "hash mail")));
    check(&format!("k=ed25519; p={}", ED25519.trim_end_matches('=')), Ok((256, "hash mail")));
    check(&format!("k=ed25519; h=sha1; p={ED25519}"), Ok((256, "mail")));
    check(&format!("k=ed25519; h=sha1:sha256; p={ED25519}"), Ok((256, "hash mail")));
    check(&format!("k=ed25519; s=tlsrpt; p={ED25519}"), Ok((256, "hash")));
    check(&format!("k=ed25519; s=x : email; p={ED25519}"), Ok((256, "hash mail")));
    check(&format!("k=ed25519; t=y:s; p={ED25519}"), Ok((256, "hash mail testing strict")));
    check(&format!("n=note; k=ed25519; x=1; p={ED25519};"), Ok((256, "hash mail")));
    check("v=DKIM1; p=", Ok((0, "hash mail")));
    check(&format!("v=DKIM1; p={} {}", &RSA[..40], &RSA[40..]), Ok((1024, "hash mail")));
}

#[test]
fn what_is_no_key_says_why() {
    check("v=spf1 -all", Err("the record is not one of DKIM1"));
    check("v=DKIM2; p=", Err("the record is not one of DKIM1"));
    check("v=dkim1; p=", Err("the record is not one of DKIM1"));
    check("k=rsa; v=DKIM1; p=", Err("the record is not one of DKIM1"));
    check("v=DKIM1; k=rsa", Err("the record has no key"));
    check("v=DKIM1; p=; p=", Err("the record is no list of tags"));
    check("v=DKIM1; p=!", Err("the key is not base64"));
    check(&format!("v=DKIM1; p={ED25519}"), Err("the key is no RSA key"));
    check(&format!("v=DKIM1; k=ed25519; p={RSA}"), Err("the key has not the 32 bytes of Ed25519"));
    check(&format!("v=DKIM1; k=dsa; p={RSA}"), Err("the key is of a type that is not known"));
    check("", Err("the record is no list of tags"));
}

#[test]
fn bits_are_those_of_the_number() {
    let bits =
        |modulus: &[u8]| PublicKey::Rsa { modulus: modulus.to_vec(), exponent: vec![3] }.bits();
    assert_eq!(bits(&[0x80]), 8);
    assert_eq!(bits(&[0x01, 0xff]), 9);
    assert_eq!(bits(&[]), 0);
}

proptest! {
    #[test]
    fn no_text_does_harm(text in ".{0,200}") {
        let _ = KeyRecord::parse(&text);
        let _ = KeyRecord::parse(&format!("v=DKIM1; p={text}"));
    }
}
