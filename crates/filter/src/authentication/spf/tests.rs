//! What the suites of the SPF project do not say: our limits, hostile DNS, odd identities.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod hostile;
mod syntax;

use super::{Client, EXPLANATION_MAX, Identity, Outcome, SpfResult, check};
use crate::authentication::testing::{block_on, domain, soon, zone};
use mail::{ReversePath, Timestamp};
use net::Resolver;
use proptest::prelude::*;

const ZONE: &str = "
example.org TXT \"v=spf1 ip4:192.0.2.0/28 include:_spf.example.net ~all\"
_spf.example.net TXT \"v=spf1 ip6:2001:db8::/33 exists:%{l}.u.example.net -all\"
anna.u.example.net A 127.0.0.2
client.example.net TXT \"v=spf1 a -all\"
client.example.net A 192.0.2.77
moved.example.org TXT \"v=spf1 redirect=example.org\"
strict.example.org TXT \"v=spf1 -all exp=why.example.org\"
why.example.org TXT \"%{h} may not send for %{o} to %{r} at %{t}, said %{s}\"
long.example.org TXT \"v=spf1 -all exp=novel.example.org\"
empty.example.org A 192.0.2.1
v4only.example.org TXT \"v=spf1 mx -all\"
voids.example.org TXT \"v=spf1 mx:v4only.example.org a mx:example.org -all\"
v4only.example.org MX 10 a.v4only.example.org
v4only.example.org MX 20 b.v4only.example.org
v4only.example.org MX 30 c.v4only.example.org
a.v4only.example.org A 192.0.2.1
b.v4only.example.org A 192.0.2.2
c.v4only.example.org A 192.0.2.3
";

/// One check of `identity` for a client with an ordinary greeting.
fn of(resolver: &dyn Resolver, ip: &str, identity: &Identity) -> Outcome {
    let receiver = domain("mx.example.org");
    let ip = ip.parse().unwrap();
    let now = Timestamp(1_795_545_915_042);
    let client = Client { ip, helo: "client.example.net", receiver: &receiver, now };
    block_on(check(resolver, &client, identity, soon()))
}

fn sent_by(path: &str) -> Identity {
    Identity::mail_from(&ReversePath::parse(path).unwrap(), "client.example.net")
}

#[test]
fn who_may_send() {
    let zone = zone(ZONE);
    for (ip, sender, result, mechanism, policy_domain) in [
        ("192.0.2.5", "<carl@example.org>", "pass", Some("ip4:192.0.2.0/28"), "example.org"),
        ("::ffff:192.0.2.5", "<carl@example.org>", "pass", Some("ip4:192.0.2.0/28"), "example.org"),
        ("192.0.2.16", "<carl@example.org>", "softfail", Some("all"), "example.org"),
        (
            "192.0.2.16",
            "<anna@example.org>",
            "pass",
            Some("include:_spf.example.net"),
            "example.org",
        ),
        ("192.0.2.16", "<änne@example.org>", "softfail", Some("all"), "example.org"),
        (
            "2001:db8:7fff::1",
            "<carl@example.org>",
            "pass",
            Some("include:_spf.example.net"),
            "example.org",
        ),
        ("2001:db8:8000::1", "<carl@example.org>", "softfail", Some("all"), "example.org"),
        ("192.0.2.16", "<carl@moved.example.org>", "softfail", Some("all"), "example.org"),
        ("192.0.2.77", "<>", "pass", Some("a"), "client.example.net"),
        ("192.0.2.78", "<>", "fail", Some("all"), "client.example.net"),
        ("192.0.2.1", "<carl@empty.example.org>", "none", None, ""),
        ("192.0.2.1", "<carl@nowhere.example>", "none", None, ""),
        ("192.0.2.1", "<carl@[192.0.2.1]>", "none", None, ""),
        // Three servers without an IPv6 address are one term that finds nothing.
        ("2001:db8::1", "<carl@v4only.example.org>", "fail", Some("all"), "v4only.example.org"),
        ("2001:db8::1", "<carl@voids.example.org>", "permerror", None, ""),
    ] {
        let outcome = of(&zone, ip, &sent_by(sender));
        assert_eq!(outcome.result.word(), result, "{ip} {sender} {outcome:#?}");
        assert_eq!(outcome.mechanism.as_deref(), mechanism, "{ip} {sender}");
        assert_eq!(outcome.policy_domain.as_deref().unwrap_or_default(), policy_domain);
        let passed = outcome.passed().is_some();
        assert_eq!(passed, result == "pass", "{ip} {sender}");
        let needs_why = matches!(result, "none" | "permerror" | "temperror");
        assert_eq!(outcome.problem.is_some(), needs_why, "{ip} {sender}");
    }
}

#[test]
fn the_null_sender_is_the_postmaster_of_the_greeting() {
    assert_eq!(sent_by("<>").to_string(), "postmaster@client.example.net");
    assert_eq!(Identity::helo("client.example.net").to_string(), "client.example.net");
    let zone = zone(ZONE);
    for (ip, result) in [("192.0.2.77", SpfResult::Pass), ("192.0.2.78", SpfResult::Fail)] {
        let outcome = of(&zone, ip, &Identity::helo("CLIENT.example.net."));
        assert_eq!((outcome.result, outcome.passed()), (result, None));
    }
    for greeting in ["", "localhost", "[192.0.2.77]", "two words.example", "a..example", "\r\n"] {
        let outcome = of(&zone, "192.0.2.77", &Identity::helo(greeting));
        assert_eq!((outcome.result, outcome.facts.len()), (SpfResult::None, 0), "{greeting:?}");
    }
}

#[test]
fn an_explanation_is_text_of_one_line() {
    let zone = zone(&format!("{ZONE}novel.example.org TXT {}", "\"%{s}%{s}%{s}\" ".repeat(9)));
    let told = |sender: &Identity| of(&zone, "192.0.2.1", sender).explanation.unwrap();
    assert_eq!(
        told(&sent_by("<carl@strict.example.org>")),
        "client.example.net may not send for strict.example.org to mx.example.org at 1795545915, \
         said carl@strict.example.org"
    );
    let odd = Identity::new(super::Scope::MailFrom, "a\r\nX: y\u{7f}ü", "strict.example.org");
    assert!(told(&odd).ends_with("said a??X: y??@strict.example.org"), "{}", told(&odd));
    assert_eq!(told(&sent_by("<carl@long.example.org>")).len(), EXPLANATION_MAX);
}

#[test]
fn what_was_asked_is_told() {
    let outcome = of(&zone(ZONE), "192.0.2.16", &sent_by("<carl@example.org>"));
    let facts: Vec<_> =
        outcome.facts.iter().map(|f| format!("{} = {}", f.question, f.answer)).collect();
    assert_eq!(
        facts,
        [
            "TXT example.org = \"v=spf1 ip4:192.0.2.0/28 include:_spf.example.net ~all\"",
            "TXT _spf.example.net = \"v=spf1 ip6:2001:db8::/33 exists:%{l}.u.example.net -all\"",
            "A carl.u.example.net = the name does not exist",
        ]
    );
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["result"], "softfail");
    assert_eq!(json["scope"], "mail_from");
    assert_eq!(json["domain"], "example.org");
}

proptest! {
    /// Whatever a network is, an address is in it by its first bits and no others.
    #[test]
    fn networks_are_their_first_bits(network: u32, ip: u32, bits in 0_u8..=32) {
        let [a, b] = [network, ip].map(std::net::Ipv4Addr::from_bits);
        let record = format!("v=spf1 ip4:{a}/{bits} -all");
        let zone = zone(&format!("example.org TXT \"{record}\""));
        let outcome = of(&zone, &b.to_string(), &sent_by("<carl@example.org>"));
        let equal = (network ^ ip).leading_zeros() >= bits.into();
        let expected = if equal { SpfResult::Pass } else { SpfResult::Fail };
        prop_assert_eq!(outcome.result, expected);
    }
}
