//! `cargo xtask faults`: the kernel refuses what the server asks for.
//!
//! strace attaches to the running server and makes system calls fail: no room, an I/O error, no
//! file descriptor left. While it lasts, messages get a 4xx and never a 250; when it ends, service
//! is back without a human; and what got its 250 before is all there.

use super::load::{Load, Plan, Sent};
use super::random::Random;
use super::server::{Server, Setup, site, workshop};
use super::{After, Common, prove};
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `cargo xtask faults`
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
}

/// How long a fault lasts.
const FAULT: Duration = Duration::from_millis(1_500);
/// How soon after a fault the server must take mail again.
const BACK_MAX: Duration = Duration::from_secs(30);
const QUIET: &str = "[storage]\ndisk_free_min_bytes = 0\ndisk_free_min_percent = 0\n";

/// What fails, and what a peer may be told meanwhile.
struct Fault {
    name: &'static str,
    /// Arguments of strace; `WAL` stands for the write-ahead log's path.
    inject: &'static [&'static str],
    /// Large messages only: bodies that become files.
    is_large: bool,
    told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// 452 or 451 to every message.
    Later,
    /// Nothing: peers wait, and are served when the fault ends.
    Waiting,
}

const fn fault(name: &'static str, inject: &'static [&'static str]) -> Fault {
    Fault { name, inject, is_large: false, told: Told::Later }
}

const FAULTS: &[Fault] = &[
    fault("ENOSPC writing the log", &["-P", "WAL", "-e", "inject=pwrite64,write:error=ENOSPC"]),
    fault("EIO writing the log", &["-P", "WAL", "-e", "inject=pwrite64,write:error=EIO"]),
    fault("EIO syncing the log", &["-P", "WAL", "-e", "inject=fsync,fdatasync:error=EIO"]),
    Fault {
        name: "EIO syncing anything, large bodies",
        inject: &["-e", "inject=fsync,fdatasync:error=EIO"],
        is_large: true,
        told: Told::Later,
    },
    Fault {
        name: "EMFILE opening files, large bodies",
        inject: &["-e", "inject=openat:error=EMFILE"],
        is_large: true,
        told: Told::Later,
    },
    Fault {
        name: "EMFILE accepting connections",
        inject: &["-e", "inject=accept4:error=EMFILE"],
        is_large: false,
        told: Told::Waiting,
    },
];

/// Runs every fault on one server, and a full disk on another.
pub(crate) fn run(args: &Args) -> Result<()> {
    let seed = args.common.seed.unwrap_or_else(Random::seed);
    println!("faults: seed {seed}");
    let mut random = Random::new(seed);
    let binary = args.common.binary()?;
    let workshop = workshop("faults")?;
    let setup = Setup {
        binary: binary.clone(),
        folder: site(workshop.path()),
        settings: QUIET.to_owned(),
        wrapper: Vec::new(),
    };
    let server = setup.start()?;
    let mut kept = send(&server, "before", false, &mut random)?.wait();
    ensure!(kept.iter().all(|sent| sent.acknowledged), "the server is not well before any fault");
    for (n, fault) in FAULTS.iter().enumerate() {
        let Some(tracer) = attach(&server, fault)? else {
            println!("faults: skipped, strace may not attach here");
            return Ok(());
        };
        endure(&server, tracer, fault, &format!("f{n}"), &mut random, &mut kept)
            .with_context(|| fault.name)?;
        println!("faults: {}: nothing lost, service back", fault.name);
    }
    server.stop()?;
    full_disk(&setup, &mut random).context("a full disk")
}

/// Sends while the fault lasts, ends it, and proves that all is well again.
fn endure(
    server: &Server,
    tracer: Child,
    fault: &Fault,
    name: &str,
    random: &mut Random,
    kept: &mut Vec<Sent>,
) -> Result<()> {
    let load = send(server, name, fault.is_large, random)?;
    if fault.told == Told::Waiting {
        std::thread::sleep(FAULT);
        detach(tracer)?;
        let sent = load.wait();
        ensure!(!sent.is_empty(), "nobody was served after the fault");
        ensure!(sent.iter().all(|sent| sent.acknowledged), "a peer that waited was not served");
        kept.extend(sent);
    } else {
        let sent = load.wait();
        detach(tracer)?;
        is_told_later(&sent)?;
        kept.extend(sent);
    }
    kept.push(back(server, name, random)?);
    prove(server, kept, After::Leave)
}

/// Every answer was 451 or 452, and there were some.
fn is_told_later(sent: &[Sent]) -> Result<()> {
    if let Some(wrong) = sent.iter().find(|sent| sent.acknowledged) {
        bail!("message {} got 250 during the fault", wrong.marker);
    }
    let answers: Vec<&str> = sent.iter().filter_map(|sent| sent.answer.as_deref()).collect();
    ensure!(!answers.is_empty(), "nobody was told anything");
    match answers.iter().find(|answer| !answer.starts_with("451") && !answer.starts_with("452")) {
        Some(wrong) => bail!("a peer was told {wrong}"),
        None => Ok(()),
    }
}

/// The first message that is taken again.
fn back(server: &Server, name: &str, random: &mut Random) -> Result<Sent> {
    let begun = Instant::now();
    let plan = Plan { sessions: 1, messages: 1, large_percent: 0 };
    let (mut attempt, mut last) = (0, Vec::new());
    while begun.elapsed() < BACK_MAX {
        attempt += 1;
        last = Load::start(server, &format!("{name}-back{attempt}"), plan, random)?.wait();
        if let Some(sent) = last.iter().find(|sent| sent.acknowledged) {
            return Ok(sent.clone());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let told: Vec<_> = last.iter().map(|sent| &sent.answer).collect();
    bail!("no message was taken within {} s after the fault: {told:?}", BACK_MAX.as_secs())
}

fn send(server: &Server, name: &str, is_large: bool, random: &mut Random) -> Result<Load> {
    let large_percent = if is_large { 100 } else { 0 };
    let plan = Plan { sessions: 6, messages: 4, large_percent };
    Load::start(server, name, plan, random)
}

/// Attaches strace to every thread; `None` where that is not allowed.
fn attach(server: &Server, fault: &Fault) -> Result<Option<Child>> {
    let log = server.facts.data.join("store.db-wal");
    let log = log.to_string_lossy().into_owned();
    let inject = fault.inject.iter().map(|word| if *word == "WAL" { log.as_str() } else { *word });
    let calls = fault.inject.last().and_then(|word| word.split(['=', ':']).nth(1));
    let mut tracer = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-p", &server.facts.pid.to_string()])
        .args(["-e", &format!("trace={}", calls.unwrap_or("none"))])
        .args(inject)
        .stderr(Stdio::piped())
        .spawn()
        .context("strace cannot be started")?;
    let errors = tracer.stderr.take().context("strace has no output")?;
    let mut errors = BufReader::new(errors);
    let mut line = String::new();
    errors.read_line(&mut line)?;
    if !line.contains("attached") {
        tracer.wait()?;
        return Ok(None);
    }
    // The rest is of no interest, but has to go somewhere.
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    std::thread::sleep(Duration::from_millis(300));
    Ok(Some(tracer))
}

fn detach(mut tracer: Child) -> Result<()> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(tracer.id())?);
    nix::sys::signal::kill(pid, Signal::SIGTERM)?;
    tracer.wait()?;
    Ok(())
}

/// A real one: a small file system that fills up under load, and is made larger.
fn full_disk(setup: &Setup, random: &mut Random) -> Result<()> {
    let workshop = workshop("full")?;
    let disk = workshop.path().join("disk");
    std::fs::create_dir(&disk)?;
    let Some(mounted) = Mounted::tmpfs(&disk, "size=12m")? else {
        println!("faults: a full disk: skipped, nothing may be mounted here");
        return Ok(());
    };
    let mut server = Setup { folder: site(&disk), ..setup.clone() }.start()?;
    let plan = Plan { sessions: 4, messages: 60, large_percent: 60 };
    let mut kept = Load::start(&server, "full", plan, random)?.wait();
    let refused: Vec<Sent> = kept.iter().filter(|sent| !sent.acknowledged).cloned().collect();
    ensure!(kept.iter().any(|sent| sent.acknowledged), "nothing was taken before it was full");
    is_told_later(&refused)?;
    mounted.remount("size=64m")?;
    let back = back(&server, "full", random);
    if let Some(status) = server.ended()? {
        bail!("the server ended: {status}");
    }
    kept.push(back?);
    prove(&server, &kept, After::Leave)?;
    server.stop()?;
    drop(mounted);
    println!("faults: a full disk: nothing lost, service back");
    Ok(())
}

/// A mounted file system; unmounted when dropped.
pub(super) struct Mounted {
    folder: std::path::PathBuf,
}

impl Mounted {
    /// `None` where mounting is not allowed.
    fn tmpfs(folder: &Path, options: &str) -> Result<Option<Self>> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "gatepost"])
            .arg(folder)
            .stderr(Stdio::null())
            .status()
            .context("mount cannot be started")?;
        Ok(mount.success().then(|| Self { folder: folder.to_owned() }))
    }

    fn remount(&self, options: &str) -> Result<()> {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.folder)
            .status()?;
        ensure!(status.success(), "the file system cannot be made larger");
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A server that was killed may hold it for a moment: lazily.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.folder).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{Args, Sent, is_told_later, run};
    use crate::harm::Common;

    #[test]
    fn every_fault_is_survived() {
        if std::env::var_os("GATEPOST_BIN").is_some() {
            run(&Args { common: Common::default() }).unwrap();
        } else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "GATEPOST_BIN is missing");
        }
    }

    #[test]
    fn a_250_or_a_wrong_answer_during_a_fault_is_seen() {
        let sent = |acknowledged, answer: Option<&str>| Sent {
            marker: "m".to_owned(),
            mailboxes: Vec::new(),
            digest: String::new(),
            acknowledged,
            kept_as: None,
            answer: answer.map(str::to_owned),
        };
        assert!(is_told_later(&[sent(false, Some("452 4.3.1 full")), sent(false, None)]).is_ok());
        assert!(is_told_later(&[sent(false, Some("451 4.3.0 later")), sent(true, None)]).is_err());
        assert!(is_told_later(&[sent(false, Some("550 5.0.0 no"))]).is_err());
        assert!(is_told_later(&[sent(false, None)]).is_err());
    }
}
