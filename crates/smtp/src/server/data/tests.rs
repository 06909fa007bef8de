//! The reader against a plain description of what it must do.

#![expect(clippy::indexing_slicing, reason = "a test may stop where it stands")]

use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits { size_max: 400, header_size_max: 200 };

/// All that a body came to.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    text: Vec<u8>,
    fault: Option<Fault>,
    ended_at: Option<usize>,
    repaired: bool,
}

fn read(input: &[u8], cuts: impl Fn(usize) -> usize, limits: Limits, repair: bool) -> Told {
    let mut reader = Reader::new(limits, repair);
    let mut told = Told { text: Vec::new(), fault: None, ended_at: None, repaired: false };
    let mut at = 0;
    let mut upto = 0;
    'all: while upto < input.len() {
        upto = (upto + cuts(upto).max(1)).min(input.len());
        while at < upto {
            let (used, found) = reader.read(&input[at..upto]);
            let piece = &input[at..at + used];
            at += used;
            match found {
                Found::Nothing => {}
                Found::Text => told.text.extend_from_slice(piece),
                Found::LineEnd => told.text.extend_from_slice(b"\r\n"),
                Found::Refused(fault) => {
                    assert_eq!(told.fault, None, "refused twice");
                    told.fault = Some(fault);
                    told.text.clear();
                }
                Found::End | Found::Endless => {
                    told.ended_at = Some(at);
                    break 'all;
                }
            }
        }
    }
    if told.fault.is_some() {
        told.text.clear();
    }
    told.repaired = told.fault.is_none() && reader.was_repaired();
    told
}

/// The same from the whole input, line by line, as a person would do it with a pencil.
fn by_hand(input: &[u8]) -> Told {
    let mut ends = input.windows(5).position(|five| five == b"\r\n.\r\n").map(|at| at + 5);
    if input.starts_with(b".\r\n") {
        ends = Some(3);
    }
    let body = &input[..ends.unwrap_or(input.len())];
    let bare = |at: usize| match body[at] {
        0 => Some(Fault::Nul),
        b'\n' if at == 0 || body[at - 1] != b'\r' => Some(Fault::BareLf),
        b'\r' if body.get(at + 1).is_some_and(|next| *next != b'\n') => Some(Fault::BareCr),
        _ => None,
    };
    let fault = (0..body.len()).find_map(bare);
    let mut text = Vec::new();
    if fault.is_none() {
        let whole = if ends.is_some() { &body[..body.len() - 3] } else { body };
        let mut at_start = true;
        for (at, byte) in whole.iter().enumerate() {
            // Behind a dot at a line's start, CR may still be the end.
            let open = ends.is_none() && whole[at..] == *b"\r" && whole[..at].ends_with(b"\n.");
            let open = open || (ends.is_none() && whole == b".\r" && at == 1);
            if !(open || at_start && *byte == b'.') {
                text.push(*byte);
            }
            at_start = *byte == b'\n';
        }
    }
    Told { text, fault, ended_at: ends, repaired: false }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        3 => Just(b".".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\0".to_vec()),
        4 => Just(b"text".to_vec()),
        1 => Just(b"\r\n.\r\n".to_vec()),
        1 => Just(b"\r\n.".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn as_by_hand(input in bytes()) {
        let limits = Limits { size_max: u64::MAX, header_size_max: usize::MAX };
        prop_assert_eq!(read(&input, |_| usize::MAX / 2, limits, false), by_hand(&input));
    }

    #[test]
    fn cuts_change_nothing(
        input in bytes(),
        times in 1_usize..20,
        sizes in prop::collection::vec(1_usize..40, 1..8),
        repair: bool,
    ) {
        let input = input.repeat(times);
        let whole = read(&input, |_| usize::MAX / 2, LIMITS, repair);
        prop_assert_eq!(&read(&input, |_| 1, LIMITS, repair), &whole);
        prop_assert_eq!(&read(&input, |at| sizes[at % sizes.len()], LIMITS, repair), &whole);
    }

    #[test]
    fn repaired_text_is_clean(input in bytes()) {
        let told = read(&input, |_| usize::MAX / 2, LIMITS, true);
        let text = String::from_utf8_lossy(&told.text).replace("\r\n", "");
        // The last CR may be half of a line end that was not sent.
        let text = text.strip_suffix('\r').unwrap_or(&text);
        prop_assert!(!text.contains(['\r', '\n', '\0']), "{:?}", told);
    }
}

#[test]
fn the_first_fault_is_told() {
    let check = |input: &[u8], expected| {
        for size in [1, 2, 3, 7, input.len()] {
            let told = read(input, |_| size, LIMITS, false);
            assert_eq!(told.fault, Some(expected), "{:?} by {size}", input.escape_ascii());
        }
    };
    check(b"a\0b\nc\rd", Fault::Nul);
    check(b"a\nb\0", Fault::BareLf);
    check(b"a\r\0", Fault::BareCr);
    check(b"a\r\r\n", Fault::BareCr);
    check(b".\rx", Fault::BareCr);
    check(b".\n", Fault::BareLf);
    check(&[b"x".repeat(201), b"\0".to_vec()].concat(), Fault::HeaderTooLarge);
    check(&[b"x".repeat(200), b"\0".to_vec()].concat(), Fault::Nul);
    check(&[b"\r\n".to_vec(), b"x".repeat(399), b"\n".to_vec()].concat(), Fault::TooLarge);
    check(&[b"\r\n".to_vec(), b"x".repeat(398), b"\n".to_vec()].concat(), Fault::BareLf);
}

#[test]
fn text_leaves_in_large_slices() {
    let line = b"The quick brown fox jumps over the lazy dog, and the lazy dog sleeps on.\r\n";
    let slices = |lines: usize| {
        let input = line.repeat(lines);
        let mut reader = Reader::new(Limits { size_max: 1 << 30, header_size_max: 1 << 30 }, false);
        let mut calls = 0;
        for piece in input.chunks(65_536) {
            let mut piece = piece;
            while !piece.is_empty() {
                let (used, found) = reader.read(piece);
                assert_eq!(found, Found::Text);
                piece = &piece[used..];
                calls += 1;
            }
        }
        calls
    };
    let (one, ten) = (slices(14_000), slices(140_000));
    assert!(one <= 17, "{one} slices for 1 MiB in 16 pieces");
    assert!(ten <= 15 * one, "{ten} slices for ten times the input, {one} for one");
}

#[test]
fn swallowing_has_an_end() {
    let mut reader = Reader::new(Limits { size_max: 10, header_size_max: 10 }, false);
    let piece = vec![b'x'; 1 << 20];
    let mut fed = 0_u64;
    loop {
        let (used, found) = reader.read(&piece);
        fed += used as u64;
        if found == Found::Endless {
            break;
        }
        assert!(fed < 2 * SWALLOW_MIN, "a refused message is swallowed for ever");
    }
}
