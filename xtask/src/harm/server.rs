//! The real server, as a person would run it for others to drive: `gatepost demo --quiet --json`.

use super::After;
use super::mailbox::{self, Found};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long it may take from its start to its JSON line, recovery included.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it may take to end after SIGTERM.
const STOP_MAX: Duration = Duration::from_secs(60);

/// How the server is started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    /// The demo's folder.
    pub(crate) folder: PathBuf,
    /// Settings laid over the demo's own.
    pub(crate) settings: String,
    /// What runs the server, if not the kernel alone: `strace` and its arguments.
    pub(crate) wrapper: Vec<String>,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    setup: Setup,
    pub(crate) facts: Facts,
}

/// What it says of itself once it is ready; there is more in it.
#[derive(Debug, Deserialize)]
pub(crate) struct Facts {
    pub(crate) host: String,
    pub(crate) ports: Ports,
    pub(crate) users: Vec<Person>,
    pub(crate) alias: String,
    pub(crate) certificate: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) settings: PathBuf,
    pub(crate) pid: i32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Ports {
    pub(crate) smtp: u16,
    pub(crate) pop3s: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) password: String,
}

impl Setup {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Server> {
        let overlay = self.folder.with_extension("overlay.toml");
        std::fs::write(&overlay, &self.settings)?;
        let mut command = match self.wrapper.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        let log = self.folder.with_extension("log");
        let log = std::fs::OpenOptions::new().append(true).create(true).open(log)?;
        command.args(["demo", "--quiet", "--json", "--data"]).arg(&self.folder);
        command.arg("--settings").arg(&overlay);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the server cannot be started")?;
        let output = child.stdout.take().context("the server has no output")?;
        match first_line(output) {
            Ok(line) => {
                let facts = serde_json::from_str(&line).context("the server's JSON line")?;
                Ok(Server { child, setup: self.clone(), facts })
            }
            Err(error) => {
                child.kill()?;
                child.wait()?;
                let log = std::fs::read_to_string(self.folder.with_extension("log"))?;
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                bail!(
                    "the server did not get ready: {error}; its log ends (newest first): {tail:?}"
                )
            }
        }
    }
}

/// The first line of the output; its thread ends with the output.
fn first_line(output: impl std::io::Read + Send + 'static) -> Result<String> {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        // Nobody waits any more: too late anyway.
        let _ = tell.send(read.map(|_| line));
    });
    let line = told.recv_timeout(START_MAX).context("nothing was said in time")??;
    ensure!(!line.is_empty(), "it ended before it was ready");
    Ok(line)
}

impl Server {
    pub(crate) fn smtp(&self) -> Result<SocketAddr> {
        Ok(SocketAddr::new(self.facts.host.parse()?, self.facts.ports.smtp))
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL, in the midst of whatever it does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.signal(nix::sys::signal::Signal::SIGKILL)?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits until it has ended.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.signal(nix::sys::signal::Signal::SIGTERM)?;
        let begun = Instant::now();
        while begun.elapsed() < STOP_MAX {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the server did not end within {} s of SIGTERM", STOP_MAX.as_secs())
    }

    /// To the server itself: under a wrapper it is not our child.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) -> Result<()> {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.facts.pid), signal)?;
        Ok(())
    }

    /// Fails unless the running server proves its own books.
    pub(crate) fn fsck(&self) -> Result<()> {
        let output = Command::new(&self.setup.binary)
            .arg("--config")
            .arg(&self.facts.settings)
            .args(["--json", "fsck"])
            .output()?;
        ensure!(
            output.status.success(),
            "fsck: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Every message of every user.
    pub(super) fn read_all(&self, after: After) -> Result<Vec<Found>> {
        mailbox::read(&self.facts, after)
    }
}

impl Drop for Server {
    /// Nothing of ours stays behind a run that failed.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.signal(nix::sys::signal::Signal::SIGKILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A fresh folder for a server, with a short name: a socket's path has at most 107 bytes.
pub(crate) fn workshop(name: &str) -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(&format!("gatepost-{name}-")).tempdir().context("no folder")
}

/// The folder of the demo inside a workshop.
pub(crate) fn site(workshop: &Path) -> PathBuf {
    workshop.join("site")
}
