//! What senders hear of their mail (RFC 3461): as much as they ask for, and strangers nothing.

use crate::sending::{Sink, told};
use crate::server::{Server, run, text};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Sends a message of the first user after a log-in: MAIL's parameters, and recipients with theirs.
fn submit(server: &Server, mail: &str, recipients: &[(&str, &str)]) {
    let (address, password) = server.user(0);
    let script = "import smtplib, ssl, sys\n\
                  port, user, password, mail, *to = sys.argv[1:]\n\
                  client = smtplib.SMTP('127.0.0.1', int(port))\n\
                  client.starttls(context=ssl._create_unverified_context())\n\
                  client.login(user, password)\n\
                  assert client.has_extn('dsn')\n\
                  def wants(reply): assert reply[0] == 250, reply\n\
                  wants(client.mail(user, mail.split()))\n\
                  for n in range(0, len(to), 2): wants(client.rcpt(to[n], to[n + 1].split()))\n\
                  wants(client.data(f'From: {user}\\r\\nSubject: Minutes\\r\\n\\r\\nThe body.\\r\\n'))\n\
                  client.quit()\n\
                  print('sent')\n";
    let port = server.port("submission").to_string();
    let mut args = vec!["-c", script, &port, &address, &password, mail];
    args.extend(recipients.iter().flat_map(|(to, options)| [*to, *options]));
    let output = text(&run("python3", &args));
    assert_eq!(output.trim(), "sent");
}

fn site(folder: &Path, extensions: &[&str]) -> (Sink, Server) {
    let sink = Sink::offering(folder, extensions);
    let smarthost = format!("[send]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port);
    let server = Server::with_settings(folder, &smarthost);
    (sink, server)
}

/// The messages in a user's INBOX, once there are as many.
fn inbox(server: &Server, user: usize, folder: &Path, count: usize) -> Vec<String> {
    let (address, _) = server.user(user);
    let begun = Instant::now();
    loop {
        let out = folder.join(format!("out-{}", begun.elapsed().as_nanos()));
        server.admin(&["mailbox", "export", &address, "INBOX", &out.to_string_lossy()]);
        let mut mails = Vec::new();
        collect(&out, &mut mails);
        if mails.len() >= count {
            return mails;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {count} came", mails.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn collect(path: &Path, mails: &mut Vec<String>) {
    if path.is_file() {
        mails.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten() {
        collect(&entry.unwrap().path(), mails);
    }
}

fn consistent(server: &Server) {
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

#[test]
fn a_sender_hears_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (_sink, server) = site(folder.path(), &[]);
    let (ben, _) = server.user(1);
    submit(
        &server,
        "RET=FULL ENVID=QQ+2B1",
        &[
            (&ben, "NOTIFY=SUCCESS ORCPT=rfc822;old+2Bben@old.example"),
            ("nobody@far.example", "NOTIFY=FAILURE"),
            ("dora@far.example", "NOTIFY=SUCCESS,FAILURE"),
        ],
    );
    let mails = inbox(&server, 0, folder.path(), 2);
    let delivered = mails.iter().find(|mail| mail.contains("Action: delivered")).unwrap();
    for expected in [
        "Return-Path: <>",
        "Original-Envelope-Id: QQ+1",
        "Original-Recipient: rfc822; old+ben@old.example",
        &format!("Final-Recipient: rfc822; {ben}"),
        "Status: 2.0.0",
    ] {
        assert!(delivered.contains(expected), "{expected}: {delivered}");
    }
    assert!(!delivered.contains("The body."), "{delivered}");
    let all = mails.concat();
    for expected in [
        "Action: failed",
        "Final-Recipient: rfc822; nobody@far.example",
        "Content-Type: message/rfc822",
        "The body.",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    told(&server, "dora@far.example", "relayed");
    let all = inbox(&server, 0, folder.path(), 2).concat();
    assert!(all.contains("Action: relayed"), "{all}");
    consistent(&server);
}

#[test]
fn a_sender_who_wants_to_hear_nothing_hears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (_sink, server) = site(folder.path(), &[]);
    submit(&server, "", &[("nobody@far.example", "NOTIFY=NEVER")]);
    let rows = told(&server, "nobody@far.example", "failed");
    let row = rows.iter().find(|row| row["event"] == "failed").unwrap();
    let detail = row["detail"].as_str().unwrap();
    assert!(detail.contains("told=nobody notify=NEVER"), "{row}");
    assert_eq!(server.messages(), 0);
    consistent(&server);
}

#[test]
fn a_server_that_offers_dsn_is_told_what_the_sender_wants() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path(), &["DSN"]);
    let options = "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;d@old.example";
    submit(&server, "RET=HDRS ENVID=42", &[("dora@far.example", options)]);
    told(&server, "dora@far.example", "relayed");
    let heard = sink.heard();
    assert!(heard.contains(" RET=HDRS ENVID=42\n"), "{heard}");
    assert!(heard.contains(&format!("RCPT TO:<dora@far.example> {options}\n")), "{heard}");
    assert_eq!(server.messages(), 0, "that server tells, we do not");
}

/// A forged sender must not get our notices.
#[test]
fn a_stranger_hears_of_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path(), &[]);
    let (anna, _) = server.user(0);
    let mut talk = server.smtp();
    for (command, code) in [
        ("EHLO client.example".to_owned(), "250"),
        ("MAIL FROM:<carol@elsewhere.example> RET=FULL".to_owned(), "250"),
        (format!("RCPT TO:<{anna}> NOTIFY=SUCCESS,FAILURE,DELAY"), "250"),
        ("DATA".to_owned(), "354"),
        ("Subject: x\r\n\r\nx\r\n.".to_owned(), "250"),
    ] {
        let reply = talk.say(&command);
        assert!(reply.starts_with(code), "{command}: {reply}");
    }
    let queue: Value = server.admin(&["queue", "list"]);
    assert_eq!(queue["value"]["rows"], serde_json::json!([]), "{queue}");
    assert!(sink.took().is_empty());
    assert_eq!(server.messages(), 1);
    consistent(&server);
}
