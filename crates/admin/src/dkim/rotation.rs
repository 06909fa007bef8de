//! Which step in the lives of a domain's keys is due. Pure: keys, what the DNS shows, periods and
//! the time in; steps out.
//!
//! Each algorithm goes its own way: a key is made, its record is seen, it signs, and the one before
//! it retires in the same commit; the record of that one stays for a while, then it may go.

use filter::authentication::dkim::KeyKind;
use mail::{Id, Timestamp};
use store::{DkimKey, KeyStage, KeyStep};

/// The algorithms that every domain has a key of.
pub const KINDS: [KeyKind; 2] = [KeyKind::Ed25519, KeyKind::Rsa];

/// Whether the DNS shows a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It does.
    Shown,
    /// It certainly does not, or shows another.
    Absent,
    /// It did not answer, or was not asked.
    Unknown,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its number.
    pub id: Id,
    /// Its algorithm.
    pub kind: KeyKind,
    /// Where it is in its life.
    pub stage: KeyStage,
    /// Since when its record is to be seen.
    pub published_at: Timestamp,
    /// When it was first seen.
    pub seen_at: Option<Timestamp>,
    /// Since when it signs.
    pub activated_at: Option<Timestamp>,
    /// Since when it does not any more.
    pub retired_at: Option<Timestamp>,
    /// What the DNS shows now.
    pub seen: Seen,
}

/// The periods in force: milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// How long a key signs until another is made; `None`: until somebody asks.
    pub rotate_after: Option<i64>,
    /// How long the record of a key that follows another was seen, at least, before it signs.
    pub publish: i64,
    /// How long the record of a retired key stays.
    pub retire: i64,
    /// Whether a key signs only once its record was seen.
    pub wants_seen: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A key of this algorithm is to be made.
    Make(KeyKind),
    /// A key takes a step.
    Step(Id, KeyStep),
}

impl KeyFacts {
    /// What is known of a key; `None` if its algorithm is not one of ours.
    pub fn of(key: &DkimKey, seen: Seen) -> Option<Self> {
        let kind = KINDS.into_iter().find(|kind| algorithm(*kind) == key.algorithm)?;
        Some(Self {
            id: key.id,
            kind,
            stage: key.stage(),
            published_at: key.published_at,
            seen_at: key.seen_at,
            activated_at: key.activated_at,
            retired_at: key.retired_at,
            seen,
        })
    }
}

/// The word that the store has for an algorithm.
pub fn algorithm(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "rsa-sha256",
        KeyKind::Ed25519 => "ed25519-sha256",
    }
}

/// What is due for the keys of one domain, in the order in which it is to be done.
///
/// - No key of an algorithm that signs or waits: one is made, and signs as soon as it is seen.
/// - One that signs for long enough: one to follow it is made.
/// - One that waits behind one that signs takes its place once it was seen for the period; at once
///   where it is shown and the other certainly is not, for that one cannot be verified.
/// - Keys of a domain that is not ours any more retire at once.
pub fn due(keys: &[KeyFacts], is_own: bool, periods: &Periods, now: Timestamp) -> Vec<Due> {
    let mut due = Vec::new();
    for kind in KINDS {
        let find = |stage| keys.iter().find(|key| key.kind == kind && key.stage == stage);
        let (waits, signs) = (find(KeyStage::Published), find(KeyStage::Active));
        if !is_own {
            let ends = waits.into_iter().chain(signs);
            due.extend(ends.map(|key| Due::Step(key.id, KeyStep::Retire)));
        } else if let Some(waits) = waits {
            follow(waits, signs, periods, now, &mut due);
        } else if signs.is_none_or(|key| has_signed_enough(key, periods, now)) {
            due.push(Due::Make(kind));
        }
    }
    let is_over = |key: &&KeyFacts| key.retired_at.is_some_and(|at| past(at, periods.retire, now));
    due.extend(keys.iter().filter(is_over).map(|key| Due::Step(key.id, KeyStep::End)));
    due
}

/// The steps of a key that waits.
fn follow(
    waits: &KeyFacts,
    signs: Option<&KeyFacts>,
    periods: &Periods,
    now: Timestamp,
    due: &mut Vec<Due>,
) {
    if waits.seen == Seen::Shown && waits.seen_at.is_none() {
        due.push(Due::Step(waits.id, KeyStep::See));
    }
    let is_usable = waits.seen == Seen::Shown || !periods.wants_seen;
    let since = match periods.wants_seen {
        true => waits.seen_at.unwrap_or(now),
        false => waits.published_at,
    };
    let is_time = signs.is_none_or(|key| {
        let is_lost = key.seen == Seen::Absent && waits.seen == Seen::Shown;
        is_lost || past(since, periods.publish, now)
    });
    if is_usable && is_time {
        due.extend(signs.map(|key| Due::Step(key.id, KeyStep::Retire)));
        due.push(Due::Step(waits.id, KeyStep::Activate));
    }
}

fn has_signed_enough(key: &KeyFacts, periods: &Periods, now: Timestamp) -> bool {
    let since = key.activated_at.unwrap_or(key.published_at);
    periods.rotate_after.is_some_and(|span| past(since, span, now))
}

fn past(since: Timestamp, span: i64, now: Timestamp) -> bool {
    since.plus_millis(span) <= now
}

#[cfg(test)]
mod tests;
