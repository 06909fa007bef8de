//! Headers good and bad, whole and cut.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

use super::*;

fn check(bytes: &[u8], expected: &str) {
    let shown = match parse(bytes) {
        Ok(Progress::More(count)) => format!("more {count}"),
        Ok(Progress::Done(Announced::Client(address))) => address.to_string(),
        Ok(Progress::Done(Announced::Nobody)) => "nobody".to_owned(),
        Err(fault) => format!("{fault:?}"),
    };
    assert_eq!(shown, expected, "for {}", bytes.escape_ascii());
}

#[test]
fn lines() {
    check(b"", "more 15");
    check(b"P", "more 14");
    check(b"PROXY UNKNOWN\r", "more 1");
    check(b"PROXY UNKNOWN\r\n", "nobody");
    check(b"PROXY UNKNOWN ffff:f...\r\n", "nobody");
    check(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\r\n", "192.0.2.7:4000");
    check(b"PROXY TCP6 2001:db8::7 2001:db8::1 4000 25\r\n", "[2001:db8::7]:4000");
    check(b"PROXY TCP6 ::ffff:192.0.2.7 ::1 0 65535\r\n", "192.0.2.7:0");
    check(b"PROXY TCP4 192.0.2.7 ", "more 2");
    check(b"PROXY TCP4 192.0.2.7\r", "more 1");
    for bad in [
        "PROXY UNKNOWNX\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000 25 \r\n",
        "PROXY TCP4  192.0.2.7 192.0.2.1 4000 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000 65536\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 04000 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 +4000 25\r\n",
        "PROXY TCP4 192.0.2.07 192.0.2.1 4000 25\r\n",
        "PROXY TCP4 2001:db8::7 192.0.2.1 4000 25\r\n",
        "PROXY TCP6 192.0.2.7 192.0.2.1 4000 25\r\n",
        "PROXY UDP4 192.0.2.7 192.0.2.1 4000 25\r\n",
        "PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\n",
        "PROXY TCP4 192.0.2.7\rX",
        "PROXY TCP4 192.0.2.7\r\r\n",
        "PROXY \u{e4}CP4 192.0.2.7 192.0.2.1 4000 25\r\n",
    ] {
        check(bad.as_bytes(), "Line");
    }
    for bad in ["EHLO x\r\n", "PROXI", "proxy UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\r", "\r\nQ"] {
        check(bad.as_bytes(), "Beginning");
    }
    let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MAX - 16));
    check(longest.as_bytes(), "nobody");
    check(format!("PROXY UNKNOWN {}", "x".repeat(V1_MAX - 15)).as_bytes(), "TooLong");
    check(format!("PROXY UNKNOWN {}", "x".repeat(V1_MAX)).as_bytes(), "TooLong");
}

/// A header of version 2.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&V2_BEGIN[..], &[command, family], &length, rest].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x0f, 0xa0, 0, 25];

fn ipv6(source: &str) -> Vec<u8> {
    let source = source.parse::<Ipv6Addr>().unwrap().octets();
    [&source[..], &[0; 16], &[0x0f, 0xa0, 0, 25]].concat()
}

#[test]
fn binary_headers() {
    check(&v2(0x21, 0x11, &IPV4), "192.0.2.7:4000");
    check(&v2(0x21, 0x21, &ipv6("2001:db8::7")), "[2001:db8::7]:4000");
    check(&v2(0x21, 0x21, &ipv6("::ffff:192.0.2.7")), "192.0.2.7:4000");
    check(&v2(0x20, 0x11, &IPV4), "nobody");
    check(&v2(0x20, 0x00, b"whatever"), "nobody");
    check(&v2(0x21, 0x00, b""), "nobody");
    check(&v2(0x21, 0x31, &[b'/'; 216]), "nobody");
    for (command, family) in [(0x11, 0x11), (0x22, 0x11), (0x21, 0x12), (0x21, 0x41), (0, 0)] {
        check(&v2(command, family, &IPV4), "Kind");
    }
    check(&v2(0x21, 0x21, &IPV4), "Length");
    check(&v2(0x21, 0x31, &IPV4), "Length");
    check(&v2(0x21, 0x11, b""), "Length");
    check(&[&V2_BEGIN[..], &[0x21, 0x11, 0x10, 0x01]].concat(), "Length");
    check(&[&V2_BEGIN[..], &[0x21, 0x11, 0x10, 0x00]].concat(), "more 4096");
    check(&V2_BEGIN[..], "more 4");
}

#[test]
fn values_behind_the_addresses() {
    let with = |values: &[u8]| v2(0x21, 0x11, &[&IPV4[..], values].concat());
    check(&with(&[0xEA, 0, 0]), "192.0.2.7:4000");
    check(&with(&[0xEA, 0, 1, b'x', 0x04, 0, 2, 0, 0]), "192.0.2.7:4000");
    check(&with(&[0xEA, 0, 2, b'x']), "Values");
    check(&with(&[0xEA, 0]), "Values");
    check(&with(&[0x03, 0, 3, 0, 0, 0]), "Values");
    check(&with(&[0x03, 0, 4, 0, 0, 0, 0]), "Checksum");
    let largest = vec![0; V2_REST_MAX - IPV4.len()];
    check(&with(&largest[..largest.len() / 3 * 3]), "192.0.2.7:4000");
}

/// The example of RFC 3720 §B.4, and a header that bears its own sum.
#[test]
fn checksums() {
    assert_eq!(crc32c(&[0; 32], 0..0), 0x8A91_36AA);
    assert_eq!(crc32c(b"123456789", 0..0), 0xE306_9283);
    let mut header =
        v2(0x21, 0x11, &[&IPV4[..], &[0x03, 0, 4, 9, 9, 9, 9], &[0xEA, 0, 0]].concat());
    let place = 31..35;
    let sum = crc32c(&header, place.clone()).to_be_bytes();
    header[place].copy_from_slice(&sum);
    check(&header, "192.0.2.7:4000");
    header[16] ^= 1;
    check(&header, "Checksum");
}

/// Whatever is a header: each beginning of it wants more, and never more than there is.
#[test]
fn every_cut_wants_more_and_never_too_much() {
    let values = [&IPV4[..], &[0xEA, 0, 1, b'x']].concat();
    let headers = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN and more\r\n".to_vec(),
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n".to_vec(),
        v2(0x20, 0x00, b""),
        v2(0x21, 0x11, &values),
        v2(0x21, 0x21, &ipv6("::2")),
    ];
    for header in headers {
        for end in 0..header.len() {
            let more = parse(&header[..end]).unwrap();
            let Progress::More(more) = more else { panic!("{more:?} at {end}") };
            assert!((1..=header.len() - end).contains(&more), "{more} at {end}");
        }
        assert!(matches!(parse(&header), Ok(Progress::Done(_))));
    }
}
