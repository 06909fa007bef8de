//! Any bytes at all against a machine: what must be true whatever a peer sends.
//!
//! Shared by the properties, the replay of the corpus and the fuzz targets of the machines.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::fmt::Debug;

/// Invented sessions of each kind; a thousand take a fraction of a second.
const CASES: u32 = 1_000;

/// What a peer sends, and how the rest of the world is while it does.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// Chooses the machine's options.
    pub options: u8,
    /// Chooses the answers to the machine's questions.
    pub answers: u8,
    cuts: u8,
    /// All that the peer sends.
    pub sent: &'a [u8],
}

impl<'a> Session<'a> {
    /// Takes the choices from the first three bytes, if there are so many.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (&[options, answers, cuts], sent) = bytes.split_first_chunk()?;
        Some(Self { options, answers, cuts, sent })
    }

    /// Has the same session twice, all sent at once and in pieces; returns what it came to.
    ///
    /// # Panics
    /// If the pieces make a difference.
    pub fn whole_and_cut<T: Debug + PartialEq>(
        &self,
        talk: impl Fn(&mut dyn Iterator<Item = &'a [u8]>) -> T,
    ) -> T {
        let whole = talk(&mut std::iter::once(self.sent));
        let cut = talk(&mut self.sent.chunks(1 + usize::from(self.cuts % 13)));
        assert_eq!(whole, cut, "the cuts made a difference");
        whole
    }
}

/// Gives invented sessions to `exercise`: most of `words`, half of them behind `start`, which
/// gets a conversation somewhere; and any bytes.
///
/// # Panics
/// If a promise is broken, with the shortest session that does it: it belongs into the corpus.
pub fn invent(words: &'static [&'static str], start: &'static str, exercise: fn(&[u8])) {
    let piece = prop_oneof![
        12 => prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (any::<u8>(), 200_usize..1_200).prop_map(|(byte, count)| vec![byte; count]),
    ];
    let choices = prop::collection::vec(any::<u8>(), 3);
    let pieces = prop::collection::vec(piece, 0..40);
    let session = (choices, any::<bool>(), pieces).prop_map(move |(choices, started, pieces)| {
        let start = if started { start } else { "" };
        [choices, start.into(), pieces.concat()].concat()
    });
    check(session, exercise);
    check(prop::collection::vec(any::<u8>(), 0..600), exercise);
}

fn check(sessions: impl Strategy<Value = Vec<u8>>, exercise: fn(&[u8])) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() };
    let result = TestRunner::new(config).run(&sessions, |bytes| {
        exercise(&bytes);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Session, invent};

    #[test]
    fn a_session_is_cut_as_its_third_byte_says() {
        let session = Session::new(b"ab\x02sending").expect("three bytes and more");
        assert_eq!((session.options, session.answers, session.sent), (b'a', b'b', &b"sending"[..]));
        let whole = session.whole_and_cut(|pieces| pieces.flatten().count());
        assert_eq!(whole, 7);
        assert!(Session::new(b"ab").is_none());
    }

    #[test]
    #[should_panic(expected = "the cuts made a difference")]
    fn a_difference_is_seen() {
        let session = Session::new(b"ab\x02sending").expect("three bytes and more");
        session.whole_and_cut(|pieces| pieces.count());
    }

    #[test]
    #[should_panic(expected = "both words")]
    fn invented_sessions_have_the_words_and_what_breaks_is_told() {
        invent(&["RETR 1\r\n", "QUIT\r\n"], "USER anna\r\n", |bytes| {
            let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
            assert!(!(holds(b"RETR 1\r\n") && holds(b"QUIT\r\n")), "both words");
        });
    }
}
