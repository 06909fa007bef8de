//! Commands that need no server: what they print and how they exit.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
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
    let add = ["account", "add", "anna@example.org", "--quota", "0"];
    assert_eq!(gatepost(&add, "").status.code(), Some(2), "it would always be full");
}

#[test]
fn completions_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        let output = gatepost(&["completions", shell], "");
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("gatepost"), "{shell}");
    }
}

/// What `config check` says of these settings, without the folder's name, and how it exits.
fn check(folder: &Path, settings: &str) -> (String, Option<i32>) {
    let config = folder.join("gatepost.toml");
    // Nobody is there on every system, whoever runs this.
    let settings =
        format!("[server]\nhostname = \"mx.example.org\"\nuser = \"nobody\"\n{settings}");
    std::fs::write(&config, settings).unwrap();
    let output = gatepost(&["config", "check", "--config", &config.to_string_lossy()], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (said.replace(&format!("{}/", folder.display()), ""), output.status.code())
}

#[test]
fn what_serve_would_refuse_is_told_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["a", "b"] {
        let (pem, key) = (path(&format!("{name}.pem")), path(&format!("{name}.key")));
        net::tls::self_signed(&[format!("{name}.example.org")], &pem, &key).unwrap();
    }
    let pair = |certificate: &str, key: &str| {
        let text = format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
        check(folder.path(), &text)
    };
    let right = ("Settings and maps are right.\n".to_owned(), Some(0));
    assert_eq!(pair("a.pem", "a.key"), right);
    let missing = "No such file or directory (os error 2)";
    let told = (format!("gatepost.toml:5:15: error: no.pem: {missing}\n"), Some(1));
    assert_eq!(pair("no.pem", "a.key"), told);
    let told = (format!("gatepost.toml:6:7: error: no.key: {missing}\n"), Some(1));
    assert_eq!(pair("a.pem", "no.key"), told);
    let told = "gatepost.toml:6:7: error: the key b.key does not belong to the certificate a.pem\n";
    assert_eq!(pair("a.pem", "b.key"), (told.to_owned(), Some(1)));

    let (said, code) = check(folder.path(), "[[subject.rules]]\npattern = \"Re: AW:\"\n");
    assert!(said.contains("error: rule 1: the pattern is reply marks alone"), "{said}");
    assert_eq!(code, Some(1));
    let (said, code) = check(folder.path(), "[relay]\nnetworks = [\"10.0.0.1/8\"]\n");
    assert!(said.contains(":5:13: warning: ") && said.contains("`10.0.0.0/8`"), "{said}");
    assert_eq!(code, Some(0), "a warning is no error");
}

#[test]
fn a_user_that_is_not_there_is_told_with_what_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gatepost.toml");
    let text = "[server]\nhostname = \"mx.example.org\"\nuser = \"no-such-user\"\n";
    std::fs::write(&config, text).unwrap();
    let output = gatepost(&["config", "check", "--config", &config.to_string_lossy()], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // Only root would have to become that user.
    let told = said.contains("gatepost.toml:3:8: error: there is no user no-such-user")
        && said.contains("(adduser --system --group no-such-user)");
    assert_eq!(told, nix::unistd::geteuid().is_root(), "{said}");
}

/// Runs `init` in this folder, as the user nobody's if this is root.
fn init(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
    command.current_dir(folder).args(["--config", "gatepost.toml", "init"]);
    command.args(["--domain", "example.org", "--user", "nobody"]).args(args);
    command.output().unwrap()
}

#[test]
fn init_makes_settings_that_hold_from_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let output = init(folder.path(), &["--data", "data"]);
    assert!(output.status.success(), "{output:?}");
    let config = folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let data = folder.path().canonicalize().unwrap().join("data");
    assert!(text.contains(&format!("data = \"{}\"", data.display())), "{text}");
    assert!(text.contains("user = \"nobody\""), "{text}");
    assert_eq!(config.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("Then: gatepost serve --config gatepost.toml"), "{shown}");
}

#[test]
fn init_refuses_what_would_not_work_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], word: &str| {
        let output = init(folder.path(), args);
        assert!(!output.status.success(), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(word), "{args:?}: {said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?}");
    };
    refused(&["--data", "d", "--hostname", "under_score.example.org"], "letters, digits");
    refused(&["--data", "d", "--account", "a b"], "\"a b\"@example.org");
    if nix::unistd::geteuid().is_root() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command.current_dir(folder.path()).args(["--config", "gatepost.toml", "init"]);
        command.args(["--domain", "example.org", "--data", "d", "--user", "no-such-user"]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("adduser --system --group no-such-user"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_broken_map_stops_only_what_asks_the_maps() {
    let folder = tempfile::tempdir().unwrap();
    assert!(init(folder.path(), &["--data", "data"]).status.success());
    let config = folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[access]\nfile = \"access\"\n")).unwrap();
    std::fs::write(folder.path().join("access"), "spammer.example REJCT\n").unwrap();
    let run = |args: &[&str]| {
        let config = config.to_string_lossy();
        gatepost(&[&["--config", &*config], args].concat(), "")
    };
    for args in [["fsck"].as_slice(), &["status"], &["account", "list"]] {
        let output = run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    }
    for args in [["access", "test", "From:a@b.example"].as_slice(), &["alias", "review"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = format!("{output:?}");
        assert!(said.contains("access:1:17: error: there is no value `REJCT`"), "{said}");
    }
    assert_eq!(run(&["serve"]).status.code(), Some(1));
}
