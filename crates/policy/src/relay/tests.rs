#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{Ground, Relay, RelayRules, judge};
use crate::access::AccessMap;
use crate::route::{Hop, hops};
use config::access::parse_file;
use mail::{
    AccountId, Address, Domain, Door, ForwardPath, Login, Peer, Reason, SessionId, Timestamp,
};
use proptest::prelude::*;
use std::path::Path;

/// Own: ours.example and mx.ours.example, with anna@ours.example. By default it relays for
/// relayed.example and 198.51.100.0/24.
struct Site {
    rules: RelayRules,
    access: AccessMap,
}

impl Site {
    fn new(network: bool, relayed: bool, access: &str) -> Self {
        let mut rules = RelayRules::default();
        if network {
            let net = "198.51.100.0/24".parse().unwrap();
            rules.networks.push((net, "relay.networks".to_owned()));
        }
        if relayed {
            let name = "relayed.example".parse().unwrap();
            rules.domains.insert(name, "relay-domains:1".to_owned());
        }
        let (entries, problems) = parse_file(Path::new("a"), access);
        assert!(problems.is_empty());
        Self { rules, access: AccessMap::new([], "a", &entries) }
    }

    fn judge(&self, peer: &Peer, to: &Address) -> Relay {
        let ground = Ground {
            is_own: &own,
            exists: &|address| {
                ["anna@ours.example", "odd%one@ours.example"].contains(&address.key().as_str())
            },
            literals: &["192.0.2.1".parse().unwrap()],
            rules: &self.rules,
            access: &self.access,
            now: Timestamp(0),
        };
        judge(&ground, peer, to)
    }
}

fn own(domain: &Domain) -> bool {
    ["ours.example", "mx.ours.example"].contains(&domain.as_str())
}

/// Entries that speak of everybody, but do not say RELAY.
const ACCESS: &str = "elsewhere.example OK\nConnect:203.0.113 OK\nFrom:elsewhere.example OK\n";

fn site() -> Site {
    Site::new(true, true, ACCESS)
}

fn peer(ip: &str) -> Peer {
    Peer {
        session: SessionId(1),
        door: Door::Smtp,
        ip: ip.parse().unwrap(),
        port: 40_000,
        helo: Some("mx.ours.example".to_owned()),
        esmtp: true,
        tls: None,
        login: None,
        user: None,
    }
}

fn word(relay: &Relay) -> String {
    match relay {
        Relay::Here => "here".to_owned(),
        Relay::HereByLiteral => "literal".to_owned(),
        Relay::Elsewhere(permit, _) => format!("{} by {}", permit.reason(), permit.rule()),
        Relay::Denied(refusal) => refusal.reason.to_string(),
    }
}

fn check(ip: &str, to: &str, expected: &str) {
    let relay = site().judge(&peer(ip), &to.parse().unwrap());
    assert_eq!(word(&relay), expected, "{to} from {ip}");
}

const STRANGER: &str = "203.0.113.9";

#[test]
fn what_may_be_sent_where() {
    check(STRANGER, "anna@ours.example", "here");
    check(STRANGER, "nobody@ours.example", "here");
    check(STRANGER, "anna@OURS.example.", "here");
    check(STRANGER, "odd%one@ours.example", "here");
    check(STRANGER, "postmaster@[192.0.2.1]", "literal");
    check(STRANGER, "x@relayed.example", "relay_domain by relay-domains:1");
    check(STRANGER, "x@deep.host.relayed.example", "relay_domain by relay-domains:1");
    check(STRANGER, "x@elsewhere.example", "relay_denied");
    check("198.51.100.7", "x@elsewhere.example", "relay_network by relay.networks");
    check("198.51.100.7", "x@[203.0.113.1]", "relay_network by relay.networks");
    check("198.51.100.7", "x%elsewhere.example@ours.example", "relay_denied");
    check("198.51.101.7", "x@elsewhere.example", "relay_denied");
    check("127.0.0.1", "x@elsewhere.example", "relay_denied");
    check("::1", "x@elsewhere.example", "relay_denied");
    let mut user = peer(STRANGER);
    let address = Address::parse("anna@ours.example").unwrap();
    user.login = Some(Login { account: AccountId(1), address });
    let relay = site().judge(&user, &"x@elsewhere.example".parse().unwrap());
    assert_eq!(word(&relay), "authenticated by login anna@ours.example");
}

/// Neither networks nor domains nor the access map make a relay of LMTP.
#[test]
fn what_is_handed_over_is_kept_here_or_not_at_all() {
    let site = Site::new(true, true, "elsewhere.example RELAY\nConnect:203.0.113 RELAY\n");
    let judged = |door, ip: &str, to: &str| {
        let peer = Peer { door, ..peer(ip) };
        word(&site.judge(&peer, &to.parse().unwrap()))
    };
    for ip in ["198.51.100.7", "203.0.113.9"] {
        assert_eq!(judged(Door::Lmtp, ip, "anna@ours.example"), "here");
        for to in ["x@elsewhere.example", "x@relayed.example", "x@other.example"] {
            assert_ne!(judged(Door::Smtp, ip, to), "relay_denied", "{to} from {ip}");
            assert_eq!(judged(Door::Lmtp, ip, to), "relay_denied", "{to} from {ip}");
        }
    }
}

/// What open-relay testers send (and nmap's script), dressed for this site. None may get through.
const FORMS: &[&str] = &[
    "<user@elsewhere.example>",
    "<user@elsewhere.example.>",
    "<USER@ELSEWHERE.EXAMPLE>",
    "<\"user\"@elsewhere.example>",
    "<\"us er\"@elsewhere.example>",
    "<user@sub.elsewhere.example>",
    "<user@[203.0.113.1]>",
    "<user@[127.0.0.1]>",
    "<user@[IPv6:2001:db8::1]>",
    "<user@[IPv6:::1]>",
    "<user@[IPv6:::ffff:203.0.113.1]>",
    "<user@203.0.113.1>",
    "<user@127.0.0.1>",
    "<user@localhost>",
    "<user@elsewhere>",
    "<user%elsewhere.example@ours.example>",
    "<user%elsewhere.example.@ours.example>",
    "<user%elsewhere.example@mx.ours.example>",
    "<user%elsewhere.example@[192.0.2.1]>",
    "<user%elsewhere.example@relayed.example>",
    "<user%elsewhere.example@host.relayed.example>",
    "<user%elsewhere.example%ours.example@ours.example>",
    "<user%ours.example%elsewhere.example@ours.example>",
    "<user%elsewhere.example%relayed.example@relayed.example>",
    "<user%relayed.example%elsewhere.example@relayed.example>",
    "<\"user%elsewhere.example\"@ours.example>",
    "<\"user%elsewhere.example\"@relayed.example>",
    "<user%[203.0.113.1]@ours.example>",
    "<\"user%[203.0.113.1]\"@ours.example>",
    "<user%@ours.example>",
    "<%elsewhere.example@ours.example>",
    "<user+tag%elsewhere.example@ours.example>",
    "<anna+x%elsewhere.example@ours.example>",
    "<user\u{ff05}elsewhere.example@ours.example>",
    "<user\u{ff20}elsewhere.example@ours.example>",
    "<elsewhere.example\u{ff01}user@ours.example>",
    "<elsewhere.example!user@ours.example>",
    "<elsewhere.example!user@mx.ours.example>",
    "<elsewhere.example!user@[192.0.2.1]>",
    "<elsewhere.example!user@relayed.example>",
    "<ours.example!elsewhere.example!user@ours.example>",
    "<elsewhere.example!ours.example!anna@ours.example>",
    "<\"elsewhere.example!user\"@ours.example>",
    "<elsewhere.example!user%ours.example@ours.example>",
    "<ours.example!user%elsewhere.example@ours.example>",
    "<!elsewhere.example!user@ours.example>",
    "<elsewhere!user@ours.example>",
    "<\"user@elsewhere.example\"@ours.example>",
    "<\"user@elsewhere.example\"@mx.ours.example>",
    "<\"user@elsewhere.example\"@[192.0.2.1]>",
    "<\"user@elsewhere.example\"@relayed.example>",
    "<\"user@ours.example@elsewhere.example\"@ours.example>",
    "<\"user@elsewhere.example@ours.example\"@ours.example>",
    "<\"user@elsewhere.example \"@ours.example>",
    "<\" user @ elsewhere.example\"@ours.example>",
    "<\"user\\@elsewhere.example\"@ours.example>",
    "<\"user@[203.0.113.1]\"@ours.example>",
    "<\"<user@elsewhere.example>\"@ours.example>",
    "<\"user@elsewhere.example,anna\"@ours.example>",
    "<\"@elsewhere.example:user@elsewhere.example\"@ours.example>",
    "<\"user@elsewhere.example\\\"\"@ours.example>",
    "<@ours.example:user@elsewhere.example>",
    "<@[192.0.2.1]:user@elsewhere.example>",
    "<@ours.example,@mx.ours.example:user@elsewhere.example>",
    "<@relayed.example:user@elsewhere.example>",
    "<@elsewhere.example:user%elsewhere.example@ours.example>",
    "<@ours.example:user%elsewhere.example@ours.example>",
    "<@ours.example:elsewhere.example!user@ours.example>",
    "<@ours.example:\"user@elsewhere.example\"@ours.example>",
    "<user@ours.example@elsewhere.example>",
    "<user@elsewhere.example@ours.example>",
    "<user@elsewhere.example:ours.example>",
    "<user%elsewhere.example>",
    "<elsewhere.example!user>",
    "<\"user@elsewhere.example\">",
    "<user@ours.example.elsewhere.example>",
    "<user@notours.example>",
    "<user@xours.example>",
    "<user@example>",
    "<user@host.ours.example>",
    "<user@notrelayed.example>",
    "<user@relayed.example.elsewhere.example>",
    "<user@elsewhere.example\u{0}@ours.example>",
    "<user@elsewhere.example\r\n@ours.example>",
    "<user@xn--ours-.example>",
    "<user@оurs.example>",
    "user@elsewhere.example",
    "<<user@elsewhere.example>>",
    "<user @elsewhere.example>",
    "<user@@elsewhere.example>",
    "<user@elsewhere..example>",
    "<user@#203.0.113.1>",
    "<user@[203.0.113.1>",
    "<user@[]>",
];

#[test]
fn no_form_of_address_opens_the_relay() {
    let mut judged = 0;
    let site = site();
    for ip in [STRANGER, "127.0.0.1", "::1", "10.0.0.1", "192.0.2.1"] {
        for form in FORMS {
            let address = match ForwardPath::parse(form) {
                Err(_) => continue,
                Ok(ForwardPath::Postmaster) => panic!("{form} is no postmaster"),
                Ok(ForwardPath::Address { address, .. }) => address,
            };
            judged += 1;
            let relay = site.judge(&peer(ip), &address);
            assert!(matches!(relay, Relay::Denied(_)), "{form} from {ip}: {}", word(&relay));
        }
    }
    assert!(FORMS.len() >= 60 && judged >= 5 * 60, "only {judged} were judged");
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("ours.example".to_owned()),
        Just("mx.ours.example".to_owned()),
        Just("relayed.example".to_owned()),
        Just("granted.example".to_owned()),
        Just("elsewhere.example".to_owned()),
        "[a-cx]{1,3}\\.(ours|relayed|granted|elsewhere)\\.example",
        "(ours|relayed|granted)\\.example\\.[a-c]{2}",
    ]
}

fn address() -> impl Strategy<Value = String> {
    let inner = prop_oneof![
        4 => Just("anna".to_owned()),
        3 => host().prop_map(|h| format!("user%{h}")),
        3 => host().prop_map(|h| format!("{h}!user")),
        3 => host().prop_map(|h| format!("user@{h}")),
        2 => (host(), host()).prop_map(|(a, b)| format!("{a}!user%{b}")),
        1 => "[a-z%!@ ]{1,20}",
    ];
    let outer = prop_oneof![9 => host(), 1 => Just("[203.0.113.1]".to_owned())];
    (inner, outer).prop_map(|(user, host)| format!("\"{user}\"@{host}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the rules: a permit exists only if one of the five grounds does, told here anew.
    #[test]
    fn no_permit_without_a_rule(
        to in address(),
        ip in prop_oneof![Just(STRANGER), Just("198.51.100.7"), Just("198.51.101.7")],
        login in any::<bool>(),
        network in any::<bool>(),
        relayed in any::<bool>(),
        granted in any::<bool>(),
        client in any::<bool>(),
    ) {
        let mut access = ACCESS.to_owned();
        access += if granted { "To:granted.example RELAY\nx.granted.example OK\n" } else { "" };
        access += if client { "Connect:198.51.101.7 RELAY\n" } else { "" };
        let site = Site::new(network, relayed, &access);
        let mut peer = peer(ip);
        let who = Address::parse("anna@ours.example").unwrap();
        peer.login = login.then_some(Login { account: AccountId(1), address: who });
        let to = Address::parse(&to).unwrap();
        let below = |domain: &Domain, name: &str| domain.is_within(&name.parse().unwrap());
        match site.judge(&peer, &to) {
            Relay::Elsewhere(permit, _) => {
                prop_assert!(!permit.rule().is_empty());
                let by_client = login
                    || (network && ip == "198.51.100.7")
                    || (client && ip == "198.51.101.7");
                let by_domain = hops(&to).iter().all(|hop| match hop {
                    Hop::Domain(domain) => own(domain)
                        || (relayed && below(domain, "relayed.example"))
                        || (granted
                            && below(domain, "granted.example")
                            && !below(domain, "x.granted.example")),
                    _ => false,
                });
                prop_assert!(by_client || by_domain, "{} by {}", to, permit.rule());
                let expected = match permit.reason() {
                    Reason::Authenticated => login,
                    Reason::RelayNetwork => network,
                    Reason::RelayDomain => relayed,
                    Reason::AccessRelay => client || granted,
                    _ => false,
                };
                prop_assert!(expected, "{}", permit.reason());
            }
            Relay::Here => prop_assert!(to.domain().is_some_and(own)),
            Relay::HereByLiteral => prop_assert!(false, "no own literal among them"),
            Relay::Denied(refusal) => prop_assert_eq!(refusal.reason, Reason::RelayDenied),
        }
    }
}
