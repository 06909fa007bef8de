//! The README's first command, and the first minutes of an administrator.

use crate::server::{gatepost, run, text};
use std::process::{Command, Stdio};

#[test]
fn the_demo_comes_out_as_it_must() {
    let output = gatepost(&["demo", "--once"]);
    let shown = text(&output);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("Every line came out as it must."), "{shown}");
    for word in [
        "subject_prohibited",
        "relay_denied",
        "command_disabled",
        "message_too_large",
        "attachment_prohibited",
        "virus_found",
    ] {
        assert!(shown.contains(word), "the trace's {word} is not in the table:\n{shown}");
    }
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let (rows, shown) = (rows(readme), rows(&shown));
    assert!(shown.len() > 20 && rows == shown, "README.md shows another table");
}

/// The rows of the demo's table; numbers of messages and rules differ by what came before.
fn rows(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with('│'));
    let bare = |c: &char| !c.is_ascii_digit() && !c.is_whitespace();
    rows.map(|row| row.chars().filter(bare).collect()).collect()
}

#[test]
fn a_server_is_set_up_and_runs_as_its_own_user() {
    let folder = tempfile::tempdir().unwrap();
    run("chmod", &["755", &folder.path().to_string_lossy()]);
    let config = folder.path().join("gatepost.toml");
    let config = config.to_string_lossy();
    let data = folder.path().join("data");
    let init = gatepost(&[
        "--config",
        &config,
        "--json",
        "init",
        "--domain",
        "example.org",
        "--data",
        &data.to_string_lossy(),
        "--user",
        "nobody",
    ]);
    assert!(init.status.success(), "{}", text(&init));
    let made: serde_json::Value = serde_json::from_slice(&init.stdout).unwrap();
    assert_eq!(made["account"], "admin@example.org");
    assert!(made["password"].as_str().unwrap().len() >= 16);
    assert!(made["dns"].as_array().unwrap().iter().any(|r| r.as_str().unwrap().contains(" MX ")));
    let again = gatepost(&["--config", &config, "init", "--domain", "example.org"]);
    assert!(!again.status.success(), "init must not overwrite settings");

    let settings = std::fs::read_to_string(&*config).unwrap();
    let doors = "\n[listen]\nsmtp = [\"127.0.0.1:0\"]\npop3 = []\npop3s = [\"127.0.0.1:0\"]\n";
    std::fs::write(&*config, settings + doors).unwrap();
    let mut child = Command::new(crate::server::binary())
        .args(["--config", &config, "serve", "--ready-fd", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = child.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(ready["smtp"].as_str().unwrap().starts_with("127.0.0.1:"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let uids = status.lines().find(|l| l.starts_with("Uid:")).unwrap();
    assert!(!uids.split_whitespace().skip(1).any(|uid| uid == "0"), "still root: {uids}");
    let proof = || {
        let status = gatepost(&["--config", &config, "--json", "status"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        status["value"]["workers"]["proof"].as_str().unwrap().to_owned()
    };
    let began = std::time::Instant::now();
    while proof().is_empty() {
        assert!(began.elapsed().as_secs() < 20, "no worker of this user is locked down");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A mistyped folder must not become a new store that is then found to be in order.
#[test]
fn only_init_makes_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (data, config) = (folder.path().join("data"), folder.path().join("gatepost.toml"));
    let settings = format!(
        "[server]\nhostname = \"mail.example.org\"\nuser = \"nobody\"\n\
         [listen]\nsmtp = [\"127.0.0.1:0\"]\npop3s = []\n[storage]\ndata = {data:?}\n"
    );
    std::fs::write(&config, settings).unwrap();
    run("chmod", &["755", &folder.path().to_string_lossy()]);
    let none = format!("there is no store in {}; gatepost init makes one", data.display());
    let check = |command: &[&str]| {
        let output = gatepost(&[&["--config", &config.to_string_lossy()], command].concat());
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", text(&output));
        assert!(text(&output).contains(&none), "{command:?}: {}", text(&output));
    };
    let commands: [&[&str]; 4] = [&["fsck"], &["status"], &["account", "list"], &["serve"]];
    for command in commands {
        check(command);
        assert!(!data.exists(), "{command:?} made the data folder");
    }
    std::fs::create_dir(&data).unwrap();
    for command in commands {
        check(command);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "{command:?} made something");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_string_lossy();
    let output = gatepost(&["parse", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(&*path), "{}", text(&output));
}

#[test]
fn wrong_settings_are_told_with_place_and_hint() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("gatepost.toml");
    std::fs::write(&config, "[server]\nhostnam = \"mail.example.org\"\n").unwrap();
    let output = gatepost(&["--config", &config.to_string_lossy(), "config", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output);
    assert!(shown.contains("gatepost.toml:2:1"), "{shown}");
    assert!(shown.contains("hostname"), "{shown}");
}
