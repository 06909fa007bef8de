//! Printing: text, tables and JSON lines on standard output.

use anyhow::{Context, Result};
use std::borrow::Cow;
use std::io::Write;

/// One JSON value on one line.
pub(crate) fn json_line(value: &impl serde::Serialize) -> Result<()> {
    raw(&serde_json::to_string(value)?)
}

/// Lines of text for a person. What strangers wrote into it cannot steer the terminal.
pub(crate) fn print(text: &str) -> Result<()> {
    raw(&harmless(text))
}

/// The same text with control characters made visible.
fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Text for a program. A reader that went away (`| head`) is no fault of ours.
pub(crate) fn raw(text: &str) -> Result<()> {
    bytes(&[text.as_bytes(), b"\n"])
}

/// Pieces of bytes for a program, as they are, one behind the other.
pub(crate) fn bytes(pieces: &[&[u8]]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = pieces.iter().try_for_each(|piece| out.write_all(piece));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// A line on standard error. Where that is closed there is nobody to tell, and nothing panics.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "gatepost: {}", harmless(text));
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
        // Here already, so that the columns fit what is shown.
        table.add_row(row.as_ref().iter().map(|cell| harmless(cell)));
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(harmless("Gr\u{fc}\u{df}e,\nAnna"), "Gr\u{fc}\u{df}e,\nAnna");
        assert_eq!(harmless("a\u{1b}[2Jb\u{9b}\t"), "a\\u{1b}[2Jb\\u{9b}\\t");
    }
}
