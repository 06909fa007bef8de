//! Other readings of the structure: every region between lines that could be delimiters.
//!
//! A reader is a set of lines that it takes for delimiters, and a way to find the end of a header.
//! Not every set is tried, which would be without end, but every region that a set can make: from
//! each beginning to each end that a boundary, written in whatever way, gives it.

use super::cuts::{self, Cut};
use super::doubt::hidden;
use super::facts::{Facts, has_bare_cr};
use super::limits::HEADER_MAX;
use super::place::{At, Frame};
use super::reader::{Look, Reader};
use super::shape::looks_like_message;
use super::{Source, blocks::Lines};
use crate::index::{Affects, Index, Inside, split_name};
use std::collections::HashSet;

/// Ends that are tried of each region next to those that a boundary gives.
const NEAR_ENDS: usize = 4;

/// Bytes more in a region that are not worth all decodings again: a delimiter and empty lines.
const LITTLE: usize = 256;

/// Places in one header where some reader may see its end.
const BODIES_MAX: usize = 8;

/// A place where a header may begin, and the name of the delimiter before it.
#[derive(Debug, Clone, Copy)]
struct Start<'m> {
    at: usize,
    name: Option<&'m [u8]>,
    depth: usize,
}

/// Where a header that begins somewhere may end.
struct Ends {
    /// Where bodies may begin; the usual one first.
    bodies: Vec<usize>,
    /// Where the longest header ends.
    header: usize,
}

/// A header under reading.
struct Head {
    facts: Facts,
    ends: Ends,
    /// Whether readers may differ about where it ends.
    odd: bool,
}

impl Reader<'_> {
    /// Gives what other readers see in a message whose structure is in doubt.
    pub(super) fn regions(&mut self, frame: &Frame<'_>, index: &Index) {
        let bytes = frame.bytes;
        let (mut cuts, more) = cuts::find(bytes, self.limits.cuts_max);
        if more {
            self.incomplete("union_cuts_max");
        }
        // To a reader that loses its place at a bare CR a header may end at any line.
        let loose = has_bare_cr(bytes);
        let mut declared = Vec::new();
        let mut starts = vec![Start { at: 0, name: None, depth: 0 }];
        let after = cuts.iter().map(|cut| Start { at: cut.next, name: Some(cut.name), depth: 0 });
        starts.extend(after);
        for start in &starts {
            declared.extend(head(bytes, start.at, loose).facts.boundaries);
        }
        declared.sort();
        declared.dedup();
        cuts::mark(&mut cuts, &sure(index, &declared), &declared);
        starts.reverse();
        let mut known = HashSet::new();
        while let Some(start) = starts.pop() {
            if self.is_over() {
                return;
            }
            if !known.insert(start.at) {
                continue;
            }
            if known.len() > self.limits.starts_max {
                return self.incomplete("union_starts_max");
            }
            self.start(frame, &cuts, start, &mut starts, loose);
        }
    }

    /// All regions that begin here.
    fn start<'m>(
        &mut self,
        frame: &Frame<'_>,
        cuts: &[Cut<'m>],
        start: Start<'m>,
        starts: &mut Vec<Start<'m>>,
        loose: bool,
    ) {
        let bytes = frame.bytes;
        let Head { mut facts, ends, odd } = head(bytes, start.at, loose);
        if odd {
            facts.identity();
        }
        let header = bytes.get(start.at..ends.header).unwrap_or_default();
        let multipart = facts.is_multipart();
        let only_multipart =
            multipart && !odd && facts.types.iter().skip(1).all(|t| is_multipart(t));
        for body in ends.bodies {
            let mut before = None;
            for end in region_ends(cuts, body, start.name, bytes.len()) {
                if self.is_over() {
                    return;
                }
                // Behind a little more the same bytes end in a little more.
                self.brief = before.is_some_and(|before| end - before < LITTLE);
                before = Some(end);
                let at = frame.at_range(&(start.at..end));
                let at_body = At { base: frame.at_range(&(body..end)).base, ..at };
                let content = bytes.get(body..end).unwrap_or_default();
                if multipart {
                    self.encoded_multipart(&at_body, &facts, header, content);
                }
                if !only_multipart {
                    // Messages inside are beginnings of their own.
                    self.leaf(&at_body, &facts, content, Source::OtherReading, Look::Files);
                } else {
                    self.text(&at_body, content);
                }
            }
            self.brief = false;
            // As far as the next line that could be a delimiter: no byte is looked at twice.
            let next = cuts.get(cuts.partition_point(|cut| cut.line < body));
            let next = next.map_or(bytes.len(), |cut| cut.line);
            let inside = bytes.get(body..next).unwrap_or_default();
            if start.depth < self.limits.depth_max
                && (facts.is_message() || looks_like_message(inside))
            {
                starts.push(Start { at: body, depth: start.depth + 1, ..start });
            }
        }
    }
}

fn is_multipart(media_type: &str) -> bool {
    media_type.starts_with("multipart/")
}

/// Boundaries that no two readers read differently.
fn sure(index: &Index, declared: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut sure = Vec::new();
    for (number, part) in index.parts.iter().enumerate() {
        let odd = index.ambiguities.iter().any(|sighting| {
            sighting.part == number && sighting.ambiguity.affects() == Affects::Structure
        });
        if part.inside != Inside::Parts || odd || hidden(index, part).is_some() {
            continue;
        }
        let content_type = part.content_type.as_ref();
        let Some(boundary) = content_type.and_then(|t| t.plain("boundary").next()) else {
            continue;
        };
        let is_alone = declared.iter().all(|other| {
            other == boundary || !other.starts_with(boundary) && !boundary.starts_with(other)
        });
        if is_alone && !sure.iter().any(|known| known == boundary) {
            sure.push(boundary.to_vec());
        }
    }
    sure
}

/// Where a region that begins at `body` may end, the nearest first.
fn region_ends(cuts: &[Cut<'_>], body: usize, name: Option<&[u8]>, size: usize) -> Vec<usize> {
    let first = cuts.partition_point(|cut| cut.line < body);
    let following = cuts.get(first..).unwrap_or_default();
    let sure = following.iter().position(|cut| cut.sure);
    let (doubtful, beyond) = following.split_at(sure.unwrap_or(following.len()));
    let mut ends: Vec<usize> = doubtful.iter().take(NEAR_ENDS).map(|cut| cut.before).collect();
    let same = |cut: &&Cut<'_>| Some(cut.name) == name;
    let found = [
        doubtful.iter().find(same),
        doubtful.iter().find(|cut| name.is_some_and(|name| cut.name.starts_with(name))),
        doubtful.iter().find(|cut| cut.declared),
        doubtful.iter().find(|cut| cut.close && cut.declared),
        beyond.first(),
        beyond.iter().find(same),
    ];
    ends.extend(found.into_iter().flatten().map(|cut| cut.before));
    if sure.is_none() {
        ends.push(size);
    }
    for end in &mut ends {
        *end = (*end).max(body);
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// The header that begins here, by all readers.
fn head(bytes: &[u8], at: usize, loose: bool) -> Head {
    let ends = header_ends(bytes, at, loose);
    let block = bytes.get(at..ends.header).unwrap_or_default();
    let facts = Facts::of(block, "text/plain");
    let odd = ends.bodies.len() > 1;
    Head { facts, ends, odd }
}

fn header_ends(bytes: &[u8], at: usize, loose: bool) -> Ends {
    let window = bytes.get(..at.saturating_add(HEADER_MAX)).unwrap_or(bytes);
    let mut early = Vec::new();
    let mut add = |body: usize| {
        if early.len() < BODIES_MAX && !early.contains(&body) {
            early.push(body);
        }
    };
    let (mut real, mut bare_before) = (None, false);
    let mut end = at;
    for (line, start, next) in Lines::new(window, at) {
        end = start;
        let bare = window.get(next - 1) == Some(&b'\r');
        if line.is_empty() {
            // Between bare CRs there is an empty line to some readers only.
            if bare || bare_before {
                add(next);
            } else {
                real = Some(next);
                break;
            }
        } else if line.starts_with(b"--") {
            real = Some(start);
            break;
        } else if line.trim_ascii().is_empty() {
            add(next);
        } else if !(matches!(line.first(), Some(b' ' | b'\t')) && start > at)
            && split_name(line).is_none()
        {
            add(start);
            add(next);
        } else if line.contains(&0) {
            add(next);
        } else if loose || has_blank_before_colon(line) {
            add(start);
        }
        bare_before = bare;
        end = next;
    }
    let mut bodies = vec![real.unwrap_or(end)];
    bodies.extend(early.into_iter().filter(|body| *body != real.unwrap_or(end)));
    Ends { bodies, header: end }
}

/// A field to some readers only (RFC 5322 §4.5.8).
fn has_blank_before_colon(line: &[u8]) -> bool {
    matches!(split_name(line), Some((name_len, colon)) if name_len != colon)
}
