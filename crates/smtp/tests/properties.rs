//! What must be true whatever a peer sends: on invented sessions, and on what fuzzing has found.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

#[expect(unreachable_pub, reason = "the fuzz target uses it too")]
mod exercise;

use exercise::exercise;
use proptest::prelude::*;
use std::path::Path;

/// Words of a conversation, so that invented ones get somewhere.
const WORDS: &[&str] = &[
    "EHLO client.example\r\n",
    "HELO x\r\n",
    "MAIL FROM:<a@b.example>\r\n",
    "MAIL FROM:<> SIZE=50 BODY=8BITMIME SMTPUTF8\r\n",
    "RCPT TO:<anna@example.org>\r\n",
    "RCPT TO:<Postmaster>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\ntext\r\n",
    ".\r\n",
    "\r\n.\r\n",
    "..\r\n",
    "\n.\n",
    "\r",
    "\n",
    "\0",
    " ",
    "RSET\r\n",
    "NOOP\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN AGFubmEAc2VjcmV0\r\n",
    "AUTH LOGIN\r\n",
    "YW5uYQ==\r\n",
    "*\r\n",
    "QUIT\r\n",
    "VRFY anna\r\n",
];

fn session() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (any::<u8>(), 400_usize..1_200).prop_map(|(byte, count)| vec![byte; count]),
    ];
    let start = Just(b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n".to_vec());
    (any::<[u8; 3]>(), any::<bool>(), start, prop::collection::vec(piece, 0..40)).prop_map(
        |(head, started, start, pieces)| {
            let start = if started { start } else { Vec::new() };
            [head.to_vec(), start, pieces.concat()].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_on_invented_sessions(bytes in session()) {
        exercise(&bytes);
    }

    #[test]
    fn promises_hold_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        exercise(&bytes);
    }
}

#[test]
fn promises_hold_on_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/smtp_machine");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        exercise(&std::fs::read(path).expect("a readable file"));
        count += 1;
    }
    assert!(count >= 10, "only {count} files in the corpus");
}
