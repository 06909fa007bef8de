//! What leaves is signed: keys made by themselves, records printed, published, seen, and used.

use crate::sending::{Sink, submit, told};
use crate::server::{Server, run, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const DOMAIN: &str = "gatepost.example";

/// The keys of the demo's domain, once each is in this state.
pub(crate) fn keys(server: &Server, state: &str) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let list = server.admin(&["domain", "dkim", "list", DOMAIN]);
        let rows = list["value"]["rows"].as_array().cloned().unwrap_or_default();
        if rows.len() >= 2 && rows.iter().all(|row| row["state"] == state) {
            return rows;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never {state}: {list}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What `domain dns` prints, as a file, with what only an administrator knows.
pub(crate) fn publish(server: &Server, folder: &Path) -> PathBuf {
    let zone = folder.join("zone");
    let printed = text(&server.plain_output(&["domain", "dns", DOMAIN]));
    assert!(printed.contains("mode: testing"), "{printed}");
    let own = format!(
        "{printed}\nmail.{DOMAIN}. A 192.0.2.25\n\
         25.2.0.192.in-addr.arpa. PTR mail.{DOMAIN}.\n"
    );
    std::fs::write(&zone, own).unwrap();
    zone
}

/// What dkimpy says of each signature of a message, by the records of a zone file.
fn verified(zone: &Path, message: &str) -> Value {
    let script = include_str!("signing.py");
    let zone = zone.to_string_lossy();
    let output = run("/usr/bin/python3", &["-c", script, &zone, message]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)))
}

fn check(server: &Server, zone: &Path) -> (Option<i32>, Value) {
    let zone = zone.to_string_lossy();
    let output = server.admin_output(&["domain", "dns", DOMAIN, "--check", "--zone", &zone]);
    let said =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)));
    (output.status.code(), said)
}

#[test]
fn what_leaves_is_signed_once_the_records_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let settings =
        format!("[[send.routes]]\ndomain = \"far.example\"\nto = \"127.0.0.1:{}\"\n", sink.port);
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "example. NS ns.example.\n").unwrap();
    let server = Server::with_zone(folder.path(), &settings, &empty);
    let (anna, _) = server.user(0);
    for key in keys(&server, "published") {
        assert!(key["selector"].as_str().unwrap().starts_with("gp20"), "{key}");
    }
    let send = |server: &Server, to: &str| {
        let message = format!(
            "From: Anna <{anna}>\r\nTo: {to}\r\nSubject: Minutes  of today\r\n\r\n.dots\r\n end \r\n"
        );
        assert_eq!(submit(server, 0, &[to], &message).trim(), "sent");
        told(server, to, "relayed");
    };
    let arrived = |name: &str| {
        let took = sink.took();
        let message = took.iter().find(|(recipient, _)| recipient == name);
        // The sink keeps the dots of the wire.
        message.unwrap().1.replace("\r\n..", "\r\n.")
    };
    // Nobody could verify it yet.
    send(&server, "dora@far.example");
    assert!(!arrived("dora").contains("DKIM-Signature"), "{}", arrived("dora"));
    let (code, said) = check(&server, &empty);
    assert_eq!((code, &said["right"]), (Some(1), &json!(false)), "{said}");
    let refused = server.admin_output(&["domain", "dkim", "activate", DOMAIN]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));

    let zone = publish(&server, folder.path());
    let (code, said) = check(&server, &zone);
    assert_eq!((code, &said["right"]), (Some(0), &json!(true)), "{said}");
    let wrong = folder.path().join("wrong");
    let changed = std::fs::read_to_string(&zone).unwrap();
    std::fs::write(&wrong, changed.replace("v=spf1 mx", "v=spf1 a:other.example")).unwrap();
    let (code, said) = check(&server, &wrong);
    assert_eq!(code, Some(1), "{said}");
    drop(server);

    let server = Server::with_zone(folder.path(), &settings, &zone);
    keys(&server, "active");
    send(&server, "emil@far.example");
    assert_eq!(verified(&zone, &arrived("emil")), json!([true, true]), "{}", arrived("emil"));
    let spoiled = arrived("emil").replace("Minutes", "Hours");
    assert_eq!(verified(&zone, &spoiled), json!([false, false]));

    // Keys that are to follow wait; those that sign go on.
    server.admin(&["domain", "dkim", "rotate", DOMAIN]);
    let list = server.admin(&["domain", "dkim", "list", DOMAIN]);
    let states = list["value"]["rows"].as_array().unwrap().iter();
    let states: Vec<&str> = states.map(|row| row["state"].as_str().unwrap()).collect();
    let count = |state: &str| states.iter().filter(|found| **found == state).count();
    assert_eq!((count("active"), count("published")), (2, 2), "{list}");
    send(&server, "fred@far.example");
    assert_eq!(verified(&zone, &arrived("fred")), json!([true, true]));
    // Mail of strangers, and what stays here, is not signed.
    server.deliver("to stay");
    let trace = server.admin(&["trace"]).to_string();
    for said in ["added the DKIM key", "activated the DKIM key"] {
        assert!(trace.contains(said), "{said}: {trace}");
    }
    assert!(!trace.contains("PRIVATE KEY"), "{trace}");
}
