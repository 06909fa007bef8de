use super::super::ambiguity::Ambiguity;
use super::Checker;
use crate::mime::TransferEncoding;
use proptest::prelude::*;

fn run(encoding: TransferEncoding, body: &[u8], cut: usize) -> Vec<(Ambiguity, u64)> {
    let (mut checker, mut found, mut at) = (Checker::of(encoding), Vec::new(), 0);
    for piece in body.chunks(cut) {
        checker.feed(piece, at, &mut |ambiguity, at| found.push((ambiguity, at)));
        at += piece.len() as u64;
    }
    checker.end(at, &mut |ambiguity, at| found.push((ambiguity, at)));
    found
}

#[test]
fn places_are_told() {
    let base64 = |body: &[u8]| run(TransferEncoding::Base64, body, 100);
    assert_eq!(
        base64(b"QUJD\r\nQ*JD\r\n"),
        [
            (Ambiguity::Base64Junk, 7),
            (Ambiguity::Base64OddLine, 11),
            (Ambiguity::Base64CutShort, 12),
        ]
    );
    assert_eq!(base64(b"QQ==\r\nQUJD\r\n"), [(Ambiguity::Base64AfterPadding, 6)]);
    let quoted = |body: &[u8]| run(TransferEncoding::QuotedPrintable, body, 100);
    assert_eq!(quoted(b"a=3D=\r\nb=3"), []);
    assert_eq!(quoted(b"a=3D=\rb"), [(Ambiguity::QuotedPrintableOdd, 6)]);
    assert_eq!(
        quoted(b"=3d=3D=3g"),
        [(Ambiguity::QuotedPrintableLowerCase, 2), (Ambiguity::QuotedPrintableOdd, 8),]
    );
}

#[test]
fn the_alphabet_is_exact() {
    for b in 0..=u8::MAX {
        let expected = b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        assert_eq!(super::is_alphabet(&[b]), expected, "for {b}");
    }
}

proptest! {
    #[test]
    fn cuts_change_nothing(body in "[AB=*\r\n 3dg]{0,40}", cut in 1_usize..8) {
        for encoding in [TransferEncoding::Base64, TransferEncoding::QuotedPrintable] {
            let whole = run(encoding, body.as_bytes(), 100);
            prop_assert_eq!(run(encoding, body.as_bytes(), cut), whole);
        }
    }

    /// What our own encoder writes is never odd.
    #[test]
    fn proper_base64_passes(content in prop::collection::vec(any::<u8>(), 0..100)) {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(content);
        let lines: Vec<_> = text.as_bytes().chunks(76).collect();
        prop_assert_eq!(run(TransferEncoding::Base64, &lines.join(&b"\r\n"[..]), 13), []);
    }
}
