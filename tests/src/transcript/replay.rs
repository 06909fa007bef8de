//! Replaying one transcript in several ways of cutting, and comparing.

use super::Conversation;
use super::format::{Transcript, shown};
use super::session::Session;
use std::fmt::Write;
use std::path::Path;

/// Random ways of cutting, besides whole and byte by byte.
const RANDOM_CUTS: u64 = 12;

#[derive(Debug, Clone, Copy)]
enum Cuts {
    Whole,
    Bytes,
    Random(u64),
}

/// Replays `path` in every way; the error tells what differs.
pub(super) fn file<C: Conversation>(path: &Path, seed: u64) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let expected =
        Transcript::parse(&text, C::MARKS).map_err(|e| format!("{}: {e}", path.display()))?;
    let random = (0..RANDOM_CUTS).map(|n| Cuts::Random(seed ^ (n << 48) ^ (n + 1)));
    for cuts in [Cuts::Whole, Cuts::Bytes].into_iter().chain(random) {
        let actual = replay::<C>(&expected, cuts)
            .map_err(|what| format!("{} ({cuts:?}): {what}", path.display()))?;
        if matches!(cuts, Cuts::Whole) && std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, actual.write()).map_err(|error| error.to_string())?;
            return file_again::<C>(path, seed);
        }
        if let Some(difference) = difference(&expected.write(), &actual.write()) {
            return Err(format!("{} ({cuts:?}):\n{difference}", path.display()));
        }
    }
    Ok(())
}

/// After an update the other ways of cutting still have to agree.
fn file_again<C: Conversation>(path: &Path, seed: u64) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let expected = Transcript::parse(&text, C::MARKS)?;
    for cuts in [Cuts::Bytes, Cuts::Random(seed)] {
        let actual = replay::<C>(&expected, cuts)?;
        if let Some(difference) = difference(&expected.write(), &actual.write()) {
            return Err(format!("{} ({cuts:?}):\n{difference}", path.display()));
        }
    }
    Ok(())
}

/// The transcript with what really happened in place of what was expected.
fn replay<C: Conversation>(expected: &Transcript, cuts: Cuts) -> Result<Transcript, String> {
    let mut actual = expected.clone();
    let mut conversation = Session::<C>::new(&expected.settings);
    let mut random = Random(match cuts {
        Cuts::Random(seed) => seed | 1,
        _ => 1,
    });
    for (index, turn) in actual.turns.iter_mut().enumerate() {
        let mut script = turn.script()?;
        if index > 0 {
            conversation.turn(&mut script);
        }
        if let Some(event) = &turn.event {
            conversation.event(event, &mut script);
        }
        let bytes = turn.bytes()?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let size = match cuts {
                Cuts::Whole => rest.len(),
                Cuts::Bytes => 1,
                Cuts::Random(_) => random.cut(rest.len()),
            };
            let (piece, later) = rest.split_at(size);
            conversation.receive(piece, &mut script);
            rest = later;
        }
        if index == 0 {
            conversation.open(&mut script);
        }
        turn.said = lines(&conversation.said())?;
        turn.did = conversation.did();
        let left: Vec<&str> = script.left().collect();
        if !left.is_empty() {
            return Err(format!("in turn {index} nobody asked: {}", left.join("; ")));
        }
    }
    actual.kept = conversation.kept();
    Ok(actual)
}

/// The server's bytes as lines; each must end in CRLF.
fn lines(said: &[u8]) -> Result<Vec<String>, String> {
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let Some(whole) = said.strip_suffix(b"\r\n") else {
        return Err(format!("the server's last line does not end in CRLF: {}", shown(said)));
    };
    let text = shown(whole);
    Ok(text.split("\\r\\n").map(|line| line.trim_end().to_owned()).collect())
}

/// The first lines that differ, with what led to them.
fn difference(expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (mut left, mut right) = (expected.lines(), actual.lines());
    let mut text = String::new();
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {
                let _ = writeln!(text, "    {}", short(a));
            }
            (a, b) => {
                let _ = writeln!(text, "  - {}", short(a.unwrap_or("(nothing)")));
                let _ = writeln!(text, "  + {}", short(b.unwrap_or("(nothing)")));
                return Some(text);
            }
        }
    }
}

fn short(line: &str) -> String {
    line.chars().take(200).collect()
}

/// Xorshift: enough to cut with, and the same everywhere for one seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A piece of 1 to `most` bytes, mostly small.
    fn cut(&mut self, most: usize) -> usize {
        let scale = 1 << (self.next() % 12);
        let size = 1 + (self.next() % scale) as usize;
        size.min(most)
    }
}
