#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod office;
mod pages;
mod portable;
mod samples;

use crate::{Budget, Class, Hit, Item, Limits, Lists, cost, inspect};

/// A program's beginning, as it is put into everything.
pub(crate) const PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0\xB8\0\0\0\0\0\0\0\x40";

pub(crate) fn hits(name: &str, bytes: &[u8]) -> Vec<Hit> {
    let names: Vec<String> = (!name.is_empty()).then(|| name.to_owned()).into_iter().collect();
    let item = Item { names: &names, types: &[], bytes };
    inspect(&item, &Lists::default(), &mut Budget::new(Limits::default())).hits
}

/// That the rules, with their classes, are exactly these, in any order.
#[track_caller]
pub(crate) fn check(name: &str, bytes: &[u8], expected: &[(Class, &str)]) {
    let found = hits(name, bytes);
    let mut rules: Vec<(Class, &str)> =
        found.iter().map(|hit| (hit.class, hit.rule.as_str())).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(rules, expected, "{name}: {found:#?}");
}

/// Ten times the content costs at most fifteen times the time.
#[test]
fn costs_grow_with_the_content() {
    let shapes: [(&str, &str, &str); 12] = [
        ("a.pdf", "%PDF-1.7\n", "<</EF<</F 1 0 R>>/F(a)>>\nstream\nx endstream "),
        ("a.pdf", "%PDF-1.7\n", "<</A/B>>\nstream\n"),
        ("a.pdf", "%PDF-1.7\n", "/#4a#53/F(((((("),
        ("a.rtf", "{\\rtf1 ", "{\\objdata 0105"),
        ("a.rtf", "{\\rtf1 ", "{\\*\\template "),
        ("a.html", "<html>", "<a href='data:a/b,x"),
        ("a.html", "<html>", "data:a/b,"),
        ("a.svg", "<svg>", " on on onx"),
        ("a.html", "<script>atob(", "http-equiv"),
        ("a.ics", "BEGIN:VCALENDAR\n", "ATTACH;ENCODING=BASE64:aaaa\n"),
        ("a.ics", "BEGIN:VCALENDAR\n", "A;\"\":"),
        ("a.mht", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=a\n\n", "--a\n\n"),
    ];
    for (name, head, piece) in shapes {
        cost::grows_with(20_000, &format!("{name} {piece:?}"), &|count| {
            hits(name, format!("{head}{}", piece.repeat(count)).as_bytes());
        });
    }
}
