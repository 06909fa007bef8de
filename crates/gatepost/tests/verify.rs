//! `verify` and `sign`: what is proved of a message in a file, without a server or a network.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use filter::authentication::dkim::{KeyKind, SigningKey, zone_strings};
use std::path::PathBuf;
use std::process::{Command, Output};

const MESSAGE: &str = "Return-Path: <anna@example.org>\r\nFrom: Anna <anna@example.org>\r\n\
                       To: ben@example.net\r\nSubject: lunch\r\n\r\nAt noon?\r\n";

/// A folder with a key, its zone, and the messages of one test.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(kind: KeyKind) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let key = SigningKey::generate(kind).unwrap();
        site.write("key.pem", key.to_pem().unwrap().expose().as_bytes());
        let zone = format!(
            "example.org. TXT \"v=spf1 ip4:192.0.2.0/28 -all\"\n\
             _dmarc.example.org. TXT \"v=DMARC1; p=reject\"\n\
             s1._domainkey.example.org. TXT {}\n\
             1.2.0.192.in-addr.arpa. PTR mx.example.org.\n\
             mx.example.org. A 192.0.2.1\n",
            zone_strings(&key.record().unwrap()).join(" ")
        );
        site.write("zone", zone.as_bytes());
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs a command in the folder, on the zone and without settings.
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command.current_dir(self.folder.path()).env_remove("GATEPOST_CONFIG");
        command.args(["--config", "nowhere.toml", "--zone", "zone"]);
        command.args(["--now", "2026-11-24T12:00:00Z"]).args(args).output().unwrap()
    }

    /// Signs a message and keeps it as `name`.
    fn signed(&self, what: &str, message: &str, name: &str) -> String {
        self.write("unsigned.eml", message.as_bytes());
        let who = ["--key", "key.pem", "--domain", "example.org", "--selector", "s1"];
        let output = self.run(&[&["sign", what, "unsigned.eml"], &who[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        self.write(name, &output.stdout);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The exit code and the object of `verify`.
    fn verify(&self, args: &[&str]) -> (Option<i32>, serde_json::Value) {
        let output = self.run(&[&["verify", "--json"], args].concat());
        let printed = serde_json::from_slice(&output.stdout);
        (output.status.code(), printed.unwrap_or_else(|e| panic!("{args:?}: {e}: {output:?}")))
    }
}

#[test]
fn what_was_signed_passes_until_it_is_changed() {
    for kind in [KeyKind::Ed25519, KeyKind::Rsa] {
        let site = Site::new(kind);
        let signed = site.signed("dkim", MESSAGE, "signed.eml");
        assert!(signed.starts_with("DKIM-Signature: ") && signed.ends_with(MESSAGE), "{signed}");
        let (code, all) = site.verify(&["all", "signed.eml"]);
        assert_eq!(code, Some(0), "{all}");
        assert_eq!(all["dkim"]["signatures"][0]["result"], "pass", "{all}");
        assert_eq!(all["dmarc"]["result"], "pass", "{all}");
        assert_eq!(all["dmarc"]["dkim_aligned"][0]["domain"], "example.org", "{all}");
        assert_eq!(all.get("spf"), None, "{all}");
        assert!(all["notes"][0].as_str().unwrap().contains("--ip"), "{all}");
        let field = all["authentication_results"].as_str().unwrap();
        assert!(
            field.starts_with("Authentication-Results: localhost 1;\r\n\tdkim=pass"),
            "{field}"
        );
        assert!(field.contains("header.d=example.org header.s=s1"), "{field}");

        site.write("tampered.eml", signed.replace("noon", "nine").as_bytes());
        let (code, all) = site.verify(&["all", "tampered.eml"]);
        assert_eq!((code, &all["dmarc"]["disposition"]), (Some(1), &"reject".into()), "{all}");
        let field = all["authentication_results"].as_str().unwrap();
        assert!(field.contains("dkim=fail") && field.contains("policy.dmarc=reject"), "{field}");
        for (what, code) in [("dkim", 1), ("dmarc", 1), ("arc", 1)] {
            assert_eq!(site.verify(&[what, "tampered.eml"]).0, Some(code), "{what}");
        }
        for (what, code) in [("dkim", 0), ("dmarc", 0), ("arc", 1)] {
            assert_eq!(site.verify(&[what, "signed.eml"]).0, Some(code), "{what}");
        }
    }
}

#[test]
fn spf_tells_clients_apart() {
    let site = Site::new(KeyKind::Ed25519);
    site.write("m.eml", MESSAGE.as_bytes());
    for (args, result, code) in [
        (&["--ip", "192.0.2.1"][..], "pass", 0),
        (&["--ip", "::ffff:192.0.2.1"], "pass", 0),
        (&["--ip", "198.51.100.1"], "fail", 1),
        (&["--ip", "198.51.100.1", "--mail-from", "<>", "--helo", "example.org"], "fail", 1),
        (&["--ip", "192.0.2.1", "--mail-from", "<>", "--helo", "example.org"], "pass", 0),
        (&["--ip", "192.0.2.1", "--mail-from", "<>"], "none", 1),
        (&["--ip", "192.0.2.1", "--mail-from", "ben@example.net"], "none", 1),
    ] {
        let (exit, told) = site.verify(&[&["spf", "m.eml"], args].concat());
        assert_eq!(exit, Some(code), "{args:?}: {told}");
        assert_eq!(told["spf"]["mail_from"]["result"], result, "{args:?}: {told}");
        assert_eq!(told.get("dmarc"), None, "{told}");
    }
    let (code, all) = site.verify(&["all", "m.eml", "--ip", "192.0.2.1"]);
    assert_eq!(code, Some(0), "SPF alone carries DMARC: {all}");
    assert_eq!(all["iprev"]["result"], "pass", "{all}");
    assert_eq!(all["spf"]["helo"]["identity"], "[192.0.2.1]", "{all}");
    let (code, all) = site.verify(&["all", "m.eml", "--ip", "198.51.100.1"]);
    assert_eq!((code, &all["dmarc"]["result"]), (Some(1), &"fail".into()), "{all}");
    assert_eq!(all["dmarc"]["policy"], "reject", "{all}");
}

#[test]
fn an_author_has_to_be_named() {
    let site = Site::new(KeyKind::Ed25519);
    for (from, why) in [
        ("", "there is no From field"),
        ("From: a@example.org\r\nFrom: b@example.org\r\n", "there are 2 From fields"),
        (
            "From: <a@example.org> bank.example\r\n",
            "From cannot be read: there is no @ (at byte 12)",
        ),
        ("From: Anna a@example.org\r\n", "From cannot be read: something in it is no address"),
        ("From: nobody\r\n", "From cannot be read: there is no @ (at byte 6)"),
        ("From: a@[192.0.2.1]\r\n", "From has an IP address in place of a domain"),
    ] {
        site.write("m.eml", format!("{from}Subject: x\r\n\r\nx\r\n").as_bytes());
        let (code, all) = site.verify(&["all", "m.eml"]);
        assert_eq!((code, &all["no_author"]), (Some(1), &why.into()), "{from:?}: {all}");
        let field = all["authentication_results"].as_str().unwrap();
        assert!(field.contains("dmarc=permerror"), "{field}");
    }
    site.write("m.eml", b"From: b@example.net, a@example.org\r\n\r\nx\r\n");
    let (code, all) = site.verify(&["all", "m.eml"]);
    assert_eq!((code, &all["dmarc"]["author"]), (Some(1), &"example.org".into()), "{all}");
    assert_eq!(all["other_authors"][0]["author"], "example.net", "the strictest goes first: {all}");
    site.write("m.eml", b"From: a@example.net\r\n\r\nx\r\n");
    let (code, all) = site.verify(&["all", "m.eml"]);
    assert_eq!((code, &all["dmarc"]["result"]), (Some(0), &"none".into()), "no record: {all}");
}

#[test]
fn a_chain_grows_and_holds() {
    let site = Site::new(KeyKind::Ed25519);
    let first = site.signed("arc", MESSAGE, "first.eml");
    assert!(first.starts_with("ARC-Seal: i=1;") && first.ends_with(MESSAGE), "{first}");
    assert!(first.contains("ARC-Authentication-Results: i=1; example.org 1; dkim=none"), "{first}");
    let second = site.signed("arc", &first, "second.eml");
    let (code, told) = site.verify(&["arc", "second.eml"]);
    assert_eq!((code, &told["arc"]["instances"]), (Some(0), &2.into()), "{told}");
    assert_eq!(told["arc"]["oldest_pass"], 0, "{told}");
    site.write("changed.eml", second.replace("noon", "nine").as_bytes());
    let (code, told) = site.verify(&["arc", "changed.eml"]);
    assert_eq!((code, &told["arc"]["result"]), (Some(1), &"fail".into()), "{told}");
    let who = ["--key", "key.pem", "--domain", "example.org", "--selector", "s1"];
    let results = ["--results", "mx.example.org; spf=pass"];
    let output =
        site.run(&[&["--json", "sign", "arc", "unsigned.eml"], &who[..], &results].concat());
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let fields = printed["fields"].as_str().unwrap();
    assert!(fields.contains("i=2; mx.example.org; spf=pass"), "{fields}");
}

#[test]
fn lines_of_files_are_made_lines_of_mail() {
    let site = Site::new(KeyKind::Ed25519);
    let signed = site.signed("dkim", &MESSAGE.replace("\r\n", "\n"), "signed.eml");
    assert!(signed.ends_with(MESSAGE), "{signed}");
    // As an editor or git keeps it.
    site.write("unix.eml", signed.replace("\r\n", "\n").as_bytes());
    let (code, all) = site.verify(&["all", "unix.eml"]);
    assert_eq!((code, &all["line_ends_repaired"]), (Some(0), &true.into()), "{all}");
    let text = |name| String::from_utf8(site.run(&["verify", "all", name]).stdout).unwrap();
    let repaired = "Lines ended with LF alone";
    assert!(text("unix.eml").contains(repaired) && !text("signed.eml").contains(repaired));
    assert!(text("unix.eml").contains("\nAuthentication-Results: localhost 1;\n    dkim=pass"));
}

#[test]
fn words_of_strangers_cannot_steer_the_terminal() {
    let site = Site::new(KeyKind::Ed25519);
    site.write(
        "m.eml",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=ex\x1b[2Jample.org; s=\x1b]0;x; b=\x1b[1m; h=From; \
          bh=\x1b\r\nFrom: \x1b[2J <a@\x1b[2Jb>\r\n\r\nx\r\n",
    );
    let helo = ["--ip", "192.0.2.1", "--helo", "\u{1b}[2Ja\nb\u{9b}\r", "--mail-from", "<>"];
    let output = site.run(&[&["verify", "all", "m.eml"], &helo[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.contains("\\u{1b}[2Ja\\nb"), "{text}");
}

#[test]
fn wrong_usage_and_what_cannot_be_signed() {
    let site = Site::new(KeyKind::Ed25519);
    site.write("m.eml", MESSAGE.as_bytes());
    site.write("none.eml", b"Subject: x\r\n\r\nx\r\n");
    site.write("bad.pem", b"no key");
    let sign = |file: &'static str, key: &'static str, selector: &'static str| {
        vec!["sign", "dkim", file, "--key", key, "--domain", "example.org", "--selector", selector]
    };
    for (args, code, words) in [
        (vec!["verify", "spf", "m.eml"], 2, "--ip"),
        (vec!["verify", "spf", "m.eml", "--ip", "x"], 2, "--ip"),
        (vec!["verify", "all", "m.eml", "--mail-from", "anna"], 2, "there is no @"),
        (vec!["verify", "all", "no.eml"], 1, "cannot read no.eml"),
        (vec!["sign", "dkim", "m.eml"], 2, "--key"),
        (sign("m.eml", "key.pem", "a b"), 2, "labels with dots between"),
        (sign("m.eml", "bad.pem", "s1"), 1, "this is no private key"),
        (sign("m.eml", "no.pem", "s1"), 1, "cannot sign with no.pem"),
        (sign("none.eml", "key.pem", "s1"), 1, "the message has no From field"),
    ] {
        let output = site.run(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}: nothing half done is printed");
    }
}
