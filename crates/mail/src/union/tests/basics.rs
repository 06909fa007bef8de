//! Plain cases: what is clear to everybody is given once, and limits hold.

use super::{mixed, see, see_within};
use crate::index::Index;
use crate::union::{Outcome, Source, UnionLimits, read};
use std::ops::ControlFlow;

#[test]
fn a_clean_message_gives_each_part_once() {
    let message = mixed(
        "Content-Type: application/octet-stream; name=a.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nTVqQ",
    );
    let (seen, outcome) = see(message.as_bytes());
    let shown: Vec<_> = seen.iter().map(|item| (item.source, item.content.as_slice())).collect();
    assert_eq!(shown, [(Source::Part, &b"text"[..]), (Source::Part, b"MZ\x90")]);
    assert_eq!(seen[1].names, ["a.bin"]);
    assert_eq!(seen[1].types, ["application/octet-stream"]);
    assert_eq!(seen[1].part, Some(2));
    assert_eq!(outcome, Outcome::default());
    assert!(!outcome.is_ambiguous());
}

#[test]
fn a_place_is_the_header_and_body_of_the_part() {
    let message = mixed("Content-Disposition: attachment; filename=a\r\n\r\nabc");
    let (seen, _) = see(message.as_bytes());
    let place = seen[1].place.start as usize..seen[1].place.end as usize;
    assert_eq!(&message[place], "Content-Disposition: attachment; filename=a\r\n\r\nabc");
}

#[test]
fn it_ends_when_the_caller_has_seen_enough() {
    let message = mixed("\r\nsecond");
    let mut count = 0;
    let index = Index::of(message.as_bytes());
    read(message.as_bytes(), &index, &UnionLimits::default(), &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!(count, 1);
}

#[test]
fn what_is_over_a_limit_is_named() {
    let attached =
        |name: &str| format!("Content-Type: message/rfc822\r\n\r\nSubject: {name}\r\n\r\nx");
    let coded = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        U3ViamVjdDogeA0KDQp4";
    let usual = UnionLimits::default();
    let table = [
        (mixed(&attached("x")), UnionLimits { seen_max: 1, ..usual }, Some("union_seen_max")),
        (mixed(coded), UnionLimits { depth_max: 0, ..usual }, Some("union_depth_max")),
        (mixed(coded), UnionLimits { held_max: 3, ..usual }, Some("union_held_max")),
        (
            mixed(coded),
            UnionLimits { sizes_max: 0, bytes_free: 5, ..usual },
            Some("union_bytes_max"),
        ),
        (
            mixed("A\r\n\r\nx").replace("mixed; b", "mixed; boundary=c; b"),
            UnionLimits { cuts_max: 2, ..usual },
            Some("union_cuts_max"),
        ),
        (
            mixed("A\r\n\r\nx").replace("mixed; b", "mixed; boundary=c; b"),
            UnionLimits { starts_max: 2, ..usual },
            Some("union_starts_max"),
        ),
        (
            mixed(&format!("{}\r\nx", "Content-Type: a/b\r\n".repeat(300))),
            usual,
            Some("union_names_max"),
        ),
        (mixed(coded), usual, None),
    ];
    for (message, limits, expected) in table {
        let (_, outcome) = see_within(message.as_bytes(), &limits);
        assert_eq!(outcome.incomplete, expected, "of {message}");
    }
}
