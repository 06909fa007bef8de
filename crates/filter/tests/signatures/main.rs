//! Signatures and chains over whole messages: the examples of the standards, tampering, limits,
//! and the opinions of other programs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod chain;
mod examples;
mod limits;
mod onward;
mod opinions;
mod properties;
mod resolvers;
mod tampering;

use filter::authentication::dkim::{
    KeyKind, Outcome, Report, Selector, SignatureResult, Signer, SigningKey, sign, verify,
    zone_strings,
};
use filter::authentication::message::Message;
use mail::index::Index;
use mail::{Domain, Timestamp};
use net::{Resolver, ZoneResolver};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// The time of most tests, in seconds.
pub(crate) const NOW: i64 = 1_795_000_000;

/// Runs to the end; nothing here waits for anything outside.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000)
}

pub(crate) fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

pub(crate) fn signer(name: &str, selector: &str, kind: KeyKind) -> Signer {
    let selector = Selector::parse(selector).unwrap();
    Signer { domain: domain(name), selector, key: SigningKey::generate(kind).unwrap() }
}

/// Keys take a while to make, and tests do not change them.
pub(crate) static RSA: LazyLock<Signer> =
    LazyLock::new(|| signer("example.org", "rsa.2026", KeyKind::Rsa));
pub(crate) static ED25519: LazyLock<Signer> =
    LazyLock::new(|| signer("example.org", "ed", KeyKind::Ed25519));

/// A zone of these names and texts.
pub(crate) fn zone<'a>(records: impl IntoIterator<Item = (&'a str, &'a str)>) -> ZoneResolver {
    let line =
        |(name, text): (&str, &str)| format!("{name}. TXT {}\n", zone_strings(text).join(" "));
    let text: String = records.into_iter().map(line).collect();
    ZoneResolver::parse(&text, Path::new("zone")).unwrap()
}

/// The zone of some signers.
pub(crate) fn keys(signers: &[&Signer]) -> ZoneResolver {
    let records: Vec<(String, String)> = signers.iter().map(|signer| published(signer)).collect();
    zone(records.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

/// Where a signer's key is, and its record.
pub(crate) fn published(signer: &Signer) -> (String, String) {
    let name = signer.selector.key_name(&signer.domain).unwrap();
    (name.to_string(), signer.key.record().unwrap())
}

pub(crate) fn check(message: &[u8], resolver: &dyn Resolver, seconds: i64) -> Report {
    let index = Index::of(message);
    run(verify(&Message::at_hand(&index, message), resolver, at(seconds))).unwrap()
}

/// The result of the only signature.
pub(crate) fn only(message: &[u8], resolver: &dyn Resolver) -> SignatureResult {
    let report = check(message, resolver, NOW);
    let [result] = report.signatures.as_slice() else { panic!("{report:?}") };
    result.clone()
}

/// A message with signatures put before it.
pub(crate) fn signed_by(message: &[u8], signers: &[&Signer], life: Option<u64>) -> Vec<u8> {
    let index = Index::of(message);
    let life = life.map(Duration::from_secs);
    let fields = run(sign(&Message::at_hand(&index, message), signers, at(NOW), life)).unwrap();
    [fields.as_bytes(), message].concat()
}

/// Words and reasons, for tables.
pub(crate) fn told(report: &Report) -> Vec<(Outcome, &str)> {
    report.signatures.iter().map(|one| (one.result, one.reason.as_str())).collect()
}

pub(crate) const MESSAGE: &str = "From: Anna <anna@example.org>\r\n\
    To: bob@example.net,\r\n\tcarl@example.net\r\n\
    Subject: Supper  tonight\r\n\
    Date: Tue, 24 Nov 2026 18:45:15 +0000\r\n\
    Message-ID: <1@example.org>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    X-Mailer: none\r\n\
    \r\n\
    Dear Bob,\r\n\
    \r\n\
    supper is at  eight. \r\n\
    \r\n\
    Anna\r\n\
    \r\n";
