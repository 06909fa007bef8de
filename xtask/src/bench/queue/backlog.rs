//! A long queue: how soon after a restart mail is taken and sent on, and what it costs in memory.

use super::relay::arrive;
use super::sinks::Sinks;
use crate::bench::peers::{Kind, Peer, Setup};
use crate::bench::process;
use crate::harm::load::Peer as Client;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// Messages in the queue.
pub(super) const MESSAGES: u64 = 100_000;
/// Destinations that they go to.
const DESTINATIONS: u8 = 50;
/// How long a server with an empty queue is given to come to rest.
const REST: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Serialize, Deserialize)]
pub(super) struct Backlog {
    pub(super) messages: u64,
    /// Seconds from the start of the process to its greeting.
    pub(super) accepting_s: f64,
    /// And until another server has the first message.
    pub(super) first_delivery_s: f64,
    /// Until the last one is sent on.
    pub(super) last_delivery_s: f64,
    /// Highest resident KiB with an empty queue.
    pub(super) idle_kib: u64,
    /// Highest resident KiB from the start to the last delivery.
    pub(super) peak_kib: u64,
}

/// Ours with an empty queue, then with a full one.
pub(super) fn measure(folder: &Path, binary: &Path, messages: u64) -> Result<Backlog> {
    let (empty, full) = (folder.join("empty"), folder.join("full"));
    let sinks = Sinks::start(DESTINATIONS, &empty)?;
    let ways = sinks.ways();
    let domains = ways.iter().map(|(domain, _)| domain.clone()).collect();
    let kind = Kind::Gatepost;
    Peer::prepare(kind, &empty, binary, &Setup { ways: ways.clone(), ..Setup::default() })?;
    let server = Peer::serve(kind, &empty, binary)?;
    std::thread::sleep(REST);
    let idle_kib = process::memory_kib(server.pid(), "VmHWM");
    drop(server);

    Peer::prepare(kind, &full, binary, &Setup { ways, queued: (messages, domains) })?;
    let begun = Instant::now();
    let server = Peer::serve(kind, &full, binary)?;
    Client::connect(([127, 0, 0, 1], server.port).into())?.answer()?;
    let accepting_s = begun.elapsed().as_secs_f64();
    arrive(&server, &sinks, 1)?;
    let first_delivery_s = begun.elapsed().as_secs_f64();
    arrive(&server, &sinks, usize::try_from(messages)?)?;
    let last_delivery_s = begun.elapsed().as_secs_f64();
    let peak_kib = process::memory_kib(server.pid(), "VmHWM");
    let found =
        Backlog { messages, accepting_s, first_delivery_s, last_delivery_s, idle_kib, peak_kib };
    println!("backlog {}", serde_json::to_string(&found)?);
    Ok(found)
}
