//! The two shapes of sendmail's map files: `key value` as makemap reads it, and one word a line as
//! a class file has it.

use crate::problem::Problem;
use std::path::Path;

/// Map files larger than this were named by mistake.
pub(crate) const FILE_MAX: usize = 64 << 20;

/// A text with the column (from 1, in characters) where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'t> {
    pub(crate) text: &'t str,
    pub(crate) column: usize,
}

/// One entry of a `key value` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair<'t> {
    pub(crate) line: usize,
    pub(crate) key: Word<'t>,
    pub(crate) value: Word<'t>,
}

/// The numbered lines of a text, from 1, without their ends and a byte order mark.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).zip(1..).map(swap)
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

/// The place of `part`, which is a piece of `line` that begins at byte `at`.
pub(crate) fn column(line: &str, at: usize) -> usize {
    line.get(..at).unwrap_or(line).chars().count() + 1
}

/// What cannot be text that anybody wrote: such a line is no entry.
fn unreadable(path: &Path, number: usize, line: &str) -> Option<Problem> {
    let at = line.find(|c: char| c == '\u{fffd}' || (c.is_control() && c != '\t'))?;
    let what = if line.get(at..).is_some_and(|rest| rest.starts_with('\u{fffd}')) {
        "this is not UTF-8"
    } else {
        "a control character stands here"
    };
    Some(Problem::error(path, number, column(line, at), what))
}

/// The entries of a file that makemap would read: `#` begins a comment line, the key ends at the
/// first white space, a line may not begin with white space.
pub(crate) fn pairs<'t>(path: &Path, text: &'t str, problems: &mut Vec<Problem>) -> Vec<Pair<'t>> {
    let mut pairs = Vec::new();
    for (number, line) in numbered(text) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(problem) = unreadable(path, number, line) {
            problems.push(problem);
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let message = "an entry may not begin with white space: sendmail would skip this line";
            problems.push(Problem::error(path, number, 1, message));
            continue;
        }
        let end = line.find([' ', '\t']).unwrap_or(line.len());
        let (key, rest) = line.split_at(end);
        let value = rest.trim();
        let at = line.len() - rest.trim_start().len();
        if value.is_empty() {
            let message = format!("`{key}` has no value");
            problems.push(Problem::error(path, number, column(line, end), message));
            continue;
        }
        let key = Word { text: key, column: 1 };
        let value = Word { text: value, column: column(line, at) };
        pairs.push(Pair { line: number, key, value });
    }
    pairs
}

/// The entries of a class file: the first word of each line, `#` begins a comment line.
pub(crate) fn words<'t>(
    path: &Path,
    text: &'t str,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, Word<'t>)> {
    let mut words = Vec::new();
    for (number, line) in numbered(text) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(problem) = unreadable(path, number, line) {
            problems.push(problem);
            continue;
        }
        let start = line.len() - line.trim_start().len();
        let word = trimmed.split_whitespace().next().unwrap_or_default();
        let rest = trimmed.get(word.len()..).unwrap_or_default().trim_start();
        if !rest.is_empty() && !rest.starts_with('#') {
            let at = column(line, line.trim_end().len() - rest.len());
            let message = format!("only the first word of a line counts, `{rest}` does not");
            problems.push(Problem::warning(path, number, at, message));
        }
        words.push((number, Word { text: word, column: column(line, start) }));
    }
    words
}
