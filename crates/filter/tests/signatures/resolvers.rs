//! Resolvers that fail, wait and count: what a zone file cannot say.

use crate::{ED25519, MESSAGE, NOW, RSA, at, keys, only, published, signed_by, signer, told, zone};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filter::authentication::dkim::{KeyKind, Outcome, SIGNATURES_MAX, verify};
use filter::authentication::message::Message;
use filter::authentication::signed;
use mail::index::Index;
use net::dns::Answer;
use net::{DnsError, Kind, Name, Record, Resolver, ZoneResolver};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Answers as `zone` does, or fails, and writes down what was asked, and how many at one time.
struct Watched {
    zone: ZoneResolver,
    fault: Option<DnsError>,
    asked: Mutex<Vec<String>>,
    open: AtomicUsize,
    open_max: AtomicUsize,
}

impl Watched {
    fn new(fault: Option<DnsError>) -> Self {
        Self::of(keys(&[&RSA, &ED25519]), fault)
    }

    fn of(zone: ZoneResolver, fault: Option<DnsError>) -> Self {
        let (open, open_max) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { zone, fault, asked: Mutex::default(), open, open_max }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolver for Watched {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        self.asked.lock().unwrap().push(name.to_string());
        Box::pin(async move {
            let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
            self.open_max.fetch_max(open, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.open.fetch_sub(1, Ordering::Relaxed);
            match &self.fault {
                Some(fault) => Err(fault.clone()),
                None => self.zone.records(name, kind).await,
            }
        })
    }
}

#[test]
fn trouble_in_the_dns_is_told_apart() {
    let message = signed_by(MESSAGE.as_bytes(), &[&ED25519], None);
    for (fault, expected) in [
        (DnsError::TimedOut, Outcome::TempError),
        (DnsError::Failed("SERVFAIL".to_owned()), Outcome::TempError),
        (DnsError::NoSuchName, Outcome::PermError),
        (DnsError::NoRecords, Outcome::PermError),
        (DnsError::Unusable("too large"), Outcome::PermError),
    ] {
        let result = only(&message, &Watched::new(Some(fault.clone())));
        assert_eq!(result.result, expected, "{fault}");
        assert!(!result.reason.contains("SERVFAIL"));
    }
}

#[test]
fn each_key_is_asked_for_once_and_all_at_the_same_time() {
    let message = signed_by(MESSAGE.as_bytes(), &[&RSA, &ED25519, &RSA, &ED25519], None);
    let watched = Watched::new(None);
    let report = crate::check(&message, &watched, NOW);
    assert_eq!(watched.open_max.load(Ordering::Relaxed), 2);
    assert_eq!(told(&report), [(Outcome::Pass, ""); 4]);
    assert_eq!(watched.asked(), [published(&RSA).0, published(&ED25519).0]);
}

/// The work for a hundred signatures is that for ten: ten keys, ten results, however good the
/// others are.
#[test]
fn of_a_hundred_signatures_with_keys_of_their_own_ten_are_looked_at() {
    let signers: Vec<_> =
        (0..100).map(|n| signer("example.org", &format!("s{n}"), KeyKind::Ed25519)).collect();
    let signers: Vec<_> = signers.iter().collect();
    let mut message = MESSAGE.as_bytes().to_vec();
    for signer in &signers {
        message = signed_by(&message, &[signer], None);
    }
    let watched = Watched::of(keys(&signers), None);
    let report = crate::check(&message, &watched, NOW);
    assert_eq!(told(&report), [(Outcome::Pass, ""); SIGNATURES_MAX]);
    assert_eq!(report.unseen, 90);
    // The newest stand first.
    let newest: Vec<String> = signers.iter().rev().take(10).map(|one| published(one).0).collect();
    assert_eq!(watched.asked(), newest);
}

/// A key that is too large is one look at its record, and no arithmetic: what stands in the
/// signature, and whether it is one at all, changes nothing.
#[test]
fn a_key_beyond_measure_is_not_reckoned_with() {
    let text = String::from_utf8(signed_by(MESSAGE.as_bytes(), &[&RSA], None)).unwrap();
    let (name, _) = published(&RSA);
    for bits in [8_192_usize, 16_384, 65_536] {
        let length = |n: usize| [0x82, (n >> 8) as u8, n as u8];
        let modulus = [&[2][..], &length(bits / 8 + 1), &[0], &vec![0xff; bits / 8]].concat();
        let key = [&modulus[..], &[2, 3, 1, 0, 1]].concat();
        let key = [&[0x30][..], &length(key.len()), &key].concat();
        let record = format!("v=DKIM1; p={}", STANDARD.encode(key));
        let zone = zone([(name.as_str(), record.as_str())]);
        let watched = Watched::of(zone, None);
        let result = only(text.as_bytes(), &watched);
        assert_eq!((result.result, result.key_bits), (Outcome::Policy, Some(bits as u32)));
        assert!(result.reason.contains("more than the 4096 allowed"), "{}", result.reason);
        assert_eq!(watched.asked().len(), 1);
    }
}

#[test]
fn what_cannot_be_read_is_not_asked_for() {
    let watched = Watched::new(None);
    let report = crate::check(b"DKIM-Signature: v=1; d=x\r\nFrom: a\r\n\r\n", &watched, NOW);
    assert_eq!(report.signatures.first().map(|one| one.result), Some(Outcome::Neutral));
    assert!(crate::check(MESSAGE.as_bytes(), &watched, NOW).signatures.is_empty());
    assert!(watched.asked().is_empty());
}

/// The doors verify in tasks of their own.
#[test]
fn verifying_can_be_moved_between_threads() {
    fn movable<T: Send>(value: T) -> T {
        value
    }
    let message = signed_by(MESSAGE.as_bytes(), &[&RSA], None);
    let index = Index::of(&message);
    let (message, zone) = (Message::at_hand(&index, &message), keys(&[&RSA]));
    let both = crate::run(movable(signed::verify(&message, &zone, at(NOW)))).unwrap();
    let alone = crate::run(movable(verify(&message, &zone, at(NOW)))).unwrap();
    assert_eq!(both.dkim, alone);
}
