//! Runs that break the real server on purpose, and prove that nothing acknowledged is lost.
//!
//! `crash` kills it under load, `faults` has the kernel refuse what it asks for, `powercut` replays
//! what it wrote into disks whose power failed. All drive `gatepost demo --quiet`, keep the list of
//! what got its 250, and read the mailboxes as their owners would, over POP3 with TLS.

pub(crate) mod crash;
pub(crate) mod faults;
pub(crate) mod load;
mod mailbox;
pub(crate) mod powercut;
pub(crate) mod random;
pub(crate) mod relaying;
pub(crate) mod server;

use anyhow::{Result, bail, ensure};
use load::Sent;
use mailbox::Found;
use server::Server;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// What a run that breaks things is told.
#[derive(clap::Args, Default)]
pub(crate) struct Common {
    /// The binary to break; without it, GATEPOST_BIN or a fresh debug build.
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Repeat a run: the number that it printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

impl Common {
    /// The binary to run.
    pub(crate) fn binary(&self) -> Result<PathBuf> {
        if let Some(binary) = &self.binary {
            return Ok(binary.canonicalize()?);
        }
        if let Some(binary) = std::env::var_os("GATEPOST_BIN") {
            return Ok(binary.into());
        }
        let target = crate::test::target();
        crate::test::cargo(&target, &["build", "--package", "gatepost"])?;
        Ok(target.join("debug/gatepost"))
    }
}

/// What becomes of the messages that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// They stay.
    Leave,
    /// Their owners delete them.
    Empty,
}

/// Every message that got 250 is in the mailboxes of its recipients, once and whole; those that
/// did not may be there, but whole as well; nothing else is; and `fsck` finds nothing.
///
/// With [`After::Empty`] the mailboxes are empty afterwards.
fn prove(server: &Server, sent: &[Sent], after: After) -> Result<()> {
    server.fsck()?;
    let found = server.read_all(after)?;
    let mut in_mailbox: HashMap<(&str, &str), Vec<&Found>> = HashMap::new();
    for message in &found {
        let key = (message.mailbox.as_str(), message.marker.as_str());
        in_mailbox.entry(key).or_default().push(message);
    }
    let known: HashSet<&str> = sent.iter().map(|message| message.marker.as_str()).collect();
    if let Some(foreign) = found.iter().find(|found| !known.contains(found.marker.as_str())) {
        bail!("message {} in {} had been removed", foreign.marker, foreign.mailbox);
    }
    for message in sent {
        for mailbox in &message.mailboxes {
            let copies = in_mailbox.get(&(mailbox.as_str(), message.marker.as_str()));
            let copies = copies.map_or(&[][..], Vec::as_slice);
            ensure!(
                copies.iter().all(|copy| copy.digest == message.digest),
                "message {} in {mailbox} is not what was sent",
                message.marker
            );
            ensure!(
                copies.len() <= 1,
                "message {} is {} times in {mailbox}",
                message.marker,
                copies.len()
            );
            ensure!(
                !message.acknowledged || copies.len() == 1,
                "message {} got 250 and is not in {mailbox}",
                message.marker
            );
        }
    }
    Ok(())
}
