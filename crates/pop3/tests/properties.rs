//! What must be true whatever a peer sends: on invented sessions, and on what fuzzing has found.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

#[expect(unreachable_pub, reason = "the fuzz target uses it too")]
mod exercise;

use exercise::exercise;
use proptest::prelude::*;
use std::path::Path;

/// Words of a conversation, so that invented ones get somewhere.
const WORDS: &[&str] = &[
    "CAPA\r\n",
    "STLS\r\n",
    "UTF8\r\n",
    "USER anna@example.org\r\n",
    "PASS secret\r\n",
    "AUTH PLAIN AGFubmEAc2VjcmV0\r\n",
    "AUTH PLAIN\r\n",
    "AGFubmEAc2VjcmV0\r\n",
    "*\r\n",
    "STAT\r\n",
    "LIST\r\n",
    "LIST 2\r\n",
    "UIDL\r\n",
    "UIDL 3\r\n",
    "RETR 1\r\n",
    "RETR 3\r\n",
    "TOP 1 1\r\n",
    "TOP 3 0\r\n",
    "DELE 1\r\n",
    "DELE 2\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "QUIT",
    "\r\n",
    "\r",
    "\n",
    "\0",
    " ",
];

fn session() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (any::<u8>(), 200_usize..400).prop_map(|(byte, count)| vec![byte; count]),
    ];
    let start = Just(b"USER anna\r\nPASS secret\r\n".to_vec());
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/pop3_machine");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("a readable folder").path();
        exercise(&std::fs::read(path).expect("a readable file"));
        count += 1;
    }
    assert!(count >= 10, "only {count} files in the corpus");
}
