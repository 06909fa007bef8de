#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Index, IndexBuilder, Inside, Limits};

mod ambiguities;
mod cuts;
mod structure;

/// Lines with CRLF behind each.
fn lines(text: &[&str]) -> Vec<u8> {
    text.iter().flat_map(|line| line.bytes().chain(*b"\r\n")).collect()
}

fn with_limits(message: &[u8], limits: Limits) -> Index {
    let mut builder = IndexBuilder::with_limits(limits);
    builder.push(message);
    builder.finish()
}

/// The tree in one line: `multipart/mixed(text/plain, message/rfc822[text/plain])`.
fn tree(index: &Index) -> String {
    fn show(index: &Index, number: usize) -> String {
        let part = &index.parts.get(number).unwrap();
        let children: Vec<_> = part.children.iter().map(|&child| show(index, child)).collect();
        match part.inside {
            Inside::Content => part.media_type.clone(),
            Inside::Parts => format!("{}({})", part.media_type, children.join(", ")),
            Inside::Message => format!("{}[{}]", part.media_type, children.join(", ")),
        }
    }
    show(index, 0)
}

/// The words of the ambiguities in the order of the message.
fn words(index: &Index) -> String {
    let words: Vec<_> = index.ambiguities.iter().map(|s| s.ambiguity.word()).collect();
    words.join(" ")
}

#[test]
fn header_fields_are_found_and_decoded() {
    let message = lines(&[
        "Received: from a by b",
        "received: from c by d",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        " =?utf-8?q?_aus_Wien?=",
        "From: \"Anna, A.\" <Anna@Example.ORG>, b@example.net",
        "Message-ID: <1@example.org>",
        "",
        "Subject: not this one",
    ]);
    let index = Index::of(&message);
    assert_eq!(index.size, message.len() as u64);
    assert_eq!(index.subject().as_deref(), Some("Grüße aus Wien"));
    assert_eq!(index.received_count(), 2);
    assert_eq!(index.message_id().as_deref(), Some("<1@example.org>"));
    let from: Vec<_> = index.from().iter().map(ToString::to_string).collect();
    assert_eq!(from, ["Anna@example.org", "b@example.net"]);
    let subject = index.field("SUBJECT").unwrap();
    assert!(message.get(subject.start..).unwrap().starts_with(subject.bytes));
    assert!(subject.bytes.ends_with(b"_aus_Wien?=\r\n"));
    assert_eq!(words(&index), "");
}

#[test]
fn first_and_last_of_a_doubled_field_are_within_reach() {
    let index = Index::of(&lines(&["Subject: one", "Subject: two", "", ""]));
    assert_eq!(index.subject().as_deref(), Some("one"));
    assert_eq!(index.last_field("subject").unwrap().text(), "two");
    assert_eq!(words(&index), "doubled_field");
}
