//! `gatepost parse` and `parse-address`: how a message and an address are read. They need neither
//! settings nor server.

use crate::cli::Global;
use crate::{message_file, output};
use anyhow::{Context, Result};
use mail::address::AddressView;
use mail::index::{IndexBuilder, MessageView, PartView};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Bytes read at once: a message is never held whole.
const WINDOW: usize = 64 * 1024;

/// `gatepost parse FILE`
pub(crate) fn message(global: &Global, file: &Path) -> Result<ExitCode> {
    let mut input = message_file::open(file)?;
    let mut builder = IndexBuilder::new();
    let mut window = vec![0; WINDOW];
    loop {
        let n =
            input.read(&mut window).with_context(|| format!("cannot read {}", file.display()))?;
        let Some(bytes) = window.get(..n).filter(|b| !b.is_empty()) else { break };
        builder.push(bytes);
    }
    let view = builder.finish().view();
    if global.json {
        output::json_line(&view)?;
    } else {
        output::print(message_text(&view).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `gatepost parse-address STRING`
pub(crate) fn address(global: &Global, text: &str) -> Result<ExitCode> {
    let (view, fine) = mail::address::view(text);
    if global.json {
        output::json_line(&view)?;
    } else {
        output::print(address_text(&view).trim_end())?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The header as it is understood, the parts as a tree with where their bodies are, and what two
/// programs could read differently.
fn message_text(view: &MessageView) -> String {
    let mut out = String::from("Header:\n");
    for field in &view.header {
        let _ = writeln!(out, "  {}: {}", field.name, field.value);
    }
    let _ = writeln!(out, "Parts of {} bytes:", view.size);
    if let Some(part) = &view.part {
        part_text(part, 1, &mut out);
    }
    if view.ambiguities.is_empty() {
        out.push_str("No two programs should read it differently.\n");
    } else {
        out.push_str("Two programs could read differently:\n");
    }
    for seen in &view.ambiguities {
        let detail = if seen.detail.is_empty() { "" } else { ": " };
        let (at, part, word) = (seen.at, seen.part, seen.word);
        let _ = writeln!(out, "  at {at}, part {part}, {word}{detail}{}", seen.detail);
        let _ = writeln!(out, "    {}", seen.meaning);
    }
    out
}

/// A part and those inside it; their depth is bounded by the view.
fn part_text(part: &PartView, depth: usize, out: &mut String) {
    let [begin, end] = part.body_range;
    let encoding = serde_json::to_value(part.encoding).unwrap_or_default();
    let encoding = encoding.as_str().unwrap_or_default();
    let indent = "  ".repeat(depth);
    let _ = write!(out, "{indent}{} {} {begin}-{end} {encoding}", part.number, part.media_type);
    if let Some(disposition) = &part.disposition {
        let _ = write!(out, " {disposition}");
    }
    for (at, name) in part.names.iter().enumerate() {
        let _ = write!(out, "{} {name:?}", if at == 0 { "" } else { " or" });
    }
    out.push('\n');
    for part in &part.parts {
        part_text(part, depth + 1, out);
    }
}

fn address_text(view: &AddressView) -> String {
    let mut out = String::new();
    match view {
        AddressView::Parsed(parsed) => {
            let mut line = |what: &str, value: &str| {
                let _ = writeln!(out, "{what:<11} {value}");
            };
            line("address", &parsed.address);
            let quoted = if parsed.quoted { " (has to be quoted)" } else { "" };
            line("local part", &format!("{}{quoted}", parsed.local));
            if let Some(domain) = &parsed.domain {
                line("domain", domain);
            }
            if let Some(unicode) =
                parsed.unicode_domain.as_ref().filter(|u| parsed.domain.as_ref() != Some(u))
            {
                line("as written", unicode);
            }
            if let Some(literal) = &parsed.literal {
                line("IP address", literal);
            }
            line("found by", &parsed.key);
            if parsed.needs_smtputf8 {
                line("needs", "SMTPUTF8");
            }
        }
        AddressView::Failed { error } => {
            let _ =
                writeln!(out, "no address: {} (byte {}, {})", error.message, error.at, error.kind);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{address_text, message_text};
    use mail::index::IndexBuilder;

    fn check(shown: &str, expected: &[&str]) {
        for words in expected {
            assert!(shown.contains(words), "{words:?} is not in:\n{shown}");
        }
    }

    #[test]
    fn a_message_is_shown_as_a_tree() {
        let mut builder = IndexBuilder::new();
        builder.push(
            b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nSubject: twice\r\n\
              Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
              Content-Type: text/csv; name=a.csv\r\nContent-Transfer-Encoding: base64\r\n\
              Content-Disposition: attachment; filename=b.csv\r\n\r\nYQ==\r\n--b--\r\n",
        );
        let shown = message_text(&builder.finish().view());
        let parts = [
            "  Subject: Gr\u{fc}\u{df}e\n",
            "\n  0 multipart/mixed ",
            "\n    1 text/plain ",
            "\n    2 text/csv ",
            " base64 attachment \"b.csv\" or \"a.csv\"\n",
            "could read differently:\n  at ",
        ];
        check(&shown, &parts);
        let mut builder = IndexBuilder::new();
        builder.push(b"From: a@example.org\r\n\r\nhello\r\n");
        let shown = message_text(&builder.finish().view());
        check(&shown, &["0 text/plain", "No two programs"]);
    }

    #[test]
    fn an_address_is_shown_line_by_line() {
        let shown = |text| address_text(&mail::address::view(text).0);
        let expected = [
            "address     \"a b\"@xn--bcher-kva.example\n",
            "local part  a b (has to be quoted)\n",
            "as written  b\u{fc}cher.example\n",
        ];
        check(&shown("\"a b\"@B\u{fc}cher.example"), &expected);
        check(&shown("a@[192.0.2.1]"), &["IP address  192.0.2.1\n"]);
        check(&shown("nobody"), &["no address: "]);
    }
}
