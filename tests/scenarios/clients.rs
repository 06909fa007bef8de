//! Real clients: swaks, fetchmail, Python's smtplib and poplib, openssl.

use crate::server::{Server, run, text};
use std::process::{Command, Stdio};

#[test]
fn swaks_sends_and_fetchmail_fetches() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, password) = server.user(0);
    let smtp = server.port("smtp").to_string();
    let sent = run(
        "swaks",
        &[
            "--server",
            "127.0.0.1",
            "--port",
            &smtp,
            "--tls",
            "--from",
            "carol@elsewhere.example",
            "--to",
            &anna,
            "--header",
            "Subject: from swaks",
            "--body",
            "hello from swaks",
        ],
    );
    assert!(sent.status.success(), "{}", text(&sent));
    let home = folder.path().join("fetchmail");
    std::fs::create_dir(&home).unwrap();
    let rc = home.join("rc");
    let got = home.join("got");
    std::fs::write(
        &rc,
        format!(
            "poll 127.0.0.1 protocol pop3 port {} username \"{anna}\" password \"{password}\" ssl \
             sslproto \"TLS1.2+\" sslcertfile \"{}\" sslcommonname \"mail.gatepost.example\" \
             mda \"/bin/dd status=none oflag=append conv=notrunc of={}\"\n",
            server.port("pop3s"),
            server.facts["certificate"].as_str().unwrap(),
            got.display()
        ),
    )
    .unwrap();
    run("chmod", &["600", &rc.to_string_lossy()]);
    let fetched = Command::new("fetchmail")
        .args(["--fetchmailrc", &rc.to_string_lossy(), "--nodetach", "--verbose"])
        .args(["--pidfile", &home.join("pid").to_string_lossy()])
        .env("HOME", &home)
        .env("FETCHMAILHOME", &home)
        .stdin(Stdio::null())
        .output()
        .expect("fetchmail; cargo xtask setup installs it");
    assert!(fetched.status.success(), "{}", text(&fetched));
    let mail = std::fs::read_to_string(got).unwrap();
    assert!(mail.contains("hello from swaks"), "{mail}");
    assert!(mail.contains("Return-Path: <carol@elsewhere.example>"), "{mail}");
    assert_eq!(server.messages(), 0, "fetched mail is deleted on QUIT");
}

#[test]
fn python_reads_what_python_sent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (anna, password) = server.user(0);
    let output = run(
        "python3",
        &[
            "-c",
            include_str!("clients.py"),
            &server.port("smtp").to_string(),
            &server.port("pop3").to_string(),
            &server.port("pop3s").to_string(),
            server.facts["certificate"].as_str().unwrap(),
            &anna,
            &password,
        ],
    );
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("all well"), "{}", text(&output));
}

#[test]
fn tls_begins_at_1_2() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let address = format!("127.0.0.1:{}", server.port("smtp"));
    for (version, fine) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let args = ["s_client", "-starttls", "smtp", "-connect", &address, version, "-brief"];
        let output = run("openssl", &args);
        assert_eq!(output.status.success(), fine, "{version}: {}", text(&output));
    }
}
