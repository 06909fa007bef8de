#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use super::{Server, Ways, find, take_turns};
use crate::trust::Trust;
use config::SendRoute;
use mail::{Domain, Host};
use net::{Mx, Resolver, ZoneResolver};
use std::path::Path;
use std::sync::Arc;

const ZONE: &str = "\
two.example. MX 20 b.two.example.
two.example. MX 10 a.two.example.
a.two.example. A 198.51.100.1
a.two.example. AAAA 2001:db8::1
b.two.example. A 198.51.100.2
bare.example. A 198.51.100.3
text.example. TXT \"no address\"
null.example. MX 0 .
back.example. MX 10 localhost.back.example.
localhost.back.example. A 127.0.0.1
us.example. MX 10 mx.ours.example.
us.example. MX 20 b.two.example.
backup.example. MX 10 b.two.example.
backup.example. MX 20 mx.ours.example.
mx.ours.example. A 192.0.2.1
own.example. A 192.0.2.1
lost.example. MX 10 nowhere.example.
";

async fn check(ways: &Ways, destination: &str, expected: &str) {
    let zone = ZoneResolver::parse(ZONE, Path::new("zone")).unwrap();
    let resolver: Arc<dyn Resolver> = Arc::new(zone);
    let found = match find(ways, &resolver, destination).await {
        Ok(servers) => {
            let shown: Vec<String> = servers.iter().map(|s| s.address.to_string()).collect();
            shown.join(" ")
        }
        Err(no) => format!("{} {:?}", no.reason, no.severity),
    };
    assert_eq!(found, expected, "{destination}");
}

#[tokio::test]
async fn mail_goes_where_the_domain_says_and_never_back() {
    let ways = Ways {
        hostname: Some("mx.ours.example".parse().unwrap()),
        own: vec!["192.0.2.1".parse().unwrap()],
        ..Ways::default()
    };
    for (destination, expected) in [
        ("two.example", "[2001:db8::1]:25 198.51.100.1:25 198.51.100.2:25"),
        ("bare.example", "198.51.100.3:25"),
        ("text.example", "no_such_domain Permanent"),
        ("none.example", "no_such_domain Permanent"),
        ("lost.example", "no_such_domain Permanent"),
        ("null.example", "null_mx Permanent"),
        ("back.example", "route_to_self Permanent"),
        ("us.example", "route_to_self Permanent"),
        ("backup.example", "198.51.100.2:25"),
        ("own.example", "route_to_self Permanent"),
        ("[198.51.100.9]", "198.51.100.9:25"),
        ("[127.0.0.1]", "route_to_self Permanent"),
        ("[::ffff:127.0.0.1]", "route_to_self Permanent"),
        ("[192.0.2.1]", "route_to_self Permanent"),
    ] {
        check(&ways, destination, expected).await;
    }
}

#[tokio::test]
async fn what_the_administrator_names_goes_before() {
    let route = |domain: &str, to: &str| SendRoute {
        domain: domain.parse().unwrap(),
        to: to.parse().unwrap(),
        user: None,
        password: None,
    };
    let ways = Ways {
        smarthost: Some("127.0.0.1:2525".parse().unwrap()),
        routes: vec![
            route("two.example", "a.two.example:26"),
            route("inner.two.example", "192.0.2.9"),
            route("broken.example", "nowhere.example"),
        ],
        ..Ways::default()
    };
    for (destination, expected) in [
        ("two.example", "[2001:db8::1]:26 198.51.100.1:26"),
        ("x.two.example", "[2001:db8::1]:26 198.51.100.1:26"),
        ("x.inner.two.example", "192.0.2.9:25"),
        ("broken.example", "dns_failed Temporary"),
        ("null.example", "127.0.0.1:2525"),
        ("[198.51.100.9]", "127.0.0.1:2525"),
    ] {
        check(&ways, destination, expected).await;
    }
    for (destination, expected) in [
        ("x.inner.two.example", "send.routes inner.two.example = 192.0.2.9:25"),
        ("null.example", "send.smarthost = 127.0.0.1:2525"),
        ("[198.51.100.9]", "send.smarthost = 127.0.0.1:2525"),
    ] {
        assert_eq!(ways.basis(destination), expected);
    }
    assert_eq!(Ways::default().basis("two.example"), "the domain's MX");
    assert_eq!(Ways::default().basis("[198.51.100.9]"), "the address itself");
}

const SIGNED: &str = "\
$DNSSEC secure
both.example. MX 10 a.both.example.
both.example. MX 20 b.both.example.
a.both.example. A 198.51.100.1
_25._tcp.a.both.example. TLSA 3 1 1 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f
b.both.example. A 198.51.100.2
odd.example. MX 10 mx.odd.example.
mx.odd.example. A 198.51.100.3
_25._tcp.mx.odd.example. TLSA 1 1 1 00
bare.example. A 198.51.100.4
_25._tcp.bare.example. TLSA 2 0 0 00
alias.example. MX 10 mx.alias.example.
mx.alias.example. CNAME a.both.example.
alias2.example. MX 10 mx.alias2.example.
mx.alias2.example. CNAME b.both.example.
_25._tcp.mx.alias2.example. TLSA 3 0 0 ff
part.example. MX 10 a.both.example.
part.example. MX 20 open.part.example.
broken.example. MX 10 mx.broken.example.
broken.example. MX 20 b.both.example.
mx.broken.example. A 198.51.100.5
alone.example. MX 10 mx.broken.example.
_26._tcp.smart.example. TLSA 3 0 0 aa
smart.example. A 198.51.100.9
$DNSSEC insecure
open.part.example. A 198.51.100.6
_25._tcp.open.part.example. TLSA 3 0 0 bb
plain.example. MX 10 a.both.example.
$DNSSEC bogus
_25._tcp.mx.broken.example. TLSA 3 0 0 cc
forged.example. MX 10 a.both.example.
";

/// How each server has to prove who it is.
async fn check_trust(ways: &Ways, destination: &str, expected: &str) {
    let zone = ZoneResolver::parse(SIGNED, Path::new("zone")).unwrap();
    let resolver: Arc<dyn Resolver> = Arc::new(zone);
    let shown = match find(ways, &resolver, destination).await {
        Ok(servers) => {
            let show = |server: &Server| {
                let trust = match &server.trust {
                    Trust::Anybody => "anybody".to_owned(),
                    Trust::Unproven => "unproven".to_owned(),
                    Trust::Verified => "verified".to_owned(),
                    Trust::Tested { .. } => "tested".to_owned(),
                    Trust::Dane { records, names } => {
                        let names: Vec<_> = names.iter().map(Domain::as_str).collect();
                        format!("dane({}: {})", records.len(), names.join(" "))
                    }
                };
                let name = match &server.name {
                    Host::Domain(name) => name.to_string(),
                    Host::Literal(ip) => ip.to_string(),
                };
                let doubt = if server.is_certain { "" } else { "?" };
                format!("{name}{doubt} {trust}")
            };
            servers.iter().map(show).collect::<Vec<_>>().join(", ")
        }
        Err(no) => format!("{} {:?}: {}", no.reason, no.severity, no.text),
    };
    assert_eq!(shown, expected, "{destination}");
}

#[tokio::test]
async fn what_is_proven_says_whom_to_trust() {
    let bogus = "the answer is not what its zone signed (DNSSEC)";
    let alone = format!("dns_failed Temporary: the TLSA records of mx.broken.example: {bogus}");
    let forged = format!("dns_failed Temporary: the mail servers of forged.example: {bogus}");
    for (destination, expected) in [
        (
            "both.example",
            "a.both.example dane(1: a.both.example both.example), b.both.example anybody",
        ),
        ("odd.example", "mx.odd.example unproven"),
        ("bare.example", "bare.example dane(1: bare.example)"),
        // The name behind the alias goes first, then the alias itself.
        ("alias.example", "a.both.example dane(1: a.both.example mx.alias.example alias.example)"),
        ("alias2.example", "mx.alias2.example dane(1: mx.alias2.example alias2.example)"),
        // What is not signed asks for nothing, whatever it says.
        (
            "part.example",
            "a.both.example dane(1: a.both.example part.example), open.part.example anybody",
        ),
        ("plain.example", "a.both.example? anybody"),
        // A server whose records are not to be had is passed over; nobody else, and it waits.
        ("broken.example", "b.both.example anybody"),
        ("alone.example", alone.as_str()),
        ("forged.example", forged.as_str()),
        ("[198.51.100.1]", "198.51.100.1? anybody"),
    ] {
        check_trust(&Ways::default(), destination, expected).await;
    }
    let smart = Ways { smarthost: Some("smart.example:26".parse().unwrap()), ..Ways::default() };
    check_trust(&smart, "any.example", "smart.example dane(1: smart.example)").await;
}

#[test]
fn servers_of_one_preference_take_turns() {
    let mx = |preference, name: &str| Mx { preference, exchange: Some(name.parse().unwrap()) };
    let all = [mx(10, "a.example"), mx(10, "b.example"), mx(10, "c.example"), mx(5, "d.example")];
    let mut firsts = std::collections::BTreeMap::new();
    for seed in 0..3_000 {
        let mut records = all.to_vec();
        take_turns(&mut records, seed);
        assert_eq!(records[0], mx(5, "d.example"), "the preference counts first");
        *firsts.entry(records[1].exchange.clone()).or_insert(0) += 1;
        let mut again = all.to_vec();
        take_turns(&mut again, seed);
        assert_eq!(again, records, "the same seed, the same order");
    }
    assert_eq!(firsts.len(), 3);
    assert!(firsts.values().all(|count| (800..1_200).contains(count)), "{firsts:?}");
}
