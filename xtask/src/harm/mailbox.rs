//! What the owners find in their mailboxes, read by a client that is not ours: Python's poplib.

use super::After;
use super::server::Facts;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::io::Write;
use std::process::{Command, Stdio};

const CLIENT: &str = include_str!("mailbox.py");

/// A message in a mailbox.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Found {
    pub(super) mailbox: String,
    pub(super) marker: String,
    /// SHA-256 of what was sent, as it came back.
    pub(super) digest: String,
}

/// Reads every mailbox.
pub(super) fn read(facts: &Facts, after: After) -> Result<Vec<Found>> {
    let users: Vec<_> = facts
        .users
        .iter()
        .map(|user| serde_json::json!({ "address": user.address, "password": user.password }))
        .collect();
    let told = serde_json::json!({
        "host": facts.host, "port": facts.ports.pop3s, "certificate": facts.certificate,
        "remove": after == After::Empty, "users": users,
    });
    let output = python(CLIENT, &told.to_string())?;
    output.lines().map(|line| serde_json::from_str(line).context("a line of the client")).collect()
}

fn python(program: &str, input: &str) -> Result<String> {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("python3 cannot be started")?;
    let mut stdin = child.stdin.take().context("python3 has no input")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "the POP3 client failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
