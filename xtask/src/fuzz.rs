//! `cargo xtask fuzz`: every fuzz target in turn, on the stable compiler.
//!
//! Nothing has to be installed: what a fuzzer wants of the compiler is the flags below, and
//! libFuzzer itself comes with `libfuzzer-sys`. `cargo fuzz` works on the same folder.
//!
//! The committed corpus is small and written by hand, and it is only read here: what a run adds is
//! kept in the cache folder, so that the next run goes on from there.

mod report;

use crate::test::{cache, cargo_with, target};
use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use report::{Outcome, Report};
use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Counters at every edge and the values of every comparison, for libFuzzer; memory errors in
/// dependencies and broken assertions end the run.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Zsanitizer=address -Cdebug-assertions -Ccodegen-units=1";
/// Longest a single input may take; every parser is linear, and inputs have a few KiB.
const INPUT_SECONDS_MAX: u32 = 10;

/// `cargo xtask fuzz`
#[derive(clap::Args)]
#[group(id = "fuzz")]
pub(crate) struct Args {
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value = "60")]
    seconds: NonZeroU32,
    /// Which targets; all of them, if none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Builds and runs the targets; a crash is a failure.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let targets = choose(targets(Path::new("."))?, &args.targets)?;
    let programs = build(&targets)?;
    let mut reports = Vec::new();
    println!("{}", report::HEAD);
    for Target { name, .. } in &targets {
        reports.push(run_one(name, &programs.join(name), args.seconds)?);
    }
    println!("What was added is kept in {}.", grown("").display());
    for report in &reports {
        if let Some(crash) = &report.crash {
            print!("{}", report::advice(&report.target, crash, &programs.join(&report.target)));
        }
    }
    let failed = reports.iter().any(|report| report.crash.is_some());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A program of `fuzz/Cargo.toml`.
#[derive(serde::Deserialize)]
struct Target {
    name: String,
    #[serde(default, rename = "required-features")]
    features: Vec<String>,
}

/// The part of the manifest that is read here.
#[derive(serde::Deserialize)]
struct Manifest {
    bin: Vec<Target>,
}

/// The targets there are.
fn targets(root: &Path) -> Result<Vec<Target>> {
    let manifest: Manifest = toml::from_str(&fs::read_to_string(root.join("fuzz/Cargo.toml"))?)?;
    Ok(manifest.bin)
}

/// The targets that are wanted; all of them, if none is named.
fn choose(mut known: Vec<Target>, wanted: &[String]) -> Result<Vec<Target>> {
    if let Some(stranger) = wanted.iter().find(|name| known.iter().all(|t| t.name != **name)) {
        let names: Vec<&str> = known.iter().map(|target| target.name.as_str()).collect();
        bail!("there is no fuzz target `{stranger}`; there are {}", names.join(", "));
    }
    known.retain(|target| wanted.is_empty() || wanted.contains(&target.name));
    Ok(known)
}

/// Builds the targets; returns the folder with their programs.
fn build(targets: &[Target]) -> Result<PathBuf> {
    let host = host()?;
    // With `--target`, even if it is the host's own, the flags do not reach build scripts.
    let mut arguments = vec!["build", "--manifest-path", "fuzz/Cargo.toml", "--release"];
    arguments.extend(["--target", &host]);
    for target in targets {
        arguments.extend(["--bin", &target.name]);
        arguments.extend(target.features.iter().flat_map(|name| ["--features", name]));
    }
    let folder = target();
    // Stable refuses `-Z`; this lets it do what the same compiler does as nightly.
    cargo_with(&folder, &arguments, &[("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", FLAGS)])?;
    Ok(folder.join(host).join("release"))
}

fn host() -> Result<String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}

/// Where what earlier runs added to the corpus of a target is kept.
fn grown(target: &str) -> PathBuf {
    cache().join("corpus").join(target)
}

fn run_one(target: &str, program: &Path, seconds: NonZeroU32) -> Result<Report> {
    let artifacts = format!("fuzz/artifacts/{target}/");
    for folder in [grown(target), PathBuf::from(&artifacts)] {
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let bar = ProgressBar::new_spinner().with_prefix(target.to_owned());
    let mut child = Command::new(program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-artifact_prefix={artifacts}"))
        .arg("-print_final_stats=1")
        // The first folder is written to.
        .args([grown(target), Path::new("fuzz/corpus").join(target)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = child.stderr.take().context("the target has no output")?;
    let mut outcome = Outcome::default();
    for line in BufReader::new(said).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if line.starts_with('#') {
            bar.set_message(format!("{target}  {line}"));
            bar.tick();
        }
        outcome.hear(line);
    }
    let status = child.wait()?;
    bar.finish_and_clear();
    let report = outcome.report(target, status.success());
    println!("{}", report.line());
    ensure!(status.success() || report.crash.is_some(), "{target} ended without a word: {status}");
    Ok(report)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{Target, choose, targets};
    use std::collections::BTreeSet;
    use std::path::Path;

    fn check(wanted: &[&str], expected: Result<&[&str], &str>) {
        let known = ["a", "b"].map(|name| Target { name: name.to_owned(), features: vec![] });
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let chosen = choose(known.into(), &wanted).map_err(|error| error.to_string());
        let names = chosen.map(|targets| targets.into_iter().map(|t| t.name).collect());
        let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(names, expected.map_err(str::to_owned) as Result<Vec<String>, String>);
    }

    #[test]
    fn unknown_targets_are_refused_and_none_means_all() {
        check(&[], Ok(&["a", "b"]));
        check(&["b"], Ok(&["b"]));
        check(&["b", "c"], Err("there is no fuzz target `c`; there are a, b"));
    }

    #[test]
    fn every_target_has_its_source_and_a_corpus() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let listed: BTreeSet<String> =
            targets(&root).unwrap().into_iter().map(|t| t.name).collect();
        let names = |folder: &str| -> BTreeSet<String> {
            let entries = std::fs::read_dir(root.join(folder)).unwrap();
            let paths = entries.map(|entry| entry.unwrap().path());
            paths.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("fuzz/fuzz_targets"), listed);
        assert_eq!(names("fuzz/corpus"), listed);
    }
}
