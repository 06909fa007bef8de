//! What a target said while it ran, and what a person is told of it.

use std::collections::VecDeque;
use std::path::Path;

/// Lines kept of what a target says: a panic, its stack and libFuzzer's own words fit.
const LINES_MAX: usize = 80;

/// What libFuzzer has said so far.
#[derive(Default)]
pub(super) struct Outcome {
    runs: u64,
    new: u64,
    runs_a_second: u64,
    crash_file: Option<String>,
    last: VecDeque<String>,
}

/// What became of one target.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) target: String,
    runs: u64,
    runs_a_second: u64,
    new: u64,
    pub(super) crash: Option<Crash>,
}

/// An input that broke a promise.
#[derive(Debug)]
pub(super) struct Crash {
    /// Where libFuzzer wrote it.
    file: String,
    /// The last that was said.
    said: Vec<String>,
}

impl Outcome {
    /// Takes a line of libFuzzer's output.
    pub(super) fn hear(&mut self, line: String) {
        let number = |name: &str| line.strip_prefix(name)?.trim().parse().ok();
        if let Some(runs) = number("stat::number_of_executed_units:") {
            self.runs = runs;
        } else if let Some(rate) = number("stat::average_exec_per_sec:") {
            self.runs_a_second = rate;
        } else if let Some(new) = number("stat::new_units_added:") {
            self.new = new;
        } else if let Some((_, file)) = line.split_once("Test unit written to ") {
            self.crash_file = Some(file.trim().to_owned());
        }
        if self.last.len() == LINES_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub(super) fn report(self, target: &str, success: bool) -> Report {
        let crash = self.crash_file.filter(|_| !success);
        Report {
            target: target.to_owned(),
            runs: self.runs,
            runs_a_second: self.runs_a_second,
            new: self.new,
            crash: crash.map(|file| Crash { file, said: self.last.into() }),
        }
    }
}

impl Report {
    /// One line of the table.
    pub(super) fn line(&self) -> String {
        row([
            &self.target,
            &self.runs.to_string(),
            &self.runs_a_second.to_string(),
            &self.new.to_string(),
            if self.crash.is_some() { "1" } else { "0" },
        ])
    }
}

/// What the columns are.
pub(super) const HEAD: &str = "target                  runs    runs/s       new  crashes";

fn row([target, runs, rate, new, crashes]: [&str; 5]) -> String {
    format!("{target:<16}{runs:>12}{rate:>10}{new:>10}{crashes:>9}")
}

/// What a person does with an input that broke a promise.
pub(super) fn advice(target: &str, crash: &Crash, program: &Path) -> String {
    let (file, program) = (&crash.file, program.display());
    let said = crash.said.join("\n");
    format!(
        "\n{said}\n\n{target} broke on {file}\n  \
         see it again:     {program} {file}\n  \
         make it smaller:  {program} -minimize_crash=1 -runs=100000 {file}\n  \
         keep it:          give it a name that says what it is, in fuzz/corpus/{target}/; the \
         tests replay it.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Outcome, advice};
    use std::path::Path;

    fn outcome(text: &str) -> Outcome {
        let mut outcome = Outcome::default();
        text.lines().for_each(|line| outcome.hear(line.to_owned()));
        outcome
    }

    const GOOD: &str = "INFO: Seed: 1\n#2\tINITED cov: 3\nDone 1200 runs in 4 second(s)\n\
        stat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     300\n\
        stat::new_units_added:          7\nstat::slowest_unit_time_sec:    0\n";
    const BAD: &str = "thread '<unnamed>' panicked at x.rs:1:2:\n\
        stat::number_of_executed_units: 9\n\
        artifact_prefix='fuzz/artifacts/a/'; Test unit written to fuzz/artifacts/a/crash-ab\n";

    #[test]
    fn the_table_has_what_was_counted() {
        let lines = [
            HEAD.to_owned(),
            outcome(GOOD).report("address", true).line(),
            outcome(BAD).report("smtp_machine", false).line(),
        ];
        let expected = "\
target                  runs    runs/s       new  crashes
address                 1200       300         7        0
smtp_machine               9         0         0        1";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn a_crash_is_told_with_its_file_and_what_was_said() {
        let report = outcome(BAD).report("a", false);
        let text = report.crash.map(|crash| advice("a", &crash, Path::new("bin/a")));
        let text = text.unwrap_or_default();
        assert!(text.contains("panicked at x.rs:1:2"), "{text}");
        assert!(text.contains("bin/a fuzz/artifacts/a/crash-ab\n"), "{text}");
        assert!(text.contains("fuzz/corpus/a/"), "{text}");
    }

    #[test]
    fn what_is_kept_of_the_output_is_bounded() {
        let text = "line\n".repeat(100_000) + BAD;
        let crash = outcome(&text).report("a", false).crash;
        assert_eq!(crash.map(|crash| crash.said.len()), Some(super::LINES_MAX));
    }
}
