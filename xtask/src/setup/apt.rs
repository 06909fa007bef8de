//! apt-get, asked in a way that takes nothing away.

use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// Installs packages; looks for newer package lists only where the ones that are there do not do.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let known = packages.iter().all(|package| is_known(package));
    if !known {
        update()?;
    }
    if attempt(packages).is_ok() {
        return Ok(());
    }
    ensure!(known, "apt-get could not install {}", packages.join(", "));
    // A file of an old list may be gone from the mirror.
    update()?;
    attempt(packages)
}

/// The SPF project's test suites are documents of their package: slim images leave such out.
const WITH_SUITES: &str = "DPkg::Options::=--path-include=/usr/share/doc/python3-spf/*";

fn attempt(packages: &[&str]) -> Result<()> {
    let status = quiet("apt-get")
        .args(["-o", WITH_SUITES])
        .args(["install", "--yes", "--quiet", "--no-install-recommends", "--no-remove"])
        .args(packages)
        .status()
        .context("cannot start apt-get")?;
    ensure!(status.success(), "apt-get could not install {}", packages.join(", "));
    Ok(())
}

pub(super) fn update() -> Result<()> {
    let status = quiet("apt-get").args(["update", "--quiet"]).status();
    ensure!(status.context("cannot start apt-get")?.success(), "apt-get update failed");
    Ok(())
}

/// Whether the package lists have a version of it to install.
pub(super) fn is_known(package: &str) -> bool {
    let Ok(output) = quiet("apt-cache").args(["policy", package]).output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    has_candidate(&text)
}

fn has_candidate(policy: &str) -> bool {
    policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate:"))
        .is_some_and(|version| version.trim() != "(none)")
}

/// Whether installing it would remove what is there, or put a second mail server beside one.
pub(super) fn conflicts(package: &str) -> bool {
    if another_mail_server(package) {
        return true;
    }
    if !is_known(package) && update().is_err() {
        return false;
    }
    let output = quiet("apt-get")
        .args(["install", "--simulate", "--no-install-recommends", package])
        .output();
    output.is_ok_and(|output| removes(&String::from_utf8_lossy(&output.stdout)))
}

/// Whether a simulated run of apt-get would remove something.
fn removes(simulation: &str) -> bool {
    simulation.lines().any(|line| line.starts_with("Remv "))
}

/// Whether a package other than `package` that calls itself a mail server is installed.
fn another_mail_server(package: &str) -> bool {
    let output = quiet("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Status} ${Package} ${Provides}\n"])
        .output();
    output.is_ok_and(|output| is_another(&String::from_utf8_lossy(&output.stdout), package))
}

fn is_another(installed: &str, package: &str) -> bool {
    installed
        .lines()
        .filter_map(|line| line.strip_prefix("installed ")?.split_once(' '))
        .any(|(name, provides)| name != package && provides.contains("mail-transport-agent"))
}

/// A command that asks nothing and speaks English.
pub(super) fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::{has_candidate, is_another, removes};

    #[test]
    fn a_package_without_a_candidate_is_not_known() {
        assert!(has_candidate("swaks:\n  Installed: (none)\n  Candidate: 2020-1\n"));
        assert!(!has_candidate("swaks:\n  Installed: (none)\n  Candidate: (none)\n"));
        assert!(!has_candidate("N: Unable to locate package swaks\n"));
    }

    #[test]
    fn what_would_be_removed_is_seen() {
        assert!(removes("Inst postfix (3.7)\nRemv exim4-daemon-light [4.96]\nConf postfix"));
        assert!(!removes("Inst postfix (3.7)\nConf postfix"));
    }

    #[test]
    fn another_mail_server_is_seen_and_postfix_itself_is_none() {
        let exim = "installed exim4-daemon-light mail-transport-agent\n";
        assert!(is_another(exim, "postfix"));
        assert!(!is_another("installed postfix default-mta, mail-transport-agent\n", "postfix"));
        assert!(!is_another("config-files exim4-daemon-light mail-transport-agent\n", "postfix"));
    }
}
