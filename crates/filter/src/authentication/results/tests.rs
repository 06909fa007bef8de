#![expect(clippy::expect_used, reason = "tests")]

use super::{Method, MethodResult, RESULTS_MAX, VALUE_MAX, authserv_id, field};
use crate::authentication::testing::{block_on, domain, soon, zone};
use crate::authentication::{arc, dkim, dmarc, iprev, spf};
use mail::{ReversePath, Timestamp};
use proptest::prelude::*;

fn check(results: &[MethodResult], expected: &str) {
    let field = field(&domain("mx.example.org"), results);
    assert_eq!(field.replace("\r\n", "\n"), expected);
}

fn spf(value: &str) -> MethodResult {
    MethodResult::new(Method::Spf, "pass").with("smtp.mailfrom", value)
}

#[test]
fn a_field_tells_one_result_a_line() {
    check(&[], "Authentication-Results: mx.example.org 1; none\n");
    let signature = |selector: &str| {
        MethodResult::new(Method::Dkim, "pass")
            .with("header.d", "example.org")
            .with("header.s", selector)
            .with("header.i", "@example.org")
    };
    check(
        &[
            spf("carl@example.org"),
            signature("s1"),
            signature("a-selector-so-long-that-it-goes-on-a-line"),
            MethodResult::new(Method::Arc, "fail").because(Some("no seal (i=2)".to_owned())),
        ],
        "Authentication-Results: mx.example.org 1;\n\
         \tspf=pass smtp.mailfrom=carl@example.org;\n\
         \tdkim=pass header.d=example.org header.s=s1 header.i=\"@example.org\";\n\
         \tdkim=pass header.d=example.org\n\
         \theader.s=a-selector-so-long-that-it-goes-on-a-line header.i=\"@example.org\";\n\
         \tarc=fail reason=\"no seal (i=2)\"\n",
    );
}

#[test]
fn signatures_and_chains_become_results() {
    let unread = dkim::SignatureResult {
        result: dkim::Outcome::Neutral,
        reason: "there is no v= tag".to_owned(),
        domain: None,
        selector: None,
        algorithm: None,
        identity: None,
        start: None,
        key_bits: None,
        testing: false,
    };
    let good = dkim::SignatureResult {
        result: dkim::Outcome::Pass,
        reason: String::new(),
        domain: Some(domain("example.org")),
        selector: dkim::Selector::parse("s1"),
        algorithm: Some(dkim::Algorithm::RsaSha256),
        start: Some("ab+/1234".to_owned()),
        ..unread.clone()
    };
    let broken = arc::Chain {
        result: arc::ChainResult::Fail,
        reason: "seal 1 does not match".to_owned(),
        temporary: false,
        ended: false,
        instances: 1,
        oldest_pass: None,
        sets: Vec::new(),
    };
    let whole = arc::Chain {
        result: arc::ChainResult::Pass,
        reason: String::new(),
        oldest_pass: Some(0),
        ..broken.clone()
    };
    check(
        &[(&good).into(), (&unread).into(), (&broken).into(), (&whole).into()],
        "Authentication-Results: mx.example.org 1;\n\
         \tdkim=pass header.d=example.org header.s=s1 header.a=rsa-sha256\n\
         \theader.b=\"ab+/1234\";\n\
         \tdkim=neutral reason=\"there is no v= tag\";\n\
         \tarc=fail reason=\"seal 1 does not match\";\n\
         \tarc=pass header.oldest-pass=0\n",
    );
}

#[test]
fn outcomes_become_results() {
    let zone = zone(
        "example.org TXT \"v=spf1 -all\"\n_dmarc.example.org TXT \"v=DMARC1; p=reject; t=y\"\n\
         bad.example TXT \"v=spf1 moo\"",
    );
    let receiver = domain("mx.example.org");
    let ip = "2001:db8::1".parse().expect("an address");
    let client = spf::Client { ip, helo: "[x]", receiver: &receiver, now: Timestamp(0) };
    let spf = |path: &str| {
        let sender = ReversePath::parse(path).expect("a path");
        let identity = spf::Identity::mail_from(&sender, client.helo);
        MethodResult::from(&block_on(spf::check(&zone, &client, &identity, soon())))
    };
    let helo = spf::Identity::helo("example.org");
    let dmarc = |author| block_on(dmarc::check(&zone, &domain(author), None, &[], soon()));
    check(
        &[
            spf("<carl@example.org>"),
            spf("<carl@bad.example>"),
            spf("<>"),
            MethodResult::from(&block_on(spf::check(&zone, &client, &helo, soon()))),
            MethodResult::from(&dmarc("example.org")),
            MethodResult::from(&dmarc("bad.example")),
            MethodResult::from(&block_on(iprev::check(&zone, ip, soon()))),
        ],
        "Authentication-Results: mx.example.org 1;\n\
         \tspf=fail smtp.mailfrom=carl@example.org;\n\
         \tspf=permerror reason=\"bad.example: an unknown mechanism: \\\"moo\\\"\"\n\
         \tsmtp.mailfrom=carl@bad.example;\n\
         \tspf=none smtp.mailfrom=\"postmaster@[x]\";\n\
         \tspf=fail smtp.helo=example.org;\n\
         \tdmarc=fail header.from=example.org policy.dmarc=quarantine;\n\
         \tdmarc=none header.from=bad.example;\n\
         \tiprev=permerror policy.iprev=\"2001:db8::1\"\n",
    );
}

#[test]
fn no_word_of_a_stranger_becomes_ours() {
    for (value, expected) in [
        ("a@b.example", "a@b.example"),
        ("a;dkim=pass", "\"a;dkim=pass\""),
        ("a\r\nX-Spam: no", "\"a??X-Spam: no\""),
        ("a(comment", "\"a(comment\""),
        ("\"quoted\\\"@b", "\"\\\"quoted\\\\\\\"@b\""),
        ("a=b@c", "\"a=b@c\""),
        ("a@b@c", "\"a@b@c\""),
        ("ä\u{202e}\0", "\"???\""),
        ("", "\"\""),
    ] {
        let expected = format!(
            "Authentication-Results: mx.example.org 1;\n\tspf=pass smtp.mailfrom={expected}\n"
        );
        check(&[spf(value)], &expected);
    }
}

/// The field as a reader has it who knows quotes and nothing else: its parts between semicolons,
/// with every quoted string replaced by one `Q`.
fn parts(field: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => parts.push(String::new()),
            '"' => {
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => _ = chars.next(),
                        '"' => break,
                        _ => {}
                    }
                }
                parts.last_mut().expect("one").push('Q');
            }
            c => parts.last_mut().expect("one").push(c),
        }
    }
    parts
}

proptest! {
    #[test]
    fn any_values_leave_the_field_whole(
        values in prop::collection::vec("\\PC{0,90}|[\\x00-\\x7f]{0,400}", 0..40),
    ) {
        let results: Vec<MethodResult> =
            values.iter().map(|value| spf(value).because(Some(value.clone()))).collect();
        let field = field(&domain("mx.example.org"), &results);
        let lines: Vec<&str> = field.split("\r\n").collect();
        for (i, line) in lines.iter().enumerate() {
            prop_assert!(line.bytes().all(|b| b == b'\t' || (0x20..0x7f).contains(&b)));
            prop_assert!(line.len() <= 2 * VALUE_MAX + 30, "{}", line.len());
            prop_assert!(i == 0 || line.starts_with('\t') || i == lines.len() - 1);
            let words = parts(line).concat().split_whitespace().count();
            prop_assert!(line.len() <= 78 || words == 1, "{line:?}");
        }
        let parts = parts(&field);
        prop_assert_eq!(parts.len(), 1 + values.len().clamp(1, RESULTS_MAX));
        for part in parts.iter().skip(1).filter(|_| !values.is_empty()) {
            let words: Vec<&str> = part.split_whitespace().collect();
            prop_assert!(matches!(words.as_slice(), ["spf=pass", reason, from]
                if reason.starts_with("reason=") && from.starts_with("smtp.mailfrom=")
                && !part.contains(['(', ')'])), "{part:?}");
        }
        let value = field.split_once(':').map(|(_, value)| value.as_bytes()).unwrap_or_default();
        let id = authserv_id(value);
        prop_assert_eq!(id.as_deref(), Some(&b"mx.example.org"[..]));
    }
}
