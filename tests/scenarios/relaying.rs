//! No form of address, and no sender, opens the relay: said over a socket from a strange address.

use crate::sending::Sink;
use crate::server::{Server, run, text};
use serde_json::{Value, json};

/// Who is refused need not go away: the limits that would end the attempt are lifted, so that the
/// relay rules alone decide.
const PATIENT: &str = "\
[limits]\nerrors_max = 1000\ngreeting_pause_ms = 0\n\
[recipient]\nunknown_before_delay = 1000000\nunknown_before_block = 1000000\n\
[relay]\ndomains = [\"relayed.example\"]\nnetworks = [\"127.9.9.0/24\"]\n";

#[test]
fn no_form_of_address_is_taken_for_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(folder.path());
    // Whatever were let through would get out.
    let settings = format!("{PATIENT}[send]\nsmarthost = \"127.0.0.1:{}\"\n", sink.port);
    let server = Server::with_settings(folder.path(), &settings);
    let port = server.port("smtp").to_string();
    let said = |source: &str| -> Value {
        let output = run("python3", &["-c", include_str!("relaying.py"), &port, source]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)))
    };
    let known = said("127.9.9.9");
    let said = said("127.5.5.5");
    assert_eq!(said["accepted"], json!([]));
    // Refused, not hung up on: but for the one with a bare LF.
    assert_eq!(said["ended"], json!(["<user@far.example\n@gatepost.example>"]));
    assert!(said["forms"].as_u64().unwrap() >= 60, "{said}");
    let queue = server.admin(&["queue", "list"]);
    assert_eq!(queue["value"]["rows"], json!([]), "{queue}");
    assert_eq!((sink.took().len(), server.messages()), (0, 0));
    let trace = server.admin(&["trace", "--limit", "1000"]).to_string();
    assert!(trace.contains("relay_denied"), "{trace}");
    // Whom the rules let through is let through: the refusals are not for all.
    let accepted = known["accepted"].to_string();
    assert!(accepted.contains("<user@far.example>"), "{known}");
}
