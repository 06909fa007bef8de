//! Messages against their bodies, their entries and the ledger, a span of messages at a time.

use super::Look;
use crate::columns::Columns;
use crate::incoming::blocking;
use crate::mailbox::remove::MOVED;
use crate::mailbox::{PLACE_FILE, PLACE_NOWHERE, PLACE_ROW};
use crate::{Error, Store};
use mail::Id;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are held in memory at once (some 200 bytes each).
const SPAN: usize = 100_000;
/// Rows that one statement reads.
const PAGE: i64 = 5_000;

/// What is known of a message.
#[derive(Debug, Default)]
struct Facts {
    size: i64,
    entries: i64,
    place: i64,
    body: Option<i64>,
    node: i64,
    is_recent: bool,
    is_garbage: bool,
    /// Recipients in the ledger, and whether their numbers go from 0 without a gap.
    recipients: i64,
    has_gap: bool,
    /// The copies that the ledger names.
    copies: BTreeMap<Id, Copy>,
    /// Entries that show it now.
    shown: i64,
    /// Recipients that are in the spool, by the ledger, and the rows of the spool.
    queued: BTreeSet<i64>,
    spooled: BTreeSet<i64>,
    /// Recipients that are quarantined, by the ledger, and those of which the quarantine holds the
    /// whole message.
    quarantined: BTreeSet<i64>,
    held: BTreeSet<i64>,
    /// Rows of the quarantine that hold something.
    holds: i64,
}

/// One copy: an entry, wherever it is or was.
#[derive(Debug, Default)]
struct Copy {
    /// Rows of `entry`.
    live: u32,
    /// Rows of `expunged` that are not moves.
    ended: u32,
}

impl Store {
    /// Every recipient is in exactly one place, and every body is there.
    pub(super) async fn look_at_ledger(&self, look: &mut Look) -> Result<(), Error> {
        let mut after = 0;
        loop {
            let mut span = self.messages(after, look).await?;
            let Some((&last, _)) = span.last_key_value() else { break };
            let first = span.first_key_value().map_or(0, |(id, _)| *id);
            self.recipients(first, last, &mut span, look).await?;
            self.entries_of(first, last, &mut span, look).await?;
            self.expunged_of(first, last, &mut span).await?;
            self.spool_of(first, last, &mut span, look).await?;
            self.held_of(first, last, &mut span, look).await?;
            for (id, facts) in &span {
                look.counts.messages += 1;
                judge(look, *id, facts);
                if facts.place == PLACE_FILE && facts.node == self.node {
                    self.look_at_file(look, *id, facts.size).await?;
                }
            }
            after = last;
        }
        self.look_for_strays(look).await
    }

    async fn messages(&self, mut after: Id, look: &Look) -> Result<BTreeMap<Id, Facts>, Error> {
        let sql = "SELECT m.id, m.size, m.entries, m.body_place, CAST(length(m.body) AS INTEGER), \
                   m.node, m.received_at, g.message FROM message m \
                   LEFT JOIN garbage g ON g.message = m.id \
                   WHERE m.id > $1 AND m.id < $2 ORDER BY m.id LIMIT $3";
        let mut span = BTreeMap::new();
        while span.len() < SPAN {
            let params = vec![after.into(), look.before.into(), PAGE.into()];
            let rows = self.db.read(sql, params).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                after = row.int()?;
                let facts = Facts {
                    size: row.int()?,
                    entries: row.int()?,
                    place: row.int()?,
                    body: row.int_or_null()?,
                    node: row.int()?,
                    is_recent: row.int()? >= look.ledger_from,
                    is_garbage: row.int_or_null()?.is_some(),
                    ..Facts::default()
                };
                span.insert(after, facts);
            }
            if !was_full {
                break;
            }
        }
        Ok(span)
    }

    async fn recipients(
        &self,
        first: Id,
        last: Id,
        span: &mut BTreeMap<Id, Facts>,
        look: &mut Look,
    ) -> Result<(), Error> {
        let sql = "SELECT message, n, state, entries, rule FROM recipient \
                   WHERE (message, n) > ($1, $2) AND message <= $3 ORDER BY message, n LIMIT $4";
        let (mut message, mut n) = (first - 1, i64::MAX);
        loop {
            let params = vec![message.into(), n.into(), last.into(), PAGE.into()];
            let rows = self.db.read(sql, params).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                (message, n) = (row.int()?, row.int()?);
                let (state, entries, rule) = (row.text()?, row.text()?, row.text()?);
                let Some(facts) = span.get_mut(&message) else {
                    look.problem(format!("recipient {n} of message {message}, which is not there"));
                    continue;
                };
                look.counts.recipients += 1;
                facts.has_gap |= n != facts.recipients;
                facts.recipients += 1;
                let copies: Vec<Id> = entries.split(',').filter_map(|id| id.parse().ok()).collect();
                match state.as_str() {
                    "mailbox" if !copies.is_empty() => {}
                    "discarded" | "relayed" | "bounced" | "failed" | "removed"
                        if !rule.is_empty() && entries.is_empty() => {}
                    "spool" if entries.is_empty() => drop(facts.queued.insert(n)),
                    "quarantined" if entries.is_empty() => drop(facts.quarantined.insert(n)),
                    _ => look.problem(format!(
                        "recipient {n} of message {message} is in no place ({state} {entries:?})"
                    )),
                }
                for copy in copies {
                    facts.copies.entry(copy).or_default();
                }
            }
            if !was_full {
                return Ok(());
            }
        }
    }

    async fn entries_of(
        &self,
        first: Id,
        last: Id,
        span: &mut BTreeMap<Id, Facts>,
        look: &mut Look,
    ) -> Result<(), Error> {
        let sql = "SELECT mailbox, uid, id, message FROM entry \
                   WHERE (mailbox, uid) > ($1, $2) ORDER BY mailbox, uid LIMIT $3";
        self.walk(sql, |mut row| {
            let (id, message) = (row.int()?, row.int()?);
            if !(first..=last).contains(&message) {
                return Ok(());
            }
            let Some(facts) = span.get_mut(&message) else {
                look.problem(format!("entry {id} shows message {message}, which is not there"));
                return Ok(());
            };
            facts.shown += 1;
            match facts.copies.get_mut(&id) {
                Some(copy) => copy.live += 1,
                None => look.problem(format!("entry {id} is nobody's copy of {message}")),
            }
            Ok(())
        })
        .await
    }

    async fn expunged_of(
        &self,
        first: Id,
        last: Id,
        span: &mut BTreeMap<Id, Facts>,
    ) -> Result<(), Error> {
        let sql = "SELECT mailbox, uid, entry, message, why FROM expunged \
                   WHERE (mailbox, uid) > ($1, $2) ORDER BY mailbox, uid LIMIT $3";
        self.walk(sql, |mut row| {
            let (entry, message, why) = (row.int()?, row.int()?, row.text()?);
            if (first..=last).contains(&message) && why != MOVED {
                let facts = span.get_mut(&message);
                if let Some(copy) = facts.and_then(|facts| facts.copies.get_mut(&entry)) {
                    copy.ended += 1;
                }
            }
            Ok(())
        })
        .await
    }

    async fn spool_of(
        &self,
        first: Id,
        last: Id,
        span: &mut BTreeMap<Id, Facts>,
        look: &mut Look,
    ) -> Result<(), Error> {
        let sql = "SELECT id, message, n FROM spool \
                   WHERE id > $1 AND message >= $2 AND message <= $3 ORDER BY id LIMIT $4";
        let mut after = 0;
        loop {
            let params = vec![after.into(), first.into(), last.into(), PAGE.into()];
            let rows = self.db.read(sql, params).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                after = row.int()?;
                let (message, n) = (row.int()?, row.int()?);
                let fresh = span.get_mut(&message).map(|facts| facts.spooled.insert(n));
                if fresh != Some(true) {
                    look.problem(format!(
                        "copy {after} of message {message} is twice in the spool"
                    ));
                }
            }
            if !was_full {
                return Ok(());
            }
        }
    }

    async fn held_of(
        &self,
        first: Id,
        last: Id,
        span: &mut BTreeMap<Id, Facts>,
        look: &mut Look,
    ) -> Result<(), Error> {
        let sql = "SELECT id, message, n, CAST(CASE WHEN kind = 'message' THEN 1 ELSE 0 END AS \
                   INTEGER) FROM quarantine WHERE state = 'held' AND id > $1 AND message >= $2 \
                   AND message <= $3 ORDER BY id LIMIT $4";
        let mut after = 0;
        loop {
            let params = vec![after.into(), first.into(), last.into(), PAGE.into()];
            let rows = self.db.read(sql, params).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                after = row.int()?;
                let (message, n) = (row.int()?, row.int()?);
                let Some(facts) = span.get_mut(&message) else {
                    look.problem(format!("{after} holds message {message}, which is not there"));
                    continue;
                };
                facts.holds += 1;
                if row.truth()? && !facts.held.insert(n) {
                    look.problem(format!("recipient {n} of message {message} is held twice"));
                }
            }
            if !was_full {
                return Ok(());
            }
        }
    }

    /// Gives every row of a table that goes by mailbox and uid to `each`, without these two.
    ///
    /// Pages go by what is read, not by what fits a span: a page without a fit ends nothing.
    async fn walk(
        &self,
        sql: &'static str,
        mut each: impl FnMut(Columns) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut mailbox, mut uid) = (0, 0);
        loop {
            let rows = self.db.read(sql, vec![mailbox.into(), uid.into(), PAGE.into()]).await?;
            let was_full = rows.len() as i64 == PAGE;
            for row in rows {
                let mut row = Columns::of(row);
                (mailbox, uid) = (row.int()?, row.int()?);
                each(row)?;
            }
            if !was_full {
                return Ok(());
            }
        }
    }

    async fn look_at_file(&self, look: &mut Look, id: Id, size: i64) -> Result<(), Error> {
        let path = self.folder.blob(id);
        look.counts.files += 1;
        match blocking(move || std::fs::metadata(path)).await? {
            Ok(facts) if facts.len() == size.max(0).cast_unsigned() => {}
            Ok(facts) => {
                let found = facts.len();
                look.problem(format!("the body of message {id} has {found} bytes, not {size}"));
            }
            Err(error) => look.problem(format!("the body of message {id}: {error}")),
        }
        Ok(())
    }

    /// Entries and recipients of messages that are not there at all.
    async fn look_for_strays(&self, look: &mut Look) -> Result<(), Error> {
        let sql = "SELECT e.id, e.message FROM entry e LEFT JOIN message m ON m.id = e.message \
                   WHERE m.id IS NULL LIMIT 100";
        for row in self.db.read(sql, Vec::new()).await? {
            let mut row = Columns::of(row);
            let (id, message) = (row.int()?, row.int()?);
            look.problem(format!("entry {id} shows message {message}, which is not there"));
        }
        let sql = "SELECT r.message, r.n FROM recipient r LEFT JOIN message m ON m.id = r.message \
                   WHERE m.id IS NULL LIMIT 100";
        for row in self.db.read(sql, Vec::new()).await? {
            let mut row = Columns::of(row);
            let (message, n) = (row.int()?, row.int()?);
            look.problem(format!("recipient {n} of message {message}, which is not there"));
        }
        Ok(())
    }
}

fn judge(look: &mut Look, id: Id, facts: &Facts) {
    if facts.recipients == 0 || facts.has_gap {
        look.problem(format!("message {id} has lost recipients from its ledger"));
    }
    for (copy, places) in &facts.copies {
        match (places.live, places.ended) {
            (1, 0) | (0, 1) => {}
            (0, 0) if !facts.is_recent => {}
            (0, 0) => look.problem(format!("copy {copy} of message {id} is nowhere")),
            (live, ended) => look.problem(format!(
                "copy {copy} of message {id} is in {live} mailboxes and was removed {ended} times"
            )),
        }
    }
    for n in facts.queued.symmetric_difference(&facts.spooled) {
        look.problem(format!("recipient {n} of message {id} is in the spool by one account alone"));
    }
    for n in facts.quarantined.symmetric_difference(&facts.held) {
        look.problem(format!(
            "recipient {n} of message {id} is in the quarantine by one account alone"
        ));
    }
    let shown = facts.shown + facts.spooled.len() as i64 + facts.holds;
    if shown != facts.entries {
        let counted = facts.entries;
        look.problem(format!("message {id} counts {counted} entries and has {shown}"));
    }
    if facts.entries == 0 && !facts.is_garbage {
        look.problem(format!("message {id} is shown nowhere and will not be collected"));
    }
    match facts.place {
        PLACE_NOWHERE if shown > 0 => {
            look.problem(format!("message {id} is shown and has no body"));
        }
        PLACE_ROW if facts.body != Some(facts.size) => look.problem(format!(
            "the body of message {id} has {} bytes, not {}",
            facts.body.unwrap_or(0),
            facts.size
        )),
        PLACE_NOWHERE | PLACE_ROW | PLACE_FILE => {}
        other => look.problem(format!("message {id} has its body at an unknown place {other}")),
    }
}
