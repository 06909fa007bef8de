//! `cargo xtask crash`: SIGKILL at random moments under load, and what is there afterwards.

use super::load::{Load, Plan, Sent};
use super::random::Random;
use super::server::{Setup, site, workshop};
use super::{After, Common, prove};
use crate::postgres::Cluster;
use anyhow::{Context, Result, ensure};
use std::process::Command;
use std::time::{Duration, Instant};

/// `cargo xtask crash`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds on each engine.
    #[arg(long, default_value_t = 40)]
    rounds: u32,
    /// Only this engine: sqlite or postgresql.
    #[arg(long)]
    engine: Option<String>,
    #[command(flatten)]
    common: Common,
}

const PLAN: Plan = Plan { sessions: 16, messages: 10_000, large_percent: 5 };
/// The server lives this long under load at the least and at the most.
const LIFE_MIN_MS: u64 = 20;
const LIFE_MAX_MS: u64 = 300;
/// After so many messages the mailboxes are emptied; the next rounds prove that they were.
const KEPT_MAX: usize = 600;
/// Rounds between two lines that tell how far it is.
const TOLD_EVERY: u32 = 100;
/// Sixteen sessions from one address are no flood here, and a server that lives for so short a time
/// greets at once.
const SETTINGS: &str = "[rate]\nmessages_per_minute_max = 10000000\n\
                        connections_per_minute_max = 10000000\n\
                        [limits]\ngreeting_pause_ms = 0\n";

/// Runs the rounds on both engines.
pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = |engine: &str| args.engine.as_deref().is_none_or(|only| only == engine);
    if wanted("sqlite") {
        rounds("sqlite", SETTINGS, args)?;
    }
    if wanted("postgresql") {
        let url = std::env::var("GATEPOST_TEST_POSTGRES").ok();
        let cluster = if url.is_some() { None } else { Some(Cluster::start()?) };
        let url = url.or(cluster.as_ref().map(|c| c.url.clone())).context("no PostgreSQL")?;
        let database = fresh_database(&url)?;
        let settings = format!("[storage]\ndatabase = \"{database}\"\n{SETTINGS}");
        rounds("postgresql", &settings, args)?;
    }
    Ok(())
}

/// Rounds with what tests give: for `cargo test`.
#[cfg(test)]
fn run_rounds(rounds: u32, engine: &str) -> Result<()> {
    let common = Common::default();
    run(&Args { rounds, engine: Some(engine.to_owned()), common })
}

fn rounds(engine: &str, settings: &str, args: &Args) -> Result<()> {
    let seed = args.common.seed.unwrap_or_else(Random::seed);
    println!("crash: {} rounds on {engine}, seed {seed}", args.rounds);
    let mut random = Random::new(seed);
    let workshop = workshop("crash")?;
    let setup = Setup {
        binary: args.common.binary()?,
        folder: site(workshop.path()),
        settings: settings.to_owned(),
        wrapper: Vec::new(),
    };
    let begun = Instant::now();
    let mut server = setup.start()?;
    let mut kept: Vec<Sent> = Vec::new();
    let (mut sent, mut acknowledged) = (0, 0);
    for round in 1..=args.rounds {
        let load = Load::start(&server, &format!("r{round}"), PLAN, &mut random)?;
        let life = LIFE_MIN_MS + random.below(LIFE_MAX_MS - LIFE_MIN_MS);
        std::thread::sleep(Duration::from_millis(life));
        server.kill()?;
        let new = load.finish();
        sent += new.len();
        acknowledged += new.iter().filter(|sent| sent.acknowledged).count();
        kept.extend(new);
        server = setup.start().with_context(|| format!("round {round}: no recovery"))?;
        let after = if kept.len() > KEPT_MAX { After::Empty } else { After::Leave };
        prove(&server, &kept, after).with_context(|| format!("round {round}, seed {seed}"))?;
        if after == After::Empty {
            kept.clear();
        }
        if round.is_multiple_of(TOLD_EVERY) && round < args.rounds {
            println!("crash: {round} rounds, {acknowledged} messages acknowledged so far");
        }
    }
    server.stop()?;
    ensure!(acknowledged > 0 || args.rounds == 0, "no message was acknowledged: not a test");
    println!(
        "crash: {} rounds on {engine} in {:.0} s: {acknowledged} of {sent} messages acknowledged, \
         all of them there and whole, fsck clean",
        args.rounds,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A database of its own on the server at `url`.
fn fresh_database(url: &str) -> Result<String> {
    let name = format!("crash_{}_{}", std::process::id(), Random::seed() % 1_000_000);
    let programs = crate::postgres::programs().context("PostgreSQL is not installed")?;
    let output = Command::new(programs.join("psql"))
        .args(["--quiet", "--no-psqlrc", "--dbname", url, "--command"])
        .arg(format!("CREATE DATABASE {name}"))
        .output()
        .context("psql cannot be started")?;
    ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    let (base, _) = url.rsplit_once('/').context("the address names no database")?;
    Ok(format!("{base}/{name}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::run_rounds;

    /// `cargo xtask test` builds the binary and names it; plain `cargo test` has none to break.
    fn has_binary() -> bool {
        let is_there = std::env::var_os("GATEPOST_BIN").is_some();
        assert!(
            is_there || std::env::var("CI").as_deref() != Ok("true"),
            "GATEPOST_BIN is missing"
        );
        is_there
    }

    #[test]
    fn forty_kills_on_sqlite() {
        if has_binary() {
            run_rounds(40, "sqlite").unwrap();
        }
    }

    #[test]
    fn ten_kills_on_postgresql() {
        if has_binary() {
            run_rounds(10, "postgresql").unwrap();
        }
    }
}
