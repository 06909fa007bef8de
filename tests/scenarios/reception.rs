//! What strangers may and may not do.

use crate::server::{Server, run, text};
use crate::talk::Talk;
use std::time::{Duration, Instant};

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

#[test]
fn who_talks_before_the_greeting_is_sent_away() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[limits]\ngreeting_pause_ms = 2000\n";
    let server = Server::with_settings(folder.path(), settings);
    let mut talk = Talk::connect(server.port("smtp"));
    // Not at once: it is the pause that catches it.
    std::thread::sleep(Duration::from_millis(300));
    assert!(talk.say("EHLO hasty.example").starts_with("554 "), "the early talker is not greeted");
    assert_eq!(talk.line(), "");
    // Who waited and brought mail is greeted at once from then on.
    server.deliver("patience");
    let begun = Instant::now();
    drop(server.smtp());
    assert!(begun.elapsed() < Duration::from_millis(1500), "a known client waits again");
}

#[test]
fn what_is_discarded_can_be_traced_by_the_number_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    let (ben, _) = server.user(1);
    let added = server.admin_output(&["access", "add", &format!("To:{ben}"), "DISCARD"]);
    assert!(added.status.success(), "{}", text(&added));
    let mut talk = server.smtp();
    let only = talk.send_message(&ben, "Subject: none\r\n\r\nnone\r\n");
    assert_eq!(events(&server, &only), ["discarded", "message"]);
    for command in ["MAIL FROM:<carol@elsewhere.example>", &format!("RCPT TO:<{ben}>")] {
        assert!(talk.say(command).starts_with("250 "));
    }
    assert!(talk.say(&format!("RCPT TO:<{anna}>")).starts_with("250 "));
    assert!(talk.say("DATA").starts_with("354 "));
    let both = talk.say("Subject: one\r\n\r\none\r\n.");
    assert_eq!(events(&server, &both), ["delivered", "discarded", "message"]);
    assert_eq!(server.messages(), 1);
    let fsck = server.admin_output(&["fsck"]);
    assert!(fsck.status.success(), "{}", text(&fsck));
}

#[test]
fn what_the_session_saw_is_told_of_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(
        folder.path(),
        "[[smtp.networks]]\nnet = \"127.0.0.1\"\nbare_lf = \"repair\"\n",
    );
    let (anna, _) = server.user(0);
    let long = "x".repeat(65_536);
    let message = format!("Subject: old printer\r\n\r\nbare\nend\r\n{long}\r\n");
    let reply = server.smtp().send_message(&anna, &message);
    assert_eq!(events(&server, &reply), ["delivered", "finding", "finding", "message"]);
    let reply = server.smtp().send_message(&anna, &format!("Subject: x\r\n\r\n{long}xyz\r\n"));
    assert!(reply.starts_with("552 "), "{reply}");
}

#[test]
fn a_quota_holds_for_what_is_announced_and_for_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let small = "small@gatepost.example";
    let added =
        server.admin_output(&["account", "add", small, "--hash", "{PLAIN}x", "--quota", "2000"]);
    assert!(added.status.success(), "{}", text(&added));
    let mut talk = server.smtp();
    talk.say("EHLO client.example");
    assert!(talk.say("MAIL FROM:<carol@elsewhere.example> SIZE=3000").starts_with("250 "));
    assert!(talk.say(&format!("RCPT TO:<{small}>")).starts_with("452 4.2.2"));
    let lines = "0123456789012345678901234567890123456789\r\n".repeat(70);
    let unannounced = talk.send_message(small, &format!("Subject: x\r\n\r\n{lines}"));
    assert!(unannounced.starts_with("452 4.2.2"), "{unannounced}");
    let rows = server.admin(&["trace", small])["value"]["rows"].clone();
    let told = rows.as_array().unwrap().iter().filter(|row| row["reason"] == "mailbox_full");
    let events: Vec<_> = told.map(|row| row["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["recipient", "message"], "both refusals are in the trace");
    assert!(talk.send_message(small, "Subject: x\r\n\r\nfits\r\n").starts_with("250 "));
}

/// The events of a message in the trace, sorted, by the number in its 250.
fn events(server: &Server, reply: &str) -> Vec<String> {
    let number = reply.strip_prefix("250 2.0.0 OK, kept as ").unwrap_or_else(|| panic!("{reply}"));
    let rows = server.admin(&["trace", number]);
    let rows = rows["value"]["rows"].as_array().or(rows["value"].as_array()).unwrap();
    let mut events: Vec<String> =
        rows.iter().map(|row| row["event"].as_str().unwrap().to_owned()).collect();
    events.sort();
    events
}
