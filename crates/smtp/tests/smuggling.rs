//! Smuggled ends of data: everything that some server has taken for the end of a message, and is
//! not CRLF.CRLF.
//!
//! Each variant stands within a body, followed by a second message as a smuggler would write it. It
//! must never end the first one; neither may it when cut at any place.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::{Door, MessageId};
use smtp::server::{Action, Answer, Machine, Options, Question};

/// What may stand on either side of the dot.
const AROUND: &[&str] = &[
    "", "\r", "\n", "\r\n", "\n\r", "\r\r", "\n\n", "\r\r\n", "\r\n\r", "\0", "\r\n\0", "\r\0\n",
    "\0\r\n", "\r\n ", " \r\n", " \n", "\n ", "\r ", " ", "\t", "\t\r\n", "\r\n\t", "\x0b", "\x0c",
    "\u{85}", "\u{2028}", "\r\n\x08", "\x1a",
];
/// What may stand in place of the dot.
const DOTS: &[&str] = &[".", "..", ". .", "\u{ff0e}"];

/// Whether the variant ends a message in the eyes of the standard.
fn is_end(variant: &str) -> bool {
    variant.contains("\r\n.\r\n")
}

/// What became of a session.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Outcome {
    kept: Vec<Vec<u8>>,
    senders: usize,
    abandoned: usize,
    replies: String,
}

fn talk(pieces: &[&[u8]], repair: bool) -> Outcome {
    let mut machine = Machine::new(Options {
        door: Door::Smtp,
        hostname: "mail.example.org".to_owned(),
        size_max: 100_000,
        header_size_max: 100_000,
        recipients_max: 100,
        errors_max: 50,
        tls_offered: true,
        tls_active: false,
        auth: false,
        bare_lf_repair: repair,
    });
    let mut outcome =
        Outcome { kept: Vec::new(), senders: 0, abandoned: 0, replies: String::new() };
    let mut body = Vec::new();
    let mut pieces = pieces.iter();
    loop {
        match machine.next() {
            Action::Read => match pieces.next() {
                Some(piece) => machine.receive(piece),
                None => machine.eof(),
            },
            Action::Body(bytes) => body.extend_from_slice(bytes),
            Action::Abandon => {
                body.clear();
                outcome.abandoned += 1;
            }
            Action::Ask(Question::Message) => {
                outcome.kept.push(std::mem::take(&mut body));
                machine.answer(Answer::Accepted(MessageId(1)));
            }
            Action::Ask(question) => {
                outcome.senders += usize::from(matches!(question, Question::Sender { .. }));
                machine.answer(Answer::Allow);
            }
            Action::StartTls | Action::Note(..) | Action::Remark(..) => {}
            Action::Close => break,
        }
    }
    outcome.replies = String::from_utf8(machine.output().clone()).expect("replies are ASCII");
    outcome
}

fn session(variant: &str) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut bytes = b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n\
        RCPT TO:<anna@example.org>\r\nDATA\r\n"
        .to_vec();
    let from = bytes.len();
    bytes.extend_from_slice(b"Subject: one\r\n\r\nfirst");
    bytes.extend_from_slice(variant.as_bytes());
    let to = bytes.len();
    bytes.extend_from_slice(
        b"MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n\
        Subject: smuggled\r\n\r\nsecond\r\n.\r\nQUIT\r\n",
    );
    (bytes, from..to)
}

fn variants() -> Vec<String> {
    let mut variants = Vec::new();
    for dot in DOTS {
        for before in AROUND {
            for after in AROUND {
                variants.push(format!("{before}{dot}{after}"));
            }
        }
    }
    // Ends within ends.
    variants
        .extend(["\r\n.\n.\r\n", "\n.\r\n.\n", "\r\n.\r.\r\n", "\n.\n\r\n.\n"].map(String::from));
    variants
}

#[test]
fn no_variant_is_an_end() {
    let all = variants();
    let smuggled: Vec<_> = all.iter().filter(|variant| !is_end(variant)).collect();
    assert!(smuggled.len() >= 300, "only {} variants", smuggled.len());
    for repair in [false, true] {
        for variant in &smuggled {
            let (bytes, at) = session(variant);
            let whole = talk(&[&bytes], repair);
            assert_eq!(whole.senders, 1, "{variant:?} ended the message (repair {repair})");
            assert_eq!(whole.kept.len() + whole.abandoned, 1, "{variant:?}");
            if let Some(kept) = whole.kept.first() {
                let text = String::from_utf8_lossy(kept);
                assert!(text.ends_with("second\r\n"), "{variant:?} kept as {text:?}");
                let clean = text.replace("\r\n", "");
                assert!(!clean.contains(['\r', '\n', '\0']), "{variant:?} kept as {text:?}");
            }
            // Byte by byte, and in two at each place around the dot.
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(talk(&bytewise, repair), whole, "{variant:?}, byte by byte");
            for cut in at.start..at.end + 2 {
                let (one, two) = bytes.split_at(cut);
                assert_eq!(talk(&[one, two], repair), whole, "{variant:?}, cut at {cut}");
            }
        }
    }
}

#[test]
fn bare_line_ends_and_nul_are_never_kept() {
    for variant in variants() {
        let faulty = {
            let rest = variant.replace("\r\n", "");
            rest.contains(['\r', '\n', '\0'])
        };
        if faulty && !is_end(&variant) {
            let (bytes, _) = session(&variant);
            let outcome = talk(&[&bytes], false);
            assert!(outcome.kept.is_empty(), "{variant:?} was kept");
            assert!(outcome.replies.contains("\r\n550 5.6.0 "), "{variant:?}: {outcome:?}");
        }
    }
}

#[test]
fn the_true_end_is_one() {
    for variant in variants().iter().filter(|variant| variant.starts_with("\r\n.\r\n")) {
        let (bytes, _) = session(variant);
        let outcome = talk(&[&bytes], false);
        let first = outcome.kept.first().map(Vec::as_slice);
        assert_eq!(first, Some(b"Subject: one\r\n\r\nfirst\r\n".as_slice()), "{variant:?}");
    }
}
