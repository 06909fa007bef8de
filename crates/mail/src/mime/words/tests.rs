use super::super::Fault;
use super::{decode, decode_noting};
use proptest::prelude::*;

fn check(input: &[u8], expected: &str, faults: &[Fault]) {
    let mut noted = Vec::new();
    let text = decode_noting(input, &mut |fault| noted.push(fault));
    assert_eq!((text.as_str(), noted.as_slice()), (expected, faults), "for {input:?}");
}

#[test]
fn well_formed_words() {
    check(b"plain", "plain", &[]);
    check(b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße", &[]);
    check(b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße", &[]);
    check(b"=?iso-8859-1*de?Q?=FCber_uns?= x", "über uns x", &[]);
    check(b"a =?utf-8?q?b?= c", "a b c", &[]);
    check(b"=?utf-8?q?a?= =?utf-8?q?b?=\t=?iso-8859-1?q?c?=", "abc", &[]);
    check(b"=?utf-8?q?a?= =?utf-8?q?_b?=", "a b", &[]);
    check("=?iso-2022-jp?B?GyRCJCIbKEI=?=".as_bytes(), "あ", &[]);
    check(b"=?gb18030?B?xOO6ww==?=", "你好", &[]);
    check(b"=?utf-16?b?AEE=?=", "A", &[]);
    check(b"=?utf-8?q?=3D=3F?=", "=?", &[]);
}

#[test]
fn characters_split_between_words() {
    check(b"=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü", &[]);
    check(b"=?utf-8?B?w7w=?= =?utf-8?b?w7w=?=", "üü", &[]);
    check(b"=?utf-8?q?=E2=82?=\t=?UTF-8?B?rA==?=", "€", &[]);
}

#[test]
fn malformed_words() {
    check(b"=?", "=?", &[]);
    check(b"=?utf-8?q?open", "=?utf-8?q?open", &[Fault::OddWord]);
    check(b"=?utf-8?x?a?=", "=?utf-8?x?a?=", &[Fault::OddWord]);
    check(b"=?utf 8?q?a?=", "=?utf 8?q?a?=", &[]);
    check(b"=?utf-8?q?a b?=", "a b", &[Fault::OddWord]);
    check(b"=?utf-8?q?=zz?=", "=zz", &[Fault::OddWord]);
    check(b"=?utf-8?b?QU*I=?=", "AB", &[Fault::WordBase64]);
    check(b"=?utf-8?b?QQ?=", "A", &[Fault::WordBase64]);
    check(b"=?utf-8?b?QQ==Qg==?=", "AB", &[Fault::WordBase64]);
    check(b"=?utf-7?q?a?=", "a", &[Fault::UnknownCharset]);
    check(b"x=?utf-8?q?a?=y", "xay", &[]);
    check(b"=?utf-8?q?a=0D=0Ab=00?=", "a  b\u{fffd}", &[]);
}

#[test]
fn words_without_end_take_linear_time() {
    let field = "=?a?q?x".repeat(256 * 1024 / 7);
    assert_eq!(decode(field.as_bytes()), field);
}

#[test]
fn raw_bytes() {
    check("Grüße".as_bytes(), "Grüße", &[Fault::EightBit]);
    check(b"Gr\xfc\xdfe", "Grüße", &[Fault::EightBit]);
    check(b"\xfc =?utf-8?q?=C3=BC?=", "ü ü", &[Fault::EightBit]);
}

/// Encodes as a careless program does: cut anywhere, also inside characters.
fn encode(text: &str, cut: usize) -> String {
    let words = text.as_bytes().chunks(cut).map(|bytes| {
        let escaped: String = bytes.iter().map(|b| format!("={b:02X}")).collect();
        format!("=?utf-8?q?{escaped}?=")
    });
    words.collect::<Vec<_>>().join(" ")
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text in "[^\r\n\0\u{feff}]{0,40}", cut in 1_usize..10) {
        prop_assert_eq!(decode(encode(&text, cut).as_bytes()), text);
    }

    #[test]
    fn anything_can_be_decoded(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = decode(&bytes);
        prop_assert!(!text.contains(['\r', '\n', '\0']));
    }
}
