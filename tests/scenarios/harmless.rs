//! Honest mail that filters have refused or broken arrives as it was sent, to the byte.

use crate::server::{Server, run, text};
use serde_json::Value;

#[test]
fn honest_mail_arrives_as_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let made = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/harmless.py");
    let output = run("python3", &[script, &made.path().display().to_string()]);
    assert!(output.status.success(), "{}", text(&output));
    let server = Server::start(folder.path());
    let (user, password) = server.user(0);
    let mut sent = Vec::new();
    for entry in std::fs::read_dir(made.path()).unwrap() {
        let path = entry.unwrap().path();
        let message = std::fs::read_to_string(&path).unwrap();
        let answer = server.smtp().send_message(&user, &message);
        assert!(answer.starts_with("250 "), "{}: {answer}", path.display());
        sent.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), message));
    }
    assert!(sent.len() >= 15, "{}", sent.len());
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/attachments.py");
    let output = run("python3", &[reader, &server.port("pop3s").to_string(), &user, &password]);
    let mailbox: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let arrived: Vec<&str> = mailbox.iter().filter_map(|one| one["raw"].as_str()).collect();
    let lost: Vec<&str> = sent
        .iter()
        .filter(|(_, message)| !arrived.iter().any(|raw| raw.ends_with(message.as_str())))
        .map(|(name, _)| name.as_str())
        .collect();
    let held = server.admin(&["quarantine", "list"]);
    assert!(lost.is_empty() && arrived.len() == sent.len(), "{lost:?} {held}");
}
