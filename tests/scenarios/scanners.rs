//! Scanners: the real clamd and spamd and a command, well and unwell. Whatever they do, no message
//! is lost and none arrives unscanned.

mod daemons;

use crate::server::{Server, binary, run, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daemons::{Answer, Clamd, Impostor, Spamd, until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The test virus, hidden from nobody but a person who greps.
fn eicar() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// Neither our own lists nor any attachment rule: what is found is a scanner's.
const ALONE: &str = "[attachment]\nfilter = \"off\"\n";

fn clean(subject: &str) -> String {
    format!("From: carol@elsewhere.example\r\nSubject: {subject}\r\n\r\nhello\r\n")
}

fn infected() -> String {
    format!("From: carol@elsewhere.example\r\nSubject: x\r\n\r\n{}\r\n", eicar())
}

/// Sends a message to the first user.
fn send(server: &Server, message: &str) -> String {
    server.smtp().send_latin1(&server.user(0).0, message)
}

fn held(server: &Server) -> Vec<Value> {
    let listed = server.admin(&["quarantine", "list"]);
    listed["value"]["list"]["rows"].as_array().unwrap_or_else(|| panic!("{listed}")).clone()
}

/// The rows of the newest message that was refused, deferred or kept, with this rule.
fn trace(server: &Server, rule: &str) -> Vec<Value> {
    let trace = server.admin(&["trace", "--limit", "1000"]);
    let rows = trace["value"]["rows"].as_array().unwrap_or_else(|| panic!("{trace}")).clone();
    rows.into_iter().filter(|row| row["rule"] == rule).collect()
}

fn status(server: &Server) -> (Vec<Value>, Option<i32>) {
    let output = server.admin_output(&["scanner", "status"]);
    let said: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)));
    (said["value"]["status"].as_array().unwrap().clone(), output.status.code())
}

/// The states of all scanners, asked now.
fn states(server: &Server) -> Vec<String> {
    status(server).0.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

fn self_test(server: &Server) -> (Value, Option<i32>) {
    let output = server.admin_output(&["self-test"]);
    let said: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)));
    (said["value"]["self_test"].clone(), output.status.code())
}

fn is_clean(server: &Server) {
    let fsck = server.admin(&["fsck"]);
    assert_eq!(fsck["value"]["problems"], json!([]), "{fsck}");
}

fn wrappings() -> Vec<(String, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/viruses.py");
    let output = run("python3", &[script]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

/// The wrappings whose message was not held for a virus by this rule.
fn missed(server: &Server, rule: &str) -> Vec<String> {
    let mut missed = Vec::new();
    for (name, message) in wrappings() {
        let (messages, rows) = (server.messages(), held(server).len());
        let answer = send(server, &message);
        assert!(answer.starts_with("250 "), "{name}: {answer}");
        let new = held(server);
        let newest = new.iter().max_by_key(|row| row["id"].as_i64()).cloned().unwrap_or_default();
        let is_held = new.len() == rows + 1;
        assert_eq!(server.messages(), messages + u64::from(!is_held), "{name} is lost");
        let id = newest["message"].to_string();
        let found = is_held
            && server.admin(&["trace", &id])["value"]["rows"]
                .as_array()
                .unwrap()
                .iter()
                .any(|row| row["rule"] == rule && row["reason"] == "virus_found");
        if !found {
            missed.push(name);
        }
    }
    missed
}

#[test]
fn clamd_alone_catches_the_test_virus_in_its_wrappings() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let settings =
        format!("{ALONE}[scanner]\nclamd = [{:?}]\nsignature_age_max_days = 0\n", clamd.socket);
    let server = Server::with_settings(folder.path(), &settings);
    // What this clamd does not read, our own workers do.
    let unread = ["yEnc", "zip with LZMA", "an object in RTF"];
    assert_eq!(missed(&server, "scanner clamd"), unread);
    assert!(wrappings().len() - unread.len() >= 20);
    // A first field by which clamd would take the message for a program.
    let file = STANDARD.encode(eicar());
    let disguised = format!(
        "MZ: x\r\nFrom: carol@elsewhere.example\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}\r\n"
    );
    let rows = held(&server).len();
    assert!(send(&server, &disguised).starts_with("250 "));
    assert_eq!(held(&server).len(), rows + 1, "the first field hides the rest from clamd");
    assert_eq!(states(&server), ["up"]);
    assert_eq!(self_test(&server).0["outcome"], "caught");
    is_clean(&server);
}

#[test]
fn clamd_and_our_own_lists_both_name_the_virus() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let socket = folder.path().join("submit.sock");
    let settings = format!(
        "[server]\nsubmit_socket = {socket:?}\n[scanner]\nclamd = [\"localhost:{}\"]\n",
        clamd.port
    );
    let server = Server::with_settings(folder.path(), &settings);
    let messages = server.messages();
    assert_eq!(missed(&server, "attachment virus"), Vec::<String>::new());
    assert!(!trace(&server, "scanner clamd").is_empty());
    assert_eq!(server.messages(), messages);
    let (test, code) = self_test(&server);
    assert_eq!(test["found_by"].as_array().map(Vec::len), Some(2), "{test}");
    assert_eq!((test["outcome"].as_str(), code), (Some("caught"), Some(0)), "{test}");
    // What our own users send is scanned too, and refused while they hear it.
    let rows = held(&server).len();
    let (anna, ben) = (server.user(0).0, server.user(1).0);
    let own = infected().replace("carol@elsewhere.example", &anna);
    let said = sendmail(&socket, &["-f", &anna, "-i", &ben], &own);
    assert!(said.contains("550") && said.contains("virus"), "{said}");
    assert_eq!((server.messages(), held(&server).len()), (messages, rows));
    is_clean(&server);
}

#[test]
fn a_clamd_that_stands_still_costs_a_deferral_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let settings = format!(
        "{ALONE}[scanner]\nclamd = [{:?}]\ntimeout_secs = 3\nsignature_age_max_days = 0\n",
        clamd.socket
    );
    let log = File::create(folder.path().join("log")).unwrap();
    let server = Server::with_log(folder.path(), &settings, log);
    let messages = server.messages();
    // More than the sockets take: it is stopped in the midst of it.
    let large = clean("large") + &"a line of a long letter\r\n".repeat(200_000);
    assert_eq!(states(&server), ["up"]);
    clamd.signal(Signal::SIGSTOP);
    for message in [&clean("small"), &large, &infected()] {
        let answer = send(&server, message);
        assert!(answer.starts_with("451 4.7.1 "), "{answer}");
    }
    assert_eq!(server.messages(), messages);
    assert_eq!(states(&server), ["down"]);
    clamd.signal(Signal::SIGCONT);
    for message in [&clean("small"), &large] {
        let answer = send(&server, message);
        assert!(answer.starts_with("250 "), "{answer}");
    }
    assert!(send(&server, &infected()).starts_with("250 "));
    assert_eq!((server.messages(), held(&server).len()), (messages + 2, 1));
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.matches("a scanner is down").count(), 1, "{log}");
    assert_eq!(log.matches("a scanner is up").count(), 2, "{log}");
    assert_eq!(trace(&server, "scanner clamd").len(), 5);
    is_clean(&server);
}

#[test]
fn the_next_clamd_is_asked_where_one_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut clamd = Clamd::start(folder.path());
    let (hung, garbage) = (Impostor::start(None), Impostor::start(Some(b"stream: OK\n")));
    let settings = format!(
        "{ALONE}[scanner]\ntimeout_secs = 5\nsignature_age_max_days = 0\n\
         clamd = [\"127.0.0.1:{}\", \"127.0.0.1:{}\", \"/nowhere/clamd.ctl\", {:?}]\n",
        hung.port, garbage.port, clamd.socket
    );
    let server = Server::with_settings(folder.path(), &settings);
    let messages = server.messages();
    assert!(send(&server, &infected()).starts_with("250 "));
    assert_eq!((server.messages(), held(&server).len()), (messages, 1));
    // Those that were unwell are asked last now.
    let began = Instant::now();
    assert!(send(&server, &clean("x")).starts_with("250 "));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(server.messages(), messages + 1);
    let (rows, code) = status(&server);
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!((states, code), (vec!["down", "down", "down", "up"], Some(1)), "{rows:?}");
    clamd.kill();
    for message in [clean("x"), infected()] {
        let answer = send(&server, &message);
        assert!(answer.starts_with("451 4.7.1 "), "{answer}");
    }
    assert_eq!((server.messages(), held(&server).len()), (messages + 1, 1));
    is_clean(&server);
}

#[test]
fn what_is_no_answer_of_clamds_is_never_clean() {
    let answers: [Answer; 9] = [
        None,
        Some(b""),
        Some(b"\0"),
        Some(b"stream: OK"),
        Some(b"stream: OK\0\0"),
        Some(b"stream: OK\0stream: OK\0"),
        Some(b"OK\0"),
        Some(b"220 mx.elsewhere.example ESMTP\r\n"),
        Some(&[b'A'; 100_000]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let impostor = Impostor::start(None);
    let scanner =
        format!("[scanner]\nclamd = [\"127.0.0.1:{}\"]\ntimeout_secs = 2\n", impostor.port);
    let server = Server::with_settings(folder.path(), &format!("{ALONE}{scanner}"));
    let messages = server.messages();
    for answer in answers {
        impostor.say(answer);
        let shown = answer.map(|a| String::from_utf8_lossy(&a[..a.len().min(30)]));
        let said = send(&server, &clean("x"));
        assert!(said.starts_with("451 4.7.1 "), "{shown:?}: {said}");
        assert_eq!((server.messages(), held(&server).len()), (messages, 0), "{shown:?}");
    }
    let rows = trace(&server, "scanner clamd");
    assert_eq!(rows.len(), answers.len());
    assert!(rows.iter().all(|row| row["reason"] == "scanner_failed"), "{rows:?}");
    // The same way with the right answer: it is the answer that was wrong.
    impostor.say(Some(b"stream: OK\0"));
    assert!(send(&server, &clean("x")).starts_with("250 "));
    assert_eq!(server.messages(), messages + 1);
}

#[test]
fn what_could_not_be_scanned_is_held_where_the_settings_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[scanner]\nclamd = [\"/nowhere/clamd.ctl\"]\non_failure = \"quarantine\"\n";
    let server = Server::with_settings(folder.path(), settings);
    let messages = server.messages();
    assert!(send(&server, &clean("x")).starts_with("250 "));
    assert_eq!(server.messages(), messages);
    let rows = held(&server);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["reason"], "scanner_failed");
    let id = rows[0]["id"].to_string();
    server.admin(&["quarantine", "release", &id]);
    assert_eq!(server.messages(), messages + 1);
    // The lists find the virus all the same, and that clamd did not is an alarm.
    let (test, code) = self_test(&server);
    assert_eq!((test["outcome"].as_str(), code), (Some("missed"), Some(1)), "{test}");
    assert_eq!(test["missed_by"], json!(["clamd"]), "{test}");
    is_clean(&server);
}

#[test]
fn a_message_that_is_too_long_to_be_scanned_is_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    // clamd's own limit is found out by asking; ours spares the way there.
    let clamd = Clamd::with_settings(folder.path(), "StreamMaxLength 1M\n");
    let settings = format!(
        "{ALONE}[scanner]\nclamd = [{:?}]\nsize_max = 3000000\nsignature_age_max_days = 0\n",
        clamd.socket
    );
    let server = Server::with_settings(folder.path(), &settings);
    let messages = server.messages();
    let of = |lines: usize| clean("long") + &"a line of a long letter\r\n".repeat(lines);
    for (lines, expected) in [(30_000, "250 "), (60_000, "451 "), (150_000, "451 ")] {
        let answer = send(&server, &of(lines));
        assert!(answer.starts_with(expected), "{lines}: {answer}");
    }
    assert_eq!(server.messages(), messages + 1);
    let rows = trace(&server, "scanner clamd");
    assert_eq!(rows.len(), 2);
    // Its own word may be lost where it closes while it is sent more: a failure either way.
    let last = rows[1]["detail"].as_str().unwrap();
    assert!(last.contains("the message is too long for it"), "{rows:?}");
    is_clean(&server);
}

#[test]
fn old_signatures_are_an_alarm() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let none = Clamd::start(folders[0].path());
    let old = Clamd::with_signatures(folders[1].path(), 9);
    let new = Clamd::with_signatures(folders[2].path(), 1);
    let settings = format!(
        "{ALONE}[scanner]\nclamd = [{:?}, {:?}, {:?}]\n",
        none.socket, old.socket, new.socket
    );
    let folder = tempfile::tempdir().unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let server = Server::with_log(folder.path(), &settings, log);
    assert_eq!(states(&server), ["old", "old", "up"]);
    let (rows, code) = status(&server);
    assert_eq!(code, Some(1));
    let why = |n: usize| rows[n]["why"].as_str().unwrap();
    assert!(why(0).contains("run freshclam"), "{rows:?}");
    assert_eq!(why(1), "its signatures are 9 days old");
    assert!(rows[2]["signatures"].is_i64() && rows[2]["version"].is_string(), "{rows:?}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.matches("a scanner's signatures are old").count(), 2, "{log}");
    // Old ones are better than none.
    assert!(send(&server, &infected()).starts_with("250 "));
    assert_eq!(held(&server).len(), 1);
}

#[test]
fn spamd_gives_points_which_are_noted_or_acted_upon() {
    let gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    let spam = format!("From: carol@elsewhere.example\r\nSubject: x\r\n\r\n{gtube}\r\n");
    let folder = tempfile::tempdir().unwrap();
    let spamd = Spamd::start(folder.path());
    let settings =
        |more: &str| format!("{ALONE}[scanner]\nspamd = [\"127.0.0.1:{}\"]\n{more}", spamd.port);
    {
        let data = tempfile::tempdir().unwrap();
        let server = Server::with_settings(data.path(), &settings("spamd_size_max = 5000\n"));
        let messages = server.messages();
        assert!(send(&server, &spam).starts_with("250 "));
        assert!(send(&server, &(clean("x") + &"a line\r\n".repeat(1_000))).starts_with("250 "));
        assert_eq!(server.messages(), messages + 2);
        let rows = trace(&server, "scanner spamd");
        let detail = |n: usize| rows[n]["detail"].as_str().unwrap();
        assert!(detail(0).contains("spam=yes points=") && detail(0).contains("GTUBE"), "{rows:?}");
        assert!(detail(1).contains("skipped=too_long"), "{rows:?}");
        assert_eq!(states(&server), ["up"]);
    }
    let data = tempfile::tempdir().unwrap();
    let server = Server::with_settings(
        data.path(),
        &settings("on_spam = \"quarantine\"\ntimeout_secs = 9\n"),
    );
    let messages = server.messages();
    assert!(send(&server, &spam).starts_with("250 "));
    assert!(send(&server, &clean("x")).starts_with("250 "));
    assert_eq!((server.messages(), held(&server).len()), (messages + 1, 1));
    assert_eq!(held(&server)[0]["reason"], "spam_score");
    drop(spamd);
    let answer = send(&server, &clean("x"));
    assert!(answer.starts_with("451 4.7.1 "), "{answer}");
    assert_eq!(states(&server), ["down"]);
    is_clean(&server);
}

/// Hands a message in as a program of this machine does; what that hears.
fn sendmail(socket: &Path, arguments: &[&str], message: &str) -> String {
    let mut child = Command::new(binary())
        .arg("sendmail")
        .args(arguments)
        .env("GATEPOST_SUBMIT_SOCKET", socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(message.replace("\r\n", "\n").as_bytes()).unwrap();
    text(&child.wait_with_output().unwrap())
}

/// A program of the administrator's.
fn program(folder: &Path) -> String {
    let path = folder.join("scan");
    let script = "#!/usr/bin/python3\n\
                  import os, sys, time\n\
                  mail = sys.stdin.buffer.read()\n\
                  open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + str(sorted(os.environ)))\n\
                  if b'sleep' in mail:\n    \
                  os.fork()\n    \
                  open(sys.argv[1] + '.pid', 'a').write(str(os.getpid()) + '\\n')\n    \
                  time.sleep(600)\n\
                  if b'crash' in mail: sys.exit('no signatures')\n\
                  if b'odd' in mail: sys.exit(2)\n\
                  if b'evil' in mail: print('Evil.Mail'); sys.exit(1)\n";
    // What raises SystemExit with a text ends with 1, which would be a virus without a name.
    let script = script.replace("sys.exit('no signatures')", "os.abort()");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn a_command_scans_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (program, said) = (program(folder.path()), folder.path().join("said"));
    let settings = format!(
        "{ALONE}[scanner]\ncommand = [{program:?}, {said:?}, \"$(touch x); a b\"]\n\
         timeout_secs = 3\n"
    );
    let server = Server::with_settings(folder.path(), &settings);
    let messages = server.messages();
    for (subject, expected) in
        [("fine", "250 "), ("evil", "250 "), ("crash", "451 "), ("odd", "451 "), ("sleep", "451 ")]
    {
        let answer = send(&server, &clean(subject));
        assert!(answer.starts_with(expected), "{subject}: {answer}");
    }
    assert_eq!((server.messages(), held(&server).len()), (messages + 1, 1));
    assert_eq!(held(&server)[0]["reason"], "virus_found");
    let rows = trace(&server, "scanner command");
    assert!(rows[0]["detail"].as_str().unwrap().contains("virus=\"Evil.Mail\""), "{rows:?}");
    assert!(rows.iter().any(|row| row["detail"].as_str().unwrap().contains("SIGABRT")), "{rows:?}");
    // Its words came as they are written, and of the environment only what is said to come.
    let said = std::fs::read_to_string(said).unwrap();
    assert!(said.starts_with("$(touch x); a b['LC_ALL', 'PATH']"), "{said}");
    // Who slept was killed, and the one that it had started.
    let pids = std::fs::read_to_string(folder.path().join("said.pid")).unwrap();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    until("all are gone", || {
        pids.lines().all(|pid| !Path::new("/proc").join(pid).join("fd").exists())
    });
    assert_eq!(states(&server), ["down"]);
    assert_eq!(self_test(&server).0["outcome"], "passed", "it knows no test virus");
    is_clean(&server);
}

#[test]
fn the_self_test_is_caught_leaves_nothing_and_sounds_the_alarm_if_it_passes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let messages = server.messages();
    let (test, code) = self_test(&server);
    assert_eq!((test["outcome"].as_str(), code), (Some("caught"), Some(0)), "{test}");
    assert_eq!(test["found_by"], json!(["attachment virus"]), "{test}");
    assert_eq!((server.messages(), held(&server).len()), (messages, 0));
    // A stranger who writes the same is held.
    let posing = format!(
        "From: Self-test <self-test@self-test.invalid>\r\nMessage-ID: <0@self-test.invalid>\r\n\
         Subject: This message should not have come\r\n\r\n{}\r\n",
        eicar()
    );
    assert!(send(&server, &posing).starts_with("250 "));
    assert_eq!((server.messages(), held(&server).len()), (messages, 1));
    is_clean(&server);

    let folder = tempfile::tempdir().unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let server = Server::with_log(folder.path(), ALONE, log);
    let (test, code) = self_test(&server);
    assert_eq!((test["outcome"].as_str(), code), (Some("passed"), Some(1)), "{test}");
    let said = text(&server.plain_output(&["self-test"]));
    assert!(said.contains("THE TEST VIRUS PASSED"), "{said}");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(log.matches("ALARM: the self-test's virus passed the filter").count(), 2, "{log}");
}
