//! `cargo xtask test`: everything that must pass, with what it needs.
//!
//! The order is by what a person waits for: house rules and formatting take seconds, then the
//! build, then the tests. Its last lines are those of `cargo test`.

use crate::{evasion, postgres::Cluster, setup, tidy};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// `cargo xtask test`
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    setup: setup::Args,
    /// Given on to `cargo test` (a name, `-- --nocapture`).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs everything; the exit code is that of the first part that failed.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut times = Times::default();
    times.part("setup", || setup::run(&args.setup))?;
    let target = target();
    std::fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
    times.part("tidy", || tidy::check(std::path::Path::new(".")))?;
    times.part("format", || cargo(&target, &["fmt", "--all", "--check"]))?;
    times.part("lint", || {
        cargo(&target, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-Dwarnings"])
    })?;
    times.part("build", || cargo(&target, &["test", "--workspace", "--no-run", "--quiet"]))?;
    let cluster = times.part("postgresql", Cluster::start)?;
    let binary = target.join("debug/gatepost");
    // Who asked for one test waits for no corpus.
    if args.rest.is_empty() {
        times.part("evasion", || evasion::short(&binary))?;
    }
    let begun = Instant::now();
    let mut tests = Command::new(program());
    tests
        .args(["test", "--workspace"])
        .args(&args.rest)
        .env("CARGO_TARGET_DIR", &target)
        .env("GATEPOST_BIN", &binary)
        .env("GATEPOST_TEST_POSTGRES", &cluster.url)
        .env("GATEPOST_TEST_POSTGRES_CERTIFICATE", &cluster.certificate)
        .env("PATH", setup::search_path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut tests = tests.spawn().context("cannot start cargo")?;
    let output = tests.stdout.take().context("cargo has no output")?;
    let ending = show_all_but_the_ending(BufReader::new(output), &mut std::io::stdout())?;
    let status = tests.wait()?;
    times.parts.push(("tests", begun.elapsed()));
    drop(cluster);
    println!("{}", times.table());
    println!("{}", ending.join("\n"));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where builds and unpacked peers are kept over checkouts.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".cache/gatepost")
}

/// Cargo's target folder: the caller's, or one that outlives the checkout.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache().join("target"), PathBuf::from)
}

fn program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs cargo on a target folder; its failure is an error.
pub(crate) fn cargo(target: &std::path::Path, args: &[&str]) -> Result<()> {
    cargo_with(target, args, &[])
}

/// As [`cargo`], with more variables in its environment.
pub(crate) fn cargo_with(
    target: &std::path::Path,
    args: &[&str],
    environment: &[(&str, &str)],
) -> Result<()> {
    let status = Command::new(program())
        .args(args)
        .env("CARGO_TARGET_DIR", target)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo {} failed", args.join(" "));
    }
    Ok(())
}

/// Passes the output on, and holds back what comes from the last `test result` line on: the table
/// of times goes before it.
fn show_all_but_the_ending(from: impl BufRead, to: &mut impl Write) -> Result<Vec<String>> {
    let mut held: Vec<String> = Vec::new();
    for line in from.lines() {
        let line = line?;
        let is_result = line.starts_with("test result:");
        if is_result || !line.trim().is_empty() {
            for earlier in held.drain(..) {
                writeln!(to, "{earlier}")?;
            }
        }
        if is_result || !held.is_empty() {
            held.push(line);
        } else {
            writeln!(to, "{line}")?;
        }
    }
    Ok(held)
}

/// How long each part took.
#[derive(Default)]
struct Times {
    parts: Vec<(&'static str, Duration)>,
}

impl Times {
    fn part<T>(&mut self, name: &'static str, part: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("xtask: {name}");
        let begun = Instant::now();
        let result = part();
        self.parts.push((name, begun.elapsed()));
        result.with_context(|| format!("{name} failed"))
    }

    fn table(&self) -> String {
        let whole: Duration = self.parts.iter().map(|(_, time)| *time).sum();
        let line = |name: &str, time: Duration| format!("{name:<12}{:>8.1} s", time.as_secs_f64());
        let mut lines: Vec<String> = self.parts.iter().map(|(n, t)| line(n, *t)).collect();
        lines.push(line("in all", whole));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::show_all_but_the_ending;

    #[test]
    fn the_last_result_is_held_back_and_nothing_is_lost() {
        let text = "a\ntest result: ok. 1 passed\n\nrunning 1 test\nb\ntest result: ok. 2\n\n";
        let mut shown = Vec::new();
        let held = show_all_but_the_ending(text.as_bytes(), &mut shown).unwrap();
        assert_eq!(held, ["test result: ok. 2", ""]);
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(shown, "a\ntest result: ok. 1 passed\n\nrunning 1 test\nb\n");
    }

    #[test]
    fn an_output_without_results_is_shown_whole() {
        let mut shown = Vec::new();
        let held = show_all_but_the_ending("error\nhelp\n".as_bytes(), &mut shown).unwrap();
        assert!(held.is_empty());
        assert_eq!(shown, b"error\nhelp\n");
    }
}
