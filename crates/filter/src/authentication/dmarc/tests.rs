//! The examples of the standard and its readers, one a row, and DNS that means harm.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod examples;
mod syntax;

use super::{DkimPass, DmarcResult, Outcome, Place, QUESTIONS_MAX, Suffix, check};
use crate::authentication::testing::{Dns, block_on, domain, soon, texts};
use net::{DnsError, Kind, Record, Resolver};
use std::time::{Duration, Instant};

fn passes(domains: &[&str]) -> Vec<DkimPass> {
    let pass = |name: &&str| DkimPass { domain: domain(name), selector: "s1".to_owned() };
    domains.iter().map(pass).collect()
}

fn of(resolver: &dyn Resolver, author: &str, spf: Option<&str>, dkim: &[&str]) -> Outcome {
    let spf = spf.map(domain);
    block_on(check(resolver, &domain(author), spf.as_ref(), &passes(dkim), soon()))
}

/// Answers with one text for each name.
fn scripted(
    records: &[(&'static str, &'static str)],
) -> impl Fn(&str, Kind) -> Option<Result<Vec<Record>, DnsError>> + Send + Sync {
    let records = records.to_vec();
    move |asked, _| {
        let found: Vec<&str> =
            records.iter().filter(|(name, _)| *name == asked).map(|(_, text)| *text).collect();
        if found.is_empty() { Some(Err(DnsError::NoSuchName)) } else { texts(&found) }
    }
}

#[test]
fn nothing_is_asked_that_does_not_matter() {
    let own = [("_dmarc.a.b.example.org", "v=DMARC1; p=reject")];
    let strict = [("_dmarc.a.b.example.org", "v=DMARC1; p=reject; adkim=s; aspf=s")];
    let author = "a.b.example.org";
    for (records, spf, dkim, expected) in [
        // Equal names.
        (&own, Some(author), &[][..], 1),
        (&own, Some("stranger.example"), &[author][..], 1),
        // Nothing but equal names would do.
        (&strict, Some("example.org"), &["b.example.org"], 1),
        (&own, None, &[], 1),
        // The whole walk of the author; strangers are not asked for.
        (&own, Some("stranger.example"), &["mail.stranger.example"], 4),
        (&own, None, &["example.org"], 4),
        // An identifier within the organisation.
        (&own, None, &["x.a.b.example.org"], 5),
    ] {
        let dns = Dns::new(scripted(records));
        of(&dns, author, spf, dkim);
        assert_eq!(dns.asked().len(), expected, "{spf:?} {dkim:?} {:?}", dns.asked());
    }
}

#[test]
fn a_walk_asks_at_most_eight_times() {
    let dns = Dns::new(|_, _| Some(Err(DnsError::NoSuchName)));
    let author = format!("{}example.org", "a.".repeat(100));
    let outcome = of(&dns, &author, None, &[]);
    assert_eq!(outcome.result, DmarcResult::None);
    let asked = dns.asked();
    assert_eq!(asked.len(), 8);
    assert_eq!(asked[1], "TXT _dmarc.a.a.a.a.a.example.org");
    assert_eq!(asked[7], "TXT _dmarc.org");
}

#[test]
fn many_signers_cost_little() {
    let records = [("_dmarc.example.org", "v=DMARC1; p=reject")];
    let signers: Vec<String> =
        (0..200).map(|n| format!("a.b.c.d.e.f.g.s{n}.example.org")).collect();
    let signers: Vec<&str> = signers.iter().map(String::as_str).collect();
    let script = scripted(&records);
    let dns = Dns::new(|asked: &str, kind| match asked.strip_suffix(".example.org") {
        // Each signer says that it is an organisation of its own.
        Some(head) if head.starts_with("_dmarc.s") => texts(&["v=DMARC1; p=none; psd=n"]),
        _ => script(asked, kind),
    });
    let outcome = of(&dns, "example.org", None, &signers);
    // What is beyond the limits is not aligned; it does not make the failure milder.
    assert_eq!((outcome.result, outcome.disposition.word()), (DmarcResult::Fail, "reject"));
    assert_eq!(dns.asked().len(), QUESTIONS_MAX);
    let with_own: Vec<&str> = signers.into_iter().chain(["example.org"]).collect();
    assert_eq!(of(&dns, "example.org", None, &with_own).result, DmarcResult::Pass);
}

#[test]
fn errors_of_the_dns_are_neither_pass_nor_fail() {
    let failed = || Some(Err(DnsError::Failed("SERVFAIL".to_owned())));
    let unusable = || Some(Err(DnsError::Unusable("too large")));
    let reject = || texts(&["v=DMARC1; p=none; np=reject"]);
    for (name, answer, author, dkim, expected) in [
        ("_dmarc.example.org", failed(), "example.org", "x.example", "temperror"),
        ("_dmarc.org", failed(), "example.org", "x.example", "temperror"),
        // It is needed no more.
        ("_dmarc.org", failed(), "example.org", "example.org", "pass"),
        ("_dmarc.example.org", unusable(), "example.org", "x.example", "permerror"),
        // The signer's.
        ("_dmarc.b.example.org", failed(), "example.org", "b.example.org", "temperror"),
        ("_dmarc.b.example.org", unusable(), "example.org", "b.example.org", "fail"),
        // Whether the author's name exists.
        ("no.example.org", failed(), "no.example.org", "x.example", "temperror"),
        ("no.example.org", unusable(), "no.example.org", "x.example", "fail"),
    ] {
        let dns = Dns::new(|asked, _| match asked {
            _ if asked == name => answer.clone(),
            "_dmarc.example.org" => reject(),
            _ => Some(Err(DnsError::NoRecords)),
        });
        let outcome = of(&dns, author, None, &[dkim]);
        assert_eq!(outcome.result.word(), expected, "{name} {author} {dkim}");
        assert_eq!(outcome.disposition.word(), "none");
        assert_eq!(outcome.problem.is_some(), expected.ends_with("error"), "{outcome:#?}");
    }
}

#[test]
fn silence_ends_at_the_deadline() {
    let dns = Dns::new(|_, _| None);
    let before = Instant::now();
    let deadline = before + Duration::from_millis(100);
    let outcome = block_on(check(&dns, &domain("example.org"), None, &[], deadline));
    assert_eq!(outcome.result, DmarcResult::TempError);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[test]
fn what_was_found_is_told() {
    let dns = Dns::new(scripted(&[(
        "_dmarc.example.org",
        "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@example.org",
    )]));
    let outcome = of(&dns, "mail.example.org", Some("mx.example.net"), &["x.example"]);
    let found = outcome.found.as_ref().expect("a record");
    assert_eq!((found.domain.as_str(), found.place), ("example.org", Place::Organisation));
    assert_eq!(found.record.suffix, Suffix::Unknown);
    assert_eq!(outcome.organisation.as_deref(), Some("example.org"));
    let json = serde_json::to_value(&outcome).expect("JSON");
    assert_eq!(json["disposition"], "quarantine");
    assert_eq!(json["found"]["record"]["aggregate_reports"][0], "d@example.org");
    assert_eq!(json["facts"][0]["question"], "TXT _dmarc.mail.example.org");
}
