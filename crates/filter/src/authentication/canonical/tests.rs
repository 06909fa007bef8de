use super::{BodyCanonicalizer, Canonicalization};
use proptest::prelude::*;

fn field(how: Canonicalization, field: &str) -> String {
    let mut out = Vec::new();
    how.field(field.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn body(how: Canonicalization, pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut canonicalizer = BodyCanonicalizer::new(how);
    for piece in pieces {
        canonicalizer.push(piece, &mut |bytes| out.extend_from_slice(bytes));
    }
    canonicalizer.finish(&mut |bytes| out.extend_from_slice(bytes));
    out
}

/// The same, said in the plainest way: RFC 6376 §3.4.3 and §3.4.4 line by line.
fn slowly(how: Canonicalization, bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        if rest.starts_with(b"\r\n") {
            lines.push(Vec::new());
            rest = behind.split_first().map_or(behind, |(_, rest)| rest);
        } else {
            lines.last_mut().into_iter().for_each(|line| line.push(first));
            rest = behind;
        }
    }
    if how == Canonicalization::Relaxed {
        for line in &mut lines {
            let mut out: Vec<u8> = Vec::new();
            for &byte in line.iter() {
                let byte = if byte == b'\t' { b' ' } else { byte };
                if byte != b' ' || out.last() != Some(&b' ') {
                    out.push(byte);
                }
            }
            if out.last() == Some(&b' ') {
                out.pop();
            }
            *line = out;
        }
    }
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    if lines.is_empty() {
        let empty = if how == Canonicalization::Simple { "\r\n" } else { "" };
        return empty.into();
    }
    let mut out = lines.join(&b"\r\n"[..]);
    out.extend_from_slice(b"\r\n");
    out
}

#[test]
fn fields_as_the_standard_shows_them() {
    // RFC 6376 §3.4.5
    for (text, relaxed) in [
        ("A: X\r\n", "a:X\r\n"),
        ("B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"),
        ("Subject:\r\n  x\r\n", "subject:x\r\n"),
        ("SUBJect:\t a \t b\r\n\r\n", "subject:a b\r\n"),
        ("X:\r\n", "x:\r\n"),
        ("X: a\r\n \r\n b\r\n", "x:a b\r\n"),
        ("X: \u{fc}:\u{fc} ", "x:\u{fc}:\u{fc}\r\n"),
        ("X: a\rb\n", "x:a\rb\r\n"),
    ] {
        assert_eq!(field(Canonicalization::Relaxed, text), relaxed, "{text:?}");
    }
    for (text, simple) in [
        ("A: X\r\n", "A: X\r\n"),
        ("B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n"),
        ("A: X", "A: X\r\n"),
    ] {
        assert_eq!(field(Canonicalization::Simple, text), simple, "{text:?}");
    }
}

#[test]
fn bodies_as_the_standard_shows_them() {
    for (text, simple, relaxed) in [
        // RFC 6376 §3.4.5
        (" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"),
        ("", "\r\n", ""),
        ("\r\n", "\r\n", ""),
        ("\r\n\r\n\r\n", "\r\n", ""),
        (" \t\r\n \r\n", " \t\r\n \r\n", ""),
        ("a", "a\r\n", "a\r\n"),
        ("a\r\n", "a\r\n", "a\r\n"),
        ("a\r\n\r\nb", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
        ("a\r\n \r\n", "a\r\n \r\n", "a\r\n"),
        ("a ", "a \r\n", "a\r\n"),
        ("\r\na", "\r\na\r\n", "\r\na\r\n"),
        ("a\rb\nc\r", "a\rb\nc\r\r\n", "a\rb\nc\r\r\n"),
        ("a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n"),
        ("a \r b", "a \r b\r\n", "a \r b\r\n"),
        ("a\r\n\r", "a\r\n\r\r\n", "a\r\n\r\r\n"),
    ] {
        for (how, expected) in
            [(Canonicalization::Simple, simple), (Canonicalization::Relaxed, relaxed)]
        {
            let out = body(how, &[text.as_bytes()]);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{how:?} {text:?}");
            assert_eq!(slowly(how, text.as_bytes()), out, "{how:?} {text:?}");
        }
    }
}

#[test]
fn many_empty_lines_come_out_whole() {
    let text = [b"a".to_vec(), b"\r\n".repeat(10_001), b"b".to_vec()].concat();
    let out = body(Canonicalization::Relaxed, &[&text]);
    assert_eq!(out, [text, b"\r\n".to_vec()].concat());
}

proptest! {
    #[test]
    fn cuts_make_no_difference_and_the_plain_way_agrees(
        picks in prop::collection::vec(prop::sample::select(&b"\r\n \tab"[..]), 0..60),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut cuts: Vec<usize> = at.iter().map(|at| at.index(picks.len() + 1)).collect();
        cuts.extend([0, picks.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts
            .windows(2)
            .filter_map(|ends| picks.get(*ends.first()?..*ends.last()?))
            .collect();
        for how in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let expected = slowly(how, &picks);
            prop_assert_eq!(&body(how, &pieces), &expected);
            // What is canonical stays as it is.
            prop_assert_eq!(body(how, &[&expected]), expected);
        }
    }
}
