//! The processes that look into mail: locked down, and replaced when they die.

use crate::attachments::attached;
use crate::server::{Server, binary};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A frame for a worker: a request of no bytes, and the message.
fn job(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 4];
    frame.extend_from_slice(&(message.len() as u64).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// What a worker says to these bytes until it ends: its proof, and its answers as JSON.
fn worker(arguments: &[&str], input: &[u8]) -> (Value, Vec<Value>, Option<i32>) {
    let mut child = Command::new(binary())
        .arg("worker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut rest = output.stdout.as_slice();
    let mut take = |n: usize| {
        let (one, other) = rest.split_at_checked(n)?;
        rest = other;
        Some(one)
    };
    let length = u32::from_be_bytes(take(4).unwrap().try_into().unwrap());
    let proof = serde_json::from_slice(take(length as usize).unwrap()).unwrap();
    let mut answers = Vec::new();
    while let Some(head) = take(9) {
        let length = u64::from_be_bytes(head[1..].try_into().unwrap());
        let answer = take(usize::try_from(length).unwrap()).unwrap();
        // An examination: the length of its JSON, the JSON, and what was written anew.
        let json = u32::from_le_bytes(answer[..4].try_into().unwrap()) as usize;
        answers.push(serde_json::from_slice(&answer[4..4 + json]).unwrap());
    }
    (proof, answers, output.status.code())
}

#[test]
fn a_worker_proves_that_it_is_locked_down() {
    let messages = [job(b"Subject: one\r\n\r\nx\r\n"), job(b"Subject: two\r\n\r\ny\r\n")].concat();
    let (proof, answers, code) = worker(&["1000"], &messages);
    for what in ["file", "socket", "local_socket", "program", "process"] {
        assert_eq!(proof[what], json!({ "refused": 1 }), "{proof}");
    }
    let memory = proof["memory_max"].as_u64().unwrap() >> 20;
    assert!((64..80).contains(&memory), "{memory} MiB");
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert_eq!(code, Some(0));
    // What is longer than it was told ends it, and is not read.
    let (_, answers, code) = worker(&["10"], &job(b"Subject: one\r\n\r\nx\r\n"));
    assert_eq!((answers.len(), code), (0, Some(1)));
    // A message that is cut short is none.
    let (_, answers, code) = worker(&["1000"], &messages[..messages.len() - 1]);
    assert_eq!((answers.len(), code), (1, Some(0)));
}

fn children_of(pid: u32) -> Vec<u32> {
    let task = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = task.map(|task| std::fs::read_to_string(task.path().join("children")));
    let lists: String = lists.map(Result::unwrap_or_default).collect::<Vec<_>>().join(" ");
    lists.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_has_workers_and_takes_them_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let workers = || server.admin(&["status"])["value"]["workers"].clone();
    until("the first worker is locked down", || workers()["idle"] == 1);
    let state = workers();
    assert!(state["proof"].as_str().unwrap().starts_with("file: EPERM, socket: EPERM"), "{state}");
    assert_eq!((&state["started"], &state["crashed"]), (&json!(1), &json!(0)), "{state}");

    let pid = u32::try_from(server.facts["pid"].as_u64().unwrap()).unwrap();
    let spawners = children_of(pid);
    assert_eq!(spawners.len(), 1, "the server starts nothing but its spawner");
    let found = children_of(spawners[0]);
    assert_eq!(found.len(), 1);
    // It has three pipes, and nothing else.
    let fds = std::fs::read_dir(format!("/proc/{}/fd", found[0])).map(Iterator::count);
    assert!(fds.is_err() || fds.unwrap() == 3);

    // A worker that is killed is missed by nobody.
    kill(Pid::from_raw(i32::try_from(found[0]).unwrap()), Signal::SIGKILL).unwrap();
    until("the dead worker is known", || workers()["idle"] == 0);

    // Nor is one left behind by a server that is killed.
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    let gone = || !std::path::Path::new(&format!("/proc/{}/exe", spawners[0])).exists();
    until("the spawner ends with its server", gone);
}

/// A message is being looked into by a worker that dies: it is to be sent again, and nothing else
/// is any different.
#[test]
fn a_worker_that_is_killed_at_work_defers_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let workers = || server.admin(&["status"])["value"]["workers"].clone();
    until("the first worker is locked down", || workers()["idle"] == 1);
    let pid = u32::try_from(server.facts["pid"].as_u64().unwrap()).unwrap();
    let worker = Pid::from_raw(i32::try_from(children_of(children_of(pid)[0])[0]).unwrap());
    kill(worker, Signal::SIGSTOP).unwrap();

    let (anna, _) = server.user(0);
    let message = attached("notes.bin", b"some notes");
    let mut talk = server.smtp();
    let (to, bytes) = (anna.clone(), message.clone());
    let sending = std::thread::spawn(move || talk.send_message(&to, &bytes));
    until("it is at work", || workers()["idle"] == 0);
    let other = server.smtp().send_message(&anna, &attached("other.bin", b"others"));
    assert!(other.starts_with("250 "), "{other}");
    kill(worker, Signal::SIGKILL).unwrap();
    let reply = sending.join().unwrap();
    assert!(reply.starts_with("451 "), "{reply}");
    assert_eq!(workers()["crashed"], json!(1));
    assert_eq!(server.messages(), 1);

    let reply = server.smtp().send_message(&anna, &message);
    assert!(reply.starts_with("250 "), "{reply}");
    assert_eq!(server.messages(), 2);
    let held = server.admin(&["quarantine", "list"]);
    assert_eq!(held["value"]["list"]["rows"], json!([]), "{held}");
}
