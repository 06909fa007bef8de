//! DNS that means harm to who looks for a way: few questions, an end, and a word why.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{ADDRESSES_MAX, LOOK_UPS_MAX, QUESTIONS_MAX, SERVERS_MAX, Ways, find};
use net::dns::{Answer, Proven, ProvenAnswer};
use net::{DnsError, Kind, Name, Record, Resolver};
use smtp::reply::Severity;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Answers by a function, never where that gives nothing; counts.
struct Dns<F> {
    answer: F,
    /// Whether its answers are proven, behind an alias.
    is_secure: Option<&'static str>,
    asked: AtomicUsize,
}

impl<F: Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync> Resolver for Dns<F> {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match (self.answer)(name.as_str(), kind) {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn proven<'a>(&'a self, name: &'a Name, kind: Kind) -> ProvenAnswer<'a> {
        Box::pin(async move {
            let records = self.records(name, kind).await?;
            let alias = |prefix| Name::parse(&format!("{prefix}{name}")).unwrap();
            let behind = self.is_secure.filter(|_| kind != Kind::Mx).map_or(name.clone(), alias);
            Ok(Proven { records, is_secure: self.is_secure.is_some(), name: behind })
        })
    }
}

/// The ways found, or the severity and the words of there being none; and how long it took by the
/// runtime's time.
async fn look(
    answer: impl Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync + 'static,
) -> (Result<usize, (Severity, String)>, Duration) {
    let (found, asked, took) = look_in(answer, None).await;
    assert!((1..=QUESTIONS_MAX).contains(&asked), "{asked} questions");
    (found, took)
}

/// The same, with the number of questions, where all is proven that is behind an alias with this
/// prefix.
async fn look_in(
    answer: impl Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync + 'static,
    is_secure: Option<&'static str>,
) -> (Result<usize, (Severity, String)>, usize, Duration) {
    let dns = Arc::new(Dns { answer, is_secure, asked: AtomicUsize::new(0) });
    let resolver: Arc<dyn Resolver> = dns.clone();
    let begun = Instant::now();
    let found = find(&Ways::default(), &resolver, "far.example").await;
    let asked = dns.asked.load(Ordering::Relaxed);
    let found = found.map(|servers| servers.len()).map_err(|no| (no.severity, no.text));
    (found, asked, begun.elapsed())
}

/// A hundred servers, each with a name of its own.
fn hundred() -> Option<Result<Vec<Record>, DnsError>> {
    let server = |n| Record::Mx(n, Name::parse(&format!("h{n}.far.example")));
    Some(Ok((0..100).map(server).collect()))
}

#[tokio::test]
async fn of_a_hundred_servers_a_few_are_looked_at() {
    let many = |_: &str, kind| match kind {
        Kind::Mx => hundred(),
        Kind::Ipv4 => Some(Ok(vec![Record::Ipv4([198, 51, 100, 1].into()); 100])),
        _ => Some(Err(DnsError::NoRecords)),
    };
    assert_eq!(look(many).await.0, Ok(ADDRESSES_MAX));
    // None of those has an address.
    let none = |_: &str, kind| if kind == Kind::Mx { hundred() } else { nothing() };
    let (severity, text) = look(none).await.0.unwrap_err();
    assert!(severity == Severity::Permanent && text.contains("no address"), "{text}");
}

#[tokio::test]
async fn what_dane_asks_is_counted() {
    let signed = |_: &str, kind| match kind {
        Kind::Mx => hundred(),
        Kind::Ipv4 => Some(Ok(vec![Record::Ipv4([198, 51, 100, 1].into())])),
        _ => Some(Err(DnsError::NoRecords)),
    };
    // Addresses and TLSA records of each; behind an alias, the records of two names.
    for (alias, servers, questions) in [("", SERVERS_MAX, 19), ("a.", 4, 17)] {
        let (found, asked, _) = look_in(signed, Some(alias)).await;
        assert_eq!((found, asked), (Ok(servers), questions), "{alias:?}");
        assert!(asked <= QUESTIONS_MAX);
    }
    // One that cannot be asked for its records is no server, and costs as much.
    let broken = move |name: &str, kind| match kind {
        Kind::Tlsa => Some(Err(DnsError::TimedOut)),
        _ => signed(name, kind),
    };
    let (found, asked, _) = look_in(broken, Some("")).await;
    let (severity, text) = found.unwrap_err();
    assert!(severity == Severity::Temporary && text.contains("TLSA"), "{text}");
    assert_eq!(asked, 19);
}

fn nothing() -> Option<Result<Vec<Record>, DnsError>> {
    Some(Err(DnsError::NoSuchName))
}

#[tokio::test]
async fn loops_and_answers_without_measure_are_tried_again() {
    for error in [
        // As a loop of aliases comes out of a resolver.
        DnsError::Failed("SERVFAIL".to_owned()),
        DnsError::Unusable("it has more than 100 records"),
        DnsError::TimedOut,
    ] {
        let servers = error.clone();
        let (severity, text) = look(move |_, _| Some(Err(error.clone()))).await.0.unwrap_err();
        assert_eq!(severity, Severity::Temporary, "{text}");
        let at_servers = move |_: &str, kind| {
            if kind == Kind::Mx { hundred() } else { Some(Err(servers.clone())) }
        };
        let (severity, text) = look(at_servers).await.0.unwrap_err();
        assert_eq!(severity, Severity::Temporary, "{text}");
    }
}

/// The runtime's time leaps to the deadline, where nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline() {
    for silent_about in [Kind::Mx, Kind::Ipv4] {
        let (found, took) = look(move |_, kind| match kind {
            _ if kind == silent_about => None,
            Kind::Mx => hundred(),
            _ => nothing(),
        })
        .await;
        let (severity, text) = found.unwrap_err();
        assert_eq!(severity, Severity::Temporary, "{text}");
        assert!(took <= LOOK_UPS_MAX + Duration::from_secs(1), "{took:?}");
    }
}
