#![expect(clippy::expect_used, reason = "tests")]

use super::Header;

fn check(block: &str, expected: &[(&str, &str)]) {
    let header = Header::new(block.as_bytes());
    let texts: Vec<_> = header.fields().map(|field| (field.name(), field.text())).collect();
    let texts: Vec<_> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(texts, expected, "for {block:?}");
}

#[test]
fn fields() {
    check("", &[]);
    check("A: b\r\nC:d\r\n", &[("A", "b"), ("C", "d")]);
    check("A: b\r\n c\r\n\td\r\nE:\r\n", &[("A", "b c\td"), ("E", "")]);
    check("A: b\n c\nD: e", &[("A", "b c"), ("D", "e")]);
    check("A : b\r\n", &[("A", "b")]);
    check(" A: b\r\nC: d\r\n", &[("C", "d")]);
    check("no field\r\n folded: line\r\nC: d\r\n", &[("C", "d")]);
    check("A b: c\r\n: d\r\nE\u{e9}: f\r\n", &[]);
    check("A: b\r\n \r\n c\r\n", &[("A", "b  c")]);
}

#[test]
fn places() {
    let block = b"A: b\r\nSubject : x\r\n y\r\nC: d\r\n";
    let field = Header::new(block).named("SUBJECT").next().expect("it is there");
    assert_eq!((field.start, field.bytes), (6, &b"Subject : x\r\n y\r\n"[..]));
    assert_eq!(field.raw(), b" x\r\n y\r\n");
    assert!(field.has_blank_before_colon());
}
