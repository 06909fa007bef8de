//! Printing: text, tables and JSON lines on standard output.

use anyhow::{Context, Result};
use std::io::Write;

/// One JSON value on one line.
pub(crate) fn json_line(value: &impl serde::Serialize) -> Result<()> {
    print(&serde_json::to_string(value)?)
}

/// A line of text. A reader that went away (`| head`) is no fault of ours.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// A table with a header, fitted to the terminal.
pub(crate) fn table<R: AsRef<[String]>>(head: &[&str], rows: &[R]) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        table.set_width(140);
    }
    table.set_header(head);
    for row in rows {
        table.add_row(row.as_ref());
    }
    table.to_string()
}
