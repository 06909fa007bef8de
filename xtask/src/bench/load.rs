//! The load: Postfix's smtp-source, and the count of what arrived in mailboxes.

use super::cells::Cell;
use super::peers::Peer;
use super::process;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of bodies in one run, at most: the disk is shared.
const BYTES_MAX: usize = 400 << 20;
/// Messages in one run, at most.
const MESSAGES_MAX: usize = 40_000;
/// How long deliveries may lag behind the last acknowledgement.
const LAG: Duration = Duration::from_secs(30);

/// One run of a cell.
pub(super) struct Run {
    pub(super) accepted_per_s: f64,
    pub(super) delivered_per_s: f64,
    pub(super) cpu_s_per_1000: f64,
}

/// Messages that make a run of about `seconds`, for the slower of acceptance and delivery.
pub(super) fn calibrate(peer: &Peer, cell: &Cell, seconds: f64) -> Result<usize> {
    let probe = (cell.sessions * 2).max(20);
    let run = run(peer, cell, probe)?;
    let per_second = run.delivered_per_s / cell.recipients as f64;
    let bytes = BYTES_MAX / cell.size / if peer.kind.keeps() { cell.recipients.min(8) } else { 1 };
    let messages = (per_second * seconds) as usize;
    Ok(messages.clamp(probe, MESSAGES_MAX.min(bytes).max(probe)))
}

/// Sends `messages` and waits until all of them can be read.
pub(super) fn run(peer: &Peer, cell: &Cell, messages: usize) -> Result<Run> {
    let before = peer.count(cell.recipients)?;
    let cpu = process::cpu_seconds(peer.pid());
    let start = Instant::now();
    send(peer, cell, messages)?;
    let accepted = start.elapsed();
    let wanted = before + messages * cell.recipients;
    loop {
        let there = peer.count(cell.recipients)?;
        if there >= wanted || !peer.kind.keeps() {
            break;
        }
        if start.elapsed() > accepted + LAG {
            bail!("{}: {there} of {wanted} messages are readable", peer.kind.name());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let delivered = if peer.kind.counts_late() { start.elapsed() } else { accepted };
    let cpu = process::cpu_seconds(peer.pid()) - cpu;
    let messages = messages as f64;
    Ok(Run {
        accepted_per_s: messages / accepted.as_secs_f64(),
        delivered_per_s: messages * cell.recipients as f64 / delivered.as_secs_f64(),
        cpu_s_per_1000: cpu / messages * 1000.0,
    })
}

fn send(peer: &Peer, cell: &Cell, messages: usize) -> Result<()> {
    let mut source = Command::new("smtp-source");
    source.args(["-s", &cell.sessions.to_string(), "-l", &cell.size.to_string()]);
    source.args(["-m", &messages.to_string(), "-f", "s@elsewhere.example", "-t", "u@bench.test"]);
    if cell.recipients > 1 {
        source.args(["-r", &cell.recipients.to_string()]);
    }
    if cell.keep {
        source.arg("-d");
    }
    let address = format!("127.0.0.1:{}", peer.port);
    let output = source.arg(address).stdin(Stdio::null()).output();
    let output = output.context("smtp-source cannot be started; cargo xtask setup installs it")?;
    anyhow::ensure!(
        output.status.success(),
        "smtp-source against {}: {}",
        peer.kind.name(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
