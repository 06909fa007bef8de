#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Address, ForwardPath, Host, ReversePath, view};
use crate::Domain;
use proptest::prelude::*;
use std::net::IpAddr;

fn check(input: &str, expected: &str) {
    let shown = match Address::parse(input) {
        Ok(address) => address.to_string(),
        Err(error) => format!("{} at {}", error.kind.word(), error.at),
    };
    assert_eq!(shown, expected, "for {input:?}");
}

#[test]
fn mailboxes() {
    check("Anna.Smith@Example.ORG", "Anna.Smith@example.org");
    check("a+b@example.org", "a+b@example.org");
    check("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~@example.org");
    check("a%b@example.org", "a%b@example.org");
    check("a@localhost", "a@localhost");
}

#[test]
fn quoted_local_parts() {
    check("\"a b\"@example.org", "\"a b\"@example.org");
    check("\"ab\"@example.org", "ab@example.org");
    check("\"a\\b\"@example.org", "ab@example.org");
    check("\"a\\\\\\\"b\"@example.org", "\"a\\\\\\\"b\"@example.org");
    check("\"a@b\"@example.org", "\"a@b\"@example.org");
    check("\"a..b\"@example.org", "\"a..b\"@example.org");
    check("\".\"@example.org", "\".\"@example.org");
    check("\"ü x\"@example.org", "\"ü x\"@example.org");
    check("\"\"@example.org", "empty_local_part at 1");
    check("\"a\"b@example.org", "bad_quoted_string at 3");
    check("\"a", "bad_quoted_string at 2");
    check("\"a\\", "bad_quoted_string at 2");
    check("\"a\tb\"@example.org", "bad_local_part at 2");
    check("\"a\\\u{7f}\"@example.org", "bad_quoted_string at 2");
    check("\"a\"", "bad_quoted_string at 3");
}

#[test]
fn literals() {
    check("a@[192.0.2.1]", "a@[192.0.2.1]");
    check("a@[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]");
    check("a@[ipv6:::1]", "a@[IPv6:::1]");
    check("a@[IPv6:::ffff:192.0.2.1]", "a@[192.0.2.1]");
    check("a@[192.0.2.01]", "bad_address_literal at 2");
    check("a@[192.0.2]", "bad_address_literal at 2");
    check("a@[2001:db8::1]", "bad_address_literal at 2");
    check("a@[IPv6:fe80::1%eth0]", "bad_address_literal at 2");
    check("a@[x400:c=de]", "bad_address_literal at 2");
    check("a@[192.0.2.1", "bad_address_literal at 2");
    check("a@[192.0.2.1]x", "bad_address_literal at 2");
    check("a@192.0.2.1", "numeric_domain at 2");
}

#[test]
fn international() {
    check("jürgen@bücher.example", "jürgen@xn--bcher-kva.example");
    check("ju\u{308}rgen@example.org", "jürgen@example.org");
    check("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah");
    check("a\u{200b}b@example.org", "bad_local_part at 1");
    check("a\u{202e}b@example.org", "bad_local_part at 1");
    check("a\u{85}b@example.org", "bad_local_part at 1");
    // Joiners are letters in some scripts.
    check("\u{646}\u{200c}\u{627}@example.org", "\u{646}\u{200c}\u{627}@example.org");
    let key = |text| Address::parse(text).unwrap().key();
    assert_eq!(key("JU\u{308}RGEN@Bücher.example"), key("jürgen@xn--bcher-kva.example"));
    assert!(Address::parse("jürgen@a.example").unwrap().needs_smtputf8());
    assert!(!Address::parse("j@bücher.example").unwrap().needs_smtputf8());
}

#[test]
fn no_addresses() {
    check("", "no_at at 0");
    check("nobody", "no_at at 6");
    check("no body", "no_at at 7");
    check("@example.org", "empty_local_part at 0");
    check("a@", "empty_domain at 2");
    check(".a@example.org", "bad_local_part at 0");
    check("a..b@example.org", "bad_local_part at 2");
    check("x.y z@example.org", "bad_local_part at 3");
    check("a.@example.org", "bad_local_part at 1");
    check("a\"b\"@example.org", "bad_local_part at 1");
    check("a<b@example.org", "bad_local_part at 1");
    check("a@b@example.org", "bad_domain_character at 3");
    check("a@b c.example", "bad_domain_character at 3");
    check("a@x..example", "bad_domain_label at 4");
    check("a@x.-y.example", "bad_domain_label at 4");
    check("a@x.xn--99999999", "bad_international_domain at 4");
}

#[test]
fn lengths() {
    let local = |n: usize| "a".repeat(n);
    check(&format!("{}@b.example", local(64)), &format!("{}@b.example", local(64)));
    check(&format!("{}@b.example", local(65)), "long_local_part at 64");
    check(&format!("\"{} \"@b.example", local(61)), &format!("\"{} \"@b.example", local(61)));
    check(&format!("\"{} \"@b.example", local(62)), "long_local_part at 64");
    check(&format!("\"{}\"@b.example", "\\\" ".repeat(40)), "long_local_part at 65");
    let domain = vec![local(61); 4].join(".");
    let long = format!("abcdef@{domain}");
    assert_eq!(long.len(), 254);
    check(&long, &long);
    check(&format!("a{long}"), "address_too_long at 254");
    let name = |n: usize| vec![local(60); 4].join(".") + &local(n);
    check(&format!("a@{}", name(20)), "bad_domain_label at 248");
    check(&format!("{}@b.example", "ü".repeat(32)), &format!("{}@b.example", "ü".repeat(32)));
    check(&format!("{}@b.example", "ü".repeat(33)), "long_local_part at 64");
}

/// Paths, with `->` before the address and the route before that.
fn check_path(input: &str, expected: &str) {
    let shown = match ForwardPath::parse(input) {
        Ok(ForwardPath::Postmaster) => "postmaster".to_owned(),
        Ok(ForwardPath::Address { address, source_route }) => {
            let route: Vec<_> = source_route.iter().map(ToString::to_string).collect();
            format!("{}->{address}", route.join(","))
        }
        Err(error) => format!("{} at {}", error.kind.word(), error.at),
    };
    assert_eq!(shown, expected, "for {input:?}");
}

#[test]
fn paths() {
    assert_eq!(ReversePath::parse("<>"), Ok(ReversePath::Null));
    check_path("<>", "no_at at 1");
    check_path("<PostMaster>", "postmaster");
    check_path("<postmaster@b.example>", "->postmaster@b.example");
    check_path("<@a.example,@b.example:c@d.example>", "a.example,b.example->c@d.example");
    check_path("c@d.example", "bad_path at 0");
    check_path("<c@d.example", "bad_path at 0");
    check_path("<<c@d.example>>", "bad_local_part at 1");
    check_path("<c@d_.exa mple>", "bad_domain_character at 9");
    check_path("<@a.example>", "bad_path at 11");
    check_path("<@a.example,b.example:c@d.example>", "bad_path at 12");
    check_path("<@a.example,@b..x:c@d.example>", "bad_domain_label at 15");
    check_path("<@a.example:c@@d.example>", "bad_domain_character at 14");
}

#[test]
fn views() {
    let json = |text| serde_json::to_value(view(text).0).unwrap();
    let address = json("\"Jürgen B\"@bücher.example");
    assert_eq!(address["local"], "Jürgen B");
    assert_eq!(address["quoted"], true);
    assert_eq!(address["domain"], "xn--bcher-kva.example");
    assert_eq!(address["unicode_domain"], "bücher.example");
    assert_eq!(address["literal"], serde_json::Value::Null);
    assert_eq!(address["needs_smtputf8"], true);
    assert_eq!(address["key"], "jürgen b@xn--bcher-kva.example");
    assert_eq!(json("a@[IPv6:::1]")["literal"], "::1");
    let error = json("a b@c.example");
    assert_eq!(
        (&error["error"]["kind"], &error["error"]["at"]),
        (&serde_json::json!("bad_local_part"), &serde_json::json!(1))
    );
    assert!(!view("a b@c.example").1);
}

fn host() -> impl Strategy<Value = Host> {
    const NAMES: &[&str] = &["b.example", "xn--bcher-kva.example", "localhost"];
    let domain = prop::sample::select(NAMES);
    prop_oneof![
        domain.prop_map(|name| Host::Domain(Domain::parse(name).unwrap())),
        any::<IpAddr>().prop_map(|ip| Host::Literal(ip.to_canonical())),
    ]
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(local in "(\\PC|[ -~]|[a-z.\"\\\\]){1,20}", host in host()) {
        let domain = Domain::parse("b.example").unwrap();
        if let Ok(Address { local, .. }) = Address::at(&local, &domain) {
            let address = Address { local, host };
            prop_assert_eq!(Address::parse(&address.to_string()), Ok(address.clone()));
            let path = ReversePath::parse(&format!("<{address}>"));
            prop_assert_eq!(path, Ok(ReversePath::Address(address)));
        }
    }

    #[test]
    fn errors_point_into_the_text(text in "(\\PC|[a-z@.\"\\\\<>\\[\\]:,]){0,30}") {
        if let Err(error) = Address::parse(&text) {
            prop_assert!(error.at <= text.len());
        }
        if let Err(error) = ForwardPath::parse(&text) {
            prop_assert!(error.at <= text.len());
        }
    }

    #[test]
    fn keys_do_not_depend_on_form_and_case(local in "[a-zäöüßéñ]{1,10}") {
        use unicode_normalization::UnicodeNormalization;
        let key = |local: &str| Address::parse(&format!("{local}@b.example")).unwrap().key();
        let decomposed: String = local.nfd().collect();
        prop_assert_eq!(key(&decomposed), key(&local));
        prop_assert_eq!(key(&local.replace('ß', "s").to_uppercase()), key(&local.replace('ß', "s")));
    }
}
