//! Trees, offsets, lines.

use super::super::Index;
use super::{lines, tree, words};

fn check(text: &[&str], expected_tree: &str, expected_words: &str) -> Index {
    let index = Index::of(&lines(text));
    assert_eq!(tree(&index), expected_tree, "for {text:#?}");
    assert_eq!(words(&index), expected_words, "for {text:#?}");
    index
}

/// The body of a part as text.
fn body<'a>(index: &Index, message: &'a [u8], part: usize) -> &'a str {
    let range = index.parts[part].body.clone();
    std::str::from_utf8(&message[range.start as usize..range.end as usize]).unwrap()
}

const NESTED: &[&str] = &[
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=\"outer\"",
    "",
    "This is a multi-part message in MIME format.",
    "--outer",
    "Content-Type: multipart/alternative; boundary=inner",
    "",
    "--inner",
    "",
    "plain",
    "two",
    "--inner",
    "Content-Type: text/html; charset=utf-8",
    "",
    "<p>",
    "",
    "--inner--",
    "",
    "--outer",
    "Content-Type: message/rfc822",
    "",
    "Subject: inside",
    "",
    "deep",
    "--outer",
    "Content-Type: application/pdf; name=a.pdf",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename=a.pdf",
    "",
    "JVBERi0=",
    "--outer--",
];

#[test]
fn nested_parts() {
    let index = check(
        NESTED,
        "multipart/mixed(multipart/alternative(text/plain, text/html), \
         message/rfc822[text/plain], application/pdf)",
        "",
    );
    let message = lines(NESTED);
    assert_eq!(body(&index, &message, 2), "plain\r\ntwo");
    assert_eq!(index.parts[2].lines, 1);
    assert_eq!(body(&index, &message, 3), "<p>\r\n");
    assert_eq!(body(&index, &message, 4), "Subject: inside\r\n\r\ndeep");
    assert_eq!(index.parts[4].lines, 2);
    assert_eq!(body(&index, &message, 5), "deep");
    let inside = index.header_of(&index.parts[5]);
    assert_eq!(inside.named("subject").next().unwrap().text(), "inside");
    assert_eq!(index.parts[6].name().as_deref(), Some("a.pdf"));
    assert_eq!(index.parts[6].disposition.as_ref().unwrap().value, "attachment");
}

#[test]
fn simple_messages() {
    check(&["Subject: x", "", "body"], "text/plain", "");
    check(&["Subject: x"], "text/plain", "");
    check(&["", "body"], "text/plain", "");
    let index = Index::of(b"");
    assert_eq!((tree(&index).as_str(), words(&index).as_str()), ("text/plain", ""));
}

#[test]
fn a_digest_holds_messages() {
    check(
        &[
            "MIME-Version: 1.0",
            "Content-Type: multipart/digest; boundary=x",
            "",
            "--x",
            "",
            "Subject: one",
            "",
            "text",
            "--x--",
        ],
        "multipart/digest(message/rfc822[text/plain])",
        "",
    );
}

#[test]
fn a_message_in_base64_is_content() {
    check(
        &[
            "MIME-Version: 1.0",
            "Content-Type: message/rfc822",
            "Content-Transfer-Encoding: base64",
            "",
            "U3ViamVjdDogeA0KDQo=",
        ],
        "message/rfc822",
        "encoded_composite",
    );
}

#[test]
fn the_view_shows_the_tree() {
    let view = serde_json::to_value(Index::of(&lines(NESTED)).view()).unwrap();
    let pdf = &view["part"]["parts"][2];
    assert_eq!(pdf["media_type"], "application/pdf");
    assert_eq!(pdf["encoding"], "base64");
    assert_eq!(pdf["names"][0], "a.pdf");
    assert_eq!(pdf["inside"], "content");
    let message = &view["part"]["parts"][1];
    assert_eq!(message["parts"][0]["header"][0]["value"], "inside");
}

#[test]
fn bytes_above_127_are_seen_wherever_they_stand() {
    for (message, expected) in [
        ("Subject: x\r\n\r\nplain\r\n", false),
        ("Subject: x\r\n\r\nschön\r\n", true),
        ("Subject: schön\r\n\r\nplain\r\n", true),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nplain\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nschön\r\n--b--\r\n",
            true,
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: schön\r\n\r\nx\r\n--b--\r\n",
            true,
        ),
        (
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nschön\r\n--b\r\n\r\nx\r\n--b--\r\n",
            true,
        ),
    ] {
        assert_eq!(Index::of(message.as_bytes()).is_eight_bit(), expected, "{message:?}");
    }
}
