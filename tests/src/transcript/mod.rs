//! Conversations as tests: text files that are replayed against a machine or a server.
//!
//! A transcript's first line says what it proves. Then, one a line:
//!
//! | line | meaning |
//! |---|---|
//! | `# text`, or nothing | a remark; it begins another turn |
//! | `@ key=value ...` | settings of the session, for the [`Conversation`] to understand |
//! | `C: text` | the client sends it, CRLF added; lines that follow one another are sent at once |
//! | `? question -> answer` | policy, asked this, says that; a question without a line is allowed |
//! | `S: text` | the server says it |
//! | `! text` | the server does something else: a trace row, TLS, a close |
//! | `* text` | something else happens: the client is gone, a deadline passes |
//! | `= text` | what is kept when all is over |
//!
//! That is a machine that serves; for one that is a client ([`Conversation::MARKS`]) `S:` and `C:`
//! change places.
//!
//! In `C:` lines `\r`, `\n`, `\t`, `\0`, `\xHH` and `\\` stand for bytes, `\{1000*text}` for `text`
//! a thousand times, and `\c` at the end leaves the CRLF out. `C:` lines before the first `S:` line
//! are sent before the server says anything.
//!
//! Each transcript is replayed whole, byte by byte and at random cuts (the seed is printed;
//! `SEED=n` takes it again): the same must result. `UPDATE=1` rewrites the `S:`, `!` and `=` lines;
//! read the difference before you believe it.

use std::path::PathBuf;

mod format;
mod replay;
mod session;

pub use format::{Marks, Script, Settings};

/// A machine that can be talked to, with someone who answers its questions from the script.
pub trait Conversation {
    /// Who speaks in which lines.
    const MARKS: Marks = Marks::SERVER;
    /// A session that is accepted and has said nothing yet.
    fn begin(settings: &Settings) -> Self;
    /// Lets the machine take a step; its questions are answered here.
    fn next(&mut self, script: &mut Script) -> Next;
    /// What it has to say; it is taken away.
    fn output(&mut self) -> &mut Vec<u8>;
    /// Bytes of the client arrive.
    fn receive(&mut self, bytes: &[u8]);
    /// The handshake of [`Next::StartTls`] is done.
    fn secured(&mut self);
    /// A `*` line.
    fn event(&mut self, event: &str);
    /// What is kept at the end, as in `=` lines.
    fn kept(&mut self) -> Vec<String>;
}

/// What a machine's step came to.
#[derive(Debug)]
pub enum Next {
    /// Nothing that shows: it goes on.
    GoOn,
    /// What it said is to be written, then it goes on.
    Write,
    /// Something for a `!` line.
    Did(String),
    /// It wants to read.
    Read,
    /// It wants a handshake.
    StartTls,
    /// It is over.
    Close,
}

/// Replays every `*.txt` of a folder of `tests/sessions`.
///
/// # Panics
/// With all that went wrong, or if there are fewer than `least` conversations.
pub fn replay<C: Conversation>(folder: &str, least: usize) {
    let folder = crate::root().join("tests/sessions").join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder of transcripts is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let seed = seed();
    println!("SEED={seed}");
    let failures: Vec<String> =
        files.iter().filter_map(|file| replay::file::<C>(file, seed).err()).collect();
    assert!(failures.is_empty(), "SEED={seed}\n{}", failures.join("\n"));
    assert!(files.len() >= least, "only {} conversations were found", files.len());
}

/// `SEED` of the environment, or one that nobody chose.
fn seed() -> u64 {
    let given = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        use std::hash::{BuildHasher, Hasher};
        std::hash::RandomState::new().build_hasher().finish() >> 16
    })
}
