//! What needs no look inside.

use super::mixed;
use crate::index::Index;
use crate::mime::TransferEncoding;
use crate::union::{Marks, is_plain};

#[test]
fn plain_messages() {
    let table = [
        ("Subject: x\r\n\r\nhello\r\n".to_owned(), true),
        ("Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\r\nx".to_owned(), true),
        (mixed("Content-Type: text/plain\r\n\r\nx"), true),
        (mixed("\r\nx").replace("\r\n\r\n--b", "\r\n\r\nThis is MIME.\r\n--b"), false),
        (mixed("\r\nx").replace("\r\n\r\n--b", "\r\n\r\n\r\n--b"), true),
        (mixed("Content-Type: text/html\r\n\r\nx"), false),
        (mixed("Content-Type: text/plain; name=a\r\n\r\nx"), false),
        (mixed("Content-Type: text/plain; boundary=a\r\n\r\nx"), false),
        (mixed("Content-Description: a\r\n\r\nx"), false),
        (mixed("Content-Transfer-Encoding: base64\r\n\r\nQUJD"), false),
        (mixed("Content-Transfer-Encoding: quoted-printable\r\n\r\n=41"), true),
        (mixed("Content-Transfer-Encoding: quoted-printable\r\n\r\n=4"), false),
        (mixed("Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx"), false),
        (mixed("\r\nx").replace("--b--", "--b-- \r\n--b"), false),
        (mixed("\r\nx").replace("=b\r", "=b; boundary=b\r"), false),
        ("Subject: x\r\n\r\nhello\n".to_owned(), false),
    ];
    for (message, expected) in table {
        assert_eq!(is_plain(&Index::of(message.as_bytes())), expected, "{message}");
    }
}

#[test]
fn marks() {
    let table = [
        ("hello\r\nworld\r\n", false),
        ("begin 644 a\r\n", true),
        ("we begin 644 a\r\n", false),
        ("x\r\nbegin-base64 6 a", true),
        ("x\r\n=ybegin name=a", true),
        ("x\r\n=ya", true),
        ("x\r\n--b\r\nContent-Type: a/b\r\n", true),
        ("\r\nSubject: x\r\n", true),
        ("x\r\nSubject: x\r\n", false),
        ("x\r\n --b\r\n", true),
        ("x\r\n -- \r\nMe\r\n", false),
        ("x\r\n:#8&e,Q0MF@CTI9a8C@q!!!!!!!!\r\n", true),
        ("x\r\n:-) and so on, and so forth, for a long time\r\n", false),
    ];
    for (text, expected) in table {
        for step in 1..=text.len() {
            let mut marks = Marks::new(TransferEncoding::SevenBit);
            text.as_bytes().chunks(step).for_each(|piece| marks.feed(piece));
            assert_eq!(marks.finish(), expected, "{text:?} in pieces of {step}");
        }
    }
}

#[test]
fn marks_in_quoted_printable() {
    let table = [
        ("x\r\n=62egin 644 a\r\n", true),
        ("x\r\nbeg=\r\nin 644 a\r\n", true),
        ("x=0Abegin 644 a\r\n", true),
        ("x =3D begin=\r\n", false),
    ];
    for (text, expected) in table {
        for step in 1..=text.len() {
            let mut marks = Marks::new(TransferEncoding::QuotedPrintable);
            text.as_bytes().chunks(step).for_each(|piece| marks.feed(piece));
            assert_eq!(marks.finish(), expected, "{text:?} in pieces of {step}");
        }
    }
}
