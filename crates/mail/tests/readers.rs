//! Everything that other readers extract from broken messages is in the union of all readings.
//!
//! The readers: Python's email package, MIME-tools (MIMEDefang's reader), munpack and ripmime, as
//! Debian has them (`cargo xtask setup`). The messages are made of families of evasion and
//! payloads (`readers/nasty.rs`).

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

#[path = "readers/nasty.rs"]
mod nasty;

use mail::index::Index;
use mail::union::{UnionLimits, read};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a reader extracted.
struct Extracted {
    message: String,
    reader: String,
    content: Vec<u8>,
}

#[test]
fn the_union_holds_what_every_reader_extracts() {
    let folder = tempfile::tempdir().expect("a folder");
    let messages = nasty::messages();
    assert!(messages.len() >= 150, "only {} messages", messages.len());
    let mails = folder.path().join("mails");
    fs::create_dir(&mails).expect("a folder");
    let unix = folder.path().join("unix");
    fs::create_dir(&unix).expect("a folder");
    for (name, message) in &messages {
        fs::write(mails.join(name), message).expect("written");
        fs::write(unix.join(name), unix_lines(message)).expect("written");
    }
    let mut extracted = printed(Command::new("python3").arg("-c").arg(PYTHON).arg(&mails));
    extracted.extend(printed(Command::new("perl").arg("-e").arg(PERL).arg(&mails)));
    for name in messages.keys() {
        let mail = mails.join(name);
        let out = folder.path().join(format!("munpack-{name}"));
        fs::create_dir(&out).expect("a folder");
        let munpack = Command::new("munpack").arg("-tqC").arg(&out).arg(unix.join(name)).output();
        extracted.extend(files(name, "munpack", &munpack.expect("munpack runs"), &out));
        let out = folder.path().join(format!("ripmime-{name}"));
        fs::create_dir(&out).expect("a folder");
        let ripmime = Command::new("ripmime").arg("-i").arg(&mail).arg("-d").arg(&out).output();
        extracted.extend(files(name, "ripmime", &ripmime.expect("ripmime runs"), &out));
    }
    let missing = missing(&messages, &extracted);
    let by_reader = extracted.iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item.reader.as_str()).or_insert(0) += 1;
        counts
    });
    println!("{} messages, extracted: {by_reader:?}", messages.len());
    for reader in ["python", "mime-tools", "munpack", "ripmime"] {
        assert!(by_reader.get(reader).is_some_and(|count| *count > 100), "{reader} sees nothing");
    }
    assert!(missing.is_empty(), "{} are missing:\n{}", missing.len(), missing.join("\n"));
}

/// Message, reader and what it gives that is nobody's content.
const ODD: [(&str, &str, &str); 1] =
    [("33-cr-end-of-header", "ripmime", "the first line of base64, as text, with all else lost")];

const PYTHON: &str = include_str!("readers/readers.py");
const PERL: &str = include_str!("readers/readers.pl");

fn printed(command: &mut Command) -> Vec<Extracted> {
    let output = command.stderr(Stdio::null()).output().expect("the reader runs");
    assert!(output.status.success(), "{command:?} fails");
    let text = String::from_utf8(output.stdout).expect("text");
    let item = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (message, reader, hex) = (word(), word(), word());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        let content = (0..hex.len()).step_by(2).map(byte).collect();
        Extracted { message: message.to_owned(), reader: reader.to_owned(), content }
    };
    text.lines().map(item).filter(|item| item.reader != "python-fails").collect()
}

fn files(message: &str, reader: &str, output: &Output, folder: &Path) -> Vec<Extracted> {
    assert!(output.status.code().is_some(), "{reader} crashed");
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = fs::read(path).expect("a file");
            let (message, reader) = (message.to_owned(), reader.to_owned());
            found.push(Extracted { message, reader, content });
        }
    }
    found
}

/// As a Unix mailbox has it: munpack knows no other.
fn unix_lines(message: &[u8]) -> Vec<u8> {
    let behind = message.iter().skip(1).chain([&0]);
    let pairs = message.iter().zip(behind).filter(|pair| *pair != (&b'\r', &b'\n'));
    pairs.map(|(byte, _)| *byte).collect()
}

/// What is not in the union, a line each.
fn missing(messages: &BTreeMap<String, Vec<u8>>, extracted: &[Extracted]) -> Vec<String> {
    let mut unions: BTreeMap<&str, HashSet<Vec<u8>>> = BTreeMap::new();
    for (name, message) in messages {
        let seen = unions.entry(name).or_default();
        let index = Index::of(message);
        read(message, &index, &UnionLimits::default(), &mut |item| {
            seen.insert(comparable(item.content));
            ControlFlow::Continue(())
        });
    }
    let mut missing = Vec::new();
    for item in extracted {
        let content = comparable(&item.content);
        let seen = &unions[item.message.as_str()];
        let odd = ODD
            .iter()
            .any(|(name, reader, _)| item.message.starts_with(name) && item.reader == *reader);
        if !content.is_empty() && !odd && !seen.contains(&content) {
            let shown = String::from_utf8_lossy(&item.content).into_owned();
            let shown: String = shown.chars().take(300).collect();
            missing.push(format!("{} {} {shown:?}", item.message, item.reader));
        }
    }
    missing
}

/// Readers write line ends as their system has them, munpack and ripmime write the end of a file
/// as a byte of 255, and delimiters between parts are nobody's content.
fn comparable(content: &[u8]) -> Vec<u8> {
    let lines = content.split(|b| matches!(b, b'\r' | b'\n'));
    let mut content: Vec<u8> = Vec::new();
    let mut only_delimiters = true;
    for line in lines {
        only_delimiters &= line.is_empty() || line.starts_with(b"--");
        content.extend(line);
    }
    if only_delimiters {
        return Vec::new();
    }
    let end = content.iter().rposition(|b| *b != 255).map_or(0, |at| at + 1);
    content.truncate(end);
    content.trim_ascii().to_vec()
}
