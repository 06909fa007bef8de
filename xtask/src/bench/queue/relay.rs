//! Mail taken and sent on: from the first message that comes to the last one at its destination.

use super::sinks::{Sinks, domain};
use crate::bench::load::Run;
use crate::bench::peers::{Kind, Peer, Setup};
use crate::bench::syncs::{self, Syncs};
use crate::bench::{Rate, process, rate, tell};
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of a message.
const SIZE: usize = 1 << 10;
/// Messages of a run, at most.
const MESSAGES_MAX: usize = 40_000;
/// Messages of one measurement under strace.
const TRACED: usize = 400;
/// How long the sinks may get nothing before it is called an end.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often, how long, who.
pub(super) struct Plan<'a> {
    pub(super) runs: usize,
    pub(super) seconds: f64,
    pub(super) servers: Option<&'a str>,
}

/// One load: sessions that bring mail, each for one destination.
#[derive(Clone, Copy)]
struct Cell {
    destinations: u8,
    sessions: usize,
}

const CELLS: [Cell; 4] = [
    Cell { destinations: 1, sessions: 10 },
    Cell { destinations: 1, sessions: 50 },
    Cell { destinations: DESTINATIONS, sessions: DESTINATIONS as usize },
    Cell { destinations: DESTINATIONS, sessions: 2 * DESTINATIONS as usize },
];
const DESTINATIONS: u8 = 50;
const KINDS: [Kind; 3] = [Kind::Postfix, Kind::PostfixTuned, Kind::Gatepost];

impl Cell {
    /// `d1-s10`, `d50-s50`.
    fn name(self) -> String {
        format!("d{}-s{}", self.destinations, self.sessions)
    }
}

/// Messages a second and CPU, all servers in turn.
pub(super) fn measure(folder: &Path, binary: &Path, plan: &Plan<'_>) -> Result<Vec<Rate>> {
    let wanted = |kind: &Kind| {
        plan.servers.is_none_or(|list| list.split(',').any(|wanted| wanted == kind.name()))
    };
    let (sinks, servers) = start(folder, binary, KINDS.into_iter().filter(wanted))?;
    let mut rates = Vec::new();
    for cell in CELLS {
        let mut measured = Vec::new();
        for server in &servers {
            measured.push((calibrate(server, &sinks, cell, plan.seconds)?, Vec::new()));
        }
        for _ in 0..plan.runs {
            for (server, (messages, runs)) in servers.iter().zip(&mut measured) {
                runs.push(run(server, &sinks, cell, *messages)?);
            }
        }
        let found = servers.iter().zip(&measured).map(|(s, (_, r))| rate(cell.name(), s.kind, r));
        rates.extend(found.inspect(tell));
    }
    Ok(rates)
}

/// Syncs a message, of what is shipped.
pub(super) fn syncs(folder: &Path, binary: &Path) -> Result<Vec<Syncs>> {
    let folder = folder.join("syncs");
    let (sinks, servers) = start(&folder, binary, [Kind::Gatepost, Kind::Postfix])?;
    let mut found = Vec::new();
    for server in &servers {
        for cell in CELLS {
            let load = || run(server, &sinks, cell, TRACED).map(drop);
            match syncs::during(server, 0, load) {
                Ok(syncs) => found.push(Syncs {
                    cell: cell.name(),
                    server: server.kind.name().to_owned(),
                    delay_ms: 0,
                    syncs_per_message: syncs as f64 / TRACED as f64,
                }),
                // A peer that does not live through strace is left out; we may not be.
                Err(error) if server.kind != Kind::Gatepost => println!("left out: {error:#}"),
                Err(error) => return Err(error),
            }
        }
    }
    for row in &found {
        println!("syncs {:<8} {:<10} {:.2} a message", row.cell, row.server, row.syncs_per_message);
    }
    Ok(found)
}

fn start(
    folder: &Path,
    binary: &Path,
    kinds: impl IntoIterator<Item = Kind>,
) -> Result<(Sinks, Vec<Peer>)> {
    let sinks = Sinks::start(DESTINATIONS, folder)?;
    let setup = Setup { ways: sinks.ways(), ..Setup::default() };
    let mut servers = Vec::new();
    for kind in kinds {
        Peer::prepare(kind, folder, binary, &setup)?;
        servers.push(Peer::serve(kind, folder, binary)?);
    }
    Ok((sinks, servers))
}

/// Messages that make a run of about `seconds`: the same number for each destination.
fn calibrate(server: &Peer, sinks: &Sinks, cell: Cell, seconds: f64) -> Result<usize> {
    let probe = cell.sessions * 10;
    // The first meets what is cold: the second is measured.
    run(server, sinks, cell, probe)?;
    let per_second = run(server, sinks, cell, probe)?.delivered_per_s;
    let messages = ((per_second * seconds) as usize).clamp(probe, MESSAGES_MAX);
    Ok(messages.next_multiple_of(cell.destinations.into()))
}

/// Sends `messages` and waits until the sinks have all of them.
fn run(server: &Peer, sinks: &Sinks, cell: Cell, messages: usize) -> Result<Run> {
    let before = sinks.messages()?;
    let cpu = process::cpu_seconds(server.pid());
    let begun = Instant::now();
    let sources = (0..cell.destinations)
        .map(|n| source(server, cell, messages / usize::from(cell.destinations), n))
        .collect::<Result<Vec<Child>>>()?;
    for source in sources {
        let output = source.wait_with_output()?;
        ensure!(
            output.status.success(),
            "smtp-source against {}: {}",
            server.kind.name(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let accepted = begun.elapsed();
    arrive(server, sinks, before + messages)?;
    let delivered = begun.elapsed();
    let cpu = process::cpu_seconds(server.pid()) - cpu;
    let messages = messages as f64;
    Ok(Run {
        accepted_per_s: messages / accepted.as_secs_f64(),
        delivered_per_s: messages / delivered.as_secs_f64(),
        cpu_s_per_1000: cpu / messages * 1000.0,
    })
}

/// Waits until the sinks have so many messages.
pub(super) fn arrive(server: &Peer, sinks: &Sinks, wanted: usize) -> Result<()> {
    let (mut last, mut changed) = (0, Instant::now());
    loop {
        let there = sinks.messages()?;
        if there >= wanted {
            return Ok(());
        }
        if there != last {
            (last, changed) = (there, Instant::now());
        }
        if changed.elapsed() > SILENCE_MAX {
            bail!("{}: {there} of {wanted} messages arrived", server.kind.name());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// smtp-source for one destination, with its part of the sessions.
fn source(server: &Peer, cell: Cell, messages: usize, destination: u8) -> Result<Child> {
    let sessions = cell.sessions / usize::from(cell.destinations);
    Command::new("smtp-source")
        .args(["-s", &sessions.to_string(), "-l", &SIZE.to_string(), "-m", &messages.to_string()])
        .args(["-f", "s@elsewhere.example", "-t", &format!("u@{}", domain(destination.into()))])
        .arg(format!("127.0.0.1:{}", server.port))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("smtp-source cannot be started; cargo xtask setup installs it")
}
