//! The servers that are measured: each from its own folder, on its own port of 127.0.0.1.

mod gatepost;
mod postfix;

use anyhow::{Context, Result, bail};
use std::net::{SocketAddr, TcpStream};
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

/// What a server is given before it starts, beside what its kind says.
#[derive(Default)]
pub(super) struct Setup {
    /// Domains that it sends mail on for, each with the server that takes it; if there are any, it
    /// has no mailboxes.
    pub(super) ways: Vec<(String, SocketAddr)>,
    /// Messages that are queued already, and the domains that they go to in turn. Ours alone.
    pub(super) queued: (u64, Vec<String>),
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
    /// Sets a server up in `folder/NAME`, and starts it.
    pub(super) fn start(kind: Kind, folder: &Path, binary: &Path) -> Result<Self> {
        Self::prepare(kind, folder, binary, &Setup::default())?;
        Self::serve(kind, folder, binary)
    }

    /// Makes all that a server needs in `folder/NAME`.
    pub(super) fn prepare(kind: Kind, folder: &Path, binary: &Path, setup: &Setup) -> Result<()> {
        let (folder, port) = (folder.join(kind.name()), kind.port());
        std::fs::create_dir_all(&folder)?;
        match kind {
            Kind::Postfix => postfix::prepare(&folder, port, false, setup),
            Kind::PostfixTuned => postfix::prepare(&folder, port, true, setup),
            Kind::Sink => Ok(()),
            Kind::Gatepost => gatepost::prepare(&folder, port, binary, 0, setup),
            Kind::History(messages) => gatepost::prepare(&folder, port, binary, messages, setup),
        }
    }

    /// Starts what was set up, and waits until it answers.
    pub(super) fn serve(kind: Kind, folder: &Path, binary: &Path) -> Result<Self> {
        let (folder, port) = (folder.join(kind.name()), kind.port());
        let child = match kind {
            Kind::Postfix | Kind::PostfixTuned => postfix::serve(&folder)?,
            Kind::Sink => sink(([127, 0, 0, 1], port).into(), &folder)?,
            Kind::Gatepost | Kind::History(_) => gatepost::serve(&folder, binary)?,
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
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        super::process::end(&mut self.child);
    }
}

/// smtp-sink, which takes all mail, keeps none, and counts it in `folder/log`.
pub(super) fn sink(address: SocketAddr, folder: &Path) -> Result<Child> {
    let address = address.to_string();
    quiet(Command::new("smtp-sink").args(["-u", "nobody", "-c", &address, "1000"]), folder)
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
