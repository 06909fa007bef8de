//! Gatepost as an administrator sets it up: `init`, `account add`, `serve`.

use super::{Setup, names, quiet};
use crate::bench::process;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};

/// Sets a server up, with `history` messages of old mail; limits that the load would meet are
/// raised by its settings.
pub(super) fn prepare(
    folder: &Path,
    port: u16,
    binary: &Path,
    history: u64,
    setup: &Setup,
) -> Result<()> {
    let config = folder.join("gatepost.toml");
    let (config_arg, data) = (config.to_string_lossy(), folder.join("data"));
    let binary_arg = binary.to_string_lossy();
    process::world_readable(folder)?;
    process::output(
        &binary_arg,
        &[
            "--config",
            &config_arg,
            "init",
            "--domain",
            "bench.test",
            "--data",
            &data.to_string_lossy(),
            "--user",
            "nobody",
        ],
    )?;
    let mut text = fs::read_to_string(&config)?;
    // Who only brings mail for elsewhere stays a stranger, who waits for each greeting; Postfix
    // lets nobody wait.
    let pause = if setup.ways.is_empty() { "" } else { "greeting_pause_ms = 0\n" };
    text.push_str(&format!(
        "[listen]\nsmtp = [\"127.0.0.1:{port}\"]\npop3 = []\npop3s = []\n\
         [limits]\nconnections_per_address = 5000\nconnections_max = 5000\n{pause}\
         [rate]\nconnections_per_minute_max = 10000000\nmessages_per_minute_max = 10000000\n",
    ));
    text.push_str(&ways(setup));
    fs::write(&config, text)?;
    for name in names().filter(|_| setup.ways.is_empty()) {
        let address = format!("{name}@bench.test");
        // A hash that nobody knows the password of: making 51 real ones would take a minute.
        let hash = "{SHA512}z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";
        process::output(
            &binary_arg,
            &["--config", &config_arg, "account", "add", &address, "--hash", hash],
        )?;
    }
    if history > 0 {
        fill(&data, history, &[])?;
    }
    let (queued, domains) = &setup.queued;
    if *queued > 0 {
        fill(&data, *queued, domains)?;
    }
    // The commands above wrote as whoever runs this.
    process::output("chown", &["-R", "nobody", &data.to_string_lossy()])?;
    // What the DNS answers, at once and without a network: no name is known. Postfix asks nothing.
    fs::write(folder.join("zone"), "").context("the zone")
}

/// Starts what was set up.
pub(super) fn serve(folder: &Path, binary: &Path) -> Result<Child> {
    let (config, zone) = (folder.join("gatepost.toml"), folder.join("zone"));
    let mut command = Command::new(binary);
    command.arg("--config").arg(config).arg("--zone").arg(zone).arg("serve");
    quiet(&mut command, folder)
}

/// The settings by which this machine may send on, and whereto.
fn ways(setup: &Setup) -> String {
    if setup.ways.is_empty() {
        return String::new();
    }
    let mut text = "[relay]\nnetworks = [\"127.0.0.0/8\"]\n".to_owned();
    for (domain, to) in &setup.ways {
        text.push_str(&format!("[[send.routes]]\ndomain = \"{domain}\"\nto = \"{to}\"\n"));
    }
    text
}

/// Mail by the store's own generator, which tells how far it is: in mailboxes, or queued for these
/// domains.
fn fill(data: &Path, messages: u64, domains: &[String]) -> Result<()> {
    let example = ["run", "--release", "--package", "store", "--example", "history", "--"];
    let mut command = Command::new("cargo");
    command.args(example).arg(data).arg(messages.to_string()).args(domains);
    anyhow::ensure!(command.status()?.success(), "the history could not be written");
    Ok(())
}

/// Messages in the INBOXes that a cell uses (smtp-source's names for 50 recipients are `u` and 49
/// of those with a number), as the administrator's command counts them.
pub(super) fn count(folder: &Path, binary: &Path, recipients: usize) -> Result<usize> {
    let config = folder.join("gatepost.toml");
    let named = if recipients > 1 { recipients + 1 } else { 1 };
    let mut sum = 0;
    for name in names().take(named) {
        let address = format!("{name}@bench.test");
        let text = process::output(
            &binary.to_string_lossy(),
            &["--config", &config.to_string_lossy(), "--json", "mailbox", "list", &address],
        )?;
        let json: serde_json::Value = serde_json::from_str(&text)?;
        let boxes = json.get("value").and_then(|v| v.as_array()).context("no list of mailboxes")?;
        let inbox = boxes.iter().find(|b| b.get("name").is_some_and(|n| n == "INBOX"));
        let messages = inbox.and_then(|b| b.get("messages")).and_then(|m| m.as_u64());
        sum += usize::try_from(messages.context("no INBOX")?)?;
    }
    Ok(sum)
}
