//! `docs/performance-filter.md`, from what was measured.

use super::{Cell, GATEPOST, Results};
use std::fmt::Write;

/// The goals: filter, folder, what is compared, the least ratio.
const GOALS: [(&str, &str, &str, f64); 3] = [
    ("rspamd-mime", "small", "messages a second", 3.0),
    ("rspamd-mime", "large", "MiB a second", 0.8),
    ("mimedefang", "small", "messages a second", 300.0),
];

/// The whole page.
pub(super) fn page(results: &Results) -> String {
    let mut page = "# Performance: looking into messages\n\n\
        <!-- Made by `cargo xtask bench filter` from docs/performance/filter.json. -->\n\n\
        Gatepost beside rspamd (with its MIME modules alone, and as Debian ships it without what \
        asks the\nnetwork), MIMEDefang and SpamAssassin, over the same messages in one run: 250 of \
        text, half of them\nwith an HTML form, and 40 with an attachment of 10 KiB to 5 MiB. The \
        others are asked over loopback\nby their own protocols; Gatepost in its process, by what \
        every door calls, with its sandboxed workers.\nSpamAssassin and full rspamd also score, \
        which Gatepost's attachment stage does not.\n\n"
        .to_owned();
    let _ = writeln!(
        page,
        "{}, {} at a time; commit {}, {}. Load before {:.1}, after {:.1}.\n",
        results.machine,
        results.connections,
        results.commit,
        results.date,
        results.load.0,
        results.load.1
    );
    for (folder, title) in [("small", "Small messages"), ("large", "Large messages")] {
        let _ = writeln!(page, "## {title}\n");
        page.push_str(
            "| Filter | Messages a second | (runs) | MiB a second | p50 ms | p99 ms | CPU s for 1000 \
             | Memory MiB |\n|---|---|---|---|---|---|---|---|\n",
        );
        for cell in results.cells.iter().filter(|cell| cell.messages == folder) {
            let _ = writeln!(
                page,
                "| {} | {:.0} | {:.0} to {:.0} | {:.1} | {:.2} | {:.2} | {:.2} | {} |",
                cell.filter,
                cell.per_s,
                cell.spread.0,
                cell.spread.1,
                cell.mib_per_s,
                cell.p50_ms,
                cell.p99_ms,
                cell.cpu_s_per_1000,
                cell.resident_mib
            );
        }
        page.push('\n');
    }
    page.push_str("## Goals\n\n| Beside | Messages | Wanted | Measured |\n|---|---|---|---|\n");
    for (filter, folder, what, wanted) in GOALS {
        let value = |cell: &Cell| if what.starts_with("MiB") { cell.mib_per_s } else { cell.per_s };
        let find = |name: &str| {
            let mut cells = results.cells.iter();
            cells.find(|cell| cell.filter == name && cell.messages == folder).map(value)
        };
        if let (Some(ours), Some(theirs)) = (find(GATEPOST), find(filter)) {
            let ratio = ours / theirs;
            let _ = writeln!(
                page,
                "| {filter} | {folder} | {wanted} times its {what} | {ratio:.1} times |"
            );
        }
    }
    page
}
