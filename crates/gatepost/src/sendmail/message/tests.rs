#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop there")]

use super::encode::{quoted_printable, words};
use super::{Author, Message, address};
use mail::index::Index;
use mail::{Address, Domain, ReversePath};
use proptest::prelude::*;

fn host() -> Domain {
    Domain::parse("mx.example.org").unwrap()
}

fn author(full_name: Option<&str>) -> Author {
    let own = Address::parse("anna@mx.example.org").unwrap();
    Author {
        hostname: host(),
        sender: ReversePath::Address(own.clone()),
        own,
        full_name: full_name.map(str::to_owned),
        is_root: false,
    }
}

fn finished(input: &str) -> String {
    let message = Message::read(input.as_bytes(), false).unwrap();
    String::from_utf8_lossy(&message.finish(&author(None)).unwrap()).into_owned()
}

fn check(input: &str, expected: &str) {
    assert_eq!(finished(input), expected, "{input:?}");
}

const FROM: &str = "From: anna@mx.example.org\r\n";

#[test]
fn lines_end_in_crlf_and_a_dot_ends_all() {
    check(
        "From: a@b.example\nTo: c@d.example\n\nhi\n..\n.\nlost\n",
        "From: a@b.example\r\nTo: c@d.example\r\n\r\nhi\r\n..\r\n",
    );
    check("From: a@b.example\r\n\r\nhi\r\nno end", "From: a@b.example\r\n\r\nhi\r\nno end\r\n");
    check("no header\nat all: true\n", &format!("{FROM}\r\nno header\r\nat all: true\r\n"));
    check("\nonly a body\n", &format!("{FROM}\r\nonly a body\r\n"));
    check("", &format!("{FROM}\r\n"));
    check("From anna Tue Nov 24\nSubject: x\n\ny\n", &format!("{FROM}Subject: x\r\n\r\ny\r\n"));
    check("Subject: a\n b\n\tc\n", &format!("{FROM}Subject: a\r\n b\r\n\tc\r\n\r\n"));
    let whole = Message::read(b"A: b\n\nx\n.\ny\n", true).unwrap();
    let sent = whole.finish(&author(None)).unwrap();
    assert!(sent.ends_with(b"\r\n\r\nx\r\n.\r\ny\r\n"), "{}", sent.escape_ascii());
}

#[test]
fn names_of_this_machine_get_its_domain() {
    check(
        "From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nx\n",
        "From: \"Cron Daemon\" <anna@mx.example.org>\r\nTo: root@mx.example.org\r\n\
         Subject: Cron\r\n\r\nx\r\n",
    );
    check(
        "From: a@b.example\nCc: Ben <ben>, c@d.example\n\n",
        "From: a@b.example\r\nCc: \"Ben\" <ben@mx.example.org>,\r\n\tc@d.example\r\n\r\n",
    );
    let root = Author { is_root: true, ..author(None) };
    let sent = Message::read(b"Sender: www-data\nFrom: a@b.example\n", false).unwrap();
    let sent = sent.finish(&root).unwrap();
    assert!(sent.starts_with(b"Sender: www-data@mx.example.org\r\n"), "{}", sent.escape_ascii());
    // What is no address at all is for the server to judge.
    check("From: a@b.example\nTo: a b@@c, ben\n\n", "From: a@b.example\r\nTo: a b@@c, ben\r\n\r\n");
}

#[test]
fn recipients_are_in_the_header_and_bcc_is_not_told() {
    let recipients = |text: &str| {
        let message = Message::read(text.as_bytes(), false).unwrap();
        let found = message.recipients(&host())?;
        Ok::<_, super::Unfit>(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    for (text, expected) in [
        (
            "To: ben, C <c@d.example>\nBcc: e@f.example\n",
            "ben@mx.example.org c@d.example e@f.example",
        ),
        ("To: team: a@b.example, root;\n", "a@b.example root@mx.example.org"),
        ("To: undisclosed-recipients:;\n", ""),
        ("Subject: To: a@b.example\n\nTo: c@d.example\n", ""),
        ("To: a@b.example\nResent-To: c@d.example\n", "c@d.example"),
        ("To:\n a@b.example,\n\tc@d.example\n", "a@b.example c@d.example"),
    ] {
        assert_eq!(recipients(text).as_deref(), Ok(expected), "{text:?}");
    }
    assert!(recipients("To: a@@b\n").is_err());
    let many: Vec<String> = (0..1_001).map(|n| format!("u{n}@b.example")).collect();
    assert!(recipients(&format!("To: {}\n", many.join(",\n "))).is_err(), "none may be lost");
    check(
        "Bcc: e@f.example\nbcc: g@h.example\nTo: a@b.example\n\n",
        &format!("{FROM}To: a@b.example\r\n\r\n"),
    );
}

#[test]
fn what_is_missing_is_added_and_8_bit_text_is_declared() {
    let message = Message::read("Subject: Gr\u{fc}\u{df}e\n\nGr\u{fc}\u{df}e\n".as_bytes(), false);
    let sent = message.unwrap().finish(&author(Some("Anna \u{c4}ltlich"))).unwrap();
    let sent = String::from_utf8(sent).unwrap();
    for expected in [
        "From: =?utf-8?B?QW5uYSDDhGx0bGljaA==?= <anna@mx.example.org>\r\n",
        "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n",
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e\r\n",
    ] {
        assert!(sent.contains(expected), "{expected}\n{sent}");
    }
    let latin = Message::read(b"A: b\n\n\xe4\n", false).unwrap().finish(&author(None)).unwrap();
    assert!(String::from_utf8_lossy(&latin).contains("charset=unknown-8bit"));
    let named = Message::read(b"Content-Type: text/plain\n\n\xe4\n", false).unwrap();
    let named = named.finish(&author(Some("A \"B\""))).unwrap();
    let named = String::from_utf8_lossy(&named).into_owned();
    assert!(!named.contains("MIME-Version"), "who says the kind is taken at the word: {named}");
    assert!(named.starts_with("From: \"A \\\"B\\\"\" <anna@mx.example.org>\r\n"), "{named}");
}

#[test]
fn long_lines_are_encoded_where_nobody_said_how() {
    let long = "x".repeat(2_000);
    let sent = finished(&format!("To: a@b.example\n\n{long}\n"));
    assert!(sent.contains("Content-Transfer-Encoding: quoted-printable"), "{sent}");
    assert!(sent.lines().all(|line| line.len() <= 76), "{sent}");
    let nul = finished("To: a@b.example\n\na\0b\rc\n");
    assert!(nul.contains("a=00b=0Dc\r\n"), "{nul}");
    let mime = format!("MIME-Version: 1.0\n\n{long}\n");
    let message = Message::read(mime.as_bytes(), false).unwrap();
    assert!(message.finish(&author(None)).is_err());
    let header = format!("X: {}\n", "y".repeat(1 << 20));
    assert!(Message::read(header.as_bytes(), false).is_err());
}

#[test]
fn addresses_are_typed_with_or_without_a_domain() {
    for (text, expected) in [
        ("anna", Some("anna@mx.example.org")),
        ("<a@b.example>", Some("a@b.example")),
        (" a@b.example ", Some("a@b.example")),
        ("a@", None),
        ("", None),
        ("a\r\nRCPT TO:<x@y.example>", None),
    ] {
        let found = address(text, &host()).ok().map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{text:?}");
    }
}

/// Reads quoted-printable back (RFC 2045 §6.7).
fn decoded(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap().replace("=\r\n", "");
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        if *byte == b'=' {
            let hex = std::str::from_utf8(&rest[..2]).unwrap();
            out.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &rest[2..];
        } else {
            out.push(*byte);
        }
    }
    out
}

proptest! {
    #[test]
    fn quoted_printable_is_read_back(lines in proptest::collection::vec(
        proptest::collection::vec(any::<u8>().prop_filter("no LF", |b| *b != b'\n'), 0..200), 0..5,
    )) {
        let body: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\r\n"].concat()).collect();
        let encoded = quoted_printable(&body);
        prop_assert!(encoded.split(|b| *b == b'\n').all(|line| line.len() <= 77));
        prop_assert_eq!(decoded(&encoded), body);
    }

    #[test]
    fn words_are_short_and_read_back(text in "\\PC{1,80}") {
        let words = words(&text);
        prop_assert!(words.split("\r\n ").all(|word| word.len() <= 75 && word.is_ascii()));
        let joined = words.replace("\r\n ", "");
        let parts = joined.split("=?utf-8?B?").filter(|part| !part.is_empty());
        let bytes: Vec<u8> = parts
            .flat_map(|part| {
                use base64::Engine as _;
                let text = part.strip_suffix("?=").unwrap();
                base64::engine::general_purpose::STANDARD.decode(text).unwrap()
            })
            .collect();
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    /// Whatever is written: one message, whose header cannot be broken out of, with a From.
    #[test]
    fn any_input_is_one_message(
        input in proptest::collection::vec(any::<u8>(), 0..300),
        name in "\\PC{0,20}",
        dots in any::<bool>(),
    ) {
        let Ok(message) = Message::read(&input, dots) else { return Ok(()) };
        let Ok(sent) = message.finish(&author(Some(&name))) else { return Ok(()) };
        let index = Index::of(&sent);
        prop_assert!(index.field("from").is_some(), "{}", sent.escape_ascii());
        prop_assert!(index.field("bcc").is_none(), "{}", sent.escape_ascii());
        let bare = sent.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r');
        prop_assert!(!bare && sent.first() != Some(&b'\n'));
    }
}
