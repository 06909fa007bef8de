//! Files in text: what is decoded, under which name, and where it stands.

use super::{Item, mixed, see};
use crate::union::Source;

fn files(text: &str) -> Vec<Item> {
    let message = format!("Subject: x\r\n\r\n{text}");
    let (seen, _) = see(message.as_bytes());
    let is_file = |item: &Item| {
        matches!(item.source, Source::Uuencode | Source::Yenc | Source::BinHex | Source::Apple)
    };
    seen.into_iter().filter(is_file).collect()
}

/// The first file of a text.
fn check(text: &str, source: Source, name: Option<&str>, content: &[u8], place: &str) {
    let found = files(text);
    let item = found.first().unwrap_or_else(|| panic!("nothing in {text:?}"));
    assert_eq!((item.source, item.content.as_slice()), (source, content), "in {text:?}");
    assert_eq!(item.names.first().map(String::as_str), name, "in {text:?}");
    // The header before it has 14 bytes.
    let range = item.place.start as usize - 14..item.place.end as usize - 14;
    assert_eq!(&text[range], place);
}

#[test]
fn uuencode() {
    let uu = |text: &str, name, content, place| check(text, Source::Uuencode, name, content, place);
    let plain = "begin 644 a.exe\r\n#04)#\r\n`\r\nend\r\n";
    uu(plain, Some("a.exe"), b"ABC", plain);
    uu(&format!("hi\r\n{plain}bye\r\n"), Some("a.exe"), b"ABC", plain);
    uu("begin 644 \r\n#04)#\r\nend\r\n", None, b"ABC", "begin 644 \r\n#04)#\r\nend\r\n");
    uu("begin  a b.exe\r\n#04)#\r\n", Some("a b.exe"), b"ABC", "begin  a b.exe\r\n#04)#\r\n");
    uu("begin 644 a\r\n#04)#\r\nx\r\n", Some("a"), b"ABC", "begin 644 a\r\n#04)#\r\n");
    uu("begin 644 a\n$04)#1```\nend\n", Some("a"), b"ABCD", "begin 644 a\n$04)#1```\nend\n");
    uu("begin 644 a.exe\r\nend\r\n", Some("a.exe"), b"", "begin 644 a.exe\r\nend\r\n");
    let coded = "begin-base64 644 a\r\nQUJD\r\n====\r\n";
    uu(coded, Some("a"), b"ABC", coded);
    // Who goes on behind a line that is none gets more.
    let found = files("begin 644 a\r\n#04)#\r\nxyz\r\n#1$5&\r\nend\r\n");
    let contents: Vec<_> = found.iter().map(|item| item.content.as_slice()).collect();
    assert_eq!(contents, [&b"ABC"[..], b"ABCDEF"]);
    assert_eq!(files("begin the day\r\nwith tea\r\n"), []);
    assert_eq!(files("we begin 644 a\r\n#04)#\r\n"), []);
}

#[test]
fn yenc() {
    let text = "=ybegin line=128 size=4 name=a b.exe\r\n=ypart begin=1 end=4\r\nkl\r\n=}l\r\n=yend size=4\r\n";
    check(text, Source::Yenc, Some("a b.exe"), b"AB\x13B", text);
    let cut = "=ybegin line=128 size=2\r\nkl";
    check(cut, Source::Yenc, None, b"AB", cut);
}

#[test]
fn binhex() {
    // A data fork `hello`, a resource fork `ABC`; made by Python's binascii of old.
    let bytes = {
        let mut bytes = vec![5];
        bytes.extend(b"a.exe\0TEXTttxt\0\0");
        bytes.extend([0, 0, 0, 5, 0, 0, 0, 3, 9, 9]);
        bytes.extend(b"hello\x09\x09ABC\x09\x09");
        bytes
    };
    let alphabet = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
    let bits: Vec<u8> = bytes.iter().flat_map(|b| (0..8).rev().map(move |i| b >> i & 1)).collect();
    let code: String = bits
        .chunks(6)
        .map(|six| (0..6).fold(0, |n, i| n << 1 | six.get(i).copied().unwrap_or(0)))
        .map(|n| char::from(alphabet[usize::from(n)]))
        .collect();
    let text = format!("(This file must be converted with BinHex 4.0)\r\n:{code}:\r\n");
    let found = files(&text);
    let contents: Vec<_> = found.iter().map(|item| item.content.as_slice()).collect();
    assert_eq!(contents, [&b"hello"[..], b"ABC"]);
    assert!(found.iter().all(|item| item.source == Source::BinHex && item.names == ["a.exe"]));
}

#[test]
fn apple() {
    let file = "\0\x05\x16\x07\0\x02\0\0................\0\x02\
        \0\0\0\x01\0\0\0\x32\0\0\0\x03\0\0\0\x03\0\0\0\x35\0\0\0\x05ABCa.exe";
    let message = mixed(&format!("Content-Type: application/applefile\r\n\r\n{file}"));
    let (seen, _) = see(message.as_bytes());
    let fork = seen.iter().find(|item| item.source == Source::Apple).expect("a fork");
    assert_eq!(
        (fork.content.as_slice(), fork.names.as_slice()),
        (&b"ABC"[..], &["a.exe".to_owned()][..])
    );
}
