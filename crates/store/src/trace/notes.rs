//! How many refusals of one source are listed, and how many only counted.

use crate::columns::Columns;
use crate::database::{Expect, Row, Write};
use crate::{Error, Store};
use mail::{Event, Reason, Timestamp, TraceRow};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rows a minute for one source network and reason.
const LISTED_MAX: u64 = 100;
/// Pairs of network and reason that are told apart in a minute; the rest is one pair.
const PAIRS_MAX: usize = 10_000;
/// Minutes whose counts one write forgets.
const MINUTES_AT_ONCE: i64 = 200;

/// Milliseconds of a minute.
const MINUTE: i64 = 60_000;

/// Refusals of one source and reason that were too many to be listed one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The /24 or /64 they came from; `elsewhere` where too many sources came at once.
    pub network: String,
    /// Why they were refused.
    pub reason: Reason,
    /// How many were counted.
    pub refusals: u64,
    /// The last minute in which there were any.
    pub last: Timestamp,
}

/// Bounds the rows that peers can cause.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    minute: Mutex<Minute>,
    hand_over: Mutex<()>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    seen: HashMap<(String, Reason), u64>,
    /// Counted and not yet written.
    counted: HashMap<(i64, String, Reason), u64>,
}

impl Notes {
    /// The row, if it is to be listed.
    pub(crate) fn admit(&self, row: TraceRow) -> Option<TraceRow> {
        if matches!(row.event, Event::Discarded | Event::Delivered | Event::Administration) {
            return Some(row);
        }
        let network = network(&row.peer);
        let mut minute = lock(&self.minute);
        let number = minute_of(row.at);
        if minute.number != number {
            minute.number = number;
            minute.seen.clear();
        }
        let network = if minute.seen.len() < PAIRS_MAX { network } else { "elsewhere".to_owned() };
        let seen = minute.seen.entry((network.clone(), row.reason)).or_insert(0);
        *seen += 1;
        if *seen <= LISTED_MAX {
            return Some(row);
        }
        *minute.counted.entry((number, network, row.reason)).or_insert(0) += 1;
        None
    }

    /// Held while a row gets its id and is handed to the database.
    pub(crate) fn hand_over(&self) -> MutexGuard<'_, ()> {
        lock(&self.hand_over)
    }

    /// A row was dropped because no id was at hand.
    pub(crate) fn lost(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Rows that were dropped.
    pub(crate) fn lost_count(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A write of what was counted since the last one.
    pub(crate) fn counted(&self, node: i64) -> Option<Write> {
        let counted = std::mem::take(&mut lock(&self.minute).counted);
        if counted.is_empty() {
            return None;
        }
        let mut write = Write::default();
        for ((minute, network, reason), refusals) in counted {
            write.push(
                "INSERT INTO refusal_count (node, minute, network, reason, refusals) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (node, minute, network, reason) \
                 DO UPDATE SET refusals = refusal_count.refusals + $5",
                vec![
                    node.into(),
                    minute.into(),
                    network.into(),
                    reason.word().into(),
                    i64::try_from(refusals).unwrap_or(i64::MAX).into(),
                ],
                Expect::Any,
            );
        }
        Some(write)
    }
}

impl Store {
    /// The sources whose refusals were counted, not listed: at most `limit`, the newest first,
    /// each with all that the trace's retention has kept of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn counted_refusals(&self, limit: usize) -> Result<Vec<Counted>, Error> {
        if let Some(write) = self.notes.counted(self.node) {
            self.db.post(write);
        }
        self.db.flush().await?;
        // Looks at the whole table: each of its rows stands for a minute with over a hundred
        // refusals, so there are few.
        let sql = "SELECT network, reason, CAST(sum(refusals) AS BIGINT), max(minute) \
                   FROM refusal_count GROUP BY network, reason \
                   ORDER BY max(minute) DESC, network, reason LIMIT $1";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.read(sql, vec![limit.into()]).await?.into_iter().map(read_counted).collect()
    }

    /// Forgets the counts of some minutes from before `end`; `true` if more are left.
    pub(crate) async fn forget_counted(&self, end: Timestamp) -> Result<bool, Error> {
        let sql = "SELECT DISTINCT node, minute FROM refusal_count WHERE minute < $1 LIMIT $2";
        let params = vec![minute_of(end).into(), MINUTES_AT_ONCE.into()];
        let rows = self.db.read(sql, params).await?;
        let more = rows.len() as i64 == MINUTES_AT_ONCE;
        let mut write = Write::default();
        for row in rows {
            write.push(
                "DELETE FROM refusal_count WHERE node = $1 AND minute = $2",
                row,
                Expect::Any,
            );
        }
        if !write.statements.is_empty() {
            self.db.write(write).await?;
        }
        Ok(more)
    }
}

fn read_counted(row: Row) -> Result<Counted, Error> {
    let mut row = Columns::of(row);
    Ok(Counted {
        network: row.text()?,
        reason: row.parsed(|word| {
            Reason::from_word(word).ok_or_else(|| format!("no reason is called {word}"))
        })?,
        refusals: u64::try_from(row.int()?).unwrap_or(0),
        last: Timestamp(row.int()?.saturating_mul(MINUTE)),
    })
}

fn minute_of(at: Timestamp) -> i64 {
    at.seconds().div_euclid(60)
}

/// The /24 or /64 of an address; other texts stand for themselves.
fn network(peer: &str) -> String {
    match peer.parse() {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{:x}:{:x}:{:x}:{:x}::/64", a, b, c, d)
        }
        Err(_) => peer.to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{LISTED_MAX, Notes, network};
    use mail::{Event, Reason, Timestamp, TraceRow};

    fn refusal(at: i64, peer: &str, reason: Reason) -> TraceRow {
        TraceRow {
            at: Timestamp(at),
            event: Event::Recipient,
            session: None,
            message: None,
            door: "smtp".to_owned(),
            peer: peer.to_owned(),
            sender: String::new(),
            recipient: String::new(),
            reply: 550,
            reason,
            rule: String::new(),
            detail: String::new(),
        }
    }

    #[test]
    fn networks() {
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network(""), "");
    }

    #[test]
    fn beyond_a_hundred_a_minute_they_are_counted() {
        let notes = Notes::default();
        let mut listed = 0;
        for n in 0..150 {
            let peer = format!("192.0.2.{}", n % 250);
            let row = refusal(n, &peer, Reason::RelayDenied);
            listed += u64::from(notes.admit(row).is_some());
        }
        assert_eq!(listed, LISTED_MAX);
        let other = refusal(1, "192.0.2.1", Reason::UnknownRecipient);
        assert!(notes.admit(other).is_some(), "another reason has its own hundred");
        let later = refusal(60_000, "192.0.2.1", Reason::RelayDenied);
        assert!(notes.admit(later).is_some(), "so has the next minute");
        assert_eq!(notes.counted(1).map(|write| write.statements.len()), Some(1));
        assert!(notes.counted(1).is_none());
    }
}
