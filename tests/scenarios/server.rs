//! Starting the binary and talking about it.

use crate::talk::Talk;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary under test: named by `GATEPOST_BIN`, else beside the test's own.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GATEPOST_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("gatepost");
    assert!(path.exists(), "{} is not built: cargo build --package gatepost", path.display());
    path
}

/// Runs the binary to its end.
pub(crate) fn gatepost(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs another program to its end; a program that is not there fails the test.
pub(crate) fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    output.unwrap_or_else(|e| panic!("{program}: {e}; cargo xtask setup installs it"))
}

/// A Python program that acts as another server, and the line by which it says where it listens.
pub(crate) fn act(program: &str, args: &[&dyn AsRef<OsStr>]) -> (Child, String) {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

/// Both outputs as text.
pub(crate) fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// A demo server, ended when dropped.
pub(crate) struct Server {
    pub(crate) facts: Value,
    child: Child,
}

impl Server {
    /// A server with the demo's own settings, in `folder`.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with_settings(folder, "")
    }

    /// A server with these settings laid over the demo's.
    pub(crate) fn with_settings(folder: &Path, settings: &str) -> Self {
        Self::with_options(folder, settings, &[], None)
    }

    /// The same, whose log goes to a file, with a line for each session and attempt.
    pub(crate) fn with_log(folder: &Path, settings: &str, log: File) -> Self {
        Self::with_options(folder, settings, &[], Some(log))
    }

    /// The same, with a zone file that answers all its questions.
    pub(crate) fn with_zone(folder: &Path, settings: &str, zone: &Path) -> Self {
        let zone = ["--zone".as_ref(), zone.as_os_str()];
        Self::with_options(folder, settings, &zone, None)
    }

    /// The same, whose clock was set to this time when it started.
    pub(crate) fn with_zone_at(folder: &Path, settings: &str, zone: &Path, now: &str) -> Self {
        let options = ["--zone".as_ref(), zone.as_os_str(), "--now".as_ref(), now.as_ref()];
        Self::with_options(folder, settings, &options, None)
    }

    fn with_options(folder: &Path, settings: &str, options: &[&OsStr], log: Option<File>) -> Self {
        let overlay = folder.join("overlay.toml");
        std::fs::write(&overlay, settings).unwrap();
        let data = folder.join("demo");
        let mut command = Command::new(binary());
        command
            .args(["demo", "--quiet", "--json", "--data"])
            .arg(&data)
            .args(options)
            .arg("--settings")
            .arg(&overlay)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(log) = log {
            command.env("GATEPOST_LOG", "info").stderr(log);
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("the demo printed no JSON ({e}): {line:?}"));
        Self { facts, child }
    }

    pub(crate) fn port(&self, door: &str) -> u16 {
        u16::try_from(self.facts["ports"][door].as_u64().unwrap()).unwrap()
    }

    pub(crate) fn user(&self, n: usize) -> (String, String) {
        let user = &self.facts["users"][n];
        let text = |key: &str| user[key].as_str().unwrap().to_owned();
        (text("address"), text("password"))
    }

    /// A session with the SMTP door, after the greeting.
    pub(crate) fn smtp(&self) -> Talk {
        let mut talk = Talk::connect(self.port("smtp"));
        assert!(talk.reply().starts_with("220 "));
        talk
    }

    /// Sends one small message for the first user and wants its 250.
    pub(crate) fn deliver(&self, subject: &str) {
        let mut talk = self.smtp();
        let (anna, _) = self.user(0);
        let reply = talk.send_message(&anna, &format!("Subject: {subject}\r\n\r\nhello\r\n"));
        assert!(reply.starts_with("250 "), "{reply}");
    }

    /// How many messages the first user can read, by the administrator's count.
    pub(crate) fn messages(&self) -> u64 {
        let (anna, _) = self.user(0);
        let boxes = self.admin(&["mailbox", "list", &anna]);
        let boxes = boxes["value"].as_array().unwrap();
        let inbox = boxes.iter().find(|b| b["name"] == "INBOX").unwrap();
        inbox["messages"].as_u64().unwrap()
    }

    /// An administrator's command over the server's socket, as JSON.
    pub(crate) fn admin(&self, args: &[&str]) -> Value {
        let output = self.admin_output(args);
        let out = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", text(&output)))
    }

    /// The same, with exit code and all that was printed.
    pub(crate) fn admin_output(&self, args: &[&str]) -> Output {
        let config = self.facts["settings"].as_str().unwrap();
        gatepost(&[&["--config", config, "--json", "--yes"], args].concat())
    }

    /// The same in the form for people.
    pub(crate) fn plain_output(&self, args: &[&str]) -> Output {
        let config = self.facts["settings"].as_str().unwrap();
        gatepost(&[&["--config", config, "--yes"], args].concat())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for the server to end by itself, within a bound.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<std::process::ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Resident memory in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already is fine.
        let _ = self.child.kill();
        let mut rest = String::new();
        let _ = self.child.stdout.as_mut().map(|out| out.read_to_string(&mut rest));
        let _ = self.child.wait();
    }
}
