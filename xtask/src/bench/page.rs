//! The page: tables of medians and ratios, made from the JSON alone.

use super::{History, Rate, Results};
use std::fmt::Write;

/// `docs/performance.md`
pub(super) fn page(results: &Results) -> String {
    let mut out = String::from(
        "# Performance\n\nMade by `cargo xtask bench smtp` from `docs/performance/smtp.json`; do not edit.\n\n",
    );
    let _ = writeln!(out, "{}, commit {}, {}.\n", results.machine, results.commit, results.date);
    out.push_str(
        "Postfix is Debian's, delivering to Maildirs: as shipped, and tuned (`in_flow_delay=0`, 300\n\
         processes). smtp-sink keeps nothing: it is the load generator's own limit. The load is\n\
         smtp-source, a connection for each message (`-d`: one for many). What counts are messages\n\
         that can be read in the mailbox. The servers take turns; figures are medians.\n\n\
         ## Deliveries a second\n\n\
         | size, sessions | Postfix | tuned | smtp-sink | Gatepost | x Postfix | x tuned | of sink |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for cell in cells(&results.rates) {
        let of = |server: &str| find(&results.rates, &cell, server).map(|r| r.delivered_per_s);
        let sink = find(&results.rates, &cell, "sink").map(|r| r.delivered_per_s);
        let ours = of("gatepost");
        let _ = writeln!(
            out,
            "| {cell} | {} | {} | {} | **{}** | {} | {} | {} |",
            number(of("postfix")),
            number(of("postfix-tuned")),
            number(sink),
            number(ours),
            ratio(ours, of("postfix")),
            ratio(ours, of("postfix-tuned")),
            ratio(ours, sink),
        );
    }
    out.push_str("\n## CPU seconds for 1,000 messages\n\n| size, sessions | Postfix | tuned | smtp-sink | Gatepost |\n|---|---|---|---|---|\n");
    for cell in cells(&results.rates) {
        let of = |server: &str| match find(&results.rates, &cell, server) {
            Some(rate) => format!("{:.3}", rate.cpu_s_per_1000),
            None => "-".to_owned(),
        };
        let _ = writeln!(
            out,
            "| {cell} | {} | {} | {} | **{}** |",
            of("postfix"),
            of("postfix-tuned"),
            of("sink"),
            of("gatepost")
        );
    }
    out.push_str("\n## Syncs a message (strace)\n\n| size, sessions | server | each sync delayed by | syncs a message |\n|---|---|---|---|\n");
    for row in &results.syncs {
        let _ = writeln!(
            out,
            "| {} | {} | {} ms | {:.2} |",
            row.cell, row.server, row.delay_ms, row.syncs_per_message
        );
    }
    if let Some(history) = &results.history {
        old_mail(&mut out, history);
    }
    out.push_str("\n## Memory\n\n| server | idle | an idle connection | under TLS | one 35 MiB message for 100 |\n|---|---|---|---|---|\n");
    for row in &results.memory {
        let _ = writeln!(
            out,
            "| {} | {:.1} MiB | {:.1} KiB | {} | {} |",
            row.server,
            row.idle_kib as f64 / 1024.0,
            row.connection_kib,
            row.tls_connection_kib.map_or("-".to_owned(), |k| format!("{k:.1} KiB")),
            row.large_message_kib
                .map_or("-".to_owned(), |k| format!("{:.1} MiB", k as f64 / 1024.0)),
        );
    }
    out
}

fn old_mail(out: &mut String, history: &History) {
    let _ = writeln!(
        out,
        "\n## With {} messages in the store\n\nMeasured by `cargo xtask bench history` at commit {}, \
         in turn with an empty store.\n\n\
         | size, sessions | empty store | with old mail | share |\n|---|---|---|---|",
        history.messages, history.commit
    );
    for cell in cells(&history.rates) {
        let of = |server| find(&history.rates, &cell, server).map(|r| r.delivered_per_s);
        let (empty, full) = (of("gatepost"), of("gatepost-history"));
        let _ = writeln!(
            out,
            "| {cell} | {} | {} | {} |",
            number(empty),
            number(full),
            ratio(full, empty)
        );
    }
}

/// The cells in the order measured, each once.
pub(super) fn cells(rates: &[Rate]) -> Vec<String> {
    let mut cells: Vec<String> = Vec::new();
    for rate in rates {
        if !cells.contains(&rate.cell) {
            cells.push(rate.cell.clone());
        }
    }
    cells
}

pub(super) fn find<'r>(rates: &'r [Rate], cell: &str, server: &str) -> Option<&'r Rate> {
    rates.iter().find(|rate| rate.cell == cell && rate.server == server)
}

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |v| format!("{v:.0}"))
}

pub(super) fn ratio(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if theirs > 0.0 => format!("{:.2}", ours / theirs),
        _ => "-".to_owned(),
    }
}
