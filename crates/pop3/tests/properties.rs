//! What must be true whatever a peer sends: on invented sessions, and on what fuzzing has found.

mod exercise;

use exercise::exercise;
use tests::{corpus, machine};

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
    "AUTH SCRAM-SHA-256 biwsbj1hLHI9eA==\r\n",
    "Yz1iaXdzLHI9eG91cnMscD1jSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Y0hBPQ==\r\n",
    "AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsLG49YSxyPXg=\r\n",
    "Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xEYzNOemMzTnpjM056YzNOemMzTnpj\
        M056YzNOemMzTnpjM056YzNOemMzLHI9eG91cnMscD1jSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NI\
        QndjSEJ3Y0hCd2NIQndjSEJ3Y0hBPQ==\r\n",
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

/// Gets a conversation somewhere.
const START: &str = "USER anna\r\nPASS secret\r\n";

#[test]
fn promises_hold_on_invented_sessions() {
    machine::invent(WORDS, START, exercise);
}

#[test]
fn promises_hold_on_the_corpus() {
    corpus::replay("pop3_machine", 10, exercise);
}
