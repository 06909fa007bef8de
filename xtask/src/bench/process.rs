//! Looking at processes from outside: CPU seconds, memory, and running small commands.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// Ticks of /proc/PID/stat a second: fixed at 100 for user space on Linux.
const TICKS: f64 = 100.0;

/// Processes that wanted a processor, on average over the last minute.
pub(super) fn load() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").context("/proc/loadavg")?;
    text.split(' ').next().unwrap_or_default().parse().context("/proc/loadavg")
}

/// What a command prints, trimmed.
pub(super) fn output(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program).args(args).output();
    let output = output.with_context(|| format!("{program} cannot be started"))?;
    anyhow::ensure!(
        output.status.success(),
        "{program} {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Processor and kernel, for the page.
pub(super) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name")?.split(": ").nth(1));
    let cores = cpu.lines().filter(|l| l.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores of {}, Linux {}", model.unwrap_or("an unknown processor"), kernel.trim())
}

/// Cargo's target folder.
pub(super) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

/// Servers run as users of their own and must reach their folders.
pub(super) fn world_readable(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).context("chmod")
}

/// This process and everything below it.
pub(super) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, stat(pid)?.parent)))
        .collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

/// CPU seconds of a process tree so far, with the children it has already waited for.
pub(super) fn cpu_seconds(root: u32) -> f64 {
    tree(root).into_iter().filter_map(stat).map(|stat| stat.ticks as f64 / TICKS).sum()
}

/// A line of /proc/PID/status in KiB: `VmRSS`, `VmHWM`.
pub(super) fn memory_kib(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
    found.and_then(|l| l.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Resident KiB of a whole tree.
pub(super) fn resident_kib(root: u32) -> u64 {
    tree(root).into_iter().map(|pid| memory_kib(pid, "VmRSS")).sum()
}

/// Ends a process that we started, with all that it started.
pub(super) fn end(child: &mut Child) {
    for pid in tree(child.id()).into_iter().rev() {
        let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
        // Gone already is as good as ended.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
    }
    let _ = child.wait();
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold blanks: count from behind it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok());
    let ticks = (11..=14).filter_map(number).sum();
    Some(Stat { parent: u32::try_from(number(1)?).ok()?, ticks })
}
