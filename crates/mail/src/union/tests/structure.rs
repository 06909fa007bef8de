//! Other readings of the structure: a file that some reader gets out is seen with its name.

use super::{mixed, see};
use crate::union::Source;

const FILE: &str = "Content-Type: application/x; name=a.exe\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA//8AAB7v";

const CONTENT: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\x1e\xef";

/// The file is seen, with its name, and the message counts as ambiguous or not.
fn check(message: &str, ambiguous: bool) {
    let (seen, outcome) = see(message.as_bytes());
    let file =
        seen.iter().find(|item| item.content == CONTENT && item.names.contains(&NAME.into()));
    assert!(file.is_some(), "not in {message:?}, but {seen:#?}");
    assert_eq!(outcome.is_ambiguous(), ambiguous, "{message:?}: {:#?}", outcome.ambiguities);
    assert_eq!(outcome.incomplete, None);
}

const NAME: &str = "a.exe";

fn with(content_type: &str, boundary: &str) -> String {
    format!(
        "MIME-Version: 1.0\r\nContent-Type: {content_type}\r\n\r\n--{boundary}\r\n{FILE}\r\n\
         --{boundary}--\r\n"
    )
}

#[test]
fn boundaries() {
    check(&with("multipart/mixed; boundary=b", "b"), false);
    check(&with("multipart/mixed; boundary=\"=_b:c\"", "=_b:c"), false);
    let table = [
        ("multipart/mixed; boundary=b; boundary=c", "c"),
        ("text/plain\r\nContent-Type: multipart/mixed; boundary=b", "b"),
        ("multipart/mixed; boundary=c\r\nContent-Type: multipart/mixed; boundary=b", "b"),
        ("multipart/mixed", "b"),
        ("multipart/mixed; boundary=\"\"", ""),
        ("multipart/mixed; boundary=\"b", "b"),
        ("multipart/mixed; boundary=b(c)", "b(c)"),
        ("multipart/mixed; boundary='b'", "b"),
        ("multipart/mixed; boundary*=us-ascii''b%63", "bc"),
        ("multipart/mixed; boundary*0=b; boundary*1=c", "bc"),
        ("multipart/mixed boundary=b", "b"),
        ("text/plain; boundary=b", "b"),
        ("multipart/mixed; boundary=b c", "b c"),
        ("multipart/mixed; boundary=\"b \"", "b "),
        ("multipart/mixed; boundary=nowhere", "b"),
    ];
    for (content_type, boundary) in table {
        check(&with(content_type, boundary), true);
    }
}

#[test]
fn delimiters() {
    let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let table = [
        format!("{head}--b\r\n\r\nx\r\n--b--\r\n--b\r\n{FILE}\r\n"),
        format!("{head}--b\r\n\r\nx\r\n--b--\r\n--b--\r\n--b\r\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b\r\n\r\nx\r\n--bx\r\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b\r\n\r\nx\r\n--b \t\r\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b\r\n\r\nx\r\n--b--x\r\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b--\r\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b\r\n\r\nx\r\n--b\r\n{FILE}"),
        format!("{head}--b\r\n\r\nx\n--b\n{FILE}\r\n--b--\r\n"),
        format!("{head}--b\r\n\r\nx\r--b\r{FILE}\r\n--b--\r\n"),
    ];
    for message in table {
        check(&message, true);
    }
}

#[test]
fn what_the_index_does_not_follow() {
    let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    // Blanks before the dashes, as ripmime has it; parts in a text, as munpack has it.
    check(&format!("{head}--b\r\n\r\nx\r\n --b\r\n{FILE}\r\n--b--\r\n"), true);
    check(&format!("Subject: x\r\n\r\nhello\r\n--b\r\n{FILE}\r\n--b--\r\n"), true);
    check(&format!("Subject: x\r\n\r\n{FILE}\r\n"), true);
}

#[test]
fn headers() {
    let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let part = |file: &str| format!("{head}\r\n--b\r\n{file}\r\n--b--\r\n");
    let table = [
        part(&FILE.replace("Encoding: ", "Encoding : ")),
        part(&FILE.replace("\r\nContent-Tr", "\r\nno field\r\nContent-Tr")),
        part(&FILE.replace("\r\nContent-Tr", "\r\n \r\nContent-Tr")),
        part(&FILE.replace("\r\nContent-Tr", "\rContent-Tr")),
        part(&FILE.replace("base64\r\n\r\n", "base64\r\n\r\n\r\n"))
            .replace("boundary=b", "boundary = b"),
        part(&FILE.replace("base64", "7bit\r\nContent-Transfer-Encoding: base64")),
        format!("X: y\r\nno field\r\n{head}\r\n--b\r\n{FILE}\r\n--b--\r\n"),
        format!("X: y\r\n \r\n{head}\r\n--b\r\n{FILE}\r\n--b--\r\n"),
        format!("X: \0\r\n{head}\r\n--b\r\n{FILE}\r\n--b--\r\n"),
    ];
    for message in table {
        check(&message, true);
    }
}

#[test]
fn messages_inside() {
    let inner = format!("Subject: y\r\nMIME-Version: 1.0\r\n{FILE}");
    let coded = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(&inner)
    };
    let rfc822 = "Content-Type: message/rfc822\r\n";
    check(&mixed(&format!("{rfc822}\r\n{inner}")), false);
    check(
        &mixed(&format!("\r\n{inner}"))
            .replace("/mixed", "/digest")
            .replace("text", "A: b\r\n\r\ntext"),
        false,
    );
    check(&mixed(&format!("{rfc822}Content-Transfer-Encoding: base64\r\n\r\n{coded}")), true);
    check(
        &mixed(&format!(
            "Content-Type: a/b; name=x.eml\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}"
        )),
        false,
    );
    check(&mixed(&format!("Content-Type: message/partial; number=1\r\n\r\n{inner}")), false);
}

#[test]
fn an_opaque_signature_is_opened() {
    let inner = format!("{FILE}\r\n");
    // SEQUENCE { OID, [0] { OCTET STRING } }, in one piece and in two of unknown length.
    let whole = [&[0x30, 0x80, 0xa0, 0x80, 0x04, 0x81, inner.len() as u8][..], inner.as_bytes()];
    let (front, back) = inner.as_bytes().split_at(50);
    let pieces = [
        &[0x30, 0x80, 0xa0, 0x80, 0x24, 0x80, 0x04, 50][..],
        front,
        &[0x04, back.len() as u8],
        back,
        &[0, 0, 0, 0, 0, 0],
    ];
    for der in [whole.concat(), pieces.concat()] {
        use base64::Engine;
        let coded = base64::engine::general_purpose::STANDARD.encode(der);
        let header = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n\
            Content-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n";
        check(&format!("{header}\r\n{coded}"), false);
    }
}

#[test]
fn what_stands_outside_the_parts_is_seen() {
    let long = "words ".repeat(200);
    let message = mixed("\r\nx").replace("--b\r\n\r\ntext", &format!("{long}\r\n--b\r\n\r\ntext"));
    let (seen, _) = see(message.as_bytes());
    let outside = seen.iter().find(|item| item.content.starts_with(b"words"));
    assert_eq!(outside.map(|item| item.source), Some(Source::OtherReading));
}

#[test]
fn the_sweep_finds_what_no_header_tells() {
    let lines = FILE.split_once("\r\n\r\n").unwrap().1;
    let message = mixed(&format!("Content-Type: text/plain\r\n\r\nx\r\n\r\n{lines}"))
        .replace("=b\r", "=b; boundary=c\r");
    let (seen, _) = see(message.as_bytes());
    let swept = seen.iter().find(|item| item.content == CONTENT);
    assert_eq!(swept.map(|item| item.source), Some(Source::Sweep));
}

/// Whoever writes the message anew needs each of them.
#[test]
fn parts_that_are_equal_are_all_given() {
    let part = "--b\r\nContent-Type: text/plain\r\n\r\nthe same\r\n";
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         Content-Type: multipart/mixed; boundary=c\r\n\r\n{part}{part}--b--\r\n"
    );
    let (seen, outcome) = see(message.as_bytes());
    let given = |part| {
        let is = |item: &&super::Item| item.source == Source::Part && item.part == Some(part);
        seen.iter().filter(is).map(|item| item.content.as_slice()).collect::<Vec<_>>()
    };
    assert!(outcome.is_ambiguous());
    assert_eq!((given(1), given(2)), (vec![&b"the same"[..]], vec![&b"the same"[..]]));
}
