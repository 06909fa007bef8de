//! `cargo xtask evasion`: a thousand ways past a filter of attachments, and who gets the file out.
//!
//! A corpus is made (Python, `corpus/`): every family of tricks times six kinds of payload, each
//! with a twin of the same shape that carries something harmless. It goes through the real server
//! over SMTP and comes back over POP3; four readers that are not ours (Python's email package,
//! MIME-tools, munpack, ripmime) say what a person would get out of what was delivered. Through a
//! server without the filter nearly everything must come out, or the corpus proves nothing.

mod report;
mod run;

use crate::harm::Common;
use crate::harm::random::Random;
use anyhow::{Context, Result, bail};
use report::{Goal, Report};
use run::{Corpus, Outcome};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What takes the filter of attachments out of a server, as settings.
const FILTER_OFF: &str = "[attachment]\nfilter = \"off\"\n";

/// The page that a whole run through the filter writes.
const PAGE: &str = "docs/evasion.md";

/// One pair in so many is what `cargo xtask test` takes.
const SHORT: u32 = 10;

/// `cargo xtask evasion`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take one message pair in N, chosen by the seed; 10 is what `cargo xtask test` takes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    sample: u32,
    /// Only ask the readers about the corpus itself, without a server.
    #[arg(long)]
    offline: bool,
    /// Leave out the run through the filter.
    #[arg(long)]
    without_filter_only: bool,
    /// Keep corpus and delivered messages in this folder; without it, they are removed.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write the results as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// The short form, for `cargo xtask test`: other pairs each time, by a seed that is told.
///
/// # Errors
/// A goal is missed, or the run failed.
pub(crate) fn short(binary: &Path) -> Result<()> {
    let common = Common { binary: Some(binary.to_owned()), seed: None };
    let (offline, without_filter_only) = (false, false);
    let args = Args { sample: SHORT, offline, without_filter_only, keep: None, json: None, common };
    match run(&args)? == ExitCode::SUCCESS {
        true => Ok(()),
        false => bail!("a goal is missed"),
    }
}

/// Makes the corpus, sends it, asks the readers, tells by family; fails if a goal is missed.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // JSON numbers are exact to 53 bits; the seed is a number there.
    let seed = args.common.seed.unwrap_or_else(|| Random::seed() >> 11);
    println!("evasion: seed {seed}, one pair in {}", args.sample);
    let workshop = crate::harm::server::workshop("evasion")?;
    let folder = match &args.keep {
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            folder.canonicalize()?
        }
        None => workshop.path().to_owned(),
    };
    let corpus = Corpus::make(&folder, seed, args.sample)?;
    println!("evasion: {} messages in {}", corpus.entries.len(), corpus.folder.display());
    let mut reports = Vec::new();
    let alone = corpus.read()?;
    if args.offline {
        reports.push(Report::new(Goal::Readable, &corpus, &alone, &Outcome::default()));
    } else {
        let binary = args.common.binary()?;
        let plain = corpus.through(&binary, FILTER_OFF, "without")?;
        let readings = corpus.readings(&plain)?;
        reports.push(Report::new(Goal::Delivered, &corpus, &readings, &plain));
        if !args.without_filter_only {
            let filtered = corpus.through(&binary, "", "filtered")?.beside(plain);
            let readings = corpus.readings(&filtered)?;
            reports.push(Report::new(Goal::Stopped, &corpus, &readings, &filtered));
        }
    }
    tell(args, seed, &reports)
}

/// Prints the tables, writes what was asked for, and judges.
fn tell(args: &Args, seed: u64, reports: &[Report]) -> Result<ExitCode> {
    for report in reports {
        println!("\n{}", report.text());
    }
    if let Some(file) = &args.json {
        let json = serde_json::json!({ "seed": seed, "sample": args.sample, "runs": reports });
        std::fs::write(file, serde_json::to_string_pretty(&json)? + "\n")
            .with_context(|| file.display().to_string())?;
    }
    let is_whole = args.sample == 1 && reports.iter().any(|report| report.goal == Goal::Stopped);
    if is_whole {
        std::fs::write(PAGE, report::page(seed, reports)).context(PAGE)?;
        println!("wrote {PAGE}");
    }
    let all_met = reports.iter().all(Report::is_met);
    println!("evasion: {} (seed {seed})", if all_met { "all goals are met" } else { "MISSED" });
    if !all_met && args.keep.is_none() {
        let sample = args.sample;
        println!("the messages themselves: --sample {sample} --seed {seed} --keep DIR");
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
