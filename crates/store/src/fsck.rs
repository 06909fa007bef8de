//! Proves the store: every recipient of each acknowledged message is in exactly one place.
//!
//! Reads only, in pages, so that it can run beside the server. What moves meanwhile may look
//! wrong for a moment: what is found is looked for again, and only what stays is reported.

mod ledger;
mod mailboxes;
mod trail;

use crate::{Error, Store};
use mail::Id;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often the store is looked through before something counts as wrong.
const LOOKS: usize = 3;
/// The pause between two looks: longer than any write takes.
const PAUSE: Duration = Duration::from_millis(300);
/// Problems that are listed.
const PROBLEMS_MAX: usize = 1_000;
const DAY: i64 = 86_400_000;

/// What `fsck` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FsckReport {
    /// What is wrong, a line each; empty is well.
    pub problems: Vec<String>,
    /// What was looked at, and how many: `messages`, `recipients`, `entries`, `mailboxes`,
    /// `files`, `trace_rows`.
    pub counted: Vec<(String, u64)>,
}

/// How much was looked at.
#[derive(Debug, Default)]
struct Counts {
    messages: u64,
    recipients: u64,
    entries: u64,
    mailboxes: u64,
    files: u64,
    trace_rows: u64,
}

/// One look through the store.
#[derive(Debug, Default)]
struct Look {
    problems: BTreeSet<String>,
    counts: Counts,
    /// Messages from here on may be on their way.
    before: Id,
    /// What left its mailbox earlier may be forgotten already.
    ledger_from: i64,
}

impl Counts {
    fn report(self, problems: Vec<String>) -> FsckReport {
        let counted = [
            ("messages", self.messages),
            ("recipients", self.recipients),
            ("entries", self.entries),
            ("mailboxes", self.mailboxes),
            ("files", self.files),
            ("trace_rows", self.trace_rows),
        ];
        let counted = counted.map(|(what, number)| (what.to_owned(), number)).into();
        FsckReport { problems, counted }
    }
}

impl Look {
    fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.insert(text);
        }
    }
}

impl Store {
    /// Proves the ledger, the mailboxes, the bodies and the trace against one another.
    ///
    /// # Errors
    /// The database's: then nothing is proved.
    pub async fn fsck(&self) -> Result<FsckReport, Error> {
        let mut problems: Option<BTreeSet<String>> = None;
        for _ in 0..LOOKS {
            let look = self.look_through().await?;
            let found = match problems {
                None => look.problems,
                Some(before) => before.intersection(&look.problems).cloned().collect(),
            };
            if found.is_empty() {
                return Ok(look.counts.report(Vec::new()));
            }
            problems = Some(found);
            tokio::time::sleep(PAUSE).await;
        }
        let look = self.look_through().await?;
        let found = problems.unwrap_or_default();
        let problems = found.intersection(&look.problems).cloned().collect();
        Ok(look.counts.report(problems))
    }

    async fn look_through(&self) -> Result<Look, Error> {
        self.db.flush().await?;
        let days = self.retention_days();
        // A day more, for what was just about to be forgotten.
        let kept = if days == 0 { i64::MAX } else { (days - 1).max(0).saturating_mul(DAY) };
        let mut look = Look {
            before: self.in_flight.lowest().unwrap_or(Id::MAX).min(self.ids.floor()),
            ledger_from: self.now().saturating_sub(kept),
            ..Look::default()
        };
        look.problems.extend(self.db.check().await?);
        self.look_at_ids(&mut look).await?;
        self.look_at_mailboxes(&mut look).await?;
        self.look_at_ledger(&mut look).await?;
        self.look_at_trace(&mut look).await?;
        Ok(look)
    }
}
