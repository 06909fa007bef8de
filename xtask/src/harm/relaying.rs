//! `cargo xtask relaying`: SIGKILL while mail is sent on, and what the other server has afterwards.
//!
//! Every message that got its 250 arrives there, whole and at least once; twice only what was on
//! its way when the server was killed.

use super::Common;
use super::load::{Load, Plan, Sent};
use super::random::Random;
use super::server::{Person, Server, Setup, site, workshop};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `cargo xtask relaying`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    #[command(flatten)]
    common: Common,
}

const PLAN: Plan = Plan { sessions: 8, messages: 10_000, large_percent: 3 };
/// The server lives this long under load at the least and at the most.
const LIFE_MIN_MS: u64 = 50;
const LIFE_MAX_MS: u64 = 600;
/// How long everything may take to arrive once the server is left alone.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
/// Deliveries that can be on their way at one time: connections to one destination.
const UNDER_WAY_MAX: usize = 20;

/// Another server: what it took, by marker the digest of each copy.
struct Sink {
    address: SocketAddr,
    took: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

/// Runs the rounds.
pub(crate) fn run(args: &Args) -> Result<()> {
    let seed = args.common.seed.unwrap_or_else(Random::seed);
    println!("relaying: {} rounds, seed {seed}", args.rounds);
    let mut random = Random::new(seed);
    let sink = Sink::start()?;
    let workshop = workshop("relaying")?;
    let setup = Setup {
        binary: args.common.binary()?,
        folder: site(workshop.path()),
        settings: settings(sink.address),
        wrapper: Vec::new(),
    };
    let mut server = start(&setup)?;
    let mut kept: Vec<Sent> = Vec::new();
    for round in 1..=args.rounds {
        let load = Load::start(&server, &format!("r{round}"), PLAN, &mut random)?;
        std::thread::sleep(Duration::from_millis(
            LIFE_MIN_MS + random.below(LIFE_MAX_MS - LIFE_MIN_MS),
        ));
        server.kill()?;
        kept.extend(load.finish().into_iter().filter(|sent| sent.acknowledged));
        server = start(&setup).with_context(|| format!("round {round}: no recovery"))?;
    }
    ensure!(!kept.is_empty() || args.rounds == 0, "no message was acknowledged: not a test");
    sink.wait_for(&kept).with_context(|| format!("seed {seed}"))?;
    server.fsck()?;
    server.stop()?;
    let twice = sink.check(&kept)?;
    ensure!(
        twice <= UNDER_WAY_MAX * args.rounds as usize,
        "{twice} messages came twice, more than were on their way"
    );
    println!(
        "relaying: {} rounds: {} acknowledged messages all arrived whole, {twice} of them twice, \
         fsck clean",
        args.rounds,
        kept.len()
    );
    Ok(())
}

fn settings(sink: SocketAddr) -> String {
    format!(
        "[rate]\nmessages_per_minute_max = 10000000\nconnections_per_minute_max = 10000000\n\
         [limits]\ngreeting_pause_ms = 0\n[relay]\nnetworks = [\"127.0.0.0/8\"]\n\
         [send]\nsmarthost = \"{sink}\"\n"
    )
}

/// The server; the load's people are elsewhere, at one domain.
fn start(setup: &Setup) -> Result<Server> {
    let mut server = setup.start()?;
    let person =
        |name: &str| Person { address: format!("{name}@far.example"), password: String::new() };
    server.facts.users = vec![person("dora"), person("emil")];
    server.facts.alias = "team@far.example".to_owned();
    Ok(server)
}

impl Sink {
    fn start() -> Result<Self> {
        let took = Arc::default();
        let address = crate::sink::start({
            let took = Arc::clone(&took);
            move |message| keep(message, &took)
        })?;
        Ok(Self { address, took })
    }

    fn wait_for(&self, kept: &[Sent]) -> Result<()> {
        let begun = Instant::now();
        loop {
            let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
            let missing = kept.iter().find(|sent| !took.contains_key(&sent.marker));
            let Some(missing) = missing.map(|sent| sent.marker.clone()) else { return Ok(()) };
            drop(took);
            ensure!(begun.elapsed() < ARRIVAL_MAX, "message {missing} never arrived");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every copy is whole; how many messages came more than once.
    fn check(&self, kept: &[Sent]) -> Result<usize> {
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let mut twice = 0;
        for sent in kept {
            let Some(copies) = took.get(&sent.marker) else {
                bail!("message {} never arrived", sent.marker);
            };
            ensure!(
                copies.iter().all(|digest| *digest == sent.digest),
                "message {} is not what was sent",
                sent.marker
            );
            twice += usize::from(copies.len() > 1);
        }
        Ok(twice)
    }
}

/// Notes a message: what stands behind the fields that were put before it.
fn keep(message: &[u8], took: &Mutex<HashMap<String, Vec<String>>>) {
    let Some((marker, sent)) = crate::sink::marked(message) else { return };
    let digest = Sha256::digest(sent).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut took = took.lock().unwrap_or_else(PoisonError::into_inner);
    took.entry(marker).or_default().push(digest);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{Args, run};
    use crate::harm::Common;

    #[test]
    fn twenty_kills_while_mail_is_sent_on() {
        // `cargo xtask test` builds the binary and names it; plain `cargo test` has none to break.
        if std::env::var_os("GATEPOST_BIN").is_some() {
            run(&Args { rounds: 20, common: Common::default() }).unwrap();
        } else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "GATEPOST_BIN is missing");
        }
    }
}
