#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Trust, look, says_authentic};
use crate::authentication::evidence::{Given, gather};
use crate::authentication::message::Message;
use mail::index::Index;
use mail::{Domain, ReversePath, Suggestion, Timestamp};
use net::{Resolver, ZoneResolver};
use std::path::Path;

const ZONE: &str = "\
_dmarc.reject.example. TXT \"v=DMARC1; p=reject\"
_dmarc.aside.example. TXT \"v=DMARC1; p=quarantine\"
_dmarc.none.example. TXT \"v=DMARC1; p=none\"
reject.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"
own.example. TXT \"v=spf1 ip4:192.0.2.7 -all\"
lists.example. TXT \"v=spf1 ip4:192.0.2.9 -all\"
";

async fn check(ip: &str, sender: &str, fields: &str, expected: &str) {
    let zone = ZoneResolver::parse(ZONE, Path::new("zone")).unwrap();
    let found = judged(&zone, ip, sender, fields).await;
    assert_eq!(found, expected, "{ip} {sender} {fields:?}");
}

async fn judged(resolver: &dyn Resolver, ip: &str, sender: &str, fields: &str) -> String {
    let text = format!("{fields}\r\nHello.\r\n");
    let index = Index::of(text.as_bytes());
    let message = Message::at_hand(&index, text.as_bytes());
    let (sender, receiver) = (ReversePath::parse(sender).unwrap(), domain("mx.own.example"));
    let given = Given {
        ip: Some(ip.parse().unwrap()),
        helo: Some("client.example"),
        sender: &sender,
        receiver: &receiver,
        now: Timestamp(0),
    };
    let evidence = gather(resolver, &index, &message, &given).await.unwrap();
    let lists = [domain("lists.example")];
    let is_own = |domain: &Domain| domain.as_str() == "own.example";
    let trust = Trust { sealers: &[], lists: &lists, is_own: &is_own };
    let told = look(&evidence, &index, &trust).into_iter().map(|finding| {
        let suggestion = match finding.suggestion {
            Suggestion::Refuse(_) => "refuse",
            Suggestion::Junk => "junk",
            Suggestion::Later => "later",
            Suggestion::Note => "note",
            Suggestion::Quarantine => "quarantine",
            Suggestion::Discard => "discard",
        };
        format!("{suggestion} {}", finding.reason)
    });
    told.collect::<Vec<_>>().join(", ")
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

#[tokio::test]
async fn what_the_authors_domain_wishes_is_done() {
    let (good, bad) = ("192.0.2.7", "203.0.113.1");
    check(good, "<a@reject.example>", "From: a@reject.example\r\n", "").await;
    check(bad, "<a@reject.example>", "From: a@reject.example\r\n", "refuse dmarc_reject").await;
    check(good, "<a@other.example>", "From: a@reject.example\r\n", "refuse dmarc_reject").await;
    check(good, "<>", "From: a@reject.example\r\n", "refuse dmarc_reject").await;
    check(bad, "<a@aside.example>", "From: a@aside.example\r\n", "junk dmarc_quarantine").await;
    check(bad, "<a@none.example>", "From: a@none.example\r\n", "").await;
    check(bad, "<a@free.example>", "From: a@free.example\r\n", "").await;
    // Every author is asked for, and the strictest decides.
    let two = "From: a@free.example, b@reject.example\r\n";
    check(bad, "<a@free.example>", two, "refuse dmarc_reject").await;
    let disguised = "From: a@reject.example <b@free.example>\r\n";
    check(bad, "<b@free.example>", disguised, "refuse dmarc_reject").await;
}

#[tokio::test]
async fn our_own_domains_are_ours() {
    let (good, bad) = ("192.0.2.7", "203.0.113.1");
    check(bad, "<a@own.example>", "From: a@own.example\r\n", "refuse own_domain_forged").await;
    check(bad, "<a@free.example>", "From: a@own.example\r\n", "refuse own_domain_forged").await;
    check(good, "<a@own.example>", "From: a@own.example\r\n", "").await;
    check(good, "<a@reject.example>", "From: a@own.example\r\n", "refuse own_domain_forged").await;
}

#[tokio::test]
async fn a_named_list_is_an_excuse_when_it_is_proved() {
    let from = "From: a@reject.example\r\nList-Id: <x.lists.example>\r\n";
    let own = "From: a@own.example\r\nList-Id: <x.lists.example>\r\n";
    let bare = "From: a@reject.example\r\n";
    check("192.0.2.9", "<x@lists.example>", from, "note mailing_list").await;
    check("192.0.2.9", "<x@lists.example>", own, "note mailing_list").await;
    check("192.0.2.9", "<x@lists.example>", bare, "refuse dmarc_reject").await;
    check("192.0.2.8", "<x@lists.example>", from, "refuse dmarc_reject").await;
}

#[tokio::test]
async fn there_is_one_from_that_can_be_read() {
    for fields in ["From: Anna\r\n", "From: a@b.example\r\nFrom: c@d.example\r\n"] {
        check("192.0.2.9", "<>", fields, "refuse from_unusable").await;
    }
    check("192.0.2.9", "<>", "To: a@own.example\r\n", "").await;
}

#[test]
fn a_sealer_has_to_say_whose_mail_it_was() {
    let author = domain("a.example");
    for (results, expected) in [
        ("mx.b.example; dmarc=pass header.from=a.example", true),
        ("mx.b.example; spf=fail; dmarc=pass (p=reject) header.from=a.example", true),
        ("mx.b.example; dmarc=pass header.from=c.example", false),
        ("mx.b.example; dmarc=fail header.from=a.example", false),
        ("mx.b.example; dkim=pass header.d=a.example header.s=s", true),
        ("mx.b.example; dkim=pass header.i=@a.example", true),
        ("mx.b.example; dkim=pass header.d=c.example", false),
        ("mx.b.example; spf=pass smtp.mailfrom=x@a.example", true),
        ("mx.b.example; spf=pass smtp.mailfrom=x@a.example.evil.example", false),
        ("dmarc=pass header.from=a.example", false),
        ("", false),
    ] {
        assert_eq!(says_authentic(results, &author), expected, "{results}");
    }
}
