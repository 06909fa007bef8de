//! What must be true whatever a server sends: on invented sessions, and on what fuzzing has found.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

#[path = "exercise/client.rs"]
mod exercise;

use exercise::exercise;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tests::{corpus, machine};

/// Words of a server, so that invented conversations get somewhere. `\x01` ends a turn.
const WORDS: &[&str] = &[
    "220 mx.example.net ESMTP\r\n\x01",
    "250 ok\r\n\x01",
    "250 2.1.5 ok\r\n",
    "250-mx.example.net\r\n250-PIPELINING\r\n250 DSN\r\n\x01",
    "250-mx.example.net\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 5000\r\n\x01",
    "250-mx.example.net\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n\x01",
    "250-more\r\n",
    "220 go\r\n\x01",
    "334 VXNlcm5hbWU6\r\n\x01",
    "235 2.7.0 ok\r\n\x01",
    "354 go\r\n\x01",
    "354 go\r\n",
    "221 bye\r\n",
    "421 closing\r\n",
    "450 4.2.1 busy\r\n\x01",
    "452 4.5.3 too many\r\n",
    "550 5.1.1 no\r\n\x01",
    "550 no\r\n",
    "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n\x01",
    "\x01",
    "\r",
    "\n",
    "\0",
    "\u{e4}",
];

/// Gets a conversation to its first transaction.
const START: &str = "220 hi\r\n\x01250-hi\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
    250-AUTH PLAIN\r\n250 REQUIRETLS\r\n\x01";

#[test]
fn promises_hold_on_invented_sessions() {
    machine::invent(WORDS, START, |bytes| {
        exercise(bytes);
    });
}

#[test]
fn promises_hold_on_the_corpus() {
    corpus::replay("smtp_client", 12, |bytes| {
        exercise(bytes);
    });
}

/// One reply of a server that mostly does what it should: `yes`, else something else.
fn reply(yes: &'static str) -> impl Strategy<Value = &'static str> {
    prop_oneof![
        12 => Just(yes),
        2 => Just("550 5.1.1 no\r\n"),
        2 => Just("450-4.2.1 not\r\n450 4.2.1 now\r\n"),
        1 => Just("452 4.5.3 too many\r\n"),
        1 => prop::sample::select(WORDS),
    ]
}

/// A session with three transactions of three recipients each; one by one, or in groups.
fn sessions() -> impl Strategy<Value = Vec<u8>> {
    let envelope = (reply("250 ok\r\n"), prop::collection::vec(reply("250 ok\r\n"), 3));
    let transaction = (envelope, reply("354 go\r\n"), reply("250 2.0.0 kept\r\n"));
    let transactions = prop::collection::vec(transaction, 3);
    let choices = (any::<bool>(), 0_u8..64, any::<u8>());
    (choices, transactions).prop_map(|((grouped, answers, cuts), transactions)| {
        let mut turns = vec!["220 mx.example.net\r\n\x01"];
        turns.push(match grouped {
            true => "250-mx.example.net\r\n250-DSN\r\n250 PIPELINING\r\n\x01",
            false => "250 mx.example.net\r\n\x01",
        });
        let next = if grouped { "" } else { "\x01" };
        for ((mail, recipients), data, message) in transactions {
            turns.extend([mail, next]);
            turns.extend(recipients.into_iter().flat_map(|recipient| [recipient, next]));
            turns.extend([data, "\x01", message, "\x01"]);
        }
        [vec![2, answers, cuts], turns.concat().into_bytes()].concat()
    })
}

#[test]
fn promises_hold_on_sessions_that_get_somewhere() {
    let (mut sent, mut runner) = (0, TestRunner::deterministic());
    for _ in 0..2_000 {
        let session = sessions().new_tree(&mut runner).expect("a session").current();
        // Shown only if the test fails; the last one is it.
        println!("{}", session.escape_ascii());
        sent += exercise(&session);
    }
    assert!(sent > 500, "only {sent} messages were sent");
}
