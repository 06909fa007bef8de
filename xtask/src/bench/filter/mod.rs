//! `cargo xtask bench filter`: looking into messages, beside rspamd, MIMEDefang and SpamAssassin,
//! in one run over the same messages.
//!
//! The peers are asked over their own protocols on loopback. Ours is asked in its process, by the
//! function that every door calls, with its worker processes; and as a whole server, over SMTP
//! (`bench smtp`). Results go to `docs/performance/filter.json`; `docs/performance-filter.md` is
//! made from them.

mod clients;
mod page;
mod peers;

use super::process;
use anyhow::{Context, Result, ensure};
use peers::{Kind, Peer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// `cargo xtask bench filter`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs of each cell; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds that a run should take.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections, or messages that are looked into at one time.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Only these filters, by commas: gatepost, rspamd-mime, rspamd, mimedefang, spamassassin.
    #[arg(long)]
    filters: Option<String>,
    /// Print, but do not write docs/.
    #[arg(long)]
    dry: bool,
}

/// Everything that was measured.
#[derive(Serialize, Deserialize, Default)]
struct Results {
    machine: String,
    commit: String,
    date: String,
    connections: usize,
    /// Processes that wanted a processor before and after all of it.
    load: (f64, f64),
    cells: Vec<Cell>,
}

/// One filter over one folder of messages: medians over the runs.
#[derive(Serialize, Deserialize, Clone, Default)]
struct Cell {
    filter: String,
    messages: String,
    per_s: f64,
    /// Lowest and highest of the runs.
    spread: (f64, f64),
    mib_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_s_per_1000: f64,
    resident_mib: u64,
    runs: usize,
}

/// One run.
#[derive(Deserialize)]
struct Run {
    per_s: f64,
    mib_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_s_per_1000: f64,
    resident_mib: u64,
}

const JSON: &str = "docs/performance/filter.json";
const PAGE: &str = "docs/performance-filter.md";
const GATEPOST: &str = "gatepost";
/// The folders of messages.
const FOLDERS: [&str; 2] = ["small", "large"];

/// Runs the benchmark.
pub(super) fn run(args: &Args) -> Result<()> {
    let wanted = |name: &str| {
        args.filters.as_deref().is_none_or(|list| list.split(',').any(|wanted| wanted == name))
    };
    if wanted(GATEPOST) {
        build()?;
    }
    let folder = tempfile::Builder::new().prefix("gatepost-bench-").tempdir()?;
    let folder = folder.path();
    process::world_readable(folder)?;
    let script = folder.join("corpus.py");
    std::fs::write(&script, include_str!("corpus.py"))?;
    let corpus = folder.join("corpus");
    process::output("python3", &[&script.to_string_lossy(), &corpus.to_string_lossy()])?;
    let mut results = Results {
        machine: process::machine(),
        commit: process::output("git", &["rev-parse", "--short", "HEAD"])?,
        date: process::output("date", &["-u", "+%Y-%m-%d"])?,
        connections: args.connections,
        load: (process::load()?, 0.0),
        cells: Vec::new(),
    };
    let kinds = Kind::ALL.into_iter().filter(|kind| wanted(kind.name()));
    let peers: Vec<Peer> = kinds.map(|kind| Peer::start(kind, folder)).collect::<Result<_>>()?;
    for messages in FOLDERS {
        let mut runs: Vec<(String, Vec<Run>)> = Vec::new();
        // In turn, so that what else the machine does falls on all alike.
        for _ in 0..args.runs {
            if wanted(GATEPOST) {
                push(&mut runs, GATEPOST, ours(&corpus.join(messages), args)?);
            }
            for peer in &peers {
                push(&mut runs, peer.kind.name(), theirs(peer, &corpus.join(messages), args)?);
            }
        }
        results.cells.extend(runs.iter().map(|(filter, runs)| median(filter, messages, runs)));
    }
    results.load.1 = process::load()?;
    if args.dry {
        println!("{}", serde_json::to_string_pretty(&results)?);
        return Ok(());
    }
    std::fs::create_dir_all("docs/performance")?;
    std::fs::write(JSON, serde_json::to_string_pretty(&results)? + "\n").context(JSON)?;
    println!("wrote {JSON}");
    write_page()
}

/// Builds the example that calls the filter.
fn build() -> Result<()> {
    let example = ["build", "--release", "--package", "filter", "--example", "throughput"];
    let status = std::process::Command::new("cargo").args(example).status()?;
    ensure!(status.success(), "the example of the filter could not be built");
    Ok(())
}

/// Makes the page anew from what the last run wrote.
pub(super) fn write_page() -> Result<()> {
    let results = serde_json::from_str(&std::fs::read_to_string(JSON).context(JSON)?);
    std::fs::write(PAGE, page::page(&results.context(JSON)?)).context(PAGE)
}

fn push(runs: &mut Vec<(String, Vec<Run>)>, filter: &str, run: Run) {
    eprintln!(
        "{filter:>14}: {:8.1} messages/s {:7.1} MiB/s, p99 {:.2} ms",
        run.per_s, run.mib_per_s, run.p99_ms
    );
    match runs.iter_mut().find(|(name, _)| name == filter) {
        Some((_, known)) => known.push(run),
        None => runs.push((filter.to_owned(), vec![run])),
    }
}

fn median(filter: &str, messages: &str, runs: &[Run]) -> Cell {
    let middle = |value: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let rates = runs.iter().map(|run| run.per_s);
    Cell {
        filter: filter.to_owned(),
        messages: messages.to_owned(),
        per_s: middle(|run| run.per_s),
        spread: (rates.clone().fold(f64::MAX, f64::min), rates.fold(0.0, f64::max)),
        mib_per_s: middle(|run| run.mib_per_s),
        p50_ms: middle(|run| run.p50_ms),
        p99_ms: middle(|run| run.p99_ms),
        cpu_s_per_1000: middle(|run| run.cpu_s_per_1000),
        resident_mib: runs.iter().map(|run| run.resident_mib).max().unwrap_or_default(),
        runs: runs.len(),
    }
}

/// Ours, by the example of the filter's room that calls it as the doors do.
fn ours(messages: &Path, args: &Args) -> Result<Run> {
    let example = process::target_dir().join("release/examples/throughput");
    let text = process::output(
        &example.to_string_lossy(),
        &[&messages.to_string_lossy(), &args.connections.to_string(), &args.seconds.to_string()],
    )?;
    serde_json::from_str(&text).context("the example's figures")
}

/// A peer, by as many threads as there are connections, each message in turn.
fn theirs(peer: &Peer, messages: &Path, args: &Args) -> Result<Run> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(messages)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    paths.sort();
    let bodies: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<std::io::Result<_>>()?;
    ensure!(!bodies.is_empty(), "no messages in {}", messages.display());
    let (next, times) = (AtomicUsize::new(0), Mutex::new((Vec::new(), 0_u64)));
    let (began, cpu) = (Instant::now(), peer.cpu_seconds());
    let until = began + Duration::from_secs_f64(args.seconds);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            let (mut client, mut mine, mut bytes) = (peer.client(), Vec::new(), 0);
            while Instant::now() < until {
                let at = next.fetch_add(1, Ordering::Relaxed) % bodies.len();
                let body = bodies.get(at).context("a message")?;
                let asked = Instant::now();
                client.check(body)?;
                mine.push(asked.elapsed());
                bytes += body.len() as u64;
            }
            let mut all = times.lock().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            all.0.extend(mine);
            all.1 += bytes;
            Ok(())
        };
        let threads: Vec<_> = (0..args.connections).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
        })
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let (mut taken, bytes) = times.into_inner().map_err(|_| anyhow::anyhow!("poisoned"))?;
    taken.sort();
    let at = |share: f64| {
        let place = (taken.len() as f64 * share) as usize;
        taken.get(place.min(taken.len().saturating_sub(1))).map_or(0.0, |t| t.as_secs_f64() * 1e3)
    };
    Ok(Run {
        per_s: taken.len() as f64 / seconds,
        mib_per_s: bytes as f64 / seconds / f64::from(1 << 20),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        cpu_s_per_1000: (peer.cpu_seconds() - cpu) * 1000.0 / taken.len().max(1) as f64,
        resident_mib: peer.resident_mib(),
    })
}
