//! What the readers found, by family: for the terminal, as JSON, and as the page of the manual.

use super::run::{Corpus, Entry, Outcome, Reading};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The readers, in the order of their columns.
const READERS: [&str; 4] = ["python", "mime-tools", "munpack", "ripmime"];
/// Without a filter more than this share of the evasions comes out, or the corpus is no test.
const DELIVERED_MIN_PERCENT: usize = 90;
/// With the filter at least this share of the twins is delivered whole.
const WHOLE_MIN_PERCENT: usize = 98;
/// Messages that are named where a goal is missed; the JSON names all.
const NAMED_MAX: usize = 40;

/// What a run has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    /// The corpus alone: nearly every evasion is readable by some reader.
    Readable,
    /// Through a server without the filter: nearly every evasion is delivered.
    Delivered,
    /// Through the filter: no evasion is delivered, nearly every twin is.
    Stopped,
}

/// One family, or all.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Row {
    name: String,
    evasions: usize,
    /// Of them not taken by the server at all.
    refused: usize,
    /// Taken, and not in the mailbox: in quarantine.
    kept_back: usize,
    /// Some reader gets the payload out of what was delivered.
    delivered: usize,
    by_reader: [usize; 4],
    /// Twins that count.
    twins: usize,
    /// Of them delivered, and readable as before by every reader.
    whole: usize,
    /// Twins that do not count, by why.
    aside: BTreeMap<Aside, usize>,
    /// Twins that were set aside, and are delivered all the same: the corpus says wrong.
    set_aside_wrongly: usize,
}

/// Why a twin says nothing about false alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Aside {
    /// Nobody can look inside, so nobody can say that it is harmless.
    Encrypted,
    /// More than any message may have, by a limit of the manual.
    OverLimit,
    /// Of a shape that the default table of dangerous types has, whatever is in it.
    Prohibited,
    /// Refused by a server without the filter too.
    Smtp,
}

impl Aside {
    fn of(entry: &Entry, outcome: &Outcome) -> Option<Self> {
        match () {
            () if entry.encrypted => Some(Aside::Encrypted),
            () if entry.over_limit => Some(Aside::OverLimit),
            () if entry.prohibited => Some(Aside::Prohibited),
            () if outcome.refused_anyway.contains(&entry.id) => Some(Aside::Smtp),
            () => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Aside::Encrypted => "encrypted",
            Aside::OverLimit => "over a limit",
            Aside::Prohibited => "of a shape that is prohibited as such",
            Aside::Smtp => "refused by SMTP itself",
        }
    }
}

/// A message that misses the goal.
#[derive(Debug, Clone, Serialize)]
struct Miss {
    id: String,
    family: u32,
    variant: String,
    kind: String,
    twin: bool,
    why: String,
}

/// A run, counted.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) goal: Goal,
    families: BTreeMap<u32, Row>,
    all: Row,
    misses: Vec<Miss>,
    /// Messages in the mailbox that are none of the corpus.
    strange: usize,
}

impl Report {
    pub(super) fn new(
        goal: Goal,
        corpus: &Corpus,
        readings: &[Reading],
        outcome: &Outcome,
    ) -> Self {
        let readings: BTreeMap<&str, &Reading> =
            readings.iter().map(|reading| (reading.id.as_str(), reading)).collect();
        let all = Row { name: "all".to_owned(), ..Row::default() };
        let mut report = Self {
            goal,
            families: BTreeMap::new(),
            all,
            misses: Vec::new(),
            strange: outcome.strange,
        };
        for entry in &corpus.entries {
            let Some(reading) = readings.get(entry.id.as_str()) else { continue };
            let name = corpus.families.get(&entry.family).cloned().unwrap_or_default();
            let fate = Fate::of(goal, entry, reading, outcome);
            let row = report.families.entry(entry.family).or_default();
            row.name = name;
            row.count(entry, &fate);
            report.all.count(entry, &fate);
            report.misses.extend(fate.miss(goal, entry, outcome));
        }
        report
    }

    /// Whether the run shows what it has to.
    pub(super) fn is_met(&self) -> bool {
        let all = &self.all;
        match self.goal {
            Goal::Readable | Goal::Delivered => {
                all.delivered * 100 > all.evasions * DELIVERED_MIN_PERCENT
            }
            Goal::Stopped => {
                all.evasions > 0
                    && all.delivered == 0
                    && all.whole * 100 >= all.twins * WHOLE_MIN_PERCENT
                    && all.set_aside_wrongly == 0
            }
        }
    }

    /// For the terminal.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n\n", self.goal.title());
        let _ = writeln!(
            out,
            "{:<38} {:>8} {:>7} {:>6} {:>9}  {:>6} {:>6} {:>6} {:>6}  {:>6} {:>6}",
            "family",
            "evasions",
            "refused",
            "kept",
            "delivered",
            "python",
            "tools",
            "munp.",
            "ripm.",
            "twins",
            "whole"
        );
        for (number, row) in &self.families {
            let _ = writeln!(out, "{}", row.line(&format!("{number:>2} {}", row.name)));
        }
        let _ = writeln!(out, "{}", self.all.line("all"));
        let _ = writeln!(
            out,
            "{:<38} {:>33.1}%  {:>33.1}%",
            "",
            percent(self.all.delivered, self.all.evasions),
            percent(self.all.whole, self.all.twins)
        );
        let _ = writeln!(out, "{}", self.all.asides());
        if self.strange > 0 {
            let _ = writeln!(out, "{} messages came that were not of the corpus", self.strange);
        }
        for miss in self.misses.iter().take(NAMED_MAX) {
            let twin = if miss.twin { ", twin" } else { "" };
            let Miss { id, family, variant, kind, why, .. } = miss;
            let _ = writeln!(out, "  {id}.eml  {family} {variant}, {kind}{twin}: {why}");
        }
        if let Some(more) = self.misses.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
            let _ = writeln!(out, "  and {more} more (--json)");
        }
        out
    }
}

/// What became of one message.
struct Fate<'a> {
    readers: &'a BTreeSet<String>,
    is_refused: bool,
    is_missing: bool,
    is_whole: bool,
    /// Why a twin does not count.
    aside: Option<Aside>,
    /// It is delivered, though the corpus says that it cannot be.
    is_aside_wrongly: bool,
}

impl<'a> Fate<'a> {
    fn of(goal: Goal, entry: &Entry, reading: &'a Reading, outcome: &Outcome) -> Self {
        const NOBODY: &BTreeSet<String> = &BTreeSet::new();
        let delivered = match goal {
            Goal::Readable => Some(&reading.original),
            Goal::Delivered | Goal::Stopped => reading.delivered.as_ref(),
        };
        let readers = delivered.unwrap_or(NOBODY);
        let is_refused = outcome.refused.contains_key(&entry.id);
        // What no reader could read before is whole only if nothing was done to it, or if some
        // reader can read it now.
        let is_read = !readers.is_empty() || (goal != Goal::Readable && !reading.changed);
        let is_whole = delivered.is_some() && is_read && reading.original.is_subset(readers);
        let aside = Aside::of(entry, outcome);
        Self {
            readers,
            is_refused,
            is_missing: delivered.is_none() && !is_refused,
            is_whole,
            aside,
            is_aside_wrongly: goal == Goal::Stopped && entry.twin && is_whole && aside.is_some(),
        }
    }

    fn miss(&self, goal: Goal, entry: &Entry, outcome: &Outcome) -> Option<Miss> {
        let readers: Vec<&str> = self.readers.iter().map(String::as_str).collect();
        let why = match (goal, entry.twin) {
            (_, true) if self.is_aside_wrongly => "set aside, and delivered whole".to_owned(),
            (_, true) if self.aside.is_some() || self.is_whole => return None,
            (Goal::Stopped, false) if readers.is_empty() => return None,
            (Goal::Readable | Goal::Delivered, false) if !readers.is_empty() => return None,
            (Goal::Stopped, false) => format!("delivered ({})", readers.join(", ")),
            _ if self.is_refused => {
                let answer = outcome.refused.get(&entry.id).map_or("", String::as_str);
                format!("refused: {}", answer.lines().next().unwrap_or_default())
            }
            _ if self.is_missing => "kept back".to_owned(),
            _ if readers.is_empty() => "no reader gets it".to_owned(),
            _ => format!("only {}", readers.join(", ")),
        };
        let Entry { id, family, variant, kind, twin, .. } = entry.clone();
        Some(Miss { id, family, variant, kind, twin, why })
    }
}

impl Row {
    fn count(&mut self, entry: &Entry, fate: &Fate<'_>) {
        if entry.twin {
            self.set_aside_wrongly += usize::from(fate.is_aside_wrongly);
            match fate.aside {
                Some(aside) => *self.aside.entry(aside).or_default() += 1,
                None => {
                    self.twins += 1;
                    self.whole += usize::from(fate.is_whole);
                }
            }
            return;
        }
        self.evasions += 1;
        self.refused += usize::from(fate.is_refused);
        self.kept_back += usize::from(fate.is_missing);
        self.delivered += usize::from(!fate.readers.is_empty());
        for (count, reader) in self.by_reader.iter_mut().zip(READERS) {
            *count += usize::from(fate.readers.contains(reader));
        }
    }

    /// Which twins do not count, in a sentence.
    fn asides(&self) -> String {
        let one = |(aside, count): (&Aside, &usize)| format!("{count} {}", aside.text());
        match self.aside.is_empty() {
            true => "Every twin counts.".to_owned(),
            false => {
                let all: Vec<String> = self.aside.iter().map(one).collect();
                format!("Twins that do not count: {}.", all.join(", "))
            }
        }
    }

    fn line(&self, name: &str) -> String {
        let [python, tools, munpack, ripmime] = self.by_reader;
        format!(
            "{name:<38} {:>8} {:>7} {:>6} {:>9}  {python:>6} {tools:>6} {munpack:>6} {ripmime:>6}  \
             {:>6} {:>6}",
            self.evasions, self.refused, self.kept_back, self.delivered, self.twins, self.whole
        )
    }
}

impl Goal {
    fn title(self) -> &'static str {
        match self {
            Goal::Readable => "The corpus itself, before any server: over 90 % must be readable",
            Goal::Delivered => "Without the filter: over 90 % of the evasions must be delivered",
            Goal::Stopped => "Through the filter: no evasion delivered, 98 % of the twins whole",
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// `docs/evasion.md`
pub(super) fn page(seed: u64, reports: &[Report]) -> String {
    let mut out = format!(
        "# Evasion\n\nMade by `cargo xtask evasion --seed {seed}`; do not edit.\n\n\
         Ways past a filter of attachments, by family, times six kinds of payload: a program by\n\
         its name, by its content, by both; a script; a document with a macro; the test file of\n\
         the makers of anti-virus. Each has a twin of the same shape that carries something\n\
         harmless. Delivered is what any of four readers gets out of the delivered bytes:\n\
         Python's email package, MIME-tools, munpack, ripmime. A twin is whole if every reader\n\
         gets out of it what it got before. Twins that say nothing about false alarms do not\n\
         count: nobody can look into what is encrypted, what is over a limit is never clean, and\n\
         disk images, fragments and parts that are elsewhere are on the list of what is prohibited\n\
         whatever is in them. They are counted beside the others, and none of them may come\n\
         through whole.\n"
    );
    for report in reports {
        let _ = writeln!(
            out,
            "\n## {}\n\n| family | evasions | refused | kept back | delivered | twins | whole | \
             aside |\n|---|---|---|---|---|---|---|---|",
            report.goal.title()
        );
        let families = report.families.iter().map(|(n, row)| (format!("{n} {}", row.name), row));
        for (name, row) in families.chain([("**all**".to_owned(), &report.all)]) {
            let Row { evasions, refused, kept_back, delivered, twins, whole, .. } = row;
            let aside: usize = row.aside.values().sum();
            let _ = writeln!(
                out,
                "| {name} | {evasions} | {refused} | {kept_back} | {delivered} | {twins} | \
                 {whole} | {aside} |"
            );
        }
        let _ = writeln!(out, "\n{}", report.all.asides());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Fate, Goal, Report, Row};
    use crate::evasion::run::{Entry, Outcome, Reading};
    use std::collections::BTreeMap;

    fn entry(twin: bool) -> Entry {
        let word = || "1".to_owned();
        let (variant, kind) = (word(), word());
        let (encrypted, over_limit, prohibited) = (false, false, false);
        Entry { id: word(), family: 1, variant, kind, twin, encrypted, over_limit, prohibited }
    }

    fn reading(original: &[&str], delivered: Option<&[&str]>, changed: bool) -> Reading {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let delivered = delivered.map(set);
        Reading { id: "1".to_owned(), original: set(original), delivered, changed }
    }

    fn met(goal: Goal, messages: &[(Entry, Reading)], outcome: &Outcome) -> bool {
        let mut all = Row::default();
        for (entry, reading) in messages {
            all.count(entry, &Fate::of(goal, entry, reading, outcome));
        }
        Report { goal, families: BTreeMap::new(), all, misses: Vec::new(), strange: 0 }.is_met()
    }

    #[test]
    fn one_evasion_that_one_reader_gets_misses_the_goal() {
        let none = Outcome::default();
        let stopped = |reading| met(Goal::Stopped, &[(entry(false), reading)], &none);
        assert!(stopped(reading(&["python"], None, true)));
        assert!(stopped(reading(&["python"], Some(&[]), true)));
        assert!(!stopped(reading(&["python"], Some(&["munpack"]), true)));
        assert!(!met(Goal::Stopped, &[], &none));
    }

    #[test]
    fn without_the_filter_nearly_all_must_come() {
        let none = Outcome::default();
        let run = |lost: usize| {
            let fate = |n| if n < lost { None } else { Some(&["ripmime"][..]) };
            let each = |n| (entry(false), reading(&["ripmime"], fate(n), false));
            met(Goal::Delivered, &(0..20).map(each).collect::<Vec<_>>(), &none)
        };
        assert!(run(1));
        assert!(!run(2));
    }

    #[test]
    fn a_twin_is_whole_if_every_reader_gets_what_it_got() {
        let mut outcome = Outcome::default();
        let evasion = (entry(false), reading(&["python"], None, true));
        let run = |twin: Entry, read, outcome: &Outcome| {
            met(Goal::Stopped, &[evasion.clone(), (twin, read)], outcome)
        };
        let both = ["python", "munpack"];
        assert!(run(entry(true), reading(&both, Some(&both), true), &outcome));
        assert!(!run(entry(true), reading(&both, Some(&["python"]), true), &outcome));
        assert!(!run(entry(true), reading(&both, None, true), &outcome));
        assert!(!run(entry(true), reading(&[], Some(&[]), true), &outcome));
        assert!(run(entry(true), reading(&[], Some(&[]), false), &outcome));
        assert!(run(entry(true), reading(&[], Some(&both), true), &outcome));
        // Encrypted, or refused without the filter too: it says nothing.
        let encrypted = Entry { encrypted: true, ..entry(true) };
        assert!(run(encrypted, reading(&both, None, true), &outcome));
        // Prohibited as such: it says nothing, but that it must not come through.
        let prohibited = Entry { prohibited: true, ..entry(true) };
        assert!(run(prohibited.clone(), reading(&both, None, true), &outcome));
        assert!(!run(prohibited, reading(&both, Some(&both), false), &outcome));
        outcome.refused_anyway.insert("1".to_owned());
        assert!(run(entry(true), reading(&both, None, true), &outcome));
    }
}
