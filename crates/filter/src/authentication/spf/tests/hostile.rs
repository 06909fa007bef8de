//! DNS that means harm: whatever it answers, a check is short and ends with a result.

use super::{of, sent_by};
use crate::authentication::spf::{Client, Outcome, QUESTIONS_MAX, SpfResult, check as spf};
use crate::authentication::testing::{Dns, block_on, domain, name, texts};
use mail::Timestamp;
use net::{DnsError, Kind, Record};
use proptest::prelude::*;
use std::time::{Duration, Instant};

type Answer = Option<Result<Vec<Record>, DnsError>>;

/// Checks `carl@example.org` from 192.0.2.1 and that no limit was passed.
fn check(answer: impl Fn(&str, Kind) -> Answer + Send + Sync, expected: SpfResult) -> Outcome {
    let dns = Dns::new(answer);
    let before = Instant::now();
    let outcome = of(&dns, "192.0.2.1", &sent_by("<carl@example.org>"));
    assert_eq!(outcome.result, expected, "{outcome:#?}");
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert!(dns.asked().len() <= QUESTIONS_MAX, "{:?}", dns.asked());
    let told = serde_json::to_string(&outcome).unwrap_or_default();
    assert!(told.len() < 24 * 1024, "a trace of {} bytes", told.len());
    outcome
}

fn nothing() -> Answer {
    Some(Err(DnsError::NoSuchName))
}

#[test]
fn circles_end() {
    for record in [
        "v=spf1 include:example.org -all",
        "v=spf1 redirect=example.org",
        "v=spf1 include:a.%{d} -all",
        "v=spf1 redirect=b.%{d}",
    ] {
        let answer = |_: &str, kind| if kind == Kind::Txt { texts(&[record]) } else { nothing() };
        check(answer, SpfResult::PermError);
    }
}

#[test]
fn a_tree_of_look_ups_is_cut() {
    let includes: String = (0..100).map(|n| format!("include:n{n}.%{{d}} ")).collect();
    let outcome = check(|_, _| texts(&[&format!("v=spf1 {includes}")]), SpfResult::PermError);
    assert_eq!(outcome.problem.as_deref(), Some("more than 10 terms ask the DNS"));
    assert_eq!(outcome.facts.len(), 11);
}

#[test]
fn many_mail_servers_of_many_names_are_cut() {
    // Ten terms of ten servers each are what the standard lets through: 111 questions.
    let terms: String = (0..10).map(|n| format!("mx:m{n}.example.org ")).collect();
    let answer = |asked: &str, kind| match kind {
        Kind::Txt => texts(&[&format!("v=spf1 {terms} -all")]),
        Kind::Mx => {
            let servers = (0..10).map(|n| Record::Mx(n, Some(name(&format!("h{n}.{asked}")))));
            Some(Ok(servers.collect()))
        }
        _ => Some(Ok(vec![Record::Ipv4([198, 51, 100, 1].into())])),
    };
    let outcome = check(answer, SpfResult::PermError);
    assert!(outcome.problem.unwrap_or_default().ends_with("too many questions to the DNS"));
    assert_eq!(outcome.facts.len(), 20);
}

#[test]
fn names_of_the_client_are_not_all_looked_at() {
    let answer = |_: &str, kind| match kind {
        Kind::Txt => texts(&["v=spf1 ptr -all exp=%{p}.example.org"]),
        Kind::Ptr => {
            Some(Ok((0..100).map(|n| Record::Ptr(name(&format!("h{n}.example.org")))).collect()))
        }
        _ => Some(Ok(vec![Record::Ipv4([198, 51, 100, 1].into())])),
    };
    let outcome = check(answer, SpfResult::Fail);
    // The record, the reverse look-up, ten names, the explanation.
    assert_eq!(outcome.facts.len(), 13);
}

#[test]
fn texts_without_measure_are_no_records() {
    let huge = format!("v=spf1 {}-all", "ip4:192.0.2.2 ".repeat(75_000));
    assert!(huge.len() > 1_000_000);
    check(|_, _| texts(&[&huge]), SpfResult::PermError);
    let explanation = "%{s}".repeat(250_000);
    let answer = |asked: &str, _| match asked {
        "example.org" => texts(&["v=spf1 -all exp=e.example.org"]),
        _ => texts(&[&explanation]),
    };
    assert_eq!(check(answer, SpfResult::Fail).explanation, None);
    let macros = format!("v=spf1 exists:{}.xx -all", "%{s}".repeat(2_000));
    let answer = |_: &str, kind| match kind {
        Kind::Txt => texts(&[&macros]),
        _ => nothing(),
    };
    check(answer, SpfResult::Fail);
}

#[test]
fn an_answer_beyond_the_resolver_is_an_error() {
    check(|_, _| Some(Err(DnsError::Unusable("too large"))), SpfResult::PermError);
    check(|_, _| Some(Err(DnsError::Failed("SERVFAIL".to_owned()))), SpfResult::TempError);
}

#[test]
fn silence_ends_at_the_deadline() {
    let receiver = domain("mx.example.org");
    let ip = "192.0.2.1".parse().expect("an address");
    let client = Client { ip, helo: "h.example", receiver: &receiver, now: Timestamp(0) };
    for first in [None, texts(&["v=spf1 ptr a mx exists:a.example -all"])] {
        let dns = Dns::new(|asked, kind| match (asked, kind) {
            ("example.org", Kind::Txt) => first.clone(),
            _ => None,
        });
        let before = Instant::now();
        let deadline = before + Duration::from_millis(100);
        let outcome = block_on(spf(&dns, &client, &sent_by("<carl@example.org>"), deadline));
        assert_eq!(outcome.result, SpfResult::TempError, "{outcome:#?}");
        assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever records there are, anywhere: it ends within the limits, and says the same again.
    #[test]
    fn any_records_end_within_the_limits(
        records in prop::collection::vec(
            "v=spf1( [-~?]?(a|mx|ptr|all|ip4:192.0.2.1|include:[ab].%\\{d\\}|exists:%\\{p\\}.xx\
             |a:[ab].%\\{d2\\}|mx:[abc].xx)){0,6}( redirect=[ab].xx)?( exp=[ab].xx)?",
            1..5,
        ),
        seed: u8,
    ) {
        let answer = |asked: &str, kind| {
            let mix = |n: usize, b| n * 31 % 65_521 + usize::from(b);
            let hash = asked.bytes().fold(usize::from(seed), mix);
            let many = |record: fn(u8, &str) -> Record| {
                Some(Ok((0..(hash % 13) as u8).map(|n| record(n, asked)).collect()))
            };
            match kind {
                _ if hash % 11 == 0 => nothing(),
                _ if hash % 17 == 0 => Some(Err(DnsError::TimedOut)),
                Kind::Txt => texts(&[records[hash % records.len()].as_str()]),
                Kind::Mx => many(|n, asked| {
                    let server = format!("m{n}.{}", &asked[..asked.len().min(200)]);
                    Record::Mx(n.into(), net::Name::parse(&server))
                }),
                Kind::Ptr => many(|n, _| Record::Ptr(name(&format!("p{n}.x")))),
                Kind::Ipv4 | Kind::Ipv6 => many(|n, _| Record::Ipv4([192, 0, 2, n].into())),
                Kind::Srv | Kind::Tlsa => panic!("SPF asks for no {}", kind.word()),
            }
        };
        let run = || {
            let dns = Dns::new(answer);
            let outcome = of(&dns, "192.0.2.1", &sent_by("<carl@example.org>"));
            (outcome, dns.asked().len())
        };
        let (outcome, asked) = run();
        prop_assert!(asked <= QUESTIONS_MAX && outcome.facts.len() == asked);
        prop_assert_eq!(run().0, outcome);
    }
}
