//! The state of the server, for `gatepost status` and whoever watches it: the names are stable.

use crate::CountedView;
use mail::Timestamp;
use serde::{Deserialize, Serialize};

/// The state of the server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    /// Version of the binary.
    pub version: String,
    /// Whether a server runs: without one only the store's state is known.
    pub running: bool,
    /// Seconds since the start; 0 where no server runs.
    pub uptime_secs: u64,
    /// The engine of the store.
    pub engine: String,
    /// Each listening socket with its sessions.
    pub doors: Vec<DoorView>,
    /// Open sessions at all doors, and how many there may be.
    pub sessions: Sessions,
    /// What was written since the start.
    pub commits: Commits,
    /// The disk with the data.
    pub disk: Disk,
    /// When the certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// Whole days until then; negative when it has ended.
    pub certificate_days_left: Option<i64>,
    /// The workers that look into mail.
    #[serde(default)]
    pub workers: Workers,
    /// The newest warnings and errors of the log, newest last.
    pub log: Vec<LogLine>,
    /// Refusals that were counted, not listed in the trace, newest first.
    #[serde(default)]
    pub counted: Vec<CountedView>,
}

/// A door: one listening socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorView {
    /// `smtp`, `pop3`, `pop3s`.
    pub door: String,
    /// Where it listens.
    pub address: String,
    /// Sessions open there now.
    pub sessions: u64,
}

/// Sessions and their limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Open now.
    pub open: u64,
    /// How many there may be (`limits.connections_max`).
    pub max: u64,
    /// How many from one address or IPv6 /64 (`limits.connections_per_address`).
    pub per_address_max: u64,
}

/// The locked processes that look into mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// How many there may be (`worker.count`); 0 where no server runs.
    pub max: u64,
    /// Those that wait for a message.
    pub idle: u64,
    /// Those that have one.
    pub busy: u64,
    /// Started since the start of the server.
    pub started: u64,
    /// Of these, who crashed or did not answer in time: a deferral each.
    pub crashed: u64,
    /// Of these, who were ended by their limits.
    pub too_complex: u64,
    /// What the newest one tried in vain to prove that it is locked down; empty before the first.
    pub proof: String,
    /// Why none can be locked down, where that is so: what has to be looked into is deferred.
    pub unlocked: Option<String>,
}

/// What the store wrote since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commits {
    /// Commits.
    pub commits: u64,
    /// Writes in them: by `commits`, how many share one.
    pub writes: u64,
    /// Commits that failed.
    pub failures: u64,
    /// The newest failure, with its time.
    pub last_failure: Option<String>,
}

/// The disk with the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Bytes free.
    pub free: u64,
    /// Bytes free below which MAIL is answered with 452; 0 where the disk is not watched.
    pub min: u64,
    /// Whether mail is accepted as far as the disk goes.
    pub ok: bool,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// `warn` or `error`.
    pub level: String,
    /// What the log says, cut to a bounded length.
    pub text: String,
}
