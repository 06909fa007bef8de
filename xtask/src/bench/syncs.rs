//! Syncs a message: every fsync and fdatasync of the server under strace, as the disk is and with
//! each of them delayed.

use super::cells::Cell;
use super::load;
use super::peers::{Kind, Peer};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Syncs of one server at one load.
#[derive(Serialize, Deserialize)]
pub(super) struct Syncs {
    pub(super) cell: String,
    pub(super) server: String,
    /// Milliseconds that strace adds to each sync.
    pub(super) delay_ms: u32,
    pub(super) syncs_per_message: f64,
}

/// Messages of one measurement.
const MESSAGES: usize = 400;

/// Postfix and Gatepost at 1, 10 and 50 sessions; Gatepost also with slow syncs, with bodies above
/// 64 KiB, and with those that are files.
pub(super) fn measure(folder: &Path, binary: &Path) -> Result<Vec<Syncs>> {
    let cell = |size, sessions| Cell { size, sessions, recipients: 1, keep: false };
    let mut found = Vec::new();
    for kind in [Kind::Gatepost, Kind::Postfix] {
        let peer = Peer::start(kind, &folder.join("syncs"), binary)?;
        for sessions in [1, 10, 50] {
            match count(&peer, &cell(1024, sessions), 0) {
                Ok(row) => found.push(row),
                // A peer that does not live through strace is left out; we may not be.
                Err(error) if kind != Kind::Gatepost => println!("left out: {error:#}"),
                Err(error) => return Err(error),
            }
        }
        if kind == Kind::Gatepost {
            found.push(count(&peer, &cell(1024, 10), 5)?);
            found.push(count(&peer, &cell(1024, 50), 5)?);
            found.push(count(&peer, &cell(100 << 10, 10), 0)?);
            found.push(count(&peer, &cell(1 << 20, 10), 0)?);
        }
    }
    for row in &found {
        println!(
            "syncs {:<10} {:<10} +{} ms: {:.2} a message",
            row.cell, row.server, row.delay_ms, row.syncs_per_message
        );
    }
    Ok(found)
}

fn count(peer: &Peer, cell: &Cell, delay_ms: u32) -> Result<Syncs> {
    let syncs = during(peer, delay_ms, || load::run(peer, cell, MESSAGES).map(drop))?;
    Ok(Syncs {
        cell: cell.name(),
        server: peer.kind.name().to_owned(),
        delay_ms,
        syncs_per_message: syncs as f64 / MESSAGES as f64,
    })
}

/// Syncs of a server during a load, each delayed by so many milliseconds.
pub(super) fn during(
    peer: &Peer,
    delay_ms: u32,
    load: impl FnOnce() -> Result<()>,
) -> Result<usize> {
    let log = tempfile::NamedTempFile::new()?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-o", &log.path().to_string_lossy(), "-e", "signal=none"]);
    strace.args(["-e", "trace=fsync,fdatasync,sync_file_range,syncfs,sync,msync"]);
    if delay_ms > 0 {
        strace.args(["-e", &format!("inject=fsync,fdatasync:delay_exit={}", delay_ms * 1000)]);
    }
    for pid in super::process::tree(peer.pid()) {
        strace.args(["-p", &pid.to_string()]);
    }
    let mut strace =
        strace.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("strace")?;
    std::thread::sleep(Duration::from_millis(1500));
    let loaded = load();
    let pid = nix::unistd::Pid::from_raw(strace.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT)?;
    strace.wait()?;
    loaded?;
    let text = std::fs::read_to_string(log.path())?;
    // A call that another thread interrupts has two lines: the second says "resumed".
    Ok(text.lines().filter(|l| l.contains("sync") && !l.contains("resumed>")).count())
}
