//! What is a record and what is wrong with one that is not.

use crate::authentication::spf::macros::{DomainSpec, MacroString};
use crate::authentication::spf::record::{RECORD_MAX, Record, is_record};
use proptest::prelude::*;

fn check(text: &str, expected: Option<&str>) {
    let error = Record::parse(text).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), expected, "for {text:?}");
}

#[test]
fn records_that_are_sound() {
    for text in [
        "v=spf1",
        "V=SPF1   +MX  -all ",
        "v=spf1 a a:b.example a/24 a//64 a:b.example/24//64 a:%{d}/0//0",
        "v=spf1 mx/32 mx:/x.example ptr ptr:b.example exists:%{ir}.%{l1r+-}._spf.%{d2}",
        "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:::/0 ip6:2001:db8::192.0.2.1/128",
        "v=spf1 redirect=%{d}.example exp=%{l}.why.example. later=any:thing%% a-b_c.d=",
        "v=spf1 include:a.1-2 include:%{p} a:x.%%",
    ] {
        check(text, None);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let long = format!("v=spf1 {}", "a ".repeat(RECORD_MAX));
    let shown = format!("the record is longer than 8 KiB: \"{}...\"", &long[..80]);
    for (text, expected) in [
        ("v=spf2 -all", "no record of version spf1: \"v=spf2 -all\""),
        ("v=spf1 -all.", "an unknown mechanism: \"-all.\""),
        ("v=spf1 all:x", "the mechanism takes no argument: \"all:x\""),
        ("v=spf1 include", "the mechanism needs an argument: \"include\""),
        ("v=spf1 ip4:192.0.2", "no IPv4 network: \"ip4:192.0.2\""),
        ("v=spf1 ip4:192.0.2.1/33", "no number of bits: \"ip4:192.0.2.1/33\""),
        ("v=spf1 ip4:192.0.2.1/", "no number of bits: \"ip4:192.0.2.1/\""),
        ("v=spf1 ip6:192.0.2.1", "no IPv6 network: \"ip6:192.0.2.1\""),
        ("v=spf1 a/", "no number of bits: \"a/\""),
        ("v=spf1 a/+1", "no number of bits: \"a/+1\""),
        ("v=spf1 a:192.0.2.1", "the domain does not end in a top-level label: \"a:192.0.2.1\""),
        ("v=spf1 a:", "the domain is empty: \"a:\""),
        ("v=spf1 a:b.\u{fc}", "a character that may not be there: \"a:b.ü\""),
        ("v=spf1 a:%{l", "a macro without its }: \"a:%{l\""),
        ("v=spf1 a:%{}", "a macro without its letter: \"a:%{}\""),
        ("v=spf1 a:%{x}", "a macro of an unknown letter: \"a:%{x}\""),
        ("v=spf1 a:%{t}", "a macro that only an explanation may have: \"a:%{t}\""),
        ("v=spf1 a:%{l0}", "a macro that keeps nothing: \"a:%{l0}\""),
        ("v=spf1 a:%{lr2}", "a macro with an unknown delimiter: \"a:%{lr2}\""),
        ("v=spf1 a:b.example%", "a % that begins no macro: \"a:b.example%\""),
        ("v=spf1 -redirect=b.example", "no name of a modifier: \"-redirect=b.example\""),
        ("v=spf1 exp=a.b exp=a.b", "the modifier is there twice: \"exp=a.b\""),
        (&long, &shown),
    ] {
        check(text, Some(expected));
    }
}

#[test]
fn macros_keep_as_many_parts_as_there_are() {
    let huge = format!("%{{d{}}}", "9".repeat(1_000));
    for text in ["%{d128}", &huge] {
        assert!(DomainSpec::parse(text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_record_or_an_error(text in "(v=spf1 )?[ -~\\PC]{0,200}") {
        if Record::parse(&text).is_ok() {
            prop_assert!(is_record(&text) && text.is_ascii());
        }
        let _ = MacroString::explanation(&text);
    }

    /// Texts that are nearly records, so that the deeper parts are met.
    #[test]
    fn any_terms_are_a_record_or_an_error(
        terms in prop::collection::vec(
            "[-+~?]?(a|mx|ptr|exists|include|ip4|ip6|all|exp=|redirect=|x=)[:=/]{0,2}\
             (%\\{[slodipvhcrt][0-9]{0,3}r?[.+/-]{0,2}\\}|[a-z0-9.:/]{1,8}){0,3}(\\.[a-z-]{1,4})?",
            0..9,
        ),
    ) {
        let text = format!("v=spf1 {}", terms.join(" "));
        match Record::parse(&text) {
            Ok(record) => prop_assert!(record.directives.len() <= terms.len()),
            Err(error) => prop_assert!(text.contains(error.term.trim_end_matches("..."))),
        }
    }
}
