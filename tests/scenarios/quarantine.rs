//! Mail of a quarantined sender is held, and comes out of the quarantine as it went in.

use crate::server::{Server, run, text};
use crate::talk::Talk;
use serde_json::{Value, json};

/// A message with a line for the body; anything that a release could spoil is in it.
fn message(subject: &str) -> String {
    format!(
        "From: Carl <carl@held.example>\r\nSubject: {subject}\r\nX-Odd:   kept  \r\n\tas it is\r\n\
         Date: Tue, 24 Nov 2026 18:45:15 +0000\r\n\r\n..two dots\r\n.\r\n"
    )
}

/// Sends it from the held sender, to all of these; the reply to the data.
fn send(server: &Server, to: &[&str], subject: &str) -> String {
    let mut talk: Talk = server.smtp();
    talk.say("EHLO mx.held.example");
    talk.say("MAIL FROM:<carl@held.example>");
    for one in to {
        let reply = talk.say(&format!("RCPT TO:<{one}>"));
        assert!(reply.starts_with("250 "), "{one}: {reply}");
    }
    assert!(talk.say("DATA").starts_with("354 "));
    talk.send(message(subject).as_bytes());
    talk.reply()
}

fn held(server: &Server, args: &[&str]) -> Vec<Value> {
    let listed = server.admin(&[&["quarantine", "list"], args].concat());
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

/// All that a user can read over POP3.
fn read(server: &Server, n: usize) -> String {
    let (user, password) = server.user(n);
    let port = server.port("pop3s").to_string();
    let script = "import poplib, ssl, sys\n\
                  port, user, password = sys.argv[1:]\n\
                  context = ssl._create_unverified_context()\n\
                  box = poplib.POP3_SSL('127.0.0.1', int(port), context=context)\n\
                  box.user(user); box.pass_(password)\n\
                  for n in range(box.stat()[0]):\n    \
                  sys.stdout.buffer.write(b'\\n'.join(box.retr(n + 1)[1]) + b'\\n')\n\
                  box.quit()\n";
    text(&run("python3", &["-c", script, &port, &user, &password]))
}

fn is_clean(server: &Server) {
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

#[test]
fn what_is_held_is_released_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let ((anna, _), (ben, _)) = (server.user(0), server.user(1));
    server.admin(&["access", "add", "From:held.example", "QUARANTINE:look at it first"]);
    let reply = send(&server, &[&anna, &ben], "first");
    assert!(reply.starts_with("250 "), "{reply}");
    assert_eq!(server.messages(), 0);
    let rows = held(&server, &[]);
    let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&first["recipient"], &second["recipient"]), (&json!(anna), &json!(ben)));
    assert_eq!(first["reason"], json!("access_quarantined"));
    assert_eq!(held(&server, &["--recipient", &ben.to_uppercase()]).len(), 1);
    assert_eq!(held(&server, &["--reason", "virus_found"]).len(), 0);
    is_clean(&server);

    let (id, other) = (first["id"].to_string(), second["id"].to_string());
    let shown = text(&server.plain_output(&["quarantine", "show", &id]));
    for line in ["Subject: first", "From: carl@held.example", "look at it first", "quarantined"] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    let asked = server.admin(&["quarantine", "request", &id, "--by", &anna]);
    assert_eq!(asked["result"], json!("done"), "{asked}");
    assert_eq!(held(&server, &["--requested"]).len(), 1);

    // It is released past the rule that caught it, and one that would refuse it.
    server.admin(&["subject", "add", "first"]);
    let done = server.admin(&["quarantine", "release", &id]);
    assert_eq!(done["result"], json!("done"), "{done}");
    let whole = read(&server, 0);
    let sent = message("first").replace("\r\n..two", "\n.two").replace("\r\n.\r\n", "\n");
    assert!(whole.ends_with(&sent.replace("\r\n", "\n")), "{whole}");
    assert!(whole.starts_with("Return-Path: <carl@held.example>\n"), "{whole}");
    assert!(whole.contains("\nReceived: from "), "{whole}");
    let again = server.admin_output(&["quarantine", "release", &id]);
    assert!(!again.status.success() && text(&again).contains("released"), "{}", text(&again));
    let trace = text(&server.plain_output(&["trace", &first["message"].to_string()]));
    assert!(trace.contains("released") && trace.contains("requested"), "{trace}");

    // Exported as it came, byte for byte, for its owner alone; then deleted.
    let file = folder.path().join("held.eml");
    server.admin(&["quarantine", "export", &other, "--output", &file.to_string_lossy()]);
    let raw = std::fs::read_to_string(&file).unwrap();
    assert_eq!(raw, message("first").replace("\r\n..two", "\r\n.two").replace("\r\n.\r\n", "\r\n"));
    let refused = server.plain_output(&["quarantine", "export", &other, "--output", "/nowhere/x"]);
    assert!(!refused.status.success(), "{}", text(&refused));
    let printed = server.plain_output(&["quarantine", "export", &other]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout), raw);
    server.admin(&["quarantine", "delete", &other]);
    assert_eq!(held(&server, &[]).len(), 0);
    assert_eq!(held(&server, &["--all"]).len(), 2);
    assert_eq!(read(&server, 1), "");
    is_clean(&server);
}

#[test]
fn what_is_held_survives_a_restart_and_goes_to_whom_the_administrator_names() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "From:held.example QUARANTINE:once";
    let server = Server::start(folder.path());
    let ((anna, _), (ben, _)) = (server.user(0), server.user(1));
    let (key, value) = rule.split_once(' ').unwrap();
    server.admin(&["access", "add", key, value]);
    assert!(send(&server, &[&anna], "second").starts_with("250 "));
    drop(server);
    // The demo makes its users anew at each start, and keeps what it has.
    let server = Server::start(folder.path());
    let rows = held(&server, &[]);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    let id = row["id"].to_string();
    let nobody = server.admin_output(&["quarantine", "release", &id, "--to", "nobody@x.example"]);
    assert!(!nobody.status.success(), "{}", text(&nobody));
    server.admin(&["quarantine", "release", &id, "--to", &ben]);
    assert_eq!(server.messages(), 0);
    assert!(read(&server, 1).contains("Subject: second"));
    is_clean(&server);
}
