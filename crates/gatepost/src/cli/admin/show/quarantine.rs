//! What is held, as tables and sentences.

use crate::output;
use ::admin::{HeldDetails, HeldPartView, HeldView};

pub(super) const HEAD: &[&str] =
    &["No.", "Message", "From", "To", "What", "Bytes", "Since", "State", "Why"];

/// Characters of a line that strangers wrote.
const LINE_MAX: usize = 300;

pub(super) fn row(held: &HeldView) -> Vec<String> {
    let state = match (held.state.as_str(), held.requested) {
        ("held", Some(_)) => format!("asked for by {}", held.requested_by),
        (state, _) => state.to_owned(),
    };
    vec![
        held.id.to_string(),
        held.message.to_string(),
        held.sender.clone(),
        held.recipient.clone(),
        held.kind.clone(),
        held.size.to_string(),
        held.since.rfc3339(),
        state,
        format!("{} {}", held.reason, held.rule).trim_end().to_owned(),
    ]
}

pub(super) fn one(details: &HeldDetails) -> String {
    let HeldDetails { held, .. } = details;
    let what = if held.kind == "part" { "parts of message" } else { "message" };
    let mut lines = vec![
        format!("{}: {what} {} of {} bytes", held.id, held.message, held.size),
        format!("from {} to {}, since {}", held.sender, held.recipient, held.since.rfc3339()),
        format!("{}: {} {}", held.reason, held.rule, details.detail),
        held.reason.meaning().to_owned(),
    ];
    if !details.from.is_empty() || !details.subject.is_empty() {
        lines.push(format!("From: {}", line(&details.from)));
        lines.push(format!("Subject: {}", line(&details.subject)));
        lines.push(format!("Date: {}", line(&details.date)));
    }
    if !details.parts.is_empty() {
        let rows: Vec<Vec<String>> = details.parts.iter().map(part).collect();
        lines.push(output::table(&["Part", "Type", "Bytes", "SHA-256", "Why"], &rows));
    }
    if let Some(at) = held.requested {
        lines.push(format!("asked for by {} at {}", held.requested_by, at.rfc3339()));
    }
    lines.push(match (held.state.as_str(), held.until) {
        ("held", until) => {
            let until = until.map(|at| format!(" until {}", at.rfc3339())).unwrap_or_default();
            let goes = match details.destination.as_str() {
                "" => String::new(),
                domain => format!(" (it goes on to {domain})"),
            };
            format!("held{until}: gatepost quarantine release {}{goes}", held.id)
        }
        (state, _) => format!("{state} at {} by {}", details.state_at.rfc3339(), details.state_by),
    });
    let mut trace: Vec<_> = details.trace.iter().collect();
    trace.reverse();
    lines.extend(trace.into_iter().map(|row| {
        let (at, event, rule) = (row.at.rfc3339(), row.event.word(), &row.rule);
        let text = format!("{at} {event} {} {rule} {}", row.reason, row.detail);
        line(text.trim_end())
    }));
    lines.join("\n")
}

/// What strangers wrote, as one line: a line end in it would look like a line of ours. Other
/// control characters are made visible where it is printed.
fn line(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { ' ' } else { c }).take(LINE_MAX).collect()
}

fn part(part: &HeldPartView) -> Vec<String> {
    vec![
        part.name.clone(),
        part.media_type.clone(),
        part.size.to_string(),
        part.sha256.clone(),
        format!("{} {} {}", part.reason, part.rule, part.detail).trim_end().to_owned(),
    ]
}
