//! `cargo xtask setup`: installs what the tests use, from Debian's packages.
//!
//! It takes away nothing: `--no-remove`, no recommended packages, no service begins to run, and a
//! mail server that would conflict with the machine's own goes into a folder of its own. It asks
//! before it begins, unless CI is `true` or `--yes` was given. Where it may not install, it says
//! so and what a person can do.

mod apt;
mod folder;
mod needs;
mod services;

use anyhow::{Result, bail};
use needs::Need;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// `cargo xtask setup`
#[derive(clap::Args, Default)]
#[group(id = "setup")]
pub(crate) struct Args {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Installs what is missing.
pub(crate) fn run(args: &Args) -> Result<()> {
    let missing = needs::missing();
    if missing.is_empty() {
        return Ok(());
    }
    let (apart, packages): (Vec<&Need>, Vec<&Need>) =
        missing.into_iter().partition(|need| need.is_mail_server && apt::conflicts(need.package));
    let mut names: Vec<&str> = packages.iter().map(|need| need.package).collect();
    names.dedup();
    may_install(&names, &apart)?;
    if !(args.yes || std::env::var("CI").as_deref() == Ok("true")) {
        ask(&names, &apart)?;
    }
    if !names.is_empty() {
        services::without_starting(|| apt::install(&names))?;
    }
    for need in apart {
        folder::install(need.package, &peers())?;
    }
    match needs::missing().first() {
        None => Ok(()),
        Some(need) => bail!("{} is still missing after the installation", need.program),
    }
}

/// Where mail servers are that are not the machine's own.
pub(crate) fn peers() -> PathBuf {
    crate::test::cache().join("peers")
}

/// The search path with the programs of [`peers`] at its end.
pub(crate) fn search_path() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    for folder in [Path::new("/usr/sbin"), &peers().join("bin")] {
        path.push(":");
        path.push(folder);
    }
    path
}

/// Says plainly where nothing can be installed.
fn may_install(packages: &[&str], apart: &[&Need]) -> Result<()> {
    let what = describe(packages, apart);
    if !Path::new("/usr/bin/apt-get").exists() || !Path::new("/etc/debian_version").exists() {
        bail!(
            "the tests need {what}.\nThis is not Debian: install the like of it by hand, so that \
             the programs are found in PATH."
        );
    }
    if !packages.is_empty() && !nix::unistd::geteuid().is_root() {
        bail!(
            "the tests need {what}.\nOnly root may install it:\n    \
             apt-get install --no-install-recommends --no-remove {}",
            packages.join(" ")
        );
    }
    Ok(())
}

fn ask(packages: &[&str], apart: &[&Need]) -> Result<()> {
    let what = describe(packages, apart);
    if !std::io::stdin().is_terminal() {
        bail!("the tests need {what}.\nNobody can be asked here: cargo xtask setup --yes");
    }
    print!("The tests need {what}.\nInstall it? No service will be started. [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("nothing was installed");
    }
    Ok(())
}

fn describe(packages: &[&str], apart: &[&Need]) -> String {
    let mut parts = Vec::new();
    if !packages.is_empty() {
        parts.push(format!("these packages of Debian: {}", packages.join(", ")));
    }
    for need in apart {
        parts.push(format!(
            "{} (unpacked in {}, because this machine has another mail server)",
            need.package,
            peers().display()
        ));
    }
    parts.join("; and ")
}
