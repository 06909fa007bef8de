//! Other servers that mean harm: what they say has its end state, and stays what it is, words.

use crate::sending::{submit, told};
use crate::server::{Server, act};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;

/// The other servers, ended when dropped.
struct Hostile {
    child: Child,
    ports: Value,
    folder: PathBuf,
}

impl Hostile {
    fn start(folder: &Path) -> Self {
        let folder = folder.join("hostile");
        std::fs::create_dir(&folder).unwrap();
        let (child, line) = act(include_str!("hostile_sink.py"), &[&folder]);
        Self { child, ports: serde_json::from_str(&line).unwrap(), folder }
    }

    /// Settings by which all domains are at one of them, and two at those with STARTTLS.
    fn settings(&self) -> String {
        let route = |domain: &str, mode: &str| {
            format!(
                "[[send.routes]]\ndomain = \"{domain}\"\nto = \"127.0.0.1:{}\"\n",
                self.ports[mode]
            )
        };
        format!("[send]\nsmarthost = \"127.0.0.1:{}\"\n", self.ports["clear"])
            + &route("before.example", "before")
            + &route("after.example", "after")
    }

    /// What was said to one of them in the clear.
    fn heard(&self, mode: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.join(mode)).unwrap()).into_owned()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn row(rows: &[Value], event: &str) -> Value {
    rows.iter().find(|row| row["event"] == event).unwrap().clone()
}

/// Whether a text could do anything but be read on a line.
fn is_raw(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[test]
fn whatever_a_server_says_has_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = Hostile::start(folder.path());
    let server = Server::with_settings(folder.path(), &hostile.settings());
    let (anna, _) = server.user(0);
    for (name, event, reason, said) in [
        ("endless", "deferred", "remote_fault", "a line of a reply is too long"),
        ("bare", "failed", "remote_refused", "no 250 2.1.5 fine (to RCPT)"),
        ("control", "failed", "remote_refused", "Bcc: a@b.example"),
        ("long", "failed", "remote_refused", "long long"),
        ("lines", "failed", "remote_refused", "one Subject: two (to RCPT)"),
        ("mixed", "deferred", "remote_fault", "different codes"),
        ("closing", "deferred", "remote_deferred", "closing"),
        ("early", "deferred", "remote_fault", "no answer to it"),
        ("data-never", "failed", "remote_refused", "not this (to DATA)"),
        ("dot-later", "deferred", "remote_deferred", "later"),
        ("dot-never", "failed", "remote_refused", "never"),
        ("dot-garbage", "deferred", "remote_fault", "so it may have been taken"),
        ("dot-again", "deferred", "remote_fault", "so it may have been taken"),
        ("dot-twice", "relayed", "remote_accepted", "kept"),
        ("dot-huge", "deferred", "remote_fault", "so it may have been taken"),
    ] {
        let to = format!("{name}@{name}.example");
        let message = format!("From: {anna}\r\nTo: {to}\r\nSubject: {name}\r\n\r\nx\r\n");
        assert_eq!(submit(&server, 0, &[&to], &message).trim(), "sent");
        let rows = told(&server, &to, event);
        let row = row(&rows, event);
        assert_eq!(row["reason"], reason, "{name}: {row}");
        let shown = row.to_string();
        assert!(shown.contains(said), "{name}: {shown}");
    }
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

/// What comes too early came from somebody who does not know what will be asked: the connection
/// ends before anything of the message is said, and it is not tried again in the clear.
#[test]
fn words_around_starttls_are_dropped_with_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = Hostile::start(folder.path());
    let server = Server::with_settings(folder.path(), &hostile.settings());
    let (anna, _) = server.user(0);
    for (mode, said) in [
        ("before", "a reply before there was a command"),
        ("after", "data was sent before the TLS handshake"),
    ] {
        let to = format!("dora@{mode}.example");
        let message = format!("From: {anna}\r\nTo: {to}\r\nSubject: x\r\n\r\nx\r\n");
        assert_eq!(submit(&server, 0, &[&to], &message).trim(), "sent");
        let row = row(&told(&server, &to, "deferred"), "deferred");
        assert_eq!(row["reason"], "remote_fault", "{row}");
        assert!(row.to_string().contains(said), "{row}");
        let heard = hostile.heard(mode);
        assert!(heard.starts_with("EHLO ") && !heard.contains("MAIL"), "{heard}");
    }
}

/// Words of servers, display names and file names go into notices, traces, lists and logs.
#[test]
fn words_of_others_stay_words() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = Hostile::start(folder.path());
    let log = folder.path().join("log");
    let server = Server::with_log(folder.path(), &hostile.settings(), File::create(&log).unwrap());
    let (anna, _) = server.user(0);
    let trick = "=?utf-8?q?=0D=0ABcc:_thief=40evil.example?=";
    let message = |to: &str| {
        format!(
            "From: {trick} <{anna}>\r\nTo: {to}\r\nSubject: {trick}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; name*=utf-8''%0D%0ABcc:%20thief%40evil.example;\r\n \
             name=\"{trick}\"\r\n\r\nx\r\n"
        )
    };
    let names = ["control", "bare", "long", "lines"];
    for name in names {
        let to = format!("{name}@{name}.example");
        assert_eq!(submit(&server, 0, &[&to], &message(&to)).trim(), "sent");
        for row in told(&server, &to, "failed") {
            for (key, value) in row.as_object().unwrap() {
                let text = value.as_str().unwrap_or_default();
                assert!(!is_raw(text), "{name}, {key}: {text:?}");
            }
        }
    }
    let out = folder.path().join("out");
    let exported =
        server.admin_output(&["mailbox", "export", &anna, "INBOX", &out.to_string_lossy()]);
    assert!(exported.status.success(), "{}", crate::server::text(&exported));
    let notices: Vec<_> =
        std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(notices.len(), names.len(), "a notice each");
    for path in notices {
        check_notice(&String::from_utf8(std::fs::read(path).unwrap()).unwrap());
    }
    drop(server);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("control@control.example"), "the log tells nothing:\n{log}");
    for line in log.lines() {
        assert!(!is_raw(line) && !line.trim_start().starts_with("Bcc"), "{line:?}");
    }
}

/// A notice has the fields that we gave it, and no byte that is no text.
fn check_notice(notice: &str) {
    let odd = |c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t');
    assert!(!notice.contains(odd), "{notice:?}");
    assert!(!notice.replace("\r\n", "").contains(['\r', '\n']), "{notice:?}");
    for line in notice.split("\r\n") {
        assert!(line.len() <= 998, "a line of {} bytes", line.len());
        let lower = line.to_ascii_lowercase();
        assert!(!lower.starts_with("bcc:") && !lower.starts_with("250 "), "{notice}");
    }
    let (head, _) = notice.split_once("\r\n\r\n").unwrap();
    let fields = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let mut names: Vec<&str> = fields.map(|line| line.split_once(':').unwrap().0).collect();
    names.retain(|name| ["From", "To", "Cc", "Subject", "Auto-Submitted"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["Auto-Submitted", "From", "Subject", "To"], "{head}");
}
