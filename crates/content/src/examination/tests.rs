#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Examination, examine};
use crate::{Class, Limits, Lists};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::index::{Ambiguity, Index};
use mail::mime::TransferEncoding;

fn look(message: &str) -> Examination {
    examine(message.as_bytes(), &Lists::default(), &Limits::default())
}

/// The message that was written anew.
fn anew(message: &str) -> Option<String> {
    let rebuilt = look(message).rebuilt?;
    let mut text: Vec<u8> = Vec::new();
    for range in &rebuilt.kept {
        text.extend_from_slice(&message.as_bytes()[range.start as usize..range.end as usize]);
    }
    text.extend_from_slice(&rebuilt.rest);
    Some(String::from_utf8(text).unwrap())
}

/// The contents of all leaves, with their names.
fn leaves(message: &str) -> Vec<(String, Vec<u8>)> {
    let index = Index::of(message.as_bytes());
    let leaves = index.parts.iter().filter(|part| part.children.is_empty());
    leaves
        .map(|part| {
            let body = &message.as_bytes()[part.body.start as usize..part.body.end as usize];
            let content = match part.encoding {
                TransferEncoding::Base64 => {
                    let clean: Vec<u8> =
                        body.iter().filter(|b| !b.is_ascii_whitespace()).copied().collect();
                    STANDARD.decode(clean).unwrap()
                }
                _ => body.to_vec(),
            };
            (part.name().unwrap_or_default(), content)
        })
        .collect()
}

fn two_types(name: &str) -> String {
    format!(
        "Received: x\r\nSubject: two\r\n types\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=a\r\nContent-Type: multipart/mixed; boundary=b\r\n\
         \r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n--a\r\n\
         Content-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n--a--\r\n"
    )
}

#[test]
fn a_message_with_one_reading_is_not_written_anew() {
    let message = "MIME-Version: 1.0\r\nSubject: x\r\n\r\ntext\r\n";
    let found = look(message);
    assert_eq!((found.rebuilt, found.ambiguities.len()), (None, 0));
}

#[test]
fn what_is_harmless_is_written_anew_with_one_reading() {
    let text = anew(&two_types("a.bin")).unwrap();
    assert!(text.starts_with("Received: x\r\nSubject: two\r\n types\r\nMIME-Version"), "{text}");
    let index = Index::of(text.as_bytes());
    assert_eq!(index.ambiguities.iter().map(|s| s.ambiguity).collect::<Vec<_>>(), [], "{text}");
    let found = leaves(&text);
    assert!(found.iter().any(|(name, c)| name == "a.bin" && c == &[0, 1, 2, 3, 4]), "{text}");
    assert!(found.iter().any(|(_, c)| c == b"hello"), "{text}");
    assert_eq!(anew(&text), None);
}

#[test]
fn what_is_not_harmless_is_not_written_anew() {
    let found = look(&two_types("a.exe"));
    assert!(found.rebuilt.is_none() && !found.is_harmless() && !found.ambiguities.is_empty());
    let hit = found.looked.iter().find(|looked| !looked.hits.is_empty()).unwrap();
    assert_eq!((hit.names[0].as_str(), hit.size, hit.sha256.len()), ("a.exe", 5, 64));
}

#[test]
fn fields_that_end_doubtfully_go() {
    let message = "Subject: a\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\
                   no field\r\nX-A: b\r\n \r\n c\r\nX-B: d\r\n\r\nbody\r\n";
    let text = anew(message).unwrap();
    assert!(text.starts_with("Subject: a\r\nX-B: d\r\nMIME-Version: 1.0\r\n"), "{text}");
}

#[test]
fn messages_within_messages_keep_their_fields() {
    let inner = "From: c@d\r\nSubject: inner\r\nContent-Type: text/plain\r\n\r\ninner text";
    let message = format!(
        "Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\
         \r\n{inner}\r\n--x--\r\n"
    );
    let text = anew(&message).unwrap();
    let index = Index::of(text.as_bytes());
    assert_eq!(index.ambiguities.iter().map(|s| s.ambiguity).collect::<Vec<_>>(), [], "{text}");
    let inner = index.parts.iter().find(|part| part.depth == 2).unwrap();
    let subject = index.header_of(inner).named("subject").next().unwrap().text();
    assert_eq!(subject, "inner");
    assert!(leaves(&text).iter().any(|(_, c)| c == b"inner text"));
}

/// Some programs encode a message that they forward; it is not taken for a text then.
#[test]
fn an_encoded_message_is_written_as_a_message() {
    let inner = "From: c@d\r\nSubject: inner\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ninner text\r\n--i\r\n\
        Content-Type: image/gif; name=a.gif\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        R0lGODlh\r\n--i--\r\n";
    let encoded = |inner: &str| {
        let body = STANDARD.encode(inner);
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
        )
    };
    let message = |depth: usize| {
        let part = (1..depth).fold(encoded(inner), |part, _| encoded(&part));
        format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\
             outer text\r\n--b\r\n{part}--b--\r\n"
        )
    };
    for depth in [1, 3] {
        let text = anew(&message(depth)).unwrap();
        let found = leaves(&text);
        for expected in [("", "outer text"), ("", "inner text"), ("a.gif", "GIF89a")] {
            let expected = (expected.0.to_owned(), expected.1.as_bytes().to_vec());
            assert!(found.contains(&expected), "{depth}: {text}");
        }
        assert!(text.contains("\r\nSubject: inner\r\n"), "{text}");
        assert_eq!(Index::of(text.as_bytes()).ambiguities.len(), 0, "{text}");
    }
    assert_eq!(anew(&message(6)), None);
}

#[test]
fn what_is_too_large_is_not_written_anew() {
    let message = two_types("a.bin").replace("hello", &"x".repeat(17 << 20));
    assert_eq!(anew(&message), None);
    assert!(Index::of(message.as_bytes()).has(Ambiguity::DoubledContentType));
}

#[test]
fn what_a_worker_tells_is_read_back() {
    for message in [two_types("a.bin"), two_types("a.exe"), String::new()] {
        let found = look(&message);
        let told = found.encode();
        assert_eq!(Examination::decode(&told), Some(found));
        for cut in [0, 3, 4, 20] {
            assert_eq!(Examination::decode(&told[..cut.min(told.len() - 1)]), None);
        }
    }
    let found = Examination::default();
    assert_eq!(Examination::decode(&[found.encode(), b"more".to_vec()].concat()), None);
}

#[test]
fn what_is_elsewhere_is_told() {
    let table = [
        ("message/partial; id=a; number=2; total=2", Some((Class::Fragment, "message/partial"))),
        ("Message/Partial; id=a", Some((Class::Fragment, "message/partial"))),
        (
            "message/external-body; access-type=url; url=x",
            Some((Class::External, "message/external-body")),
        ),
        ("text/plain\r\nContent-Type: message/partial", Some((Class::Fragment, "message/partial"))),
        ("message/delivery-status", None),
        ("message/rfc822", None),
    ];
    for (declared, expected) in table {
        let body = "From: a@b\r\n\r\ntext\r\n";
        let whole = format!("MIME-Version: 1.0\r\nContent-Type: {declared}\r\n\r\n{body}");
        let part = format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
             Content-Type: {declared}\r\n\r\n{body}\r\n--b--\r\n"
        );
        for message in [whole, part] {
            let found = look(&message);
            let hits = found.looked.iter().flat_map(|looked| &looked.hits);
            let hits: Vec<_> = hits.map(|hit| (hit.class, hit.rule.as_str())).collect();
            let expected = expected.map(|(class, rule)| (class, format!("type {rule}")));
            let expected = expected.as_ref().map(|(class, rule)| (*class, rule.as_str()));
            assert_eq!(hits.first().copied(), expected, "{declared}: {hits:?}");
        }
    }
}

/// What a text says of scripts is a letter; a file in it is none, though it has no name.
#[test]
fn a_file_without_a_name_in_a_text_is_no_letter() {
    let script = "Set s = CreateObject(\"WScript.Shell\")";
    let letter = |body: &[u8]| [b"Subject: a\r\n\r\nHello\r\n\r\n", body, b"\r\n"].concat();
    let look = |message: &[u8]| examine(message, &Lists::default(), &Limits::default());
    assert!(look(&letter(script.as_bytes())).is_harmless());
    let coded: Vec<u8> = script.bytes().map(|byte| byte.wrapping_add(42)).collect();
    assert!(!coded.iter().any(|byte| matches!(byte, b'=' | b'\r' | b'\n' | 0)), "{coded:?}");
    let head = format!("=ybegin line=128 size={}\r\n", script.len());
    let block = [head.as_bytes(), &coded, b"\r\n=yend\r\n"].concat();
    let found = look(&letter(&block));
    let mut hits = found.looked.iter().flat_map(|looked| &looked.hits);
    assert!(hits.any(|hit| hit.rule == "magic script"), "{found:?}");
}

#[test]
fn a_form_that_matters_stays() {
    let der = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\
        Content-Type: multipart/mixed; boundary=c\r\n\r\n--b\r\n\
        Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes; x=y\r\n\r\ntext\r\n\
        --b\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nMAUGAyoDBA==\r\n--b--\r\n";
    let text = anew(der).unwrap();
    let index = Index::of(text.as_bytes());
    let parameters = |media_type: &str, key: &str| {
        let part = index.parts.iter().find(|part| part.media_type == media_type).unwrap();
        part.content_type.as_ref().unwrap().get(key)
    };
    assert_eq!(parameters("text/plain", "format").as_deref(), Some("flowed"), "{text}");
    assert_eq!(parameters("text/plain", "delsp").as_deref(), Some("yes"));
    assert_eq!(parameters("text/plain", "x"), None);
    let signed = parameters("application/pkcs7-mime", "smime-type");
    assert_eq!(signed.as_deref(), Some("signed-data"), "{text}");
    let found = leaves(&text);
    assert!(found.contains(&("smime.p7m".to_owned(), vec![0x30, 5, 6, 3, 42, 3, 4])), "{found:?}");
}

#[test]
fn what_is_signed_and_has_one_reading_is_not_written_anew() {
    let message = "MIME-Version: 1.0\r\n\
        Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256;\r\n\
        \tboundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b\r\n\
        Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nMAUGAyoDBA==\r\n--b--\r\n";
    let found = look(message);
    assert_eq!((found.is_harmless(), found.ambiguities, found.rebuilt), (true, vec![], None));
}

/// A signed content has to stay as it is, with all its readings: nobody can write it anew.
#[test]
fn what_is_signed_and_has_several_readings_is_not_written_anew() {
    let inner = "Content-Type: multipart/mixed; boundary=i\r\n\
        Content-Type: multipart/mixed; boundary=j\r\n\r\n--i\r\n\r\ntext\r\n--i--\r\n";
    let der = [&[0x04, inner.len() as u8], inner.as_bytes()].concat();
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        STANDARD.encode(&der)
    );
    let found = look(&message);
    assert!(found.is_harmless() && !found.ambiguities.is_empty(), "{found:?}");
    assert_eq!(found.rebuilt, None);
}

#[test]
fn many_multiparts_are_written_anew_with_one_reading() {
    let mut message = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\
        Content-Type: multipart/mixed; boundary=a0\r\n\r\n"
        .replace("=x", "=a0a");
    for n in 0..12 {
        let (this, next) = (format!("--a{n}a\r\n"), n + 1);
        message += &format!("{this}Content-Type: multipart/mixed; boundary=a{next}a\r\n\r\n");
    }
    message += "--a12a\r\n\r\ntext\r\n";
    for n in (0..=12).rev() {
        message += &format!("--a{n}a--\r\n");
    }
    let text = anew(&message).unwrap();
    assert_eq!(Index::of(text.as_bytes()).ambiguities.len(), 0, "{text}");
}

#[test]
fn what_the_reading_holds_is_in_the_budget() {
    let body = STANDARD.encode(vec![b'x'; 3000]);
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: application/x; name=a.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
    );
    for (held_max, incomplete) in [(2_900, Some("held_max")), (8_000, None)] {
        let limits = Limits { held_max, ..Limits::default() };
        let found = examine(message.as_bytes(), &Lists::default(), &limits);
        assert_eq!(found.incomplete.as_deref(), incomplete, "{held_max}");
    }
}

#[test]
fn the_limits_of_memory_fit_into_a_worker() {
    // 64 MiB beside the message, and 4 MiB for lists, tables and stacks.
    let (limits, union) = (Limits::default(), mail::union::UnionLimits::default());
    assert!(limits.held_max <= 60 << 20);
    // Whoever holds most leaves room for a member of an archive.
    assert!(union.held_max as usize + (16 << 20) <= limits.held_max);
}

/// What comes behind a flood of hits is looked at like all else.
#[test]
fn a_flood_of_hits_in_some_parts_hides_no_other_part() {
    let part = |name: &str| {
        format!(
            "--a\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n"
        )
    };
    let flood: String = (0..300).map(|n| part(&format!("{n}.lnk"))).collect();
    let message = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n{flood}{}--a--\r\n",
        part("last.exe")
    );
    let found = look(&message);
    assert_eq!(found.incomplete, None);
    assert!(found.looked.iter().all(|looked| !looked.hits.is_empty()));
    let last = found.looked.last().unwrap();
    assert_eq!((last.names[0].as_str(), last.hits[0].class), ("last.exe", Class::Program));
    assert_eq!(found.looked.len(), 301);
}
