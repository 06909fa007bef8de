//! How commands end that were used wrongly, or asked for what is not there.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn gatepost(config: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .arg("--config")
        .arg(config)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs a command with `--json`; its exit code and the object that it printed.
fn asked(config: &Path, args: &[&str]) -> (Option<i32>, serde_json::Value) {
    let output = gatepost(config, &[args, &["--json"]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    let printed = serde_json::from_slice(&output.stdout);
    (output.status.code(), printed.unwrap_or_else(|e| panic!("{args:?}: {e}: {told}")))
}

#[test]
fn wrong_usage_is_told_apart_without_a_server_or_settings() {
    let nowhere = Path::new("/nonexistent/gatepost.toml");
    for args in [
        &["trace", "garbage"][..],
        &["trace", "--session"],
        &["trace", "--session", "anna@example.org"],
        &["access", "test", "garbage"],
        &["domain", "remove", "example.org"],
        &["account", "list", "--limit", "0"],
        &["account", "list", "--limit", "1001"],
        &["account", "add", "nobody"],
        &["verify", "spf", "message.eml"],
        &["verify", "all", "message.eml", "--ip", "example.org"],
        &["sign", "dkim", "message.eml"],
        &["no-such-command"],
    ] {
        let (code, printed) = asked(nowhere, args);
        assert_eq!(code, Some(2), "{args:?}: {printed}");
        assert_eq!(printed["error"]["kind"], "usage", "{args:?}: {printed}");
        assert!(!printed["error"]["message"].as_str().unwrap().is_empty());
        let output = gatepost(nowhere, args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
    let (code, printed) = asked(nowhere, &["status"]);
    assert_eq!((code, &printed["error"]["kind"]), (Some(1), &"failed".into()), "{printed}");
}

#[test]
fn what_is_not_there_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gatepost.toml");
    let data = folder.path().join("data");
    let done = |args: &[&str]| {
        let output = gatepost(&config, args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {told}");
    };
    let data = data.to_str().unwrap();
    let mut init = vec!["init", "--domain", "example.org", "--data", data];
    if nix::unistd::geteuid().is_root() {
        init.extend(["--user", "nobody"]);
    }
    done(&init);
    done(&["account", "add", "anna@example.org", "--admin"]);
    for (args, kind) in [
        (&["trace", "99999999"][..], "not_found"),
        (&["trace", "--session", "99999999"], "not_found"),
        (&["mailbox", "move", "anna@example.org", "INBOX", "Junk", "99999"], "not_found"),
        (&["access", "remove", "99999"], "not_found"),
        (&["account", "disable", "ben@example.org"], "not_found"),
        (&["account", "add", "anna@example.org"], "exists"),
        (&["domain", "remove", "example.org", "--yes"], "refused"),
        (&["reload"], "refused"),
        (&["trace", "--cursor", "foo"], "usage"),
        (&["mailbox", "show", "anna@example.org", "--cursor", "abc"], "usage"),
        (&["account", "list", "--cursor", "garbage"], "usage"),
        (&["access", "add", "From:spammer.example", "REJ"], "usage"),
        (&["subject", "add", "--kind", "regex", "("], "usage"),
    ] {
        let (code, printed) = asked(&config, args);
        assert_eq!(printed["error"]["kind"], kind, "{args:?}: {printed}");
        assert_eq!(code, Some(if kind == "usage" { 2 } else { 1 }), "{args:?}");
    }
    let (code, status) = asked(&config, &["status"]);
    assert_eq!((code, &status["value"]["running"]), (Some(0), &false.into()), "{status}");
}

#[test]
fn a_reader_that_went_away_is_no_panic() {
    for args in [&["completions", "bash"][..], &["--help"], &["parse-address", "a@example.org"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatepost"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), told.as_ref()), (Some(0), ""), "{args:?}");
    }
}
