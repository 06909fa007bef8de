#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Domain, DomainError};
use proptest::prelude::*;

fn check(input: &str, expected: &str) {
    let shown = match Domain::parse_at(input) {
        Ok(domain) => domain.to_string(),
        Err((error, at)) => format!("{error:?} at {at}"),
    };
    assert_eq!(shown, expected, "for {input:?}");
}

#[test]
fn canonical_form() {
    check("example.org", "example.org");
    check("Example.ORG.", "example.org");
    check("localhost", "localhost");
    check("_dmarc.a-b.example", "_dmarc.a-b.example");
    check("3com.example", "3com.example");
    check("bücher.example", "xn--bcher-kva.example");
    check("BÜCHER.example", "xn--bcher-kva.example");
    check("XN--bcher-KVA.example", "xn--bcher-kva.example");
    check("bu\u{308}cher.example", "xn--bcher-kva.example");
    check("ｅｘａｍｐｌｅ。org。", "example.org");
    check("faß.example", "xn--fa-hia.example");
    check("例え.テスト", "xn--r8jz45g.xn--zckzah");
}

#[test]
fn no_domains() {
    check("", "Empty at 0");
    check(".", "Empty at 0");
    check("..", "BadLabel at 0");
    check("a..b", "BadLabel at 2");
    check(".a", "BadLabel at 0");
    check("ab.-c", "BadLabel at 3");
    check("ab.c-.d", "BadLabel at 4");
    check("ab.c d", "BadCharacter at 4");
    check("a@b", "BadCharacter at 1");
    check("a/b", "BadCharacter at 1");
    check("a.b\0", "BadCharacter at 3");
    check("192.0.2.1", "Numeric at 0");
    check("x.12", "Numeric at 0");
    check("xn--.example", "BadLabel at 3");
    check("a.xn--99999999.example", "Idna at 2");
    check("xn--abc-.example", "BadLabel at 7");
    // The A-label of what IDNA would have in lower case (RFC 5891 §4.2.1): `BÜcher`.
    check("xn--cher-gra9x.example", "Idna at 0");
    check("a.\u{ad}.b", "Idna at 2");
    check(&format!("{}.org", "a".repeat(64)), "BadLabel at 63");
    let long = vec!["a".repeat(63); 4].join(".");
    check(&long, "TooLong at 253");
    check(long.get(2..).unwrap_or_default(), long.get(2..).unwrap_or_default());
    check(&"a".repeat(1_001), "TooLong at 1000");
}

#[test]
fn within() {
    let domain = |text| Domain::parse(text).unwrap();
    assert!(domain("a.b.example").is_within(&domain("b.example")));
    assert!(domain("b.example").is_within(&domain("b.example")));
    assert!(!domain("ab.example").is_within(&domain("b.example")));
    assert!(!domain("example").is_within(&domain("b.example")));
    let a = domain("a.b.c");
    assert_eq!(a.ancestors().collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
    assert_eq!(domain("xn--bcher-kva.example").to_unicode(), "bücher.example");
}

#[test]
fn every_error_has_its_text() {
    for error in [DomainError::Empty, DomainError::Numeric, DomainError::Idna] {
        assert!(error.to_string().starts_with("the domain"));
    }
}

proptest! {
    #[test]
    fn reading_again_changes_nothing(text in "(\\PC|[a-z.-]|xn--){1,20}(\\.\\PC{1,10})?") {
        if let Ok(domain) = Domain::parse(&text) {
            prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
            prop_assert_eq!(Domain::parse(&domain.to_unicode()), Ok(domain.clone()));
            prop_assert_eq!(Domain::parse(&domain.as_str().to_uppercase()), Ok(domain));
        }
    }

    #[test]
    fn errors_point_into_the_text(text in "\\PC{0,20}") {
        if let Err((_, at)) = Domain::parse_at(&text) {
            prop_assert!(at <= text.len());
        }
    }
}
