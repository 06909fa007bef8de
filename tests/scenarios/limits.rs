//! How much a user may send in a day: what is more waits, its owner is told, one command releases.

use crate::sending::{Sink, submit, told};
use crate::server::Server;
use std::path::Path;
use std::time::{Duration, Instant};

fn site(folder: &Path) -> (Sink, Server) {
    let sink = Sink::start(folder);
    let settings =
        format!("[send]\nsmarthost = \"127.0.0.1:{}\"\nfirst_time_per_day_max = 2\n", sink.port);
    let server = Server::with_settings(folder, &settings);
    (sink, server)
}

/// How many notices of held mail are in an INBOX, once there is one.
fn notices(server: &Server, address: &str) -> usize {
    let begun = Instant::now();
    loop {
        let mails = server.admin(&["mailbox", "show", address, "INBOX"]);
        let found = mails["value"]["rows"].as_array().map_or(0, Vec::len);
        if found > 0 {
            assert!(mails.to_string().contains("more than it may send in a day"), "{mails}");
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{address} is not told");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_is_more_than_a_day_may_bring_is_held_told_once_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let (sink, server) = site(folder.path());
    let (anna, _) = server.user(0);
    let (ben, _) = server.user(1);
    let send = |user: usize, to: &[&str]| {
        let from = server.user(user).0;
        let message = format!("From: {from}\r\nSubject: x\r\n\r\nx\r\n");
        assert_eq!(submit(&server, user, to, &message).trim(), "sent", "held, not refused");
    };
    send(0, &["one@far.example", "two@far.example"]);
    told(&server, "two@far.example", "relayed");
    send(0, &["three@far.example"]);
    send(0, &["four@far.example", "one@far.example"]);
    let held = server.admin(&["queue", "list", "--account", &anna, "--held"]);
    let rows = held["value"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{held}");
    assert_eq!(rows[0]["held"], "over its first-time recipients a day", "{held}");
    // Others go on, and so does mail within this server.
    send(1, &["five@far.example"]);
    told(&server, "five@far.example", "relayed");

    let admin = server.facts["admin"]["address"].as_str().unwrap();
    assert_eq!((notices(&server, &anna), notices(&server, admin)), (1, 1));
    send(0, &["six@far.example"]);
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!((notices(&server, &anna), notices(&server, admin)), (1, 1), "told once a day");

    let shown = server.admin(&["account", "limit", &anna]);
    let today = &shown["value"]["today"];
    assert_eq!((&today["first_time"], &today["held"]), (&5.into(), &4.into()), "{shown}");
    let rows = told(&server, "three@far.example", "queued");
    assert!(rows.iter().all(|row| row["event"] != "relayed"), "{rows:?}");
    let trace = server.admin(&["trace", &anna, "--limit", "100"]).to_string();
    assert!(trace.contains("send_limit") && trace.contains("first_time_per_day_max"), "{trace}");
    let released = server.admin(&["queue", "release", "--account", &anna]);
    assert_eq!(released["value"], "4 released", "{released}");
    for to in ["three@far.example", "four@far.example", "six@far.example"] {
        told(&server, to, "relayed");
    }
    let took = sink.took();
    let copies = |to: &str| took.iter().filter(|(names, _)| names.contains(to)).count();
    let found = ["one", "two", "three", "four", "five", "six"].map(copies);
    assert_eq!(found, [2, 1, 1, 1, 1, 1], "each once, whatever was held");

    // A limit of one's own, of one's domain, and a day that begins anew.
    let limit = |args: &[&str]| server.admin(&[&["account", "limit"], args].concat());
    let shown = limit(&[&anna, "--first-time", "50"]);
    assert_eq!((&shown["value"]["own"], &shown["value"]["first_time"]), (&true.into(), &50.into()));
    send(0, &["seven@far.example"]);
    told(&server, "seven@far.example", "relayed");
    let shown = limit(&[&anna, "--reset"]);
    assert_eq!(shown["value"]["today"]["recipients"], 0, "{shown}");
    server.admin(&["domain", "limit", "gatepost.example", "--recipients", "0"]);
    let shown = limit(&[&anna, "--default"]);
    assert_eq!((&shown["value"]["own"], &shown["value"]["recipients"]), (&false.into(), &0.into()));
    send(1, &["eight@far.example"]);
    let held = server.admin(&["queue", "list", "--account", &ben, "--held"]).to_string();
    assert!(held.contains("over its recipients a day"), "{held}");
    for wrong in
        [&["account", "limit", "nobody@gatepost.example"][..], &["account", "limit", "uid:x"]]
    {
        assert!(!server.admin_output(wrong).status.success(), "{wrong:?}");
    }
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}
