//! S/MIME that holds its content: what is signed is read as one entity, and what is around it is no
//! text.

use super::{mixed, see};
use crate::union::Source;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const ENTITY: &str = "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\ntext\r\n--i\r\n\
    Content-Type: application/x; name=a.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    AAECAwQ=\r\n--i--\r\n";

/// An element with a length of two bytes.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("a short content");
    [&[tag, 0x82], &len.to_be_bytes()[..], content].concat()
}

/// A string that is whole, or in pieces.
fn octets(pieces: &[&[u8]]) -> Vec<u8> {
    match pieces {
        [whole] => element(0x04, whole),
        _ => element(0x24, &pieces.iter().flat_map(|p| element(0x04, p)).collect::<Vec<_>>()),
    }
}

/// SignedData (RFC 5652 §5.1) as far as it matters, without signers.
fn signed(content: &[u8], more: &[u8]) -> Vec<u8> {
    let data = [b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", &element(0xa0, content)[..]];
    let rest = [b"\x02\x01\x01\x31\x00", &element(0x30, &data.concat())[..], more, b"\x31\x00"];
    let kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    element(0x30, &[&kind[..], &element(0xa0, &element(0x30, &rest.concat()))].concat())
}

fn message(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> =
        body.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    mixed(&format!(
        "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        lines.join("\r\n")
    ))
}

/// What is inside is seen; whether it is ambiguous, and how many readings there are of it.
#[track_caller]
fn check(der: &[u8], ambiguous: bool, others: bool) {
    let (seen, outcome) = see(message(der).as_bytes());
    let file = seen.iter().find(|item| item.names == ["a.exe"]).expect("the file inside");
    assert_eq!((file.source, file.content.as_slice()), (Source::Part, &b"\0\x01\x02\x03\x04"[..]));
    assert_eq!(outcome.is_ambiguous(), ambiguous, "{:#?}", outcome.ambiguities);
    // The text for those who do not know MIME is one, since the entity has no MIME-Version.
    assert_eq!(outcome.others > 1, others, "{seen:#?}");
    assert_eq!(outcome.incomplete, None);
}

#[test]
fn what_is_signed_is_read_once() {
    let entity = ENTITY.as_bytes();
    check(&signed(&octets(&[entity]), b""), false, false);
    for cut in [1, 60, 75, 100, entity.len() - 1] {
        let (first, second) = entity.split_at(cut);
        check(&signed(&octets(&[first, second]), b""), false, false);
    }
}

#[test]
fn what_is_doubtful_in_it_counts() {
    let twice = ENTITY.replace("\r\n\r\n--i\r\n\r\n", "; boundary=j\r\n\r\n--i\r\n\r\n");
    check(&signed(&octets(&[twice.as_bytes()]), b""), true, true);
    // Beside the string, or among its pieces, a part stands that is in no string.
    let hidden = b"\n--k\nContent-Type: application/x; name=b.exe\n\nx\n--k--\n";
    check(&signed(&octets(&[ENTITY.as_bytes()]), &element(0x0c, hidden)), true, true);
    let (first, second) = ENTITY.as_bytes().split_at(100);
    let pieces = [element(0x04, first), element(0x0c, hidden), element(0x04, second)].concat();
    check(&signed(&element(0x24, &pieces), b""), true, true);
}
