//! One body in all its decodings.

use super::{mixed, see};

/// All contents of the second part, in order.
fn contents(encoding: &str, body: &str) -> Vec<Vec<u8>> {
    let message = mixed(&format!(
        "Content-Type: application/x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
    ));
    let (seen, _) = see(message.as_bytes());
    seen.into_iter().filter(|item| item.part == Some(2)).map(|item| item.content).collect()
}

/// Each expected content is there; where `only`, nothing else.
fn check(encoding: &str, body: &str, expected: &[&[u8]], only: bool) {
    let found = contents(encoding, body);
    for content in expected {
        assert!(
            found.iter().any(|f| f == content),
            "{content:?} is not among {found:?} of {body:?}"
        );
    }
    assert!(!only || found.len() == expected.len(), "{found:?} of {body:?}");
    assert_eq!(
        found.first().map(Vec::as_slice),
        expected.first().copied(),
        "preferred of {body:?}"
    );
}

#[test]
fn base64() {
    check("base64", "QUJDREVG\r\n", &[b"ABCDEF"], true);
    check("base64", "QUJD\r\nREU=\r\n", &[b"ABCDE"], true);
    check("base64", "", &[b""], true);
    check("base64", "QU!JD", &[b"ABC", b"A"], false);
    // Padding that restarts, stops, is skipped.
    check("base64", "QQ==QkM=", &[b"ABC", b"A"], false);
    check("base64", "QQ=QUJD", &[b"AABC", b"A", b"A\x04\x14$"], false);
    check("base64", "=QUJD", &[b"ABC", b""], false);
    check("base64", "QUI\r\nQ0Q\r\n", &[b"AB\x10\xd1", b"ABCD"], false);
    check("base64", "QUJDQ", &[b"ABC"], false);
    check("base64", "-_8=", &[b"", b"\xfb\xff"], false);
}

#[test]
fn quoted_printable() {
    check("quoted-printable", "a=3Db=\r\nc", &[b"a=bc"], true);
    check("quoted-printable", "a=3db", &[b"a=b", b"a=3db"], true);
    check("quoted-printable", "a=\t \r\nb", &[b"ab", b"a=\t \r\nb"], false);
    check("quoted-printable", "a==41", &[b"a=A", b"a=41", b"aA"], false);
    check("quoted-printable", "a=Zb=", &[b"a=Zb", b"aZb", b"a=Zb="], false);
    check("quoted-printable", "a \t\r\nb", &[b"a \t\r\nb", b"a\r\nb"], true);
}

#[test]
fn words() {
    let body = "QUJD";
    check("BASE64", body, &[b"ABC"], true);
    for word in ["\"base64\"", "base64;", "base64 (x)", "base64 8bit"] {
        check(word, body, &[b"ABC", b"QUJD"], true);
    }
    for word in ["base-64", "x-base64", "(x", "strange", "base641"] {
        let found = contents(word, body);
        let has = |content: &[u8]| found.iter().any(|f| f == content);
        assert!(has(b"ABC") && has(b"QUJD"), "{word}: {found:?}");
    }
    check("7bit", body, &[b"QUJD"], true);
    check("x-uuencode", "#04)#", &[b"#04)#", b"ABC"], true);
    check("x-yenc", "kl", &[b"kl", b"AB"], true);
}
