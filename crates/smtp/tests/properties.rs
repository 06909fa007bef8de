//! What must be true whatever a peer sends: on invented sessions, and on what fuzzing has found.

mod exercise;

use exercise::exercise;
use tests::{corpus, machine};

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
    "AUTH SCRAM-SHA-256 biwsbj1hLHI9eA==\r\n",
    "Yz1iaXdzLHI9eG91cnMscD1jSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Y0hBPQ==\r\n",
    "AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsLG49YSxyPXg=\r\n",
    "Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xEYzNOemMzTnpjM056YzNOemMzTnpj\
        M056YzNOemMzTnpjM056YzNOemMzLHI9eG91cnMscD1jSEJ3Y0hCd2NIQndjSEJ3Y0hCd2NI\
        QndjSEJ3Y0hCd2NIQndjSEJ3Y0hBPQ==\r\n",
    "QUIT\r\n",
    "VRFY anna\r\n",
];

/// Gets a conversation somewhere.
const START: &str = "EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n";

#[test]
fn promises_hold_on_invented_sessions() {
    machine::invent(WORDS, START, exercise);
}

#[test]
fn promises_hold_on_the_corpus() {
    corpus::replay("smtp_machine", 10, exercise);
}
