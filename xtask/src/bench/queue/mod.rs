//! `cargo xtask bench queue`: sending mail on, beside Postfix, and what a long queue does.
//!
//! Results go to `docs/performance/queue.json`; `docs/performance-queue.md` is made from them.

mod backlog;
mod dead;
mod page;
mod relay;
mod sinks;

use super::Rate;
use super::syncs::Syncs;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `cargo xtask bench queue`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs of each cell; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds that a run should take.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only the parts whose name contains this (`relay`, `syncs`, `backlog`, `dead`).
    #[arg(long)]
    only: Option<String>,
    /// Only these servers, by commas: postfix, postfix-tuned, gatepost.
    #[arg(long)]
    servers: Option<String>,
    /// A tenth of everything, to see that it works; nothing is written.
    #[arg(long)]
    quick: bool,
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
    /// Processes that wanted a processor before and after all of it: what else the machine did.
    #[serde(default)]
    load: (f64, f64),
    rates: Vec<Rate>,
    syncs: Vec<Syncs>,
    backlog: Option<backlog::Backlog>,
    delays: Vec<dead::Delays>,
}

const JSON: &str = "docs/performance/queue.json";
const PAGE: &str = "docs/performance-queue.md";

/// Runs the benchmark.
pub(super) fn run(args: &Args) -> Result<()> {
    let binary = super::build()?;
    let folder = tempfile::Builder::new().prefix("gatepost-bench-").tempdir()?;
    let folder = folder.path();
    super::process::world_readable(folder)?;
    let wanted = |part: &str| args.only.as_deref().is_none_or(|only| part.contains(only));
    let share = if args.quick { 10 } else { 1 };
    // A part that is measured alone leaves the others as they were.
    let mut results = match &args.only {
        Some(_) => written().unwrap_or_default(),
        None => Results::default(),
    };
    results.machine = super::process::machine();
    results.commit = super::process::output("git", &["rev-parse", "--short", "HEAD"])?;
    results.date = super::process::output("date", &["-u", "+%Y-%m-%d"])?;
    let before = super::process::load()?;
    if wanted("relay") {
        let plan = relay::Plan {
            runs: if args.quick { 1 } else { args.runs },
            seconds: if args.quick { 1.0 } else { args.seconds },
            servers: args.servers.as_deref(),
        };
        results.rates = relay::measure(folder, &binary, &plan)?;
    }
    if wanted("syncs") {
        results.syncs = relay::syncs(folder, &binary)?;
    }
    if wanted("backlog") {
        results.backlog = Some(backlog::measure(folder, &binary, backlog::MESSAGES / share)?);
    }
    if wanted("dead") {
        results.delays = dead::measure(folder, &binary, share)?;
    }
    // What we did ourselves is over.
    std::thread::sleep(Duration::from_secs(if args.quick { 0 } else { 60 }));
    results.load = (before, super::process::load()?);
    if args.dry || args.quick {
        println!("{}", serde_json::to_string_pretty(&results)?);
        return Ok(());
    }
    std::fs::create_dir_all("docs/performance")?;
    std::fs::write(JSON, serde_json::to_string_pretty(&results)? + "\n").context(JSON)?;
    println!("wrote {JSON}");
    write_page()
}

/// Makes the page anew from what the last runs wrote.
pub(super) fn write_page() -> Result<()> {
    std::fs::write(PAGE, page::page(&written()?)).context(PAGE)
}

fn written() -> Result<Results> {
    serde_json::from_str(&std::fs::read_to_string(JSON).context(JSON)?).context(JSON)
}
