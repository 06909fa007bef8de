//! Tables of values, and that nothing but a value ever gets into a command.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use super::*;
use proptest::prelude::*;

#[test]
fn notify() {
    let check = |success, failure, delay, expected: &str| {
        assert_eq!(Notify { success, failure, delay }.to_string(), expected);
    };
    check(false, false, false, "NEVER");
    check(true, false, false, "SUCCESS");
    check(false, true, true, "FAILURE,DELAY");
    check(true, true, true, "SUCCESS,FAILURE,DELAY");
}

#[test]
fn envelope_ids() {
    let made = |text: &str| EnvelopeId::of(text).map(|id| id.as_str().to_owned());
    assert_eq!(made("QQ314159").as_deref(), Some("QQ314159"));
    assert_eq!(made("a+b=c d").as_deref(), Some("a+2Bb+3Dc+20d"));
    for bad in ["", "a\r\nDATA", "\u{e9}", &"x".repeat(101), &"+".repeat(34)] {
        assert_eq!(made(bad), None, "{bad:?}");
    }
    for bad in ["", "a b", "a=b", "a+b", "a+2b", "a+2", "a+", "a\rb", "\u{e9}", "a+0D+0A", "+7F"] {
        assert_eq!(EnvelopeId::parse(bad), None, "{bad:?}");
    }
    assert_eq!(EnvelopeId::parse("a+2Bb+20c").map(|id| id.text()).as_deref(), Some("a+b c"));
}

#[test]
fn original_recipients() {
    let of = |address: &str| {
        let address = Address::parse(address).expect("an address");
        OriginalRecipient::of(&address).map(|value| value.as_str().to_owned())
    };
    assert_eq!(of("anna@example.org").as_deref(), Some("rfc822;anna@example.org"));
    assert_eq!(of("a+b@example.org").as_deref(), Some("rfc822;a+2Bb@example.org"));
    assert_eq!(of("\"a b\"@example.org").as_deref(), Some("rfc822;\"a+20b\"@example.org"));
    assert_eq!(of("\u{e4}@example.org").as_deref(), Some("utf-8;\\x{E4}@example.org"));
    assert_eq!(of("\u{e4}+@example.org").as_deref(), Some("utf-8;\\x{E4}\\x{2B}@example.org"));
    for bad in ["", ";x", "rfc822;", "rfc822", "a b;x", "rfc822;a b", "rfc822;a\r\n", "x;\u{e4}"] {
        assert_eq!(OriginalRecipient::parse(bad), None, "{bad:?}");
    }
    assert_eq!(OriginalRecipient::parse(&format!("rfc822;{}", "x".repeat(500))), None);
}

#[test]
fn what_is_read_is_what_is_said() {
    for bits in 0..8 {
        let on = |bit: u8| bits & bit != 0;
        let notify = Notify { success: on(1), failure: on(2), delay: on(4) };
        assert_eq!(Notify::parse(&notify.to_string().to_lowercase()), Some(notify));
    }
    for bad in ["", ",", "NEVER,DELAY", "DELAY,", "DELAY,DELAY", "DELAY ", "ALL"] {
        assert_eq!(Notify::parse(bad), None, "{bad:?}");
    }
    assert_eq!(Return::parse("Hdrs"), Some(Return::Headers));
    assert_eq!(Return::parse("HEADERS"), None);
}

#[test]
fn fields_of_reports() {
    let field = |value: &str| OriginalRecipient::parse(value).map(|value| value.field());
    let check = |value, expected: &str| assert_eq!(field(value).as_deref(), Some(expected));
    check("rfc822;a+2Bb@example.org", "rfc822; a+b@example.org");
    check("X400;C+3Dde", "X400; C=de");
    check("utf-8;\\x{E4}@example.org", "utf-8; \\x{E4}@example.org");
    check("UTF-8;\u{e4}@example.org", "utf-8; \\x{E4}@example.org");
    for bad in ["rfc822;a+0D+0ABcc:x", "utf-8;\u{e4} ", "utf-8;\u{e4}\u{85}", "utf-8;\u{e4}=\n"] {
        assert_eq!(field(bad), None, "{bad:?}");
    }
}

proptest! {
    #[test]
    fn values_have_no_blanks_and_no_controls(text in any::<String>()) {
        let values = [
            EnvelopeId::parse(&text).map(|id| id.0),
            EnvelopeId::of(&text).map(|id| id.0),
            OriginalRecipient::parse(&text).map(|value| value.0),
            OriginalRecipient::parse(&format!("rfc822;{text}")).map(|value| value.0),
        ];
        let fields = [
            EnvelopeId::of(&text).map(|id| id.text()),
            OriginalRecipient::parse(&format!("utf-8;{text}")).map(|value| value.field()),
            OriginalRecipient::parse(&format!("x;{}", xtext(&text))).map(|value| value.field()),
        ];
        for field in fields.into_iter().flatten() {
            prop_assert!(field.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", field);
        }
        for value in values.into_iter().flatten() {
            prop_assert!(value.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{}", value);
        }
    }
}
