//! What holds for any bytes.

use super::see;
use crate::index::{Index, Inside};
use crate::union::{Marks, Source, base64, is_plain, quoted};
use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

/// Pieces that messages are made of, so that any order of them is a message of some kind.
const PIECES: [&str; 20] = [
    "MIME-Version: 1.0\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: multipart/mixed; boundary=bc\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "Content-Disposition: attachment; filename=a\r\n",
    "\r\n",
    "\n",
    "\r",
    "--b\r\n",
    "--bc\r\n",
    "--b--\r\n",
    "QUJDREVGR0hJSktM\r\n",
    "begin 644 a\r\n#04)#\r\nend\r\n",
    "=ybegin name=a\r\nkl\r\n=yend\r\n",
    "=41=\r\n",
    "text\r\n",
    " ",
    "\0",
];

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        see(&bytes);
    }

    #[test]
    fn any_pieces_are_read(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let message: String = pieces.into_iter().map(|at| PIECES[at]).collect();
        let (_, outcome) = see(message.as_bytes());
        // In some orders there is no end of readings; none of them counts as a clear message.
        prop_assert!(outcome.incomplete.is_none() || outcome.is_ambiguous());
    }

    #[test]
    fn what_is_plain_has_nothing_inside(texts in proptest::collection::vec("[a-z\n =:(-]{0,30}", 1..4)) {
        let parts: String = texts.iter().map(|text| format!("--b\r\n\r\n{text}\r\n")).collect();
        let parts = parts.replace('\n', "\r\n").replace("\r\r", "\r");
        let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
        let message = format!("{head}\r\n{parts}--b--\r\n");
        let index = Index::of(message.as_bytes());
        let found = index.parts.iter().filter(|part| part.inside == Inside::Content).any(|part| {
            let mut marks = Marks::new(part.encoding);
            marks.feed(&message.as_bytes()[part.body.start as usize..part.body.end as usize]);
            marks.finish()
        });
        if is_plain(&index) && !found {
            let (seen, outcome) = see(message.as_bytes());
            prop_assert!(seen.iter().all(|item| item.source == Source::Part), "{seen:?}");
            prop_assert!(!outcome.is_ambiguous());
        }
    }

    #[test]
    fn base64_in_lines_is_what_was_encoded(
        bytes in proptest::collection::vec(any::<u8>(), 0..40_000),
        width in 1_usize..40,
    ) {
        let code = STANDARD.encode(&bytes);
        let lines = code.as_bytes().chunks(width * 4).map(|line| [line, b"\r\n"].concat());
        let text = lines.collect::<Vec<_>>().concat();
        let mut out = Vec::new();
        prop_assert!(base64::clean(&text, &mut out));
        prop_assert_eq!(&out, &bytes);
        base64::lenient(&text, &mut out);
        prop_assert_eq!(&out, &bytes);
    }

    #[test]
    fn what_is_clean_is_read_in_one_way(text in "[A-D=!\r\n]{0,40}") {
        let mut clean = Vec::new();
        if base64::clean(text.as_bytes(), &mut clean) {
            base64::readings(text.as_bytes(), &mut Vec::new(), &mut |reading| {
                assert_eq!(reading, clean, "of {text:?}");
                true
            });
        }
    }

    #[test]
    fn quoted_printable_is_what_was_encoded(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let code: String = bytes.iter().map(|b| format!("={b:02X}=\r\n")).collect();
        let mut readings = Vec::new();
        quoted::readings(code.as_bytes(), &mut Vec::new(), &mut |reading| {
            readings.push(reading.to_vec());
            true
        });
        prop_assert_eq!(readings, vec![bytes]);
    }
}
