//! An administrator's commands on a running server.

use crate::server::{Server, run, text};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
fn an_export_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    server.deliver("private");
    let target = folder.path().join("new/anna");
    let export = server.admin(&["mailbox", "export", &anna, "INBOX", &target.to_string_lossy()]);
    assert_eq!(export["messages"], 1, "{export}");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), 0o700);
    let files: Vec<_> = std::fs::read_dir(&target).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
}

#[test]
fn entries_that_have_ended_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let soon = &["--expires", "2026-11-24T12:00:00Z"];
    let now = &["--now", "2026-11-24T11:00:00Z"];
    server.signal(nix::sys::signal::Signal::SIGKILL);
    server.wait(std::time::Duration::from_secs(10)).expect("killed");
    let access = [&["access", "add", "From:late@elsewhere.example", "REJECT"][..], soon, now];
    server.admin(&access.concat());
    server.admin(&[&["subject", "add", "Too late"][..], soon, now].concat());
    let ended = |list: &[&str], now: &str| {
        let list = server.admin(&[list, &["--now", now]].concat());
        let rows = list["value"]["rows"].as_array().unwrap().clone();
        rows.iter().filter(|row| row["ended"] == true).count()
    };
    for list in [["access", "list"], ["subject", "list"]] {
        assert_eq!(ended(&list, "2026-11-24T11:59:59Z"), 0, "{list:?}");
        assert_eq!(ended(&list, "2026-11-24T12:00:00Z"), 1, "{list:?}");
    }
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

/// What can be taken over is; what cannot is named, and a broken certificate refuses all of it.
#[test]
fn a_reload_takes_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let made_first = server.admin(&["status"])["value"]["certificate_ends"].clone();
    let (certificate, key) = (folder.path().join("new.pem"), folder.path().join("new.key"));
    self_signed(&certificate, &key, 30);
    let overlay = format!(
        "[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n\
         [storage]\ndisk_free_min_bytes = 1125899906842624\ndata = \"elsewhere\"\n\
         [listen]\nsmtp = [\"127.0.0.1:1\"]\n"
    );
    std::fs::write(folder.path().join("overlay.toml"), overlay).unwrap();
    let broken = std::fs::read(server.facts["certificate"].as_str().unwrap()).unwrap();
    let whole = std::fs::read(&key).unwrap();
    std::fs::write(&key, broken).unwrap();
    let refused = server.admin_output(&["reload"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("new.key"), "{}", text(&refused));
    let status = server.admin(&["status"])["value"].clone();
    assert_eq!(status["certificate_ends"], made_first);
    assert_eq!(status["disk"]["ok"], true, "{status}");

    std::fs::write(&key, whole).unwrap();
    let reload = text(&server.admin_output(&["reload"]));
    let told = ["new certificate", "listen.smtp changes with a", "storage.data changes with a"];
    for words in told {
        assert!(reload.contains(words), "{words}: {reload}");
    }
    assert!(!reload.contains("listen.pop3"), "{reload}");
    let status = server.admin(&["status"])["value"].clone();
    assert_eq!(status["certificate_days_left"], 29, "{status}");
    assert_eq!(status["disk"]["ok"], false, "{status}");
    let mut talk = server.smtp();
    talk.say("EHLO client.example");
    let refused = talk.say("MAIL FROM:<carol@elsewhere.example>");
    assert!(refused.starts_with("452 "), "{refused}");
    let again = text(&server.admin_output(&["reload"]));
    assert!(again.contains("listen.smtp changes"), "as long as it waits: {again}");
}

/// As `serve` does: the demo is a server like any other.
#[test]
fn the_demo_warns_of_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("new.pem"), folder.path().join("new.key"));
    self_signed(&certificate, &key, 5);
    let overlay = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let server = Server::with_settings(folder.path(), &overlay);
    let asked = std::time::Instant::now();
    while !server.admin(&["status"])["value"]["log"].to_string().contains("ends within") {
        assert!(asked.elapsed() < std::time::Duration::from_secs(20), "nobody watches it");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn self_signed(certificate: &Path, key: &Path, days: u32) {
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let days = days.to_string();
    let made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let what = ["-subj", "/CN=localhost", "-days", &days, "-out", &certificate, "-keyout", &key];
    let output = run("openssl", &[&made[..], &what].concat());
    assert!(output.status.success(), "{}", text(&output));
}
