//! Second opinions: dkimpy and OpenDKIM take what we sign and seal, and we take theirs.
//!
//! Both are asked without the network. `cargo xtask setup` installs them; in CI they must be there,
//! elsewhere a test that lacks them says so and ends.

use crate::{ED25519, MESSAGE, RSA, check, keys, published, run, told};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use filter::authentication::arc::{Chain, ChainResult, seal, verify};
use filter::authentication::dkim::{Outcome, Signer, sign};
use filter::authentication::message::Message;
use mail::Timestamp;
use mail::index::Index;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// The other programs look at the machine's clock.
fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

/// Whether what answers to `probe` may be missing: not in CI.
fn is_there(what: &str, probe: &mut Command) -> bool {
    let there = probe.output().is_ok_and(|output| output.status.success());
    if !there {
        let ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(!ci, "{what} is missing: cargo xtask setup");
        eprintln!("{what} is missing, so nothing is compared");
    }
    there
}

/// The interpreter that Debian's packages are for.
const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn dkimpy_is_there() -> bool {
    is_there("python3-dkim", Command::new(PYTHON).args(["-c", "import dkim, nacl, authres"]))
}

pub(crate) fn opendkim_is_there() -> bool {
    is_there("opendkim", Command::new("opendkim").arg("-V"))
}

fn with_input(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Asks dkimpy about one message.
fn dkimpy(task: &str, message: &[u8], signer: &Signer, more: Value) -> Value {
    dkimpy_of_all(task, &[message], signer, more).remove(0)
}

/// Asks dkimpy about several messages; starting it is what takes time.
pub(crate) fn dkimpy_of_all(
    task: &str,
    messages: &[impl AsRef<[u8]>],
    signer: &Signer,
    more: Value,
) -> Vec<Value> {
    let keys: BTreeMap<_, _> = [&*RSA, &*ED25519].into_iter().map(published).collect();
    let mut request = json!({
        "task": task,
        "messages": messages.iter().map(|message| STANDARD.encode(message)).collect::<Vec<_>>(),
        "keys": keys,
        "selector": signer.selector,
        "domain": signer.domain,
        "algorithm": signer.key.algorithm(),
        "key": signer.key.to_pem().unwrap().expose(),
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let script = tests::root().join("crates/filter/tests/signatures/opinion.py");
    let output = with_input(Command::new(PYTHON).arg(script), request.to_string().as_bytes());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn made_by_dkimpy(task: &str, message: &[u8], signer: &Signer, more: Value) -> Vec<u8> {
    STANDARD.decode(dkimpy(task, message, signer, more).as_str().unwrap()).unwrap()
}

fn signed(message: &str, signers: &[&Signer]) -> Vec<u8> {
    let index = Index::of(message.as_bytes());
    let shown = Message::at_hand(&index, message.as_bytes());
    let fields = run(sign(&shown, signers, now(), None)).unwrap();
    [fields.as_bytes(), message.as_bytes()].concat()
}

fn sealed(message: &[u8], signer: &Signer) -> Vec<u8> {
    let index = Index::of(message);
    let shown = Message::at_hand(&index, message);
    let results = "mx.example.org; spf=pass smtp.mailfrom=anna@example.org; dkim=none";
    let before = chain(message);
    let fields = run(seal(&shown, &before, results, signer, now())).unwrap();
    [fields.as_bytes(), message].concat()
}

/// Messages that programs disagree about first.
fn messages() -> Vec<String> {
    let header = MESSAGE.split_once("\r\n\r\n").unwrap().0;
    let bodies = [
        "Hello.\r\n",
        "",
        "\r\n",
        "\r\n\r\n",
        " \t \r\n\r\n",
        "a  b\t c \r\n\r\n d\r\n\r\n\r\n",
        "no line end",
        "\r\nempty first\r\n",
    ];
    let mut messages: Vec<String> =
        bodies.iter().map(|body| format!("{header}\r\n\r\n{body}")).collect();
    messages.push(MESSAGE.replace("Subject: Supper", "Subject:\r\n\t\r\n Supper"));
    messages.push(MESSAGE.replace("X-Mailer", "Received: a\r\nCc: x@y.example\r\nCc"));
    messages.push(MESSAGE.replace("Supper", &"Sup per ".repeat(100)));
    messages
}

/// What OpenDKIM's test mode hands on as it is: it reads a file by lines, and loses a line of
/// blanks within a field and a last line without an end (dkimpy's signatures of such messages fail
/// there too).
fn for_opendkim() -> Vec<String> {
    let kept = |message: &String| message.ends_with('\n') && !message.contains("\r\n\t\r\n");
    messages().into_iter().filter(kept).collect()
}

fn now_seconds() -> i64 {
    now().seconds()
}

fn chain(message: &[u8]) -> Chain {
    let index = Index::of(message);
    let shown = Message::at_hand(&index, message);
    run(verify(&shown, &keys(&[&RSA, &ED25519]), now())).unwrap()
}

#[test]
fn dkimpy_takes_what_we_sign() {
    if !dkimpy_is_there() {
        return;
    }
    let messages: Vec<_> =
        messages().iter().map(|message| signed(message, &[&RSA, &ED25519])).collect();
    let said = dkimpy_of_all("verify", &messages, &RSA, json!({}));
    assert_eq!(said, vec![json!([true, true]); messages.len()]);
    let both = String::from_utf8(signed(MESSAGE, &[&RSA, &ED25519])).unwrap();
    let changed = both.replace("Supper", "Dinner");
    let said = dkimpy("verify", changed.as_bytes(), &RSA, json!({}));
    assert_eq!(said, json!([false, false]));
}

#[test]
fn we_take_what_dkimpy_signs() {
    if !dkimpy_is_there() {
        return;
    }
    let zone = keys(&[&RSA, &ED25519]);
    for signer in [&*RSA, &*ED25519] {
        for how in ["simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed"] {
            let more = json!({ "canonicalization": how });
            let messages = messages();
            let signed = dkimpy_of_all("sign", &messages, signer, more);
            assert_eq!(signed.len(), messages.len());
            for signed in signed {
                let signed = STANDARD.decode(signed.as_str().unwrap()).unwrap();
                let report = check(&signed, &zone, now_seconds());
                let shown = String::from_utf8_lossy(&signed);
                assert_eq!(told(&report), [(Outcome::Pass, "")], "{how} {shown}");
            }
        }
    }
}

#[test]
fn dkimpy_takes_chains_that_we_seal() {
    if !dkimpy_is_there() {
        return;
    }
    for signers in [[&*RSA, &*RSA], [&*RSA, &*ED25519]] {
        let mut message = signed(MESSAGE, &[&RSA]);
        for (i, signer) in signers.into_iter().enumerate() {
            message = sealed(&message, signer);
            let said = dkimpy("verify_chain", &message, signer, json!({}));
            // Of chains dkimpy verifies RSA alone.
            if signer.key.algorithm().word() == "rsa-sha256" {
                let expected = json!({ "result": "pass", "reason": "success", "sets": i + 1 });
                assert_eq!(said, expected);
            }
        }
    }
}

#[test]
fn we_take_chains_that_dkimpy_seals() {
    if !dkimpy_is_there() {
        return;
    }
    let with_results = |state: &str, message: &[u8]| {
        let field = format!("Authentication-Results: mx.example.org; spf=none; arc={state}\r\n");
        [field.as_bytes(), message].concat()
    };
    let more = json!({ "server": "mx.example.org" });
    let first = with_results("none", &signed(MESSAGE, &[&RSA]));
    let mut message = made_by_dkimpy("seal", &first, &RSA, more.clone());
    let found = chain(&message);
    assert_eq!((found.result, found.instances), (ChainResult::Pass, 1), "{found:?}");
    // One of ours on top, and another of theirs.
    message = sealed(&message, &ED25519);
    let found = chain(&message);
    assert_eq!((found.result, found.oldest_pass), (ChainResult::Pass, Some(0)), "{found:?}");
    message = sealed(&message, &RSA);
    let broken = String::from_utf8(message).unwrap().replace("Supper", "Dinner");
    assert_eq!(chain(broken.as_bytes()).result, ChainResult::Fail);
}

/// What OpenDKIM says of a message in its test mode, with these settings more.
pub(crate) fn opendkim(message: &[u8], settings: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let records = [&*RSA, &*ED25519].map(published);
    let lines: String = records.iter().map(|(name, text)| format!("{name} {text}\n")).collect();
    std::fs::write(path("keys"), lines).unwrap();
    std::fs::write(path("message"), message).unwrap();
    std::fs::write(path("private"), RSA.key.to_pem().unwrap().expose()).unwrap();
    let common = format!("TestPublicKeys {}\nSyslog no\n", path("keys").display());
    let settings = settings.replace("PRIVATE", &path("private").display().to_string());
    std::fs::write(path("settings"), common + &settings).unwrap();
    let output = Command::new("opendkim")
        .args(["-vv".as_ref(), "-x".as_ref(), path("settings").as_os_str()])
        .args(["-t".as_ref(), path("message").as_os_str()])
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn opendkim_takes_what_we_sign() {
    if !opendkim_is_there() {
        return;
    }
    for message in for_opendkim() {
        let said = opendkim(&signed(&message, &[&RSA]), "Mode v\n");
        assert!(said.contains("dkim=pass (2048-bit key)"), "{message:?}: {said}");
    }
    let changed = String::from_utf8(signed(MESSAGE, &[&RSA])).unwrap().replace("Supper", "Dinner");
    assert!(opendkim(changed.as_bytes(), "Mode v\n").contains("dkim=fail"));
}

#[test]
fn we_take_what_opendkim_signs() {
    if !opendkim_is_there() {
        return;
    }
    let zone = keys(&[&RSA]);
    for how in ["simple/simple", "relaxed/simple", "simple/relaxed", "relaxed/relaxed"] {
        for message in for_opendkim() {
            let settings = format!(
                "Mode s\nDomain example.org\nSelector {}\nKeyFile PRIVATE\nCanonicalization {how}\n\
                 RequireSafeKeys no\nOversignHeaders From\nInternalHosts 0.0.0.0/0\n",
                RSA.selector
            );
            let said = opendkim(message.as_bytes(), &settings);
            let (_, rest) = said.split_once("hname='DKIM-Signature' hvalue='").unwrap();
            let (value, _) = rest.split_once("'\n").unwrap();
            let space = if value.starts_with(' ') { "" } else { " " };
            let field = format!("DKIM-Signature:{space}{}\r\n", value.replace('\n', "\r\n"));
            let report = check((field + &message).as_bytes(), &zone, now_seconds());
            assert_eq!(told(&report), [(Outcome::Pass, "")], "{how} {message:?} {said}");
        }
    }
}
