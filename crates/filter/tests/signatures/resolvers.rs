//! Resolvers that fail, wait and count: what a zone file cannot say.

use crate::{ED25519, MESSAGE, NOW, RSA, at, keys, only, published, signed_by, told};
use filter::authentication::dkim::{Outcome, verify};
use filter::authentication::message::Message;
use filter::authentication::signed;
use mail::Domain;
use mail::index::Index;
use net::dns::Answer;
use net::{DnsError, Mx, Resolver, ZoneResolver};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

/// Answers TXT questions as `zone` does, or fails, and writes down what was asked.
struct Watched {
    zone: ZoneResolver,
    fault: Option<DnsError>,
    asked: Mutex<Vec<String>>,
}

impl Watched {
    fn new(fault: Option<DnsError>) -> Self {
        Self { zone: keys(&[&RSA, &ED25519]), fault, asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolver for Watched {
    fn mx<'a>(&'a self, domain: &'a Domain) -> Answer<'a, Mx> {
        self.zone.mx(domain)
    }
    fn addresses<'a>(&'a self, host: &'a Domain) -> Answer<'a, IpAddr> {
        self.zone.addresses(host)
    }
    fn txt<'a>(&'a self, name: &'a Domain) -> Answer<'a, String> {
        self.asked.lock().unwrap().push(name.to_string());
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match &self.fault {
                Some(fault) => Err(fault.clone()),
                None => self.zone.txt(name).await,
            }
        })
    }
    fn ptr(&self, address: IpAddr) -> Answer<'_, Domain> {
        self.zone.ptr(address)
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
    let begun = std::time::Instant::now();
    let report = crate::check(&message, &watched, NOW);
    assert!(begun.elapsed() < Duration::from_millis(190), "{:?}", begun.elapsed());
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
