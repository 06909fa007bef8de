//! Physical lines to aliases: comments, continuation lines, the colon.

use crate::lines::{column, numbered};
use crate::problem::Problem;
use std::path::Path;

/// One alias as it stands in the file, in pieces that know where they are.
#[derive(Debug)]
pub(super) struct Logical<'t> {
    pub(super) line: usize,
    /// The column behind the colon.
    pub(super) colon: usize,
    pub(super) name: &'t str,
    pub(super) goals: Vec<Piece<'t>>,
}

/// The part of the goals that stands in one physical line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The aliases of a file. A line that begins with white space continues the one before it; so does
/// one whose predecessor ends in a backslash. A comment or an empty line ends an alias.
pub(super) fn logical<'t>(
    path: &Path,
    text: &'t str,
    problems: &mut Vec<Problem>,
) -> Vec<Logical<'t>> {
    let mut all: Vec<Logical<'t>> = Vec::new();
    let mut open = false;
    let mut joined = false;
    for (number, line) in numbered(text) {
        if !joined && (line.is_empty() || line.starts_with('#')) {
            open = false;
            continue;
        }
        if line.trim().is_empty() {
            joined = false;
            continue;
        }
        if let Some(at) = line.find(|c: char| c == '\u{fffd}' || (c.is_control() && c != '\t')) {
            let message = "this is not text in UTF-8";
            problems.push(Problem::error(path, number, column(line, at), message));
            (open, joined) = (false, false);
            continue;
        }
        let continues = joined || line.starts_with([' ', '\t']);
        let (body, backslash) = match line.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        joined = backslash;
        match (continues, all.last_mut()) {
            (true, Some(alias)) if open => {
                alias.goals.push(Piece { text: body, line: number, column: 1 });
            }
            (true, _) => {
                let message = "a continuation line without a line that it continues";
                problems.push(Problem::error(path, number, 1, message));
            }
            (false, _) => match colon(body) {
                Some(at) => {
                    open = true;
                    let (name, rest) = body.split_at(at);
                    let rest = rest.get(1..).unwrap_or_default();
                    let colon = column(line, at) + 1;
                    let goals = vec![Piece { text: rest, line: number, column: colon }];
                    all.push(Logical { line: number, colon, name, goals });
                }
                None => {
                    open = false;
                    let message = "there is no colon behind the name of the alias";
                    problems.push(Problem::error(path, number, 1, message));
                }
            },
        }
    }
    all
}

/// The first colon outside quotes.
fn colon(line: &str) -> Option<usize> {
    let mut in_quotes = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_quotes = !in_quotes,
            ':' if !in_quotes => return Some(at),
            _ => {}
        }
    }
    None
}

/// Splits a list at its commas, outside quotes, parentheses and angle brackets. Bounded by the
/// length of the text.
pub(super) fn split<'t>(piece: &Piece<'t>) -> Vec<Piece<'t>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let (mut in_quotes, mut escaped, mut comment) = (false, false, 0_usize);
    for (at, c) in piece.text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if comment == 0 => in_quotes = !in_quotes,
            '(' if !in_quotes => comment += 1,
            ')' if !in_quotes => comment = comment.saturating_sub(1),
            ',' if !in_quotes && comment == 0 => {
                parts.push(part(piece, start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(part(piece, start, piece.text.len()));
    parts.retain(|part| !part.text.is_empty());
    parts
}

fn part<'t>(piece: &Piece<'t>, start: usize, end: usize) -> Piece<'t> {
    let text = piece.text.get(start..end).unwrap_or_default();
    let lead = text.len() - text.trim_start().len();
    let column = piece.column + column(piece.text, start + lead) - 1;
    Piece { text: text.trim(), line: piece.line, column }
}
