//! The strings in S/MIME's DER or BER (X.690), found without caring what they are for.

use std::ops::Range;

/// Walks through the elements; every octet string is given, those cut into pieces joined.
pub(super) struct Strings<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the constructed elements around end; `None` where that is not said.
    open: Vec<Open>,
    depth_max: usize,
    /// What pieces gave so far.
    joined: Vec<u8>,
    /// Where the string at hand begins.
    begun: usize,
    /// Whether something that is no piece stood among pieces.
    mixed: bool,
}

/// An octet string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Octets {
    pub(super) bytes: Vec<u8>,
    /// Where it stands, with the heads of its pieces; `None` where other things stand among them.
    pub(super) range: Option<Range<usize>>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    end: Option<usize>,
    is_string: bool,
}

/// An element's head.
struct Head {
    tag: u8,
    content: usize,
    /// `None`: to the mark of its end.
    len: Option<usize>,
}

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

pub(super) fn strings(bytes: &[u8], depth_max: usize) -> Strings<'_> {
    let (open, joined) = (Vec::new(), Vec::new());
    Strings { bytes, at: 0, open, depth_max, joined, begun: 0, mixed: false }
}

impl Strings<'_> {
    /// The next string.
    pub(super) fn next_string(&mut self) -> Option<Octets> {
        loop {
            if let Some(joined) = self.close() {
                return Some(joined);
            }
            let Some(head) = self.head() else {
                // Cut short: what came is given.
                self.at = self.bytes.len();
                self.open.clear();
                return Some(self.joined()).filter(|joined| !joined.bytes.is_empty());
            };
            let inside_string = self.open.last().is_some_and(|open| open.is_string);
            let is_string =
                head.tag & !CONSTRUCTED == OCTET_STRING || inside_string && head.tag & 0x1f == 4;
            if head.tag == 0 && head.len == Some(0) {
                // The mark of an end.
                self.at = head.content;
                if let Some(open) = self.open.pop()
                    && open.is_string
                    && !self.open.last().is_some_and(|open| open.is_string)
                {
                    return Some(self.joined());
                }
                continue;
            }
            if head.tag & CONSTRUCTED != 0 && self.open.len() < self.depth_max {
                let end = head.len.map(|len| (head.content + len).min(self.bytes.len()));
                if is_string && !inside_string {
                    self.begun = self.at;
                }
                self.mixed |= inside_string && !is_string;
                self.open.push(Open { end, is_string });
                self.at = head.content;
                continue;
            }
            let len = head.len.unwrap_or(0);
            let end = head.content.saturating_add(len).min(self.bytes.len());
            let content = self.bytes.get(head.content..end).unwrap_or_default();
            self.at = end;
            match (is_string, inside_string) {
                (true, true) => self.joined.extend_from_slice(content),
                (true, false) => {
                    let range = Some(head.content..end);
                    return Some(Octets { bytes: content.to_vec(), range });
                }
                (false, inside) => self.mixed |= inside,
            }
        }
    }

    /// Goes out of elements that end here; a string of pieces is whole then.
    fn close(&mut self) -> Option<Octets> {
        while let Some(open) = self.open.last()
            && open.end.is_some_and(|end| self.at >= end)
        {
            let was_string = open.is_string;
            self.open.pop();
            if was_string && !self.open.last().is_some_and(|open| open.is_string) {
                return Some(self.joined());
            }
        }
        None
    }

    /// The string whose pieces end here.
    fn joined(&mut self) -> Octets {
        let range = (!self.mixed).then_some(self.begun..self.at);
        Octets { bytes: std::mem::take(&mut self.joined), range }
    }

    fn head(&self) -> Option<Head> {
        let (&tag, rest) = self.bytes.get(self.at..)?.split_first()?;
        // Long tags have no place here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let short = Head { tag, content: self.at + 2, len: Some(usize::from(first)) };
        if first < 0x80 {
            return Some(short);
        }
        if first == 0x80 {
            return Some(Head { len: None, ..short });
        }
        let digits = usize::from(first & 0x7f);
        let number = rest.get(..digits).filter(|_| digits <= 8)?;
        let len = number.iter().fold(0_u64, |len, b| len << 8 | u64::from(*b));
        let len = usize::try_from(len).ok()?.min(self.bytes.len());
        Some(Head { content: short.content + digits, len: Some(len), ..short })
    }
}
