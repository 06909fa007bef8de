//! How a server ends: drained, or killed.

use crate::server::{Server, gatepost, text};
use crate::talk::Talk;
use nix::sys::signal::Signal;
use std::time::Duration;

#[test]
fn a_drain_lets_a_message_finish() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    let mut busy = server.smtp();
    let mut idle = server.smtp();
    busy.say("EHLO client.example");
    busy.say("MAIL FROM:<carol@elsewhere.example>");
    busy.say(&format!("RCPT TO:<{anna}>"));
    assert!(busy.say("DATA").starts_with("354"));
    busy.send(b"Subject: last\r\n\r\n");
    server.signal(Signal::SIGTERM);
    assert!(idle.reply().starts_with("421"), "the idle one is told");
    assert!(busy.say("the end\r\n.").starts_with("250"), "nothing is cut in DATA");
    drop(busy);
    let status = server.wait(Duration::from_secs(20)).expect("the server ends by itself");
    assert!(status.success());
    let server = Server::start(folder.path());
    assert_eq!(server.messages(), 1);
}

#[test]
fn what_got_its_250_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    for n in 0..20 {
        server.deliver(&format!("kept {n}"));
    }
    server.signal(Signal::SIGKILL);
    server.wait(Duration::from_secs(10)).expect("killed");
    let server = Server::start(folder.path());
    assert_eq!(server.messages(), 20);
    let fsck = server.admin_output(&["fsck"]);
    assert!(fsck.status.success(), "{}", text(&fsck));
}

/// The demo is a server like any other: what ends a program by default makes it reload.
#[test]
fn a_hangup_reloads() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let rule = "[[subject.rules]]\nname = \"late\"\npattern = \"Too late\"\n";
    std::fs::write(folder.path().join("overlay.toml"), rule).unwrap();
    server.signal(Signal::SIGHUP);
    let asked = std::time::Instant::now();
    while server.admin_output(&["subject", "test", "Too late"]).status.code() != Some(1) {
        assert!(server.wait(Duration::from_millis(50)).is_none(), "the signal ended it");
        assert!(asked.elapsed() < Duration::from_secs(20), "nothing was reloaded");
    }
}

#[test]
fn the_demo_names_settings_that_find_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let overlay = "[storage]\ndata = \"elsewhere\"\n";
    let mut server = Server::with_settings(folder.path(), overlay);
    server.deliver("kept");
    server.signal(Signal::SIGTERM);
    server.wait(Duration::from_secs(20)).expect("the server ends by itself");
    assert!(folder.path().join("elsewhere/store.db").exists());
    assert_eq!(server.messages(), 1, "without the server");
}

#[test]
fn a_data_folder_serves_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let demo = folder.path().join("demo");
    let second = gatepost(&["demo", "--quiet", "--json", "--data", &demo.to_string_lossy()]);
    assert!(!second.status.success());
    assert!(text(&second).contains(&server.pid().to_string()), "{}", text(&second));
}

#[test]
fn who_has_not_begun_keeps_nobody_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let silent = ["submissions", "pop3s"].map(|door| Talk::connect(server.port(door)));
    let mut served = server.smtp();
    assert!(served.say("NOOP").starts_with("250"), "the server is at work");
    server.signal(Signal::SIGTERM);
    let status = server.wait(Duration::from_secs(10)).expect("the server ends by itself");
    assert!(status.success());
    drop(silent);
}
