//! What a worker does with a message: every reading of it is looked into, and where readings differ
//! it is written anew so that there is one.

mod rebuild;

use crate::{Budget, Class, Hit, Item, Limits, Lists, inspect, lists};
use mail::index::{Index, Sighting};
use mail::union::{self, Seen, Source, UnionLimits, Weight};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::ops::{ControlFlow, Range};

pub use rebuild::Rebuilt;

/// Things listed of a message; honest mail has some dozens. Those with hits come first in worth:
/// what is beyond is told as `incomplete`.
const LOOKED_MAX: usize = 1_000;
/// Names and types listed of one thing, and bytes of each.
const NAMES_MAX: usize = 8;
const NAME_MAX: usize = 255;

/// Everything that was found in one message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Examination {
    /// What some reader would see as content, in the order it was found: all that has a name, a
    /// hit or is no text.
    pub looked: Vec<Looked>,
    /// Why two readers could see different things; empty: there is one reading.
    pub ambiguities: Vec<String>,
    /// The limit that kept it from being looked at to its end. Never clean.
    pub incomplete: Option<String>,
    /// The message written anew, where readings differ and all are harmless.
    pub rebuilt: Option<Rebuilt>,
}

/// One thing that some reader would see as content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The part of the preferred reading (an index into [`Index::parts`]) that it belongs to.
    pub part: Option<usize>,
    /// The bytes of the message to be taken out for it to be gone.
    pub place: Range<u64>,
    /// Which reader sees it: the word of [`mail::union::Source`].
    pub source: String,
    /// Its names, as written; at most 8 of at most 255 bytes.
    pub names: Vec<String>,
    /// Its declared types.
    pub types: Vec<String>,
    /// Its true type, by content.
    pub kind: String,
    /// Its size in bytes, decoded.
    pub size: u64,
    /// SHA-256 of its bytes, in hex; where something was found.
    pub sha256: String,
    /// What was found in it.
    pub hits: Vec<Hit>,
}

impl Looked {
    /// A message of `size` bytes as a thing that was looked at: what concerns all of it.
    pub fn whole(size: u64) -> Self {
        Self {
            part: Some(0),
            place: 0..size,
            source: "message".to_owned(),
            names: Vec::new(),
            types: Vec::new(),
            kind: "message".to_owned(),
            size,
            sha256: String::new(),
            hits: Vec::new(),
        }
    }
}

impl Examination {
    /// The form in which a worker tells it: the length of the JSON (u32, little-endian), the JSON,
    /// and the rest of what was written anew.
    pub fn encode(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let rest = self.rebuilt.as_ref().map_or(&[] as &[u8], |rebuilt| &rebuilt.rest);
        [&(json.len() as u32).to_le_bytes(), json.as_slice(), rest].concat()
    }

    /// Reads that form; `None` if it is none. Nothing in it is to be believed but as a finding.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (len, bytes) = bytes.split_first_chunk::<4>()?;
        let (json, rest) = bytes.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let mut found: Self = serde_json::from_slice(json).ok()?;
        match &mut found.rebuilt {
            Some(rebuilt) => rebuilt.rest = rest.to_vec(),
            None if rest.is_empty() => {}
            None => return None,
        }
        Some(found)
    }

    /// Whether nothing at all was found.
    pub fn is_harmless(&self) -> bool {
        self.incomplete.is_none() && self.looked.iter().all(|looked| looked.hits.is_empty())
    }
}

thread_local! {
    /// The lists of the last request by its SHA-256: they are the same until settings change.
    static LISTS: RefCell<Option<([u8; 32], Lists)>> = const { RefCell::new(None) };
}

/// What a worker process does with each message. The request has the lists
/// ([`lists::request`](crate::lists::request)).
pub fn work(request: &[u8], message: Vec<u8>) -> Vec<u8> {
    LISTS.with_borrow_mut(|kept| {
        let hash = <[u8; 32]>::from(Sha256::digest(request));
        if kept.as_ref().is_none_or(|(known, _)| *known != hash) {
            *kept = lists::request::decode(request).map(|lists| (hash, lists));
        }
        match kept {
            Some((_, lists)) => examine(&message, lists, &Limits::default()),
            // Without its lists nothing is clean.
            None => Examination { incomplete: Some("lists".to_owned()), ..Examination::default() },
        }
        .encode()
    })
}

/// Looks into a message.
pub fn examine(message: &[u8], lists: &Lists, limits: &Limits) -> Examination {
    let index = Index::of(message);
    let mut found = look(message, &index, lists, limits);
    if !found.ambiguities.is_empty() && found.is_harmless() {
        found.rebuilt = rebuild::rebuild(message, &index);
    }
    found
}

fn look(message: &[u8], index: &Index, lists: &Lists, limits: &Limits) -> Examination {
    let mut found = Examination::default();
    let mut budget = Budget::new(limits.clone());
    let mut listed_all = true;
    let mut over = None;
    let outcome = union::read(message, index, &UnionLimits::default(), &mut |seen| {
        let item = Item { names: &seen.names, types: &seen.types, bytes: seen.content };
        // What the reading holds is in the same memory as what comes out of archives.
        let held = seen.held as usize;
        if budget.hold(held).is_err() {
            over = Some("held_max");
            return ControlFlow::Break(());
        }
        let mut report = inspect(&item, lists, &mut budget);
        budget.release(held);
        report.hits.extend(seen.types.iter().filter_map(|declared| elsewhere(declared)));
        if matches!(seen.source, Source::OtherReading | Source::Sweep) {
            // Pieces that only odd readers see are damaged by their nature; what can be read in
            // them counts.
            report.hits.retain(|hit| hit.class != Class::Unreadable);
        }
        let tells = !report.hits.is_empty() || !seen.names.is_empty() || report.kind != "text";
        if tells && found.looked.len() < LOOKED_MAX {
            found.looked.push(looked(&seen, report.kind, report.hits));
        } else if tells {
            listed_all = false;
        }
        ControlFlow::Continue(())
    });
    let parts_differ = |sighting: &&Sighting| Weight::of(sighting.ambiguity) == Weight::Parts;
    for sighting in outcome.ambiguities.iter().filter(parts_differ) {
        let word = sighting.ambiguity.to_string();
        if !found.ambiguities.contains(&word) {
            found.ambiguities.push(word);
        }
    }
    found.incomplete = over.or(outcome.incomplete).map(str::to_owned);
    if !listed_all {
        found.incomplete.get_or_insert_with(|| "looked_max".to_owned());
    }
    found
}

/// A type whose content is not in this message, so that nobody can look into it here.
fn elsewhere(media_type: &str) -> Option<Hit> {
    // RFC 2046 §5.2.2, §5.2.3.
    let class = match media_type {
        "message/partial" => Class::Fragment,
        "message/external-body" => Class::External,
        _ => return None,
    };
    let rule = format!("type {media_type}");
    Some(Hit { class, rule, path: Vec::new(), detail: String::new() })
}

fn looked(seen: &Seen<'_>, kind: &str, hits: Vec<Hit>) -> Looked {
    let short = |text: &String| {
        text.get(..text.floor_char_boundary(NAME_MAX)).unwrap_or_default().to_owned()
    };
    let sha256 = match hits.is_empty() {
        true => String::new(),
        false => Sha256::digest(seen.content).iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Looked {
        part: seen.part,
        place: seen.place.clone(),
        source: seen.source.word().to_owned(),
        names: seen.names.iter().take(NAMES_MAX).map(short).collect(),
        types: seen.types.iter().take(NAMES_MAX).map(short).collect(),
        kind: kind.to_owned(),
        size: seen.content.len() as u64,
        sha256,
        hits,
    }
}

/// The finding of a message that could not be looked at to its end, by the limit that it met.
pub fn incomplete(limit: &str) -> Hit {
    Hit {
        class: Class::TooComplex,
        rule: format!("limit {limit}"),
        path: Vec::new(),
        detail: "the message was not looked at to its end".to_owned(),
    }
}

#[cfg(test)]
mod tests;
