//! The anti-malware test file is caught in every wrapping, with no scanner installed.

use crate::server::{Server, run, text};
use serde_json::Value;

/// The wrappings: name and message.
fn wrappings() -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/viruses.py");
    let output = run("python3", &[script]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

fn held(server: &Server) -> Vec<Value> {
    let listed = server.admin(&["quarantine", "list"]);
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

#[test]
fn eicar_in_every_wrapping_is_held_and_reaches_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    let all = wrappings();
    assert!(all.len() >= 20, "{}", all.len());
    let mut missed = Vec::new();
    for (name, message) in &all {
        let (messages, rows) = (server.messages(), held(&server).len());
        let answer = server.smtp().send_latin1(&anna, message);
        let new = held(&server);
        let newest = new.iter().max_by_key(|row| row["id"].as_i64()).cloned().unwrap_or_default();
        let is_held = new.len() == rows + 1 && newest["reason"] == "virus_found";
        if !answer.starts_with("250 ") || server.messages() != messages || !is_held {
            missed.push(format!("{name}: {answer:?}, {}", newest["reason"]));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), all.len(), missed.join("\n"));
}
