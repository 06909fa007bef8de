//! Replies as servers write them, and as nobody should.

#![expect(clippy::indexing_slicing, reason = "a test may stop where it stands")]

use super::*;
use proptest::prelude::*;

/// All replies in the input, then what ended them.
fn read(input: &[u8], piece: usize) -> (Vec<Heard>, Option<Garbage>) {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    for piece in input.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let (used, found) = reader.read(rest);
            assert!(used > 0, "nothing was used");
            assert!(reader.line.len() <= LINE_MAX + 1);
            assert!(reader.size <= SIZE_MAX + LINE_MAX && reader.lines.len() <= LINES_MAX + 1);
            rest = &rest[used..];
            match found {
                None => {}
                Some(Ok(heard)) => all.push(heard),
                Some(Err(garbage)) => return (all, Some(garbage)),
            }
        }
    }
    (all, None)
}

#[test]
fn replies() {
    let check = |input: &[u8], expected: &[&str]| {
        for piece in [1, 2, 3, 7, input.len()] {
            let (heard, garbage) = read(input, piece);
            let shown: Vec<String> = heard.iter().map(|heard| heard.reply().to_string()).collect();
            assert_eq!(shown, expected, "{:?} by {piece}", input.escape_ascii());
            assert_eq!(garbage, None);
        }
    };
    check(b"250 ok\r\n", &["250 ok"]);
    check(b"250\r\n250 \r\n", &["250", "250"]);
    check(b"250-one\r\n250-two\r\n250 three\r\n354 go\r\n", &["250 one two three", "354 go"]);
    check(b"550-5.1.1 No such\r\n550 5.1.1 user\r\n", &["550 5.1.1 No such user"]);
    check(b"550-5.1.1 No such user\r\n550 5.7.1\r\n", &["550 5.1.1 No such user 5.7.1"]);
    check(b"452 4.5.3\r\n", &["452 4.5.3"]);
    // An enhanced code of another class is text, so is what only looks like one.
    check(b"550 4.1.1 x\r\n", &["550 4.1.1 x"]);
    check(
        b"250 192.0.2.1 x\r\n550 5.1 x\r\n550 5.1.1234 x\r\n",
        &["250 192.0.2.1 x", "550 5.1 x", "550 5.1.1234 x"],
    );
    check(b"550 a\rb\nc\0d\x1b[31m\xc3\xa9\t\r\n", &["550 a b c d [31m??"]);
    check(b"550 no\n250 ok\r\n", &["550 no 250 ok"]);
    check(b"599 x\r\n", &["599 x"]);
    check(b"550 half a li", &[]);
}

#[test]
fn an_enhanced_code_is_one_of_the_same_class() {
    let enhanced = |text: &str| {
        let (heard, _) = read(text.as_bytes(), 64);
        heard.first().and_then(|heard| heard.reply().enhanced)
    };
    assert_eq!(enhanced("550 5.1.1 x\r\n"), Some((5, 1, 1)));
    assert_eq!(enhanced("550 5.999.0\r\n"), Some((5, 999, 0)));
    assert_eq!(enhanced("550 4.1.1 x\r\n"), None);
    assert_eq!(enhanced("354 3.0.0 x\r\n"), None);
    assert_eq!(enhanced("550 5.1.1.1 x\r\n"), None);
    assert_eq!(enhanced("550 5..1 x\r\n"), None);
}

#[test]
fn garbage() {
    let check = |input: &[u8], expected| {
        for piece in [1, 2, 3, 1_000, input.len()] {
            let (_, garbage) = read(input, piece);
            let shown = input.get(..40.min(input.len())).unwrap_or_default().escape_ascii();
            assert_eq!(garbage, Some(expected), "{shown} by {piece}");
        }
    };
    for input in ["\r\n", "25\r\n", "SSH-2.0-x\r\n", "100 x\r\n", "600 x\r\n", "250x\r\n"] {
        check(input.as_bytes(), Garbage::NoCode);
    }
    check(b"2\x0050 x\r\n", Garbage::NoCode);
    check(b"\xb2\xb5\xb0 x\r\n", Garbage::NoCode);
    check(b"250 ok\r\nHTTP/1.1 400 Bad Request\r\n", Garbage::NoCode);
    check(b"250-ok\r\n550 no\r\n", Garbage::CodesDiffer);
    check(&b"2".repeat(10 << 20), Garbage::LineTooLong);
    check(&b"\n".repeat(LINE_MAX + 1), Garbage::LineTooLong);
    check(&b"250-x\r\n".repeat(LINES_MAX + 1), Garbage::TooLong);
    let line = [b"250-".to_vec(), b"x".repeat(LINE_MAX - 6), b"\r\n".to_vec()].concat();
    check(&line.repeat(17), Garbage::TooLong);
    let (heard, garbage) = read(&line, line.len());
    assert_eq!((heard.len(), garbage), (0, None), "a line of the greatest length is good");
}

#[test]
fn the_text_that_is_kept_is_short() {
    let input = [b"550-x\r\n".repeat(LINES_MAX - 1), b"550 ".to_vec(), b"y".repeat(4_000)].concat();
    let (heard, garbage) = read(&[input, b"\r\n".to_vec()].concat(), 50);
    assert_eq!(garbage, None);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].reply().text.len(), TEXT_MAX);
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        pieces in prop::collection::vec(prop_oneof![
            4 => Just(b"250 ok\r\n".to_vec()),
            4 => Just(b"250-more\r\n".to_vec()),
            2 => Just(b"550 5.1.1 no\r\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => Just(b"\n".to_vec()),
            1 => Just(vec![b'x'; 3_000]),
            1 => prop::collection::vec(any::<u8>(), 0..12),
        ], 0..30),
        size in 1_usize..50,
    ) {
        let input = pieces.concat();
        let whole = read(&input, input.len().max(1));
        prop_assert_eq!(&read(&input, 1), &whole);
        prop_assert_eq!(&read(&input, size), &whole);
        for heard in whole.0 {
            let reply = heard.reply();
            prop_assert!((200..600).contains(&reply.code) && reply.text.len() <= TEXT_MAX);
            prop_assert!(reply.text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
