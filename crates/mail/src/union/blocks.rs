//! Files that stand in text: uuencode, yEnc and BinHex, found by their first lines.

use super::{binhex, uuencode, yenc};
use memchr::memmem;
use std::ops::Range;
use std::sync::LazyLock;

/// What a block is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Uuencode,
    Yenc,
    BinHex,
}

/// Where a block may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// A file that stands in text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it stands in the text.
    pub(super) range: Range<usize>,
    pub(super) names: Vec<String>,
    pub(super) bytes: Vec<u8>,
}

/// What the note before BinHex says (RFC 1741 §3), without what mailers change in it.
const BINHEX: &[u8] = b"onverted with BinHex";

/// Finders, made once: of the word that uuencode and yEnc begin with, and of BinHex.
static FINDERS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| [memmem::Finder::new(b"begin"), memmem::Finder::new(BINHEX)]);

/// Where blocks may begin, in order.
pub(super) fn marks(text: &[u8]) -> Vec<Mark> {
    let [begin, binhex] = &*FINDERS;
    let mut marks: Vec<Mark> = begin.find_iter(text).filter_map(|at| begun(text, at)).collect();
    marks.extend(binhex.find_iter(text).map(|at| Mark { at, kind: Kind::BinHex }));
    marks.sort_unstable();
    marks
}

/// What begins with the word that stands here.
fn begun(text: &[u8], at: usize) -> Option<Mark> {
    let behind = text.get(at + 5)?;
    if begins_line(text, at) && matches!(behind, b' ' | b'\t' | b'-') {
        return Some(Mark { at, kind: Kind::Uuencode });
    }
    let line = at.checked_sub(2).filter(|line| begins_line(text, *line))?;
    let is_yenc = text.get(line..at) == Some(b"=y") && *behind == b' ';
    is_yenc.then_some(Mark { at: line, kind: Kind::Yenc })
}

/// Whether a line begins here.
pub(super) fn begins_line(text: &[u8], at: usize) -> bool {
    at == 0 || matches!(text.get(at - 1), Some(b'\n' | b'\r'))
}

/// The readings of the block at a mark, which ends before `limit`.
pub(super) fn read(text: &[u8], mark: &Mark, limit: usize) -> Vec<Block> {
    let text = text.get(..limit).unwrap_or(text);
    match mark.kind {
        Kind::Uuencode => uuencode::read(text, mark.at),
        Kind::Yenc => yenc::read(text, mark.at).into_iter().collect(),
        Kind::BinHex => binhex::read(text, mark.at),
    }
}

/// A body that is such a file without the first line.
pub(super) fn whole(kind: Kind, body: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::Uuencode => uuencode::lines(body),
        Kind::Yenc => Some(yenc::decode(body)),
        Kind::BinHex => binhex::read(body, 0).into_iter().next().map(|block| block.bytes),
    }
}

/// The lines of a text with their places, line ends excluded; CR, LF and CRLF all end one.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t [u8], at: usize) -> Self {
        Self { text, at }
    }
}

impl<'t> Iterator for Lines<'t> {
    /// The line, where it begins, and where the next one begins.
    type Item = (&'t [u8], usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..len)?;
        let end = match rest.get(len..).unwrap_or_default() {
            [b'\r', b'\n', ..] => len + 2,
            [] => len,
            _ => len + 1,
        };
        self.at = start + end;
        Some((line, start, self.at))
    }
}
