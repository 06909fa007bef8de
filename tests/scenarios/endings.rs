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
