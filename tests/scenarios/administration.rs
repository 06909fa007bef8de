//! An administrator's commands on a running server.

use crate::server::{Server, text};

#[test]
fn rules_made_at_run_time_decide_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    server.deliver("before");
    let added = server.admin(&[
        "access",
        "add",
        "From:carol@elsewhere.example",
        "ERROR:5.7.1:550 Carol is tired",
        "--reason",
        "test",
    ]);
    assert_eq!(added["result"], "done", "{added}");
    let mut talk = server.smtp();
    let reply = talk.send_message(&anna, "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with("550 5.7.1") && reply.contains("Carol is tired"), "{reply}");
    let trace = server.admin(&["trace", "carol@elsewhere.example"]);
    let rows = trace["value"]["rows"].as_array().unwrap();
    assert!(rows.iter().any(|r| r["reason"] == "access_rejected"), "{trace}");
    assert!(rows.iter().any(|r| r["event"] == "delivered"), "{trace}");
    let list = server.admin(&["access", "list"]);
    let entry = list["value"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["key"] == "carol@elsewhere.example");
    let id = entry.unwrap()["id"].as_i64().unwrap().to_string();
    server.admin(&["access", "remove", &id]);
    server.deliver("after");

    server.admin(&["subject", "add", "You have won", "--kind", "prefix"]);
    let mut talk = server.smtp();
    let reply = talk.send_message(&anna, "Subject: Fwd: you HAVE won a prize\r\n\r\nx\r\n");
    assert!(reply.starts_with("553 "), "{reply}");
    assert_eq!(server.messages(), 2);
}

#[test]
fn accounts_and_aliases_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let made = server.admin(&["account", "add", "dora@gatepost.example"]);
    assert!(made["value"]["password"].as_str().unwrap().len() >= 16, "{made}");
    server.admin(&["alias", "add", "sales@gatepost.example", "dora@gatepost.example"]);
    let mut talk = server.smtp();
    let reply = talk.send_message("sales@gatepost.example", "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with("250 "), "{reply}");
    let boxes = server.admin(&["mailbox", "show", "dora@gatepost.example"]);
    assert_eq!(boxes["value"]["rows"].as_array().unwrap().len(), 1, "{boxes}");
    server.admin(&["alias", "add", "lost@gatepost.example", "nobody@gatepost.example"]);
    let review = server.admin_output(&["alias", "review"]);
    assert_eq!(review.status.code(), Some(1), "{}", text(&review));
    assert!(text(&review).contains("dangling"), "{}", text(&review));
    server.admin(&["account", "disable", "dora@gatepost.example"]);
    let mut talk = server.smtp();
    let reply = talk.send_message("dora@gatepost.example", "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with('5'), "{reply}");
    server.admin(&["account", "remove", "dora@gatepost.example"]);
    let status = server.admin(&["status"]);
    assert_eq!(status["value"]["engine"], "sqlite", "{status}");
    let fsck = server.admin_output(&["fsck"]);
    assert!(fsck.status.success(), "{}", text(&fsck));
}

#[test]
fn the_demo_reloads_what_was_laid_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(folder.path(), "[limits]\nrecipients_max = 100\n");
    let overlay = folder.path().join("overlay.toml");
    let rule = "[[subject.rules]]\nname = \"late\"\npattern = \"Too late\"\n";
    std::fs::write(&overlay, rule).unwrap();
    assert_eq!(server.admin(&["reload"])["result"], "done");
    let test = server.admin_output(&["subject", "test", "Too late"]);
    assert_eq!(test.status.code(), Some(1), "{}", text(&test));
    std::fs::write(&overlay, "[limits]\nrecipient_max = 1\n").unwrap();
    let refused = server.admin_output(&["reload"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("overlay.toml:2:1"), "{}", text(&refused));
}

#[test]
fn a_running_server_keeps_its_clock_and_dns() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for option in [["--now", "2026-11-24T12:00:00Z"], ["--zone", "example.zone"]] {
        let refused = server.admin_output(&["status", option[0], option[1]]);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert!(text(&refused).contains(option[0]), "{}", text(&refused));
    }
}

#[test]
fn postmaster_is_always_reachable() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for to in [
        "postmaster",
        "postmaster@gatepost.example",
        "abuse@gatepost.example",
        "anna+lists@gatepost.example",
    ] {
        let mut talk = server.smtp();
        let reply = talk.send_message(to, "Subject: x\r\n\r\nx\r\n");
        assert!(reply.starts_with("250 "), "{to}: {reply}");
    }
}
