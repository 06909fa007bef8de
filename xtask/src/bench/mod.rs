//! `cargo xtask bench`: Gatepost beside its peers, in one run on the same disk with the same load.
//!
//! Never a timed test: machines are shared and noisy, so what counts are ratios of medians taken in
//! turn. Results go to `docs/performance/smtp.json`; `docs/performance.md` is made from them.

mod cells;
mod filter;
mod idle;
mod load;
mod page;
mod peers;
mod process;
mod queue;
mod syncs;

use anyhow::{Context, Result};
use cells::Cell;
use peers::Peer;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `cargo xtask bench`
#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// Receiving: Postfix as shipped and tuned, smtp-sink, Gatepost.
    Smtp(SmtpArgs),
    /// Receiving with years of old mail in the store, beside an empty store.
    History(HistoryArgs),
    /// Sending on, beside Postfix; and Gatepost alone with long queues.
    Queue(queue::Args),
    /// Looking into messages, beside rspamd, MIMEDefang and SpamAssassin.
    Filter(filter::Args),
    /// Make the pages in docs/ anew from the JSON in docs/performance/.
    Page,
}

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct SmtpArgs {
    /// Runs of each cell; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds that a run should take.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Only the cells whose name contains this (`1k`, `s50`).
    #[arg(long)]
    only: Option<String>,
    /// Only these servers, by commas: postfix, postfix-tuned, sink, gatepost.
    #[arg(long)]
    servers: Option<String>,
    /// Leave out syncs, memory and idle connections.
    #[arg(long)]
    rates_only: bool,
    /// Print, but do not write docs/.
    #[arg(long)]
    dry: bool,
}

/// How much old mail, and how long.
#[derive(clap::Args)]
pub(crate) struct HistoryArgs {
    /// Messages of old mail: about 2.5 GB of disk and a minute or two a million.
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// Runs of each cell; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds that a run should take.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Where the stores are made; a folder for temporary files otherwise.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Print, but do not write docs/.
    #[arg(long)]
    dry: bool,
}

/// Everything that was measured.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Results {
    machine: String,
    commit: String,
    date: String,
    rates: Vec<Rate>,
    syncs: Vec<syncs::Syncs>,
    memory: Vec<idle::Memory>,
    /// From `cargo xtask bench history`, which is run by itself: it takes long.
    #[serde(default)]
    history: Option<History>,
}

/// The rates with old mail in the store, and without.
#[derive(Serialize, Deserialize)]
pub(crate) struct History {
    commit: String,
    messages: u64,
    rates: Vec<Rate>,
}

/// One server in one cell: medians over the runs.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct Rate {
    cell: String,
    server: String,
    /// Messages times recipients that are readable in mailboxes, a second.
    delivered_per_s: f64,
    /// Messages acknowledged, a second.
    accepted_per_s: f64,
    cpu_s_per_1000: f64,
    /// Lowest and highest `delivered_per_s` of the runs.
    spread: (f64, f64),
    runs: usize,
}

const JSON: &str = "docs/performance/smtp.json";
const PAGE: &str = "docs/performance.md";

/// Runs the benchmark.
pub(crate) fn run(args: &Args) -> Result<()> {
    match args {
        Args::Smtp(args) => smtp(args),
        Args::History(args) => history(args),
        Args::Queue(args) => queue::run(args),
        Args::Filter(args) => filter::run(args),
        Args::Page => {
            std::fs::write(PAGE, page::page(&written()?)).context(PAGE)?;
            queue::write_page()?;
            filter::write_page()
        }
    }
}

/// What the last runs wrote.
fn written() -> Result<Results> {
    serde_json::from_str(&std::fs::read_to_string(JSON).context(JSON)?).context(JSON)
}

fn smtp(args: &SmtpArgs) -> Result<()> {
    let binary = build()?;
    let folder = tempfile::Builder::new().prefix("gatepost-bench-").tempdir()?;
    process::world_readable(folder.path())?;
    let wanted = |name: &str| {
        args.servers.as_deref().is_none_or(|list| list.split(',').any(|wanted| wanted == name))
    };
    let mut results = Results {
        machine: process::machine(),
        commit: process::output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default(),
        date: process::output("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default(),
        history: written().ok().and_then(|written| written.history),
        ..Results::default()
    };
    let mut servers = Vec::new();
    for kind in peers::Kind::ALL.into_iter().filter(|kind| wanted(kind.name())) {
        servers.push(Peer::start(kind, folder.path(), &binary)?);
    }
    for cell in cells::all() {
        if args.only.as_deref().is_some_and(|part| !cell.name().contains(part)) {
            continue;
        }
        results.rates.extend(in_turn(&cell, args.runs, args.seconds, &servers)?);
    }
    // Their ports are wanted again, by servers that have seen no load.
    drop(servers);
    if !args.rates_only {
        if !args.dry {
            // What took minutes is kept, whatever comes.
            write(&results)?;
        }
        results.syncs = syncs::measure(folder.path(), &binary)?;
        results.memory = idle::measure(folder.path(), &binary)?;
    }
    if args.dry {
        println!("{}", serde_json::to_string_pretty(&results)?);
        return Ok(());
    }
    write(&results)
}

/// One server with old mail and one without, in turn.
fn history(args: &HistoryArgs) -> Result<()> {
    let binary = build()?;
    let mut folder = tempfile::Builder::new();
    let folder = folder.prefix("gatepost-bench-");
    let folder = match &args.folder {
        Some(parent) => folder.tempdir_in(parent)?,
        None => folder.tempdir()?,
    };
    process::world_readable(folder.path())?;
    let mut servers = Vec::new();
    for kind in [peers::Kind::Gatepost, peers::Kind::History(args.messages)] {
        servers.push(Peer::start(kind, folder.path(), &binary)?);
    }
    let mut rates = Vec::new();
    for cell in cells::history() {
        rates.extend(in_turn(&cell, args.runs, args.seconds, &servers)?);
    }
    let commit = process::output("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let history = History { commit, messages: args.messages, rates };
    if args.dry {
        return Ok(());
    }
    write(&Results { history: Some(history), ..written()? })
}

fn write(results: &Results) -> Result<()> {
    std::fs::create_dir_all("docs/performance")?;
    std::fs::write(JSON, serde_json::to_string_pretty(results)? + "\n").context(JSON)?;
    std::fs::write(PAGE, page::page(results)).context(PAGE)?;
    println!("wrote {JSON} and {PAGE}");
    Ok(())
}

/// Every server once, then again: a slow minute of the machine then hits all of them.
fn in_turn(cell: &Cell, runs: usize, seconds: f64, servers: &[Peer]) -> Result<Vec<Rate>> {
    let mut measured: Vec<(usize, Vec<load::Run>)> = Vec::new();
    for server in servers {
        measured.push((load::calibrate(server, cell, seconds)?, Vec::new()));
    }
    for _ in 0..runs {
        for (server, (messages, runs)) in servers.iter().zip(&mut measured) {
            server.clear()?;
            runs.push(load::run(server, cell, *messages)?);
        }
    }
    let rates = servers.iter().zip(measured).map(|(s, (_, runs))| rate(cell.name(), s.kind, &runs));
    Ok(rates.inspect(tell).collect())
}

fn tell(rate: &Rate) {
    println!(
        "{:<14} {:<16} {:>9.1}/s  cpu {:.3} s/1000  ({:.0}-{:.0})",
        rate.cell,
        rate.server,
        rate.delivered_per_s,
        rate.cpu_s_per_1000,
        rate.spread.0,
        rate.spread.1
    );
}

fn rate(cell: String, kind: peers::Kind, runs: &[load::Run]) -> Rate {
    let of = |f: fn(&load::Run) -> f64| -> Vec<f64> {
        let mut values: Vec<f64> = runs.iter().map(f).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let delivered = of(|r| r.delivered_per_s);
    Rate {
        cell,
        server: kind.name().to_owned(),
        delivered_per_s: median(&delivered),
        accepted_per_s: median(&of(|r| r.accepted_per_s)),
        cpu_s_per_1000: median(&of(|r| r.cpu_s_per_1000)),
        spread: (
            delivered.first().copied().unwrap_or_default(),
            delivered.last().copied().unwrap_or_default(),
        ),
        runs: runs.len(),
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The release binary: what is measured is what is shipped.
fn build() -> Result<PathBuf> {
    let status = std::process::Command::new("cargo")
        .args(["build", "--release", "--package", "gatepost"])
        .status()
        .context("cargo cannot be started")?;
    anyhow::ensure!(status.success(), "the release build failed");
    Ok(crate::bench::process::target_dir().join("release/gatepost"))
}
