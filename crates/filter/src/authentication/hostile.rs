//! DNS that means harm, behind a message that makes us ask it as much as it can: whatever is
//! answered, each method asks at most twenty times, and all are over by their deadline.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::dkim::{Outcome, SIGNATURES_MAX};
use super::evidence::{Evidence, Given, TIME_MAX, gather};
use super::message::Message;
use super::testing::{Dns, domain, name, texts};
use mail::index::Index;
use mail::{ReversePath, Timestamp};
use net::{DnsError, Kind, Record};
use std::time::Duration;
use tokio::time::Instant;

/// Questions that one method may ask.
const EACH_MAX: usize = 20;
/// Names of authors in From, each of which DMARC asks for.
const AUTHORS: usize = 5;

type Answer = Option<Result<Vec<Record>, DnsError>>;
type Answering<'a> = &'a (dyn Fn(&str, Kind) -> Answer + Send + Sync);

/// A hundred signatures, a chain of fifty seals, five authors, each with a name of its own.
fn message() -> String {
    let mut text = String::new();
    for n in 0..100 {
        text += &format!(
            "DKIM-Signature: v=1; a=ed25519-sha256; d=d{n}.example; s=s{n}; h=From; bh={}; b={}\r\n",
            "A".repeat(43) + "=",
            "A".repeat(86) + "==",
        );
    }
    for n in 1..=50 {
        let tags = format!("i={n}; a=ed25519-sha256; d=a{n}.example; s=s; b={}==", "A".repeat(86));
        text += &format!(
            "ARC-Seal: cv={}; {tags}\r\n\
             ARC-Message-Signature: h=From; bh={}=; {tags}\r\n\
             ARC-Authentication-Results: i={n}; a{n}.example; spf=pass\r\n",
            if n == 1 { "none" } else { "pass" },
            "A".repeat(43),
        );
    }
    let authors: Vec<String> =
        (0..AUTHORS).map(|n| format!("x@{}f{n}.example", "l.".repeat(60))).collect();
    text + &format!("From: {}\r\nSubject: x\r\n\r\nx\r\n", authors.join(", "))
}

/// What is found in that message, what was asked, and how long it took by the runtime's time.
async fn judged(
    answer: impl Fn(&str, Kind) -> Answer + Send + Sync,
) -> (Evidence, Vec<String>, Duration) {
    let text = message();
    let index = Index::of(text.as_bytes());
    let message = Message::at_hand(&index, text.as_bytes());
    let sender = ReversePath::parse("<x@m.example>").unwrap();
    let receiver = domain("mx.ours.example");
    let given = Given {
        ip: Some("192.0.2.1".parse().unwrap()),
        helo: Some("helo.example"),
        sender: &sender,
        receiver: &receiver,
        now: Timestamp(1_795_000_000_000),
    };
    let dns = Dns::new(answer);
    let begun = Instant::now();
    let evidence = gather(&dns, &index, &message, &given).await.unwrap();
    (evidence, dns.asked(), begun.elapsed())
}

/// That no method asked more than it may.
fn check_questions(asked: &[String]) {
    let count = |is: &dyn Fn(&str) -> bool| asked.iter().filter(|question| is(question)).count();
    let is_key = |question: &str| question.contains("._domainkey.");
    let is_dmarc = |question: &str| question.contains(" _dmarc.");
    // Ten signatures, and the newest of the chain.
    assert_eq!(count(&is_key), EACH_MAX, "{asked:#?}");
    assert!(count(&is_dmarc) <= EACH_MAX * AUTHORS, "{asked:#?}");
    // SPF of two names, the client's own names, and whether the authors' names exist.
    let rest = count(&|question| !is_key(question) && !is_dmarc(question));
    assert!(rest <= 3 * EACH_MAX + AUTHORS * 3, "{asked:#?}");
}

/// Answers that lead on and on, or are too much.
fn endless(asked: &str, kind: Kind) -> Answer {
    match kind {
        Kind::Txt if asked.contains("_domainkey") => texts(&["v=DKIM1; p="; 100]),
        Kind::Txt if asked.starts_with("_dmarc.") => texts(&["v=DMARC1; p=reject; psd=n"]),
        Kind::Txt => {
            let includes: String = (0..100).map(|n| format!("mx:n{n}.%{{d}} ")).collect();
            texts(&[&format!("v=spf1 {includes} include:%{{d}} -all")])
        }
        Kind::Mx => Some(Ok((0..100)
            .map(|n| Record::Mx(n, Some(name(&format!("h{n}.x.example")))))
            .collect())),
        Kind::Ptr => {
            Some(Ok((0..100).map(|n| Record::Ptr(name(&format!("p{n}.x.example")))).collect()))
        }
        _ => Some(Ok(vec![Record::Ipv4([198, 51, 100, 1].into()); 100])),
    }
}

#[tokio::test]
async fn whatever_is_answered_the_questions_are_few() {
    let huge = "v=spf1 ".to_owned() + &"x".repeat(1024 * 1024);
    let answers: [Answering<'_>; 5] = [
        &endless,
        &|_, _| texts(&[huge.as_str(); 2]),
        // As a loop of aliases comes out of a resolver.
        &|_, _| Some(Err(DnsError::Failed("SERVFAIL".to_owned()))),
        &|_, _| Some(Err(DnsError::Unusable("too large"))),
        &|_, _| Some(Err(DnsError::NoSuchName)),
    ];
    for answer in answers {
        let (evidence, asked, _) = judged(answer).await;
        check_questions(&asked);
        assert_eq!(evidence.signed.dkim.signatures.len(), SIGNATURES_MAX);
        assert_eq!(evidence.proved().count(), 0, "{}", evidence.summary());
        assert_eq!(evidence.dmarc.as_ref().unwrap().len(), AUTHORS);
    }
}

/// The runtime's time leaps to the deadline, where nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_for_all() {
    let (evidence, asked, took) = judged(|_, _| None).await;
    check_questions(&asked);
    assert!(took <= TIME_MAX + Duration::from_secs(1), "{took:?}");
    let result = evidence.summary();
    assert!(result.contains("spf=temperror") && !result.contains("=pass"), "{result}");
    let signatures = &evidence.signed.dkim.signatures;
    assert!(signatures.iter().all(|one| one.result == Outcome::TempError), "{signatures:#?}");
    assert!(result.matches("dmarc=temperror").count() == AUTHORS, "{result}");
}

/// A resolver that answers the keys only, and only some of them, hides no trouble.
#[tokio::test(start_paused = true)]
async fn a_key_that_does_not_come_is_trouble_and_not_missing() {
    let (evidence, ..) = judged(|asked, _| match asked {
        "s0._domainkey.d0.example" => Some(Err(DnsError::NoSuchName)),
        _ if asked.contains("_domainkey") => None,
        _ => Some(Err(DnsError::NoSuchName)),
    })
    .await;
    let results = evidence.signed.dkim.signatures.iter().map(|one| one.result).collect::<Vec<_>>();
    assert_eq!(results.first(), Some(&Outcome::PermError));
    assert!(results.iter().skip(1).all(|one| *one == Outcome::TempError), "{results:?}");
}
