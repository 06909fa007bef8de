#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Engine, KeyError, KeyKind, STANDARD, SigningKey, pem, zone_strings};
use crate::authentication::dkim::KeyRecord;
use aws_lc_rs::digest::{SHA256, digest};

/// 1,024 bits, made for this test.
const SMALL: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBALSXus1N7zLENgxV\n\
    IWGhmvyBMpbcIqfxJqBRQQ3hvHlUyMJ5URVo+ERo9efNZ3RC0GQyTw9HqbCjeyej\n\
    iSfA+Xfo72SyEZKKnEHsWfMN8Xpy4dpsRmY0ToR58W+oa+tD6WfHqFnZgB5QCbct\n\
    IF5082Rbii75iIfAHw87WzEaRuQpAgMBAAECgYAKOSSsBqNp3k2o+RDAtCNP9Ahn\n\
    HeMgWrhzDuZ94K+IttH+oFuEuMKFLOPu0WPv4vBlG6v6E3Z5t2d7YPictYHpvWB0\n\
    outq7SqG6QTiLPIGXpgOFK0Y780q6kPzNhlcbnKiuG3usjz0cw/Su1SiuA606ARQ\n\
    Jr2S9E21A+Dlh/MK4QJBAO26qzJTOCAz/gCAspDD9azrqoyoOSQmfhfT5a0YRvwE\n\
    0f+GZsgMDSp+Jbcho9jOqdh0F+kpFoZtQfKtoC0wOq0CQQDCeOX61zRsg9xy1QeB\n\
    Koeg8moPs1FL582QbO2eRYdQGX+gnjb0fw9Z9+qruQhlq8TzVqo+NaXQWc0sq0LB\n\
    txrtAkEAvwP1mQs7Fs0P8/F1CVMbbSUzNa/Zsg1n1deCPbI7Hzb0UX/5yBW+4nzX\n\
    6y0RjRyJZo3pxIQqQDs7+TW/dW/CRQJAICqPH6Zo7WoCFJxX2W2HcX+nO2GVmNCG\n\
    l9TsmLk3YHBXQ+HnhRlfGKqBDlZUpTx8HyO+lPuaqZOw9Cp/qDr5IQJAbHyTsLU4\n\
    OE3bWockrIXLM08C5qsAbS5Ga6t/iUaWlhcUvJVmNdfc6bCPvWodn74b+jFtg8b0\n\
    DjMMq4HyooQJ4w==\n\
    -----END PRIVATE KEY-----\n";

#[test]
fn a_key_that_was_written_is_read_again() {
    for kind in [KeyKind::Rsa, KeyKind::Ed25519] {
        let key = SigningKey::generate(kind).unwrap();
        let text = key.to_pem().unwrap();
        let read = SigningKey::read(text.expose().as_bytes()).unwrap();
        assert_eq!((read.kind(), read.record()), (kind, key.record()));
        let der = pem(text.expose().as_bytes()).unwrap().unwrap();
        assert_eq!(SigningKey::read(der.expose()).unwrap().record(), key.record());
        let record = KeyRecord::parse(&key.record().unwrap()).unwrap();
        assert!(read.belongs_to(&record));
        assert!(!SigningKey::generate(kind).unwrap().belongs_to(&record));
        let hash = digest(&SHA256, b"text");
        let signature = read.sign(&hash).unwrap();
        assert!(record.key.verifies(&hash, &signature));
        assert!(!record.key.verifies(&digest(&SHA256, b"other"), &signature));
        assert!(!format!("{key:?}").contains(&key.record().unwrap()));
        assert!(text.expose().lines().all(|line| line.len() <= 64));
    }
}

#[test]
fn older_forms_of_rsa_keys_are_read_too() {
    let key = SigningKey::generate(KeyKind::Rsa).unwrap();
    let der = pem(key.to_pem().unwrap().expose().as_bytes()).unwrap().unwrap();
    // PKCS#8 is 26 bytes around PKCS#1.
    let inner = der.expose().get(26..).unwrap();
    assert_eq!(SigningKey::read(inner).unwrap().record(), key.record());
    let label = "RSA PRIVATE KEY-----";
    let text = format!("-----BEGIN {label}\r\n{}\n-----END {label}\n", STANDARD.encode(inner));
    assert_eq!(SigningKey::read(text.as_bytes()).unwrap().record(), key.record());
}

#[test]
fn small_keys_do_not_sign() {
    assert_eq!(SigningKey::read(SMALL.as_bytes()).err(), Some(KeyError::Size));
}

#[test]
fn what_is_no_key_is_refused() {
    let key = SigningKey::generate(KeyKind::Ed25519).unwrap().to_pem().unwrap();
    let text = key.expose();
    for broken in [
        "".to_owned(),
        "x".repeat(100),
        "x".repeat(70_000),
        text.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        text.replace("PRIVATE", "PUBLIC"),
        text.replace("-----END", "-----BEG"),
        text.chars().filter(|c| !c.is_ascii_digit()).collect(),
    ] {
        let read = SigningKey::read(broken.as_bytes());
        assert_eq!(read.err(), Some(KeyError::Unreadable), "{broken}");
    }
}

#[test]
fn records_are_cut_into_strings() {
    assert_eq!(zone_strings("v=DKIM1"), ["\"v=DKIM1\""]);
    assert_eq!(zone_strings("a\"b\\"), ["\"a\\\"b\\\\\""]);
    let strings = zone_strings(&"x".repeat(256));
    assert_eq!(strings.iter().map(String::len).collect::<Vec<_>>(), [257, 3]);
    let record = SigningKey::generate(KeyKind::Rsa).unwrap().record().unwrap();
    let strings = zone_strings(&record);
    assert!(strings.len() > 1 && strings.iter().all(|text| text.len() <= 257));
    assert_eq!(strings.concat().replace('"', ""), record);
}
