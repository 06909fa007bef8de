//! A real file system that loses its power: ext4 that brings nothing to its disk by itself for
//! five minutes, on a loop device. Under a stopped server the disk is copied as it is; the copy is
//! mounted, as after a reboot, and the server started on it.

use super::super::load::{Load, Plan};
use super::super::random::Random;
use super::super::server::{Setup, site, workshop};
use super::super::{After, prove};
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: u64 = 192 << 20;
const PLAN: Plan = Plan { sessions: 8, messages: 10_000, large_percent: 10 };
/// How long the server's threads may take to stop.
const STOP_MAX: Duration = Duration::from_secs(30);
/// No room is watched: the disk is small.
const SETTINGS: &str = "[storage]\ndisk_free_min_bytes = 0\ndisk_free_min_percent = 0\n\
                        [rate]\nmessages_per_minute_max = 10000000\n";

/// One life and one reboot; how many messages had to be there. `None` where nothing may be mounted.
pub(super) fn round(binary: &Path, random: &mut Random) -> Result<Option<usize>> {
    let workshop = workshop("mount")?;
    let (disk, copy) = (workshop.path().join("disk"), workshop.path().join("copy"));
    std::fs::File::create(&disk)?.set_len(SIZE)?;
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk).status();
    if !made.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let Some(mounted) = Mounted::new(&disk, workshop.path().join("a"))? else { return Ok(None) };
    let setup = Setup {
        binary: binary.to_owned(),
        folder: site(&mounted.folder),
        settings: SETTINGS.to_owned(),
        wrapper: Vec::new(),
    };
    let server = setup.start()?;
    sync_the_demo(&setup.folder)?;
    let load = Load::start(&server, "m", PLAN, random)?;
    std::thread::sleep(Duration::from_millis(200 + random.below(1_500)));
    server.signal(Signal::SIGSTOP)?;
    wait_until_stopped(server.facts.pid)?;
    std::fs::copy(&disk, &copy)?;
    server.kill()?;
    let sent = load.finish();
    drop(mounted);
    let mounted = Mounted::new(&copy, workshop.path().join("b"))?;
    let mounted = mounted.context("the copy cannot be mounted")?;
    let server = Setup { folder: site(&mounted.folder), ..setup }.start()?;
    prove(&server, &sent, After::Leave)?;
    server.stop()?;
    drop(mounted);
    Ok(Some(sent.iter().filter(|sent| sent.acknowledged).count()))
}

/// A thread inside a sync stops when that has ended; until then the disk moves under the copy, as
/// no disk does after a power cut.
fn wait_until_stopped(pid: i32) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < STOP_MAX {
        let mut states = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            let stat = std::fs::read_to_string(task?.path().join("stat"))?;
            // `pid (name) state ...`; a name may hold anything.
            states.push(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()));
        }
        if states.iter().all(|state| matches!(state, Some('T' | 't'))) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("the server does not stop")
}

/// Certificate and passwords are the demo's, made anew for each; they are not what is tested.
fn sync_the_demo(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        std::fs::File::open(entry?.path())?.sync_all()?;
    }
    for folder in [folder, folder.parent().unwrap_or(folder)] {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A mounted file system; unmounted when dropped.
struct Mounted {
    folder: PathBuf,
}

impl Mounted {
    fn new(disk: &Path, folder: PathBuf) -> Result<Option<Self>> {
        std::fs::create_dir_all(&folder)?;
        let status = Command::new("mount")
            .args(["-o", "loop,commit=300"])
            .arg(disk)
            .arg(&folder)
            .stderr(Stdio::null())
            .status()
            .context("mount cannot be started")?;
        ensure!(folder.is_dir(), "no folder to mount on");
        Ok(status.success().then_some(Self { folder }))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A server that was just killed may hold it for a moment.
        for _ in 0..50 {
            let unmount = Command::new("umount").arg(&self.folder).stderr(Stdio::null()).status();
            if unmount.is_ok_and(|status| status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("{} is still mounted", self.folder.display());
    }
}
