//! Where in the message received something stands, however deep it was found.

use crate::index::Part;
use std::ops::Range;

/// Where something stands.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub(super) part: Option<usize>,
    pub(super) place: Range<u64>,
    /// Where in the message the bytes at hand begin, if they are the message's own.
    pub(super) base: Option<u64>,
    pub(super) depth: usize,
}

impl At {
    /// The same for bytes that were decoded.
    pub(super) fn decoded(&self) -> Self {
        Self { base: None, ..self.clone() }
    }

    /// For what stands in `range` of the bytes at hand.
    pub(super) fn inside(&self, range: &Range<usize>) -> Self {
        match self.base {
            Some(base) => {
                let place = base + range.start as u64..base + range.end as u64;
                Self { place, base: Some(base + range.start as u64), ..self.clone() }
            }
            None => self.clone(),
        }
    }
}

/// A message under reading: the one received, or one inside a part.
pub(super) struct Frame<'m> {
    pub(super) bytes: &'m [u8],
    /// The part around it; `None` for the message received.
    pub(super) around: Option<At>,
    pub(super) depth: usize,
    /// Whether what is ambiguous in it counts.
    pub(super) counts: bool,
}

impl Frame<'_> {
    /// For a part of the frame's index.
    pub(super) fn at(&self, number: usize, part: &Part) -> At {
        match &self.around {
            Some(around) => around.inside(&(range(&part.header).start..range(&part.body).end)),
            None => At {
                part: Some(number),
                place: part.header.start..part.body.end,
                base: Some(0),
                depth: self.depth,
            },
        }
    }

    /// For a stretch that is no part of the frame's index.
    pub(super) fn at_range(&self, range: &Range<usize>) -> At {
        match &self.around {
            Some(around) => around.inside(range),
            None => At {
                part: None,
                place: range.start as u64..range.end as u64,
                base: Some(range.start as u64),
                depth: self.depth,
            },
        }
    }
}

pub(super) fn range(range: &Range<u64>) -> Range<usize> {
    // What is at hand as a slice has offsets that fit.
    let offset = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    offset(range.start)..offset(range.end)
}
