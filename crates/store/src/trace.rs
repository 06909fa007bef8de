//! The trace: every decision with its reason, written, searched and, in time, forgotten.

mod index;
mod notes;
pub(crate) mod retention;
mod terms;

pub use notes::Counted;
pub(crate) use notes::Notes;
pub(crate) use terms::Term;

use crate::columns::Columns;
use crate::database::{Expect, Row, Value, Write};
use crate::{Error, Store};
use mail::{Event, Id, MessageId, Reason, SessionId, Timestamp, TraceRow};
use std::ops::Range;

/// Bytes of a text in a row.
const TEXT_MAX: usize = 255;
/// Bytes of `detail`.
const DETAIL_MAX: usize = 1_000;
/// Rows on one page at most.
const PAGE_MAX: i64 = 1_000;

/// Every column of a row, in the order of [`read_row`].
macro_rules! columns {
    ($prefix:literal) => {
        concat!(
            $prefix,
            "id, ",
            $prefix,
            "at, ",
            $prefix,
            "event, ",
            $prefix,
            "session, ",
            $prefix,
            "message, ",
            $prefix,
            "door, ",
            $prefix,
            "peer, ",
            $prefix,
            "sender, ",
            $prefix,
            "recipient, ",
            $prefix,
            "reply, ",
            $prefix,
            "reason, ",
            $prefix,
            "rule, ",
            $prefix,
            "detail"
        )
    };
}
pub(crate) use columns;

/// What rows are wanted, and which page of them. The first page has the newest.
#[derive(Debug, Clone)]
pub struct TraceQuery {
    /// About what.
    pub about: About,
    /// Only rows older than this one.
    pub before: Id,
    /// How many; at most 1,000.
    pub limit: usize,
}

/// What rows of the trace are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A message.
    Message(MessageId),
    /// A session.
    Session(SessionId),
    /// An address, as sender or recipient, in any case.
    Address(String),
    /// Anything.
    Everything,
}

/// A page of the trace.
#[derive(Debug, Clone, Default)]
pub struct TracePage {
    /// The rows, as they happened: the newest last.
    pub rows: Vec<TraceRow>,
    /// What to give as `before` for the page of older rows; `None` where there are none.
    pub next: Option<Id>,
}

impl TraceQuery {
    /// The newest rows about something.
    pub fn about(about: About) -> Self {
        Self { about, before: Id::MAX, limit: 100 }
    }

    /// Rows about a message.
    pub fn message(id: MessageId) -> Self {
        Self::about(About::Message(id))
    }

    /// Rows about a session.
    pub fn session(id: SessionId) -> Self {
        Self::about(About::Session(id))
    }

    /// Rows about an address.
    pub fn address(address: &str) -> Self {
        Self::about(About::Address(address.to_owned()))
    }

    /// The same with another page size.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// The same, of what is older than a row.
    #[must_use]
    pub fn before(mut self, row: Id) -> Self {
        self.before = row;
        self
    }
}

impl Store {
    /// Writes down a decision about mail that is not kept; rides a later commit.
    ///
    /// More than 100 rows a minute for one source network and reason are counted, not listed.
    pub fn note(&self, row: TraceRow) {
        let Some(row) = self.notes.admit(row) else { return };
        // The notes' own lock spans the id and the hand-over, so that the index can tell which
        // rows are on their way.
        let _handing_over = self.notes.hand_over();
        let Some(ids) = self.ids.take(1) else {
            self.notes.lost();
            return;
        };
        let mut write = Write::default();
        write_rows(&mut write, self.organisation, self.node, ids, vec![row]);
        self.db.post(write);
    }

    /// The id of the newest trace row.
    ///
    /// # Errors
    /// The database's.
    pub async fn trace_position(&self) -> Result<Id, Error> {
        self.db.flush().await?;
        let row = self.db.read("SELECT max(id) FROM trace", Vec::new()).await?.pop();
        Ok(row.map_or(Ok(None), |row| Columns::of(row).int_or_null())?.unwrap_or(0))
    }

    /// What happened since [`Store::trace_position`] was there: at most 1,000 rows, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn trace_since(&self, position: Id) -> Result<Vec<TraceRow>, Error> {
        self.db.flush().await?;
        let sql =
            concat!("SELECT ", columns!(""), " FROM trace WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = self.read_trace(sql, vec![position.into(), PAGE_MAX.into()]).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The rows of a query.
    ///
    /// # Errors
    /// The database's.
    pub async fn trace(&self, query: TraceQuery) -> Result<Vec<TraceRow>, Error> {
        Ok(self.trace_page(query).await?.rows)
    }

    /// A page of the rows of a query, with where the next begins.
    ///
    /// # Errors
    /// The database's.
    pub async fn trace_page(&self, query: TraceQuery) -> Result<TracePage, Error> {
        self.db.flush().await?;
        let limit = i64::try_from(query.limit).unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        // One row more than is shown tells whether there are older ones.
        let wanted = limit + 1;
        let mut found = match &query.about {
            About::Everything => {
                let sql = concat!(
                    "SELECT ",
                    columns!(""),
                    " FROM trace WHERE id < $1 ORDER BY id DESC LIMIT $2"
                );
                self.read_trace(sql, vec![query.before.into(), wanted.into()]).await?
            }
            about => self.search(about, query.before, wanted).await?,
        };
        let more = found.len() as i64 > limit;
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = found.last().filter(|_| more).map(|(id, _)| *id);
        Ok(TracePage { rows: found.into_iter().rev().map(|(_, row)| row).collect(), next })
    }

    pub(crate) async fn read_trace(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<(Id, TraceRow)>, Error> {
        self.db.read(sql, params).await?.into_iter().map(read_row).collect()
    }
}

/// Adds trace rows to a write. Their texts are bounded here and nowhere else.
pub(crate) fn write_rows(
    write: &mut Write,
    organisation: i64,
    node: i64,
    ids: Range<i64>,
    rows: Vec<TraceRow>,
) {
    for (id, row) in ids.zip(rows) {
        write.push(
            "INSERT INTO trace (id, organisation, node, at, event, session, message, door, peer, \
             sender, recipient, reply, reason, rule, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            vec![
                id.into(),
                organisation.into(),
                node.into(),
                row.at.0.into(),
                row.event.word().into(),
                row.session.map(|session| session.0).into(),
                row.message.map(|message| message.0).into(),
                bounded(row.door, TEXT_MAX).into(),
                bounded(row.peer, TEXT_MAX).into(),
                bounded(row.sender, TEXT_MAX).into(),
                bounded(row.recipient, TEXT_MAX).into(),
                i64::from(row.reply).into(),
                row.reason.word().into(),
                bounded(row.rule, TEXT_MAX).into(),
                bounded(row.detail, DETAIL_MAX).into(),
            ],
            Expect::Any,
        );
    }
}

/// A text of at most `max` bytes without NUL, which PostgreSQL does not store.
pub(crate) fn bounded(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
    }
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

fn read_row(row: Row) -> Result<(Id, TraceRow), Error> {
    let mut row = Columns::of(row);
    let id = row.int()?;
    let unknown = |what: &'static str| move |word: &str| format!("no {what} is called {word}");
    Ok((
        id,
        TraceRow {
            at: Timestamp(row.int()?),
            event: row.parsed(|word| event(word).ok_or_else(|| unknown("event")(word)))?,
            session: row.int_or_null()?.map(SessionId),
            message: row.int_or_null()?.map(MessageId),
            door: row.text()?,
            peer: row.text()?,
            sender: row.text()?,
            recipient: row.text()?,
            reply: u16::try_from(row.int()?).unwrap_or(0),
            reason: row
                .parsed(|word| Reason::from_word(word).ok_or_else(|| unknown("reason")(word)))?,
            rule: row.text()?,
            detail: row.text()?,
        },
    ))
}

/// The event with this word. Read through serde, so that the list stays in `mail` alone.
fn event(word: &str) -> Option<Event> {
    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    Event::deserialize(word).ok()
}

#[cfg(test)]
mod tests {
    use super::{bounded, event};
    use mail::Event;

    #[test]
    fn texts_are_bounded_at_characters() {
        assert_eq!(bounded("aé".to_owned(), 2), "a");
        assert_eq!(bounded("aé".to_owned(), 3), "aé");
        assert_eq!(bounded("a\0b".to_owned(), 9), "a\u{fffd}b");
    }

    #[test]
    fn events_are_read_by_their_word() {
        for known in [Event::Connection, Event::Delivered, Event::Administration] {
            assert_eq!(event(known.word()), Some(known));
        }
        assert_eq!(event("invented"), None);
    }
}
