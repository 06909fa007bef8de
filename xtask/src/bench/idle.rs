//! Memory: idle, for each idle connection (plain and TLS), and for one large message.

use super::peers::{Kind, Peer};
use super::process;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Connections that are held.
const CONNECTIONS: u64 = 1000;

/// A body just below the limit of 35 MiB, with room for its header.
const LARGE: usize = (35 << 20) - 4096;

/// Memory of one server.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) server: String,
    /// Resident KiB without a connection.
    pub(super) idle_kib: u64,
    /// Resident KiB for each idle connection.
    pub(super) connection_kib: f64,
    /// The same under TLS; none where TLS is not set up.
    pub(super) tls_connection_kib: Option<f64>,
    /// KiB above idle while one message of 35 MiB comes for 100 recipients.
    pub(super) large_message_kib: Option<u64>,
}

/// Postfix and Gatepost.
pub(super) fn measure(folder: &Path, binary: &Path) -> Result<Vec<Memory>> {
    let mut found = Vec::new();
    for kind in [Kind::PostfixTuned, Kind::Gatepost] {
        let ours = kind == Kind::Gatepost;
        let fresh = |name: &str| Peer::start(kind, &folder.join(name), binary);
        let peer = fresh("memory")?;
        let idle_kib = process::resident_kib(peer.pid());
        // Postfix has 300 processes at most: more connections would wait.
        let connections = if ours { CONNECTIONS } else { 250 };
        let connection_kib = held(&peer, connections, "plain")?;
        let (mut tls_connection_kib, mut large_message_kib) = (None, None);
        if ours {
            drop(peer);
            let peer = fresh("memory-tls")?;
            tls_connection_kib = Some(held(&peer, CONNECTIONS, "tls")?);
            drop(peer);
            let peer = fresh("memory-large")?;
            large_message_kib = Some(large(&peer)?);
        }
        let server = kind.name().to_owned();
        let row =
            Memory { server, idle_kib, connection_kib, tls_connection_kib, large_message_kib };
        println!("memory {}", serde_json::to_string(&row)?);
        found.push(row);
    }
    Ok(found)
}

fn held(peer: &Peer, connections: u64, tls: &str) -> Result<f64> {
    let before = process::resident_kib(peer.pid());
    let mut holder = Command::new("python3")
        .args([
            "-c",
            include_str!("idle.py"),
            &peer.port.to_string(),
            &connections.to_string(),
            tls,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3 cannot be started")?;
    let mut line = String::new();
    let stdout = holder.stdout.take().context("no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    if line.trim() != "held" {
        bail!("{}: the connections could not be held: {line}", peer.kind.name());
    }
    let after = process::resident_kib(peer.pid());
    holder.stdin.take().context("no input")?.write_all(b"\n")?;
    holder.wait()?;
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}

fn large(peer: &Peer) -> Result<u64> {
    let before = process::memory_kib(peer.pid(), "VmRSS");
    let status = Command::new("smtp-source")
        .args(["-s", "1", "-m", "1", "-l", &LARGE.to_string(), "-r", "100"])
        .args(["-f", "s@elsewhere.example", "-t", "u@bench.test"])
        .arg(format!("127.0.0.1:{}", peer.port))
        .status()?;
    anyhow::ensure!(status.success(), "the message of 35 MiB was not taken");
    Ok(process::memory_kib(peer.pid(), "VmHWM").saturating_sub(before))
}
