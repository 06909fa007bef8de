//! Resolvers that fail, wait and count: what a zone file cannot say.

use crate::{ED25519, MESSAGE, NOW, RSA, at, keys, only, published, signed_by, told};
use filter::authentication::dkim::{Outcome, verify};
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
        let zone = keys(&[&RSA, &ED25519]);
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
