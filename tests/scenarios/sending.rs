//! Mail of users to other servers: what arrives there, what is told here.

use crate::server::{Server, act, run, text};
use crate::talk::Talk;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// Another server that acts up, ended when dropped.
pub(crate) struct Sink {
    child: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

impl Sink {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::offering(folder, &[])
    }

    /// One that offers these extensions too.
    pub(crate) fn offering(folder: &Path, extensions: &[&str]) -> Self {
        let folder = folder.join("sink");
        std::fs::create_dir(&folder).unwrap();
        let args = extensions.iter().map(|extension| extension as &dyn AsRef<OsStr>);
        let args: Vec<_> = std::iter::once(&folder as &dyn AsRef<OsStr>).chain(args).collect();
        let (child, line) = act(include_str!("sink.py"), &args);
        let port = line.parse().unwrap();
        Self { child, port, folder }
    }

    /// What it heard of MAIL and RCPT, line by line.
    pub(crate) fn heard(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default()
    }

    /// The messages that it took, by the names of their recipients.
    pub(crate) fn took(&self) -> Vec<(String, String)> {
        let files = std::fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().path());
        let message = |path: PathBuf| {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let name = stem.split_once('-').unwrap().1.to_owned();
            (name, String::from_utf8(std::fs::read(path).unwrap()).unwrap())
        };
        files.map(message).collect()
    }

    /// A line for each message that it took, written after the message itself.
    pub(crate) fn senders(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("senders")).unwrap_or_default()
    }

    /// The sender, in angle brackets, of the message that it took for this recipient.
    pub(crate) fn sender(&self, name: &str) -> String {
        let all = self.senders();
        let line = all.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("nothing for {name}: {all}")).to_owned()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn site(folder: &Path) -> (Sink, Server) {
    let sink = Sink::start(folder);
    let smarthost = format!("[send]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port);
    let server = Server::with_settings(folder, &smarthost);
    (sink, server)
}

/// Sends a message after a log-in, by Python's smtplib.
pub(crate) fn submit(server: &Server, user: usize, to: &[&str], message: &str) -> String {
    let (address, password) = server.user(user);
    let script = "import smtplib, ssl, sys\n\
                  port, user, password, message, *to = sys.argv[1:]\n\
                  client = smtplib.SMTP('127.0.0.1', int(port))\n\
                  client.starttls(context=ssl._create_unverified_context())\n\
                  client.login(user, password)\n\
                  try:\n    client.sendmail(user, to, message.encode())\n    print('sent')\n\
                  except smtplib.SMTPException as error:\n    print(error)\n\
                  client.quit()\n";
    let port = server.port("submission").to_string();
    let mut args = vec!["-c", script, &port, &address, &password, message];
    args.extend(to);
    text(&run("python3", &args))
}

/// The rows of the trace about an address, once one of them has this event.
pub(crate) fn told(server: &Server, about: &str, event: &str) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let trace = server.admin(&["trace", about]);
        let rows = trace["value"]["rows"].as_array().cloned().unwrap_or_default();
        if rows.iter().any(|row| row["event"] == event) {
            return rows;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{about} is never {event}: {trace}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn row<'a>(rows: &'a [Value], event: &str) -> &'a Value {
    rows.iter().find(|row| row["event"] == event).unwrap()
}

#[test]
fn what_a_user_sends_arrives_elsewhere_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let (anna, _) = server.user(0);
    let message = format!(
        "From: Anna <{anna}>\r\nTo: dora@far.example\r\nBcc: secret@far.example\r\n\
         Subject: Minutes\r\n\r\n.dots\r\n..\r\nend\r\n"
    );
    let to = ["dora@far.example", "emil@far.example"];
    assert_eq!(submit(&server, 0, &to, &message).trim(), "sent");
    let rows = told(&server, "emil@far.example", "relayed");
    assert_eq!(row(&rows, "relayed")["reason"], "remote_accepted");
    let took = sink.took();
    let [(names, arrived)] = took.as_slice() else { panic!("{took:?}") };
    assert_eq!(names, "dora-emil", "one transaction for both");
    assert!(arrived.ends_with("\r\n\r\n..dots\r\n...\r\nend\r\n"), "{arrived}");
    for field in ["\r\nDate: ", "\r\nMessage-ID: <", "Received: by ", "Subject: Minutes"] {
        assert!(arrived.contains(field), "{field} is missing: {arrived}");
    }
    for secret in ["secret@", "127.0.0.1", "Return-Path"] {
        assert!(!arrived.contains(secret), "{secret} was told: {arrived}");
    }
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

/// A connection is used on; what a server refuses because it had enough of one is no deferral.
#[test]
fn what_an_old_connection_loses_goes_over_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let send = |name: &str| {
        let to = format!("{name}@far.example");
        assert_eq!(submit(&server, 0, &[&to], "Subject: row\r\n\r\nrow\r\n").trim(), "sent");
        let rows = told(&server, &to, "relayed");
        assert!(rows.iter().all(|row| row["event"] != "deferred"), "{name}: {rows:?}");
    };
    // After `leaves` the server closes, after `once` it refuses the next one.
    ["leaves", "after0"].into_iter().for_each(send);
    // On a slow machine the next one may come when the connection is gone.
    for round in 1..=5 {
        ["once", &format!("after{round}")].into_iter().for_each(send);
        if sink.heard().matches("MAIL").count() > 2 + 2 * round {
            assert_eq!(sink.took().len(), 2 + 2 * round);
            return;
        }
    }
    panic!("no connection was used again: {}", sink.heard());
}

#[test]
fn what_fails_is_told_once_or_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let (anna, _) = server.user(0);
    for (name, event, reason) in [
        ("nobody", "failed", "remote_refused"),
        ("later", "deferred", "remote_deferred"),
        ("garbage", "deferred", "remote_fault"),
        ("twice", "deferred", "remote_fault"),
        ("huge", "deferred", "remote_fault"),
        ("cut", "deferred", "remote_unreachable"),
    ] {
        let to = format!("{name}@{name}.example");
        let message = format!("From: {anna}\r\nTo: {to}\r\nSubject: {name}\r\n\r\nx\r\n");
        assert_eq!(submit(&server, 0, &[&to], &message).trim(), "sent");
        let rows = told(&server, &to, event);
        assert_eq!(row(&rows, event)["reason"], reason, "{rows:?}");
    }
    assert!(sink.took().is_empty());
    // One notice, for the one that failed for good.
    let mails = server.admin(&["mailbox", "show", &anna, "INBOX"]).to_string();
    assert_eq!(mails.matches("could not be delivered").count(), 1, "{mails}");
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

#[test]
fn nobody_sends_as_another() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let (ben, _) = server.user(1);
    for header in [format!("From: {ben}"), format!("Sender: {ben}"), "From: x@far.example".into()] {
        let message = format!("{header}\r\nSubject: x\r\n\r\nx\r\n");
        let said = submit(&server, 0, &["dora@far.example"], &message);
        assert!(said.contains("553") && said.contains("5.7.1"), "{header}: {said}");
    }
    let rows = server.admin(&["trace", "--limit", "50"]).to_string();
    assert!(rows.contains("sender_not_owned"), "{rows}");
    // Nor does a stranger by the smarthost.
    let mut talk = Talk::connect(server.port("smtp"));
    assert!(talk.reply().starts_with("220 "));
    let reply = talk.send_message("dora@far.example", "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with("550 5.7.1"), "{reply}");
    assert!(sink.took().is_empty());
}

#[test]
fn an_administrator_sees_and_changes_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let (anna, _) = server.user(0);
    let message = format!("From: {anna}\r\nSubject: queue\r\n\r\nx\r\n");
    assert_eq!(submit(&server, 0, &["later@far.example"], &message).trim(), "sent");
    told(&server, "later@far.example", "deferred");
    let list = server.admin(&["queue", "list", "--destination", "far.example"]);
    let row = &list["value"]["rows"][0];
    assert_eq!((&row["state"], &row["reply"]), (&"deferred".into(), &451.into()), "{list}");
    assert!(row["text"].as_str().unwrap().contains("Come again"), "{list}");
    let id = row["id"].to_string();
    let shown = server.admin(&["queue", "show", &id]);
    assert!(shown["value"]["cure"].as_str().unwrap().contains("greylisting"), "{shown}");

    let done = |args: &[&str]| server.admin(args)["value"].as_str().unwrap().to_owned();
    assert_eq!(done(&["queue", "hold", "--sender", &anna]), "1 held");
    let held = server.admin(&["queue", "list", "--held"]);
    assert_eq!(held["value"]["rows"][0]["state"], "held", "{held}");
    assert_eq!(done(&["queue", "release", &id]), "1 released");
    let begun = Instant::now();
    while server.admin(&["queue", "show", &id])["value"]["attempts"] != 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is not tried again");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(done(&["queue", "remove", &id, "--yes"]), "1 removed");
    let list = server.admin(&["queue", "list"]);
    assert_eq!(list["value"]["rows"], serde_json::json!([]), "{list}");
    assert!(sink.took().is_empty());
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

/// More copies than one look at the spool takes wait for a server that is gone; what was sent after
/// them still leaves at once, also after a restart.
#[test]
fn a_dead_destination_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let settings = format!(
        "[send]\nsmarthost = \"127.0.0.1:{}\"\n[[send.routes]]\ndomain = \"dead.example\"\n\
         to = \"127.0.0.1:1\"\n[relay]\nnetworks = [\"127.0.0.0/8\"]\n",
        sink.port
    );
    let server = Server::with_settings(folder.path(), &settings);
    let mut talk = server.smtp();
    talk.say("EHLO client.example");
    for message in 0..7 {
        talk.say("MAIL FROM:<carol@elsewhere.example>");
        for n in 0..999 {
            let reply = talk.say(&format!("RCPT TO:<p{message}-{n}@dead.example>"));
            assert!(reply.starts_with("250 "), "{reply}");
        }
        talk.say("DATA");
        let reply = talk.say("Subject: dead\r\n\r\nx\r\n.");
        assert!(reply.starts_with("250 "), "{reply}");
    }
    drop(server);
    let server = Server::with_settings(folder.path(), &settings);
    let reply = server.smtp().send_message("dora@far.example", "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with("250 "), "{reply}");
    told(&server, "dora@far.example", "relayed");
    assert_eq!(sink.took().len(), 1);
}
