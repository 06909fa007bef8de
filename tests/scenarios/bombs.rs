//! Messages that are made to be too much: each has an answer soon, and the server stands.

use crate::server::{Server, run, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one may take from its first byte to its answer; much less where nobody else computes.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

fn bombs(folder: &Path) -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/bombs.py");
    let output = run("python3", &[script, &folder.display().to_string()]);
    assert!(output.status.success(), "{}", text(&output));
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn held(server: &Server) -> Vec<Value> {
    let listed = server.admin(&["quarantine", "list"]);
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

#[test]
fn what_is_too_much_is_held_and_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    let made = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    let mut wrong = Vec::new();
    for (name, message) in bombs(made.path()) {
        let (messages, rows) = (server.messages(), held(&server).len());
        let began = Instant::now();
        let answer = server.smtp().send_message(&anna, &message);
        let took = began.elapsed();
        let new = held(&server);
        let newest = new.iter().max_by_key(|row| row["id"].as_i64()).cloned().unwrap_or_default();
        let is_refused = answer.starts_with("55");
        let is_held = answer.starts_with("250 ")
            && new.len() == rows + 1
            && newest["reason"] == "too_complex";
        let is_nowhere = server.messages() == messages;
        if !(is_refused || is_held) || !is_nowhere || took > ANSWER_LIMIT {
            wrong.push(format!("{name}: {answer:?}, {}, {took:?}", newest["reason"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let workers = &server.admin(&["status"])["value"]["workers"];
    assert_eq!(workers["crashed"], 0, "{workers}");
    server.deliver("after the bombs");
}

/// Everything below a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        all.insert(path.display().to_string());
        if entry.file_type().unwrap().is_dir() {
            all.extend(files(&path));
        }
    }
    all
}

#[test]
fn nothing_is_written_under_a_name_from_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    // The first brings what the server makes for any.
    server.deliver("first");
    let names = ["../../stolen.exe", "/tmp/stolen.exe", "a\\..\\stolen.exe", "stolen%00.exe"];
    for name in names {
        let encoded = name.replace("%00", "%00%0A");
        let message = format!(
            "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream;\r\n \
             name=\"{name}\"; name*=utf-8''{encoded}\r\n\r\nMZ stolen\r\n"
        );
        let answer = server.smtp().send_message(&anna, &message);
        assert!(answer.starts_with("250 "), "{answer}");
    }
    let here = std::env::current_dir().unwrap();
    for place in [folder.path(), Path::new("/tmp"), &here] {
        let listed: Vec<String> = match place == folder.path() {
            true => files(place).into_iter().collect(),
            false => std::fs::read_dir(place)
                .unwrap()
                .flatten()
                .map(|entry| entry.path().display().to_string())
                .collect(),
        };
        assert!(!listed.iter().any(|path| path.contains("stolen")), "{listed:?}");
    }
}
