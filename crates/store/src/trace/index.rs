//! The search index of the trace: terms added in sorted bulk, after the fact.
//!
//! The accept commit touches no randomly ordered index. A job of the housekeeper adds the terms
//! of new rows every few seconds; a search takes what the index has and scans the tail that it
//! does not have yet.

use super::{About, Term, columns};
use crate::columns::Columns;
use crate::database::{Expect, Value, Write};
use crate::{Error, Store};
use mail::{Id, TraceRow};
use std::ops::Range;

/// Rows whose terms are added by one write; small, so that mail never waits long for it.
const ROWS_AT_ONCE: i64 = 500;
/// Rows of the tail that are read at once.
const TAIL_PAGE: i64 = 2_000;

impl Store {
    /// Adds the terms of the rows of this node that have none yet; `true` if more are left.
    pub(crate) async fn index_trace(&self) -> Result<bool, Error> {
        let floor = {
            let _no_note_on_its_way = self.notes.hand_over();
            self.in_flight.lowest().unwrap_or(Id::MAX).min(self.ids.floor())
        };
        self.db.flush().await?;
        let through = self.indexed_through(self.node).await?;
        let sql = concat!(
            "SELECT ",
            columns!(""),
            " FROM trace WHERE id > $1 AND id < $2 AND node = $3 ORDER BY id LIMIT $4"
        );
        let params = vec![through.into(), floor.into(), self.node.into(), ROWS_AT_ONCE.into()];
        let rows = self.read_trace(sql, params).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let reached = match rows.last() {
            Some((last, _)) if more => *last,
            Some(_) => floor - 1,
            None => return Ok(false),
        };
        let mut terms: Vec<(Term, Id)> = rows
            .iter()
            .flat_map(|(id, row)| Term::of(row).into_iter().map(|term| (term, *id)))
            .collect();
        terms.sort_unstable();
        let mut write = Write::default();
        for (term, id) in terms {
            write.push(
                "INSERT INTO trace_term (term, trace) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                vec![term.0.into(), id.into()],
                Expect::Any,
            );
        }
        write.push(
            "INSERT INTO trace_indexed (node, through) VALUES ($1, $2) \
             ON CONFLICT (node) DO UPDATE SET through = $2",
            vec![self.node.into(), reached.into()],
            Expect::Any,
        );
        self.db.write(write).await?;
        Ok(more)
    }

    async fn indexed_through(&self, node: i64) -> Result<Id, Error> {
        let sql = "SELECT through FROM trace_indexed WHERE node = $1";
        let row = self.db.read(sql, vec![node.into()]).await?.pop();
        row.map_or(Ok(0), |row| Columns::of(row).int())
    }

    /// The newest rows about something before `before`, newest first: those that the index has, and
    /// those of the tail.
    pub(super) async fn search(
        &self,
        about: &About,
        before: Id,
        limit: i64,
    ) -> Result<Vec<(Id, TraceRow)>, Error> {
        // The tail is looked up first: what is indexed meanwhile is found twice, never not at all.
        let sql = "SELECT n.id, CAST(coalesce(t.through, 0) AS INTEGER) FROM node n \
                   LEFT JOIN trace_indexed t ON t.node = n.id";
        let mut found = Vec::new();
        for row in self.db.read(sql, Vec::new()).await? {
            let mut row = Columns::of(row);
            let (node, through) = (row.int()?, row.int()?);
            self.search_tail(about, node, through..before, limit, &mut found).await?;
        }
        self.search_index(about, before, limit, &mut found).await?;
        found.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        found.dedup_by_key(|(id, _)| *id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn search_index(
        &self,
        about: &About,
        mut before: Id,
        limit: i64,
        found: &mut Vec<(Id, TraceRow)>,
    ) -> Result<(), Error> {
        let Some(term) = Term::about(about) else { return Ok(()) };
        let sql = concat!(
            "SELECT ",
            columns!("t."),
            " FROM trace_term x JOIN trace t ON t.id = x.trace \
             WHERE x.term = $1 AND x.trace < $2 ORDER BY x.trace DESC LIMIT $3"
        );
        let mut wanted = limit;
        while wanted > 0 {
            let params: Vec<Value> = vec![term.0.into(), before.into(), wanted.into()];
            let rows = self.read_trace(sql, params).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            before = *last;
            let was_full = rows.len() as i64 == wanted;
            let fitting: Vec<_> = rows.into_iter().filter(|(_, row)| about.fits(row)).collect();
            wanted -= fitting.len() as i64;
            found.extend(fitting);
            if !was_full {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn search_tail(
        &self,
        about: &About,
        node: i64,
        Range { start: through, end: mut before }: Range<Id>,
        limit: i64,
        found: &mut Vec<(Id, TraceRow)>,
    ) -> Result<(), Error> {
        let sql = concat!(
            "SELECT ",
            columns!(""),
            " FROM trace WHERE id > $1 AND id < $2 AND node = $3 ORDER BY id DESC LIMIT $4"
        );
        let mut wanted = limit;
        while wanted > 0 {
            let params = vec![through.into(), before.into(), node.into(), TAIL_PAGE.into()];
            let rows = self.read_trace(sql, params).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            before = *last;
            let was_full = rows.len() as i64 == TAIL_PAGE;
            let fitting: Vec<_> = rows.into_iter().filter(|(_, row)| about.fits(row)).collect();
            wanted -= fitting.len() as i64;
            found.extend(fitting);
            if !was_full {
                return Ok(());
            }
        }
        Ok(())
    }
}
