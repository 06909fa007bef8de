//! What strangers may and may not do.

use crate::server::{Server, run, text};
use crate::talk::Talk;

#[test]
fn nmap_finds_no_open_relay() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let port = server.port("smtp").to_string();
    let output = run("nmap", &["-Pn", "-p", &port, "--script", "+smtp-open-relay", "127.0.0.1"]);
    let shown = text(&output);
    assert!(shown.contains("doesn't seem to be an open relay"), "{shown}");
}

#[test]
fn only_the_true_end_of_data_ends_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\n.\r", "\r.\r\n"] {
        let mut talk = server.smtp();
        let smuggled = format!(
            "Subject: outer\r\n\r\nouter{end}MAIL FROM:<admin@gatepost.example>\r\n\
             RCPT TO:<{anna}>\r\nDATA\r\nSubject: inner\r\n\r\ninner\r\n"
        );
        let reply = talk.send_message(&anna, &smuggled);
        assert!(reply.starts_with("550 5.6.0"), "{end:?}: {reply}");
        assert!(talk.say("NOOP").starts_with("250"), "{end:?}: the session is out of step");
    }
    assert_eq!(server.messages(), 0);
}

#[test]
fn one_address_may_not_take_all_connections() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(folder.path(), "[limits]\nconnections_per_address = 3\n");
    let held: Vec<Talk> = (0..3).map(|_| server.smtp()).collect();
    let mut refused = Talk::connect(server.port("smtp"));
    assert!(refused.reply().starts_with("421 "));
    drop(held);
}

#[test]
fn data_behind_starttls_ends_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut talk = server.smtp();
    talk.say("EHLO client.example");
    talk.send(b"STARTTLS\r\nMAIL FROM:<evil@elsewhere.example>\r\n");
    let mut answers = Vec::new();
    loop {
        let line = talk.line();
        if line.is_empty() {
            break;
        }
        answers.push(line);
    }
    assert!(!answers.iter().any(|a| a.contains("2.1.0")), "{answers:?}");
}
