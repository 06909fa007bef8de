//! Whether every 250 came after the sync that covers its message, by the record's clock.
//!
//! A small body is in the log: the first frame that shows it, the frame that commits it, a sync of
//! the log that began after that frame was written and ended before the 250 was sent. A large one
//! is a file: synced after its last write, its folder after its name was made, the log after both.

use super::trace::{Event, Kind, Record};
use crate::harm::load::Sent;
use anyhow::{Context, Result, ensure};
use std::collections::HashMap;

const LOG: &str = "data/store.db-wal";
const BLOBS: &str = "data/blobs/";
/// SQLite's log: a header, then frames of a header and a page each.
const FRAME_HEADER: usize = 24;

/// A frame of the log, in the order in which they were written.
struct Frame<'a> {
    is_commit: bool,
    end: u64,
    page: &'a [u8],
}

/// Checks every message; how many there were.
///
/// # Errors
/// The first message whose 250 was not covered.
pub(super) fn check(record: &Record, sent: &[Sent]) -> Result<usize> {
    let frames = frames(&record.events);
    let kept: HashMap<i64, u64> =
        record.events.iter().filter_map(|event| Some((event.kept()?, event.start))).collect();
    let mut checked = 0;
    for message in sent.iter().filter(|sent| sent.acknowledged) {
        let id = message.kept_as.context("a 250 without a number")?;
        let told = *kept.get(&id).with_context(|| format!("the record lacks the 250 of {id}"))?;
        one(record, &frames, message, id, told)
            .with_context(|| format!("message {id} ({})", message.marker))?;
        checked += 1;
    }
    Ok(checked)
}

fn one(record: &Record, frames: &[Frame<'_>], sent: &Sent, id: i64, told: u64) -> Result<()> {
    let name = format!("/{id}");
    let made = record.events.iter().find_map(|event| match &event.kind {
        Kind::Create { path } if path.starts_with(BLOBS) && path.ends_with(&name) => {
            Some((event, path))
        }
        _ => None,
    });
    if let Some((making, path)) = made {
        let last = record
            .events
            .iter()
            .filter(|e| matches!(&e.kind, Kind::Write { path: to, .. } if to == path))
            .map(|event| event.end)
            .max();
        let last = last.context("a file that nobody wrote")?;
        let file = synced(record, path, last, told).context("250 before its file was synced")?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = synced(record, folder, making.end, told);
        let folder = folder.context("250 before the folder of its file was synced")?;
        let log = synced(record, LOG, file.max(folder), told);
        ensure!(log.is_some(), "250 before the log was synced");
        return Ok(());
    }
    let needle = format!(" {}\r\n", sent.marker);
    let first = frames.iter().position(|frame| contains(frame.page, needle.as_bytes()));
    let first = first.context("its body is nowhere in the log")?;
    let commit = frames.iter().skip(first).find(|frame| frame.is_commit);
    let commit = commit.context("its body was never committed")?;
    ensure!(
        synced(record, LOG, commit.end, told).is_some(),
        "250 before the log was synced with its commit"
    );
    Ok(())
}

/// When a sync of `path` ended that began after `after` and ended before `before`.
fn synced(record: &Record, path: &str, after: u64, before: u64) -> Option<u64> {
    record
        .events
        .iter()
        .filter(|event| matches!(&event.kind, Kind::Sync { path: p } if p == path))
        .filter(|event| event.start >= after && event.end <= before)
        .map(|event| event.end)
        .min()
}

/// The frames: SQLite writes each header and each page by a call of its own.
fn frames(events: &[Event]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    let mut header: Option<(u64, bool)> = None;
    for event in events {
        let Kind::Write { path, at, data } = &event.kind else { continue };
        if path != LOG {
            continue;
        }
        if data.len() == FRAME_HEADER {
            // Bytes 4 to 8: the size of the database after a commit, 0 in other frames.
            let is_commit = data.get(4..8).is_some_and(|size| size != [0; 4]);
            header = Some((*at, is_commit));
        } else if let Some((place, is_commit)) = header.take()
            && *at == place + FRAME_HEADER as u64
        {
            frames.push(Frame { is_commit, end: event.end, page: data });
        }
    }
    frames
}

fn contains(page: &[u8], needle: &[u8]) -> bool {
    page.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{LOG, check};
    use crate::harm::load::Sent;
    use crate::harm::powercut::trace::{Event, Kind, Record};

    fn log(start: u64, at: u64, data: &[u8]) -> Event {
        let kind = Kind::Write { path: LOG.to_owned(), at, data: data.into() };
        Event { start, end: start + 5, kind }
    }

    fn small(sync: u64) -> (Record, Vec<Sent>) {
        let mut commit = [0; 24];
        commit[7] = 9;
        let events = vec![
            log(10, 32, &[0; 24]),
            log(20, 56, b"text of m-1\r\n"),
            log(30, 69, &commit),
            log(40, 93, b"something else"),
            Event { start: sync, end: sync + 10, kind: Kind::Sync { path: LOG.to_owned() } },
            Event { start: 100, end: 101, kind: Kind::Kept { message: 7 } },
        ];
        let sent = Sent {
            marker: "m-1".to_owned(),
            mailboxes: Vec::new(),
            digest: String::new(),
            acknowledged: true,
            kept_as: Some(7),
            answer: None,
        };
        (Record { events, ready: 0 }, vec![sent])
    }

    #[test]
    fn a_sync_counts_if_it_covers_the_commit_and_ends_before_the_250() {
        let verdict = |sync| {
            let (record, sent) = small(sync);
            check(&record, &sent).is_ok()
        };
        assert!(verdict(45));
        assert!(verdict(90));
        assert!(!verdict(25), "began before the commit was written");
        assert!(!verdict(42), "began while it was written");
        assert!(!verdict(95), "ended after the 250");
    }

    #[test]
    fn a_file_needs_its_own_sync_and_that_of_its_folder() {
        let at = |start: u64, kind| Event { start, end: start + 5, kind };
        let sync = |start: u64, path: &str| at(start, Kind::Sync { path: path.to_owned() });
        let path = "data/blobs/00/7".to_owned();
        let data: std::sync::Arc<[u8]> = b"x"[..].into();
        let all = vec![
            at(10, Kind::Create { path: path.clone() }),
            at(20, Kind::Write { path: path.clone(), at: 0, data }),
            sync(30, &path),
            sync(40, "data/blobs/00"),
            sync(50, LOG),
            at(100, Kind::Kept { message: 7 }),
        ];
        let (_, sent) = small(0);
        for missing in [None, Some(2), Some(3), Some(4)] {
            let events = all
                .iter()
                .enumerate()
                .filter(|(n, _)| Some(*n) != missing)
                .map(|(_, event)| event.clone())
                .collect();
            let verdict = check(&Record { events, ready: 0 }, &sent);
            assert_eq!(verdict.is_ok(), missing.is_none(), "{missing:?}");
        }
        assert_eq!(check(&Record { events: all, ready: 0 }, &sent).unwrap(), 1);
    }
}
