//! App passwords, SCRAM, and granted addresses, as real clients meet them.

use crate::server::{Server, binary, run, text};

/// Wrong log-ins are made on purpose, and many.
const SETTINGS: &str = "[login]\nfailure_delay_secs = 0\nfailures_per_address_max = 1000\n\
    failures_per_network_max = 1000\nfailures_per_account_max = 1000\n\
    failures_per_connection_max = 10\n";

#[test]
fn app_passwords_open_what_they_are_for_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_settings(folder.path(), SETTINGS);
    let (anna, password) = server.user(0);
    let (ben, _) = server.user(1);
    let output = run(
        "python3",
        &[
            "-c",
            include_str!("credentials.py"),
            &server.port("submission").to_string(),
            &server.port("submissions").to_string(),
            &server.port("pop3").to_string(),
            &server.port("pop3s").to_string(),
            server.facts["certificate"].as_str().unwrap(),
            &anna,
            &password,
            &ben,
            &binary().to_string_lossy(),
            server.facts["settings"].as_str().unwrap(),
        ],
    );
    assert!(text(&output).contains("all well"), "{}", text(&output));
    // The peer heard the same for all of it; the trace knows.
    let rows = server.admin(&["trace", "--limit", "1000"]).to_string();
    for told in [
        "\"rule\":\"app password phone of anna@gatepost.example\"",
        "by=scram",
        "by=password",
        "credential_unfit",
        "protocol=submissions",
        "network=127.0.0.1",
        "expired=",
        "credential_ended",
        "channel_binding",
        "PLUS was hidden from the client",
        "an old nonce",
        "added the app password scanner of anna@gatepost.example for submission 192.0.2.0/24",
        "added the grant of @far.example to anna@gatepost.example",
    ] {
        assert!(rows.contains(told), "{told} is not in the trace: {rows}");
    }
}
