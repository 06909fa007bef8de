//! A gateway for another domain: who exists there is known before a message is taken.

use crate::sending::{Sink, row, told};
use crate::server::Server;
use std::path::Path;

fn gateway(folder: &Path, inner: u16, more: &str) -> Server {
    let settings = format!(
        "[relay]\ndomains = [\"inner.example\", \"dead.example\"]\n{more}\
         [[send.routes]]\ndomain = \"inner.example\"\nto = \"127.0.0.1:{inner}\"\n\
         [[send.routes]]\ndomain = \"dead.example\"\nto = \"127.0.0.1:1\"\n"
    );
    Server::with_settings(folder, &settings)
}

#[test]
fn the_next_server_says_who_exists() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let server = gateway(folder.path(), sink.port, "");
    let message = "From: carol@elsewhere.example\r\nSubject: x\r\n\r\nx\r\n";
    for (to, expected) in [
        ("nobody@inner.example", "550 5.1.1 "),
        ("later@inner.example", "451 4.4.3 "),
        ("garbage@inner.example", "451 4.4.3 "),
        ("huge@inner.example", "451 4.4.3 "),
        ("dora@dead.example", "451 4.4.3 "),
        ("dora@elsewhere.example", "550 5.7.1 "),
    ] {
        let reply = server.smtp().send_message(to, message);
        assert!(reply.starts_with(expected), "{to}: {reply}");
    }
    let trace = server.admin(&["trace", "nobody@inner.example"]).to_string();
    assert!(trace.contains("unknown_recipient") && trace.contains("No such user"), "{trace}");
    assert!(sink.took().is_empty(), "asking is not sending");
}

#[test]
fn what_the_next_server_takes_is_passed_on_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let server = gateway(folder.path(), sink.port, "");
    let message = "From: carol@elsewhere.example\r\nSubject: to inner\r\n\r\nx\r\n";
    let reply = server.smtp().send_message("dora@inner.example", message);
    assert!(reply.starts_with("250 "), "{reply}");
    let rows = told(&server, "dora@inner.example", "relayed");
    assert_eq!(row(&rows, "relayed")["reason"], "remote_accepted");
    assert_eq!(sink.sender("dora"), "<carol@elsewhere.example>");
    assert!(sink.took()[0].1.contains("Subject: to inner"));
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], serde_json::json!([]), "{fsck}");
}

#[test]
fn a_list_says_who_exists() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    let list = folder.path().join("list");
    std::fs::write(&list, "dora@inner.example\n@dead.example\n").unwrap();
    let more = format!("recipients_file = \"{}\"\n", list.display());
    let server = gateway(folder.path(), sink.port, &more);
    let message = "From: carol@elsewhere.example\r\nSubject: x\r\n\r\nx\r\n";
    for (to, expected) in [
        ("dora@inner.example", "250 "),
        ("emil@inner.example", "550 5.1.1 "),
        ("any@dead.example", "250 "),
    ] {
        let reply = server.smtp().send_message(to, message);
        assert!(reply.starts_with(expected), "{to}: {reply}");
    }
    told(&server, "dora@inner.example", "relayed");
    // A list that is out of date makes no bounces to whoever is named as the sender.
    std::fs::write(&list, "nobody@inner.example\n").unwrap();
    server.admin(&["reload"]);
    let reply = server.smtp().send_message("nobody@inner.example", message);
    assert!(reply.starts_with("250 "), "{reply}");
    told(&server, "nobody@inner.example", "failed");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(sink.took().len(), 1, "somebody was told");
}
