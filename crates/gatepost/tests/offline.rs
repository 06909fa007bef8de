//! Commands that need no server: what they print and how they exit.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn gatepost(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

#[test]
fn an_address_is_shown_or_explained() {
    let output = gatepost(&["parse-address", "\"a b\"@Bücher.example", "--json"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(json(&output)["domain"], "xn--bcher-kva.example");
    let output = gatepost(&["parse-address", "nobody", "--json"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(json(&output).to_string().contains('@'));
}

#[test]
fn a_message_is_read_from_standard_input() {
    let message = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nSubject: twice\r\n\r\nhello\r\n";
    let output = gatepost(&["parse", "-", "--json"], message);
    assert_eq!(output.status.code(), Some(0));
    let shown = json(&output).to_string();
    assert!(shown.contains("Grüße"), "{shown}");
    assert!(shown.contains("ambiguities"), "{shown}");
}

#[test]
fn wrong_usage_exits_with_2() {
    assert_eq!(gatepost(&["no-such-command"], "").status.code(), Some(2));
    assert_eq!(gatepost(&["demo", "--quiet"], "").status.code(), Some(2));
}

#[test]
fn completions_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        let output = gatepost(&["completions", shell], "");
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("gatepost"), "{shell}");
    }
}
