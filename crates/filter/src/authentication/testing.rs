//! What the tests of the methods share: a DNS that answers as a test wants and counts.

#![expect(clippy::unwrap_used, reason = "tests")]

use mail::Domain;
use net::dns::Answer;
use net::{DnsError, Kind, Name, Record, Resolver};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Answers by a function, or never where that gives nothing; knows what it was asked.
pub(super) struct Dns<F> {
    answer: F,
    asked: Mutex<Vec<String>>,
}

impl<F: Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync> Dns<F> {
    pub(super) fn new(answer: F) -> Self {
        Self { answer, asked: Mutex::default() }
    }

    /// The questions so far: `TXT example.org`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl<F: Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync> Resolver for Dns<F> {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        self.asked.lock().unwrap().push(format!("{} {name}", kind.word()));
        match (self.answer)(name.as_str(), kind) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// A zone from lines of a zone file.
pub(super) fn zone(lines: &str) -> net::ZoneResolver {
    net::ZoneResolver::parse(lines, std::path::Path::new("test.zone")).unwrap()
}

pub(super) fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

pub(super) fn name(name: &str) -> Name {
    Name::parse(name).unwrap()
}

pub(super) fn texts(texts: &[&str]) -> Option<Result<Vec<Record>, DnsError>> {
    Some(Ok(texts.iter().map(|text| Record::Txt((*text).to_owned())).collect()))
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Runs what waits for nothing but a scripted DNS.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}
