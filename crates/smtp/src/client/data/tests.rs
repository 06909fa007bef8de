//! The encoder by its own: what leaves, and what does not. Against readers: `tests/outbound.rs`.

use super::*;
use proptest::prelude::*;

/// What leaves for a message given in pieces; the first fault.
fn encode(message: &[u8], piece: usize) -> Result<Vec<u8>, Unsendable> {
    let (mut encoder, mut out) = (Encoder::default(), Vec::new());
    for piece in message.chunks(piece) {
        let before = out.len();
        encoder.encode(piece, &mut out)?;
        assert!(out.len() - before <= 2 * piece.len(), "more than twice as much");
    }
    encoder.finish(&mut out)?;
    Ok(out)
}

fn check(message: &[u8], expected: Result<&[u8], Unsendable>) {
    for piece in [1, 2, 3, 7, message.len().max(1)] {
        let out = encode(message, piece);
        let shown = message.get(..60.min(message.len())).unwrap_or_default().escape_ascii();
        assert_eq!(out.as_deref().map_err(|fault| *fault), expected, "{shown} by {piece}");
    }
}

#[test]
fn lines_end_in_crlf_and_dots_are_doubled() {
    check(b"", Ok(b".\r\n"));
    check(b"a\r\nb\r\n", Ok(b"a\r\nb\r\n.\r\n"));
    check(b"a\r\nb", Ok(b"a\r\nb\r\n.\r\n"));
    check(b"a\nb\n", Ok(b"a\r\nb\r\n.\r\n"));
    check(b"a\rb\r", Ok(b"a\r\nb\r\n.\r\n"));
    check(b"\r\r\n\n\r", Ok(b"\r\n\r\n\r\n\r\n.\r\n"));
    check(b".\r\n..\r\n.a.\r\na.\r\n", Ok(b"..\r\n...\r\n..a.\r\na.\r\n.\r\n"));
    check(b".", Ok(b"..\r\n.\r\n"));
    check(b"a\r\n.\r\nMAIL FROM:<x@y>\r\n", Ok(b"a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"));
    for smuggled in [&b"\n.\n"[..], b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"] {
        let message = [b"a", smuggled, b"b"].concat();
        check(&message, Ok(b"a\r\n..\r\nb\r\n.\r\n"));
    }
    check(b"a\r\r\n.\r\r\nb", Ok(b"a\r\n\r\n..\r\n\r\nb\r\n.\r\n"));
}

#[test]
fn what_cannot_be_sent_is_told() {
    check(b"a\0b", Err(Unsendable::Nul));
    check(b"\0", Err(Unsendable::Nul));
    let line = |count: usize| b"x".repeat(count);
    check(&line(999), Err(Unsendable::LineTooLong));
    check(
        &[line(998), b"\n".to_vec(), line(998)].concat(),
        Ok(&[line(998), b"\r\n".to_vec(), line(998), b"\r\n.\r\n".to_vec()].concat()),
    );
    // The doubled dot does not count.
    check(
        &[b".".to_vec(), line(997)].concat(),
        Ok(&[b"..".to_vec(), line(997), b"\r\n.\r\n".to_vec()].concat()),
    );
    check(&[line(999), b"\0".to_vec()].concat(), Err(Unsendable::LineTooLong));
    check(&[line(998), b"\0".to_vec()].concat(), Err(Unsendable::Nul));
}

#[test]
fn a_fault_is_for_ever() {
    let (mut encoder, mut out) = (Encoder::default(), Vec::new());
    assert_eq!(encoder.encode(b"a\0", &mut out), Err(Unsendable::Nul));
    let before = out.clone();
    for more in [&b"b"[..], b"\r\n", b""] {
        assert_eq!(encoder.encode(more, &mut out), Err(Unsendable::Nul));
    }
    assert_eq!(encoder.finish(&mut out), Err(Unsendable::Nul));
    assert_eq!(out, before, "something was written after a fault");
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        pieces in prop::collection::vec(prop_oneof![
            4 => Just(b"\r\n".to_vec()),
            2 => Just(b"\r".to_vec()),
            2 => Just(b"\n".to_vec()),
            4 => Just(b".".to_vec()),
            3 => Just(b"text".to_vec()),
            1 => Just(vec![b'x'; 996]),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ], 0..30),
        size in 1_usize..50,
    ) {
        let message = pieces.concat();
        let whole = encode(&message, message.len().max(1));
        prop_assert_eq!(&encode(&message, 1), &whole);
        prop_assert_eq!(&encode(&message, size), &whole);
    }
}
