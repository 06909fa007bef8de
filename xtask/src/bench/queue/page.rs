//! The page: tables of medians and ratios, made from the JSON alone.

use super::Results;
use crate::bench::Rate;
use crate::bench::page::{cells, find, number, ratio};
use std::fmt::Write;

/// How many times Postfix's rate is the goal, and what is aimed at.
const GOAL: f64 = 3.0;
const AIM: f64 = 5.0;

/// What the page says before its figures.
const HEAD: &str = "\
Mail comes in by smtp-source, a connection for each message of 1 KiB, from a network that may send
on (`relay.networks`, Postfix's `mynetworks`), and goes on to an smtp-sink for each destination,
named by a route each (`send.routes`, `transport_maps`); no name is looked up, nothing is signed.
What counts are messages at their destination, from the first one in to the last one there. Both
servers sync what they acknowledge, and keep it until the destination has it. Postfix is Debian's:
as shipped, and tuned (`in_flow_delay=0`, 300 processes). The servers take turns; load and
destinations run on the same machine, and take a good part of it. Gatepost greets at once here
(`limits.greeting_pause_ms = 0`): clients that only bring mail for elsewhere would wait 0.3 s for
each greeting. Figures are medians of the runs, with the lowest and the highest. A cell is named by
its destinations and by the sessions that bring mail.
";

/// `docs/performance-queue.md`
pub(super) fn page(results: &Results) -> String {
    let mut out = String::from(
        "# Performance of sending\n\nMade by `cargo xtask bench queue` from \
         `docs/performance/queue.json`; do not edit.\n\n",
    );
    let _ = writeln!(out, "{}, commit {}, {}.\n", results.machine, results.commit, results.date);
    out.push_str(HEAD);
    let (before, after) = results.load;
    let _ = writeln!(
        out,
        "\nThe machine is shared: {before:.1} processes wanted its processors before the runs, \
         {after:.1} after them."
    );
    rates(&mut out, results);
    goal(&mut out, results);
    out.push_str("\n## Syncs a message (strace)\n\n| cell | server | syncs a message |\n");
    out.push_str("|---|---|---|\n");
    for row in &results.syncs {
        let _ = writeln!(out, "| {} | {} | {:.2} |", row.cell, row.server, row.syncs_per_message);
    }
    backlog(&mut out, results);
    delays(&mut out, results);
    out
}

fn rates(out: &mut String, results: &Results) {
    out.push_str(
        "\n## Messages a second\n\n\
         | cell | Postfix | tuned | Gatepost | x Postfix | x tuned |\n|---|---|---|---|---|---|\n",
    );
    for cell in cells(&results.rates) {
        let of = |server: &str| find(&results.rates, &cell, server).map(|r| r.delivered_per_s);
        let spread = |server: &str| match find(&results.rates, &cell, server) {
            Some(Rate { spread: (low, high), .. }) => format!(" ({low:.0}-{high:.0})"),
            None => String::new(),
        };
        let (postfix, tuned, ours) = (of("postfix"), of("postfix-tuned"), of("gatepost"));
        let _ = writeln!(
            out,
            "| {cell} | {}{} | {}{} | **{}**{} | {} | {} |",
            number(postfix),
            spread("postfix"),
            number(tuned),
            spread("postfix-tuned"),
            number(ours),
            spread("gatepost"),
            ratio(ours, postfix),
            ratio(ours, tuned),
        );
    }
    out.push_str("\n## CPU seconds for 1,000 messages\n\n");
    out.push_str("| cell | Postfix | tuned | Gatepost |\n|---|---|---|---|\n");
    for cell in cells(&results.rates) {
        let of = |server: &str| match find(&results.rates, &cell, server) {
            Some(rate) => format!("{:.3}", rate.cpu_s_per_1000),
            None => "-".to_owned(),
        };
        let (postfix, tuned, ours) = (of("postfix"), of("postfix-tuned"), of("gatepost"));
        let _ = writeln!(out, "| {cell} | {postfix} | {tuned} | **{ours}** |");
    }
}

/// Whether the goal is met: beside the faster of the two in the cell where we are worst.
fn goal(out: &mut String, results: &Results) {
    let times = |cell: String| {
        let of = |server: &str| find(&results.rates, &cell, server).map(|r| r.delivered_per_s);
        let best = of("postfix")?.max(of("postfix-tuned")?);
        Some((of("gatepost")? / best, cell))
    };
    let worst = cells(&results.rates).into_iter().filter_map(times);
    let Some((times, cell)) = worst.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
    let met = |wanted: f64| if times >= wanted { "met" } else { "not met" };
    let _ = writeln!(
        out,
        "\nGoal: {GOAL} times Postfix, {AIM} aimed at. Beside the faster Postfix, least in {cell}: \
         {times:.2} times; the goal is {}, the aim is {}.",
        met(GOAL),
        met(AIM),
    );
}

fn backlog(out: &mut String, results: &Results) {
    let Some(found) = &results.backlog else { return };
    let mib = |kib: u64| kib as f64 / 1024.0;
    let _ = writeln!(
        out,
        "\n## A restart with {} messages in the queue\n\n\
         Its pages are still in the memory of the kernel; all messages can be delivered.\n\n\
         | what | found | goal |\n|---|---|---|\n\
         | until mail is taken | {:.2} s | 2 s |\n\
         | until the first message is at its destination | {:.2} s | 10 s |\n\
         | until the last one is | {:.1} s ({:.0} a second) | - |\n\
         | resident memory, highest | {:.1} MiB | - |\n\
         | more than with an empty queue ({:.1} MiB) | {:.1} MiB | 64 MiB |",
        found.messages,
        found.accepting_s,
        found.first_delivery_s,
        found.last_delivery_s,
        found.messages as f64 / found.last_delivery_s,
        mib(found.peak_kib),
        mib(found.idle_kib),
        mib(found.peak_kib.saturating_sub(found.idle_kib)),
    );
}

fn delays(out: &mut String, results: &Results) {
    let Some(first) = results.delays.first() else { return };
    let _ = writeln!(
        out,
        "\n## Beside a dead destination\n\n\
         {} messages to 20 other destinations, 50 a second at the most: milliseconds from the begin\n\
         of a transaction until the message is at its destination. The dead one takes connections\n\
         and says nothing (silent), or refuses them (closed). Goal: p99 grows by less than 5,000 ms.\n\n\
         | dead destination | messages for it | p50 | p99 | longest | p99 grows by |\n\
         |---|---|---|---|---|---|",
        first.messages
    );
    for row in &results.delays {
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
            row.dead,
            row.queued,
            row.p50_ms,
            row.p99_ms,
            row.max_ms,
            row.p99_ms - first.p99_ms,
        );
    }
}
