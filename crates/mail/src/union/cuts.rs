//! Every line that some reader could take for a delimiter.

use memchr::memmem;

/// A line that begins with two dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut<'m> {
    /// Where the line begins.
    pub(super) line: usize,
    /// Where a region before it ends: its line end belongs to the delimiter (RFC 2046 §5.1.1).
    pub(super) before: usize,
    /// Where the next line begins.
    pub(super) next: usize,
    /// What stands behind the dashes, without blanks at the end and without closing dashes.
    pub(super) name: &'m [u8],
    /// Whether it has closing dashes.
    pub(super) close: bool,
    /// Whether nothing but the name, closing dashes and a CRLF is there.
    pub(super) exact: bool,
    /// Whether every reader takes it for a delimiter.
    pub(super) sure: bool,
    /// Whether some boundary is its name or begins it.
    pub(super) declared: bool,
}

/// The lines in order, at most `max`; whether there are more.
pub(super) fn find(bytes: &[u8], max: usize) -> (Vec<Cut<'_>>, bool) {
    let mut cuts: Vec<Cut<'_>> = Vec::new();
    for dashes in memmem::find_iter(bytes, b"--") {
        let Some(line) = line_start(bytes, dashes) else { continue };
        if cuts.len() >= max {
            return (cuts, true);
        }
        cuts.push(cut(bytes, line, dashes));
    }
    (cuts, false)
}

/// Longest line that is looked at. A boundary of RFC 2046 has 70 characters.
const LINE_MAX: usize = 1_024;

/// Blanks that may stand before a delimiter: some readers do not mind.
const BLANKS_MAX: usize = 16;

/// Where the line begins, if nothing but blanks stands before these dashes.
fn line_start(bytes: &[u8], dashes: usize) -> Option<usize> {
    let before = bytes.get(dashes.saturating_sub(BLANKS_MAX)..dashes)?;
    let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let line = dashes - blanks;
    let begins = match line.checked_sub(1) {
        None => true,
        Some(last) => matches!(bytes.get(last), Some(b'\n' | b'\r' | 0)),
    };
    begins.then_some(line)
}

/// Whether lines stand there that are delimiters to readers which the index does not follow:
/// with blanks before the dashes, or in a body of text, right before a field of MIME.
pub(super) fn has_hidden(bytes: &[u8], is_known: &dyn Fn(usize) -> bool) -> bool {
    memmem::find_iter(bytes, b"--").any(|dashes| {
        let Some(line) = line_start(bytes, dashes) else { return false };
        let cut = cut(bytes, line, dashes);
        let next = bytes.get(cut.next..).unwrap_or_default();
        let field = next.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"));
        field && !is_known(cut.next) && !cut.name.is_empty()
    })
}

fn cut(bytes: &[u8], line: usize, dashes: usize) -> Cut<'_> {
    let before = match bytes.get(..line).unwrap_or_default() {
        [.., b'\r', b'\n'] => line - 2,
        [.., b'\n' | b'\r' | 0] => line - 1,
        _ => line,
    };
    let rest = bytes.get(dashes + 2..).unwrap_or_default();
    let window = rest.get(..LINE_MAX).unwrap_or(rest);
    let len = memchr::memchr2(b'\n', b'\r', window).unwrap_or(window.len());
    let (text, behind) = rest.split_at(len);
    let end = match behind {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => 0,
    };
    let trimmed = text.trim_ascii_end();
    let (name, close) = match trimmed.strip_suffix(b"--") {
        Some(name) => (name, true),
        None => (trimmed, false),
    };
    Cut {
        line,
        before,
        next: dashes + 2 + len + end,
        name,
        close,
        exact: line == dashes && trimmed.len() == text.len() && (end == 2 || behind.is_empty()),
        sure: false,
        declared: false,
    }
}

/// Marks which cuts are sure and which declared. A sure boundary loses that with its first closing
/// line: what follows is read by some only.
pub(super) fn mark(cuts: &mut [Cut<'_>], sure: &[Vec<u8>], declared: &[Vec<u8>]) {
    let mut sure: Vec<&[u8]> = sure.iter().map(Vec::as_slice).collect();
    for cut in cuts {
        cut.declared = declared.iter().any(|boundary| cut.name.starts_with(boundary));
        if cut.exact && sure.contains(&cut.name) {
            cut.sure = true;
            if cut.close {
                sure.retain(|boundary| *boundary != cut.name);
            }
        }
    }
}
