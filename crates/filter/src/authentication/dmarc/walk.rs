//! The walk up the tree of names (RFC 9989 §4.10): which records there are, and which name is the
//! organisation's.

use super::record::{Record, Suffix};
use crate::authentication::inquiry::{Inquiry, Missing};
use mail::Domain;
use net::Name;

/// From a name of 8 labels or more, the walk goes on at the one of 7 (RFC 9989 §4.10), so that it
/// never asks more than 8 times.
const LABELS_MAX: usize = 7;

/// A record and the name it was found at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub(super) name: String,
    pub(super) record: Record,
}

/// Walks from a name up. What was asked in an earlier walk is not asked again.
pub(super) async fn walk(inquiry: &mut Inquiry<'_>, start: &Domain) -> Result<Vec<At>, Missing> {
    let mut found = Vec::new();
    for name in names(start) {
        if let Some(record) = record_at(inquiry, name).await? {
            let is_end = record.suffix != Suffix::Unknown;
            found.push(At { name: name.to_owned(), record });
            if is_end {
                break;
            }
        }
    }
    Ok(found)
}

/// The one record of a name; several are as good as none.
pub(super) async fn record_at(
    inquiry: &mut Inquiry<'_>,
    name: &str,
) -> Result<Option<Record>, Missing> {
    // A name that leaves no room for the prefix cannot have a record.
    let Some(name) = Name::parse(&format!("_dmarc.{name}")) else { return Ok(None) };
    let texts = match inquiry.texts(&name).await {
        Ok(texts) => texts,
        Err(missing) if missing.is_nothing() => return Ok(None),
        Err(missing) => return Err(missing),
    };
    let mut records = texts.iter().filter_map(|text| Record::parse(text));
    match (records.next(), records.next()) {
        (Some(record), None) => Ok(Some(record)),
        _ => Ok(None),
    }
}

fn names(start: &Domain) -> impl Iterator<Item = &str> {
    let is_asked = |(i, name): &(usize, &str)| *i == 0 || labels(name) <= LABELS_MAX;
    start.ancestors().enumerate().filter(is_asked).map(|(_, name)| name)
}

fn labels(name: &str) -> usize {
    name.split('.').count()
}

/// The name of the organisation that `start` belongs to, by what a walk from there found
/// (RFC 9989 §4.10.2).
///
/// Deviation: a name of a single label is no organisation unless the walk began there. A record
/// at a top-level domain that does not say `psd=y` would make all its domains one organisation,
/// and each pass for every other.
pub(super) fn organisation<'a>(start: &'a Domain, found: &'a [At]) -> &'a str {
    let whole = start.as_str();
    let last = found.last().filter(|at| at.record.suffix == Suffix::Public && at.name != whole);
    if let Some(suffix) = last {
        let parent = |name: &&str| name.split_once('.').is_some_and(|(_, up)| up == suffix.name);
        return start.ancestors().find(parent).unwrap_or(whole);
    }
    let credible = |at: &&At| at.name.contains('.') || at.name == whole;
    found.iter().rev().find(credible).map_or(whole, |at| &at.name)
}
