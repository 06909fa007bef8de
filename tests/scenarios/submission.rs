//! The doors for the server's own users, and what they may do there.

use crate::server::{Server, binary, run, text};
use crate::talk::Talk;

#[test]
fn users_submit_after_a_log_in_under_tls() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, password) = server.user(0);
    let (ben, ben_password) = server.user(1);
    let output = run(
        "python3",
        &[
            "-c",
            include_str!("submission.py"),
            &server.port("smtp").to_string(),
            &server.port("submission").to_string(),
            &server.port("submissions").to_string(),
            server.facts["certificate"].as_str().unwrap(),
            &anna,
            &password,
            &ben,
            &ben_password,
            &binary().to_string_lossy(),
            server.facts["settings"].as_str().unwrap(),
        ],
    );
    assert!(text(&output).contains("all well"), "{}", text(&output));
    let rows = server.admin(&["trace", &anna]).to_string();
    assert!(rows.contains("\"reason\":\"authenticated\""), "{rows}");
    let status = server.admin(&["status"]);
    let doors = status["value"]["doors"].to_string();
    assert!(doors.contains("submissions"), "{doors}");
}

#[test]
fn nothing_is_submitted_without_a_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, _) = server.user(0);
    let mut talk = Talk::connect(server.port("submission"));
    assert!(talk.reply().starts_with("220 "));
    let reply = talk.send_message(&anna, "Subject: x\r\n\r\nx\r\n");
    assert!(reply.starts_with("530 5.7.0"), "{reply}");
    let rows = server.admin(&["trace", "--limit", "50"]).to_string();
    assert!(rows.contains("login_required"), "{rows}");
}
