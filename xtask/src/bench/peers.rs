//! The servers that are measured: each from its own folder, on its own port of 127.0.0.1.

mod gatepost;
mod postfix;

use anyhow::{Context, Result, bail};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Accounts for many recipients, `1u` to `100u`, beside `u`.
const RECIPIENTS: usize = 100;

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Postfix as Debian ships it, delivering to Maildirs.
    Postfix,
    /// The same with `in_flow_delay=0` and 300 processes.
    PostfixTuned,
    /// smtp-sink, which keeps nothing: the load generator's own limit.
    Sink,
    /// Ours.
    Gatepost,
    /// Ours, with so many messages of old mail.
    History(u64),
}

impl Kind {
    pub(super) const ALL: [Kind; 4] =
        [Kind::Postfix, Kind::PostfixTuned, Kind::Sink, Kind::Gatepost];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Postfix => "postfix",
            Kind::PostfixTuned => "postfix-tuned",
            Kind::Sink => "sink",
            Kind::Gatepost => "gatepost",
            Kind::History(_) => "gatepost-history",
        }
    }

    /// Whether messages are kept at all.
    pub(super) fn keeps(self) -> bool {
        self != Kind::Sink
    }

    /// Whether messages become readable only after their acknowledgement.
    pub(super) fn counts_late(self) -> bool {
        matches!(self, Kind::Postfix | Kind::PostfixTuned)
    }

    fn port(self) -> u16 {
        match self {
            Kind::Postfix => 24_501,
            Kind::PostfixTuned => 24_502,
            Kind::Sink => 24_503,
            Kind::Gatepost => 24_504,
            Kind::History(_) => 24_505,
        }
    }
}

/// A running server; stopped when dropped.
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) port: u16,
    child: Child,
    folder: PathBuf,
    binary: PathBuf,
}

impl Peer {
    /// Starts a server in `folder/NAME`.
    pub(super) fn start(kind: Kind, folder: &Path, binary: &Path) -> Result<Self> {
        let folder = folder.join(kind.name());
        std::fs::create_dir_all(&folder)?;
        let port = kind.port();
        let child = match kind {
            Kind::Postfix => postfix::start(&folder, port, false)?,
            Kind::PostfixTuned => postfix::start(&folder, port, true)?,
            Kind::Sink => quiet(
                Command::new("smtp-sink").args([
                    "-u",
                    "nobody",
                    "-c",
                    &format!("127.0.0.1:{port}"),
                    "1000",
                ]),
                &folder,
            )?,
            Kind::Gatepost => gatepost::start(&folder, port, binary, 0)?,
            Kind::History(messages) => gatepost::start(&folder, port, binary, messages)?,
        };
        let peer = Self { kind, port, child, folder, binary: binary.to_owned() };
        peer.wait_until_it_answers()?;
        Ok(peer)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Messages that can be read, over all mailboxes that the cell uses.
    pub(super) fn count(&self, recipients: usize) -> Result<usize> {
        match self.kind {
            Kind::Sink => Ok(0),
            Kind::Postfix | Kind::PostfixTuned => Ok(postfix::count(&self.folder)),
            Kind::Gatepost | Kind::History(_) => {
                gatepost::count(&self.folder, &self.binary, recipients)
            }
        }
    }

    /// Empties mailboxes whose count would otherwise slow the measuring down.
    pub(super) fn clear(&self) -> Result<()> {
        if self.kind.counts_late() {
            postfix::clear(&self.folder)?;
        }
        Ok(())
    }

    fn wait_until_it_answers(&self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if start.elapsed() > Duration::from_secs(20) {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("{} does not answer on port {}:\n{log}", self.kind.name(), self.port);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for pid in super::process::tree(self.pid()).into_iter().rev() {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            // Gone already is as good as ended.
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

/// Starts a command whose output goes to `folder/log`.
fn quiet(command: &mut Command, folder: &Path) -> Result<Child> {
    let log = std::fs::File::create(folder.join("log"))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))
}

/// The local parts that the load is sent to.
fn names() -> impl Iterator<Item = String> {
    std::iter::once("u".to_owned()).chain((1..=RECIPIENTS).map(|n| format!("{n}u")))
}
