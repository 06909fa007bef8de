//! How an attempt ended: due again, or out of the spool, in one commit with its trace and with the
//! notice that tells the sender.

use super::lease::Lease;
use crate::accept::Acceptance;
use crate::database::{Bell, Expect, Write};
use crate::trace::{bounded, write_rows};
use crate::{Error, Store};
use mail::{Reason, Timestamp, TraceRow};

/// Bytes of what the remote said.
const REMOTE_MAX: usize = 500;
/// Bytes of the remote's name.
const HOST_MAX: usize = 255;

/// What the last attempt met, for lists and notices.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// The remote's reply code; 0 if there was none.
    pub reply: u16,
    /// Why it ended so.
    pub reason: Reason,
    /// The remote's words, cleaned, or ours.
    pub text: String,
    /// The server that was asked; empty if none was reached.
    pub host: String,
}

/// What becomes of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Due again then. `warned`: the sender is told of the delay now, or was before.
    Again {
        /// When.
        at: Timestamp,
        /// Whether the sender knows.
        warned: bool,
    },
    /// Another server has it.
    Delivered,
    /// Given up; the sender is told by the notice in the same commit.
    Bounced,
    /// Given up; nobody is told, and the attempt's reason says why.
    Failed,
}

/// How an attempt ended for one copy.
#[derive(Debug)]
pub struct Settlement {
    /// By which right.
    pub lease: Lease,
    /// What becomes of the copy.
    pub fate: Fate,
    /// What the attempt met.
    pub attempt: Attempt,
    /// The row for the trace.
    pub trace: TraceRow,
}

impl Fate {
    /// The state in the ledger; `None` while it is in the spool.
    fn state(self) -> Option<&'static str> {
        match self {
            Fate::Again { .. } => None,
            Fate::Delivered => Some("relayed"),
            Fate::Bounced => Some("bounced"),
            Fate::Failed => Some("failed"),
        }
    }
}

impl Store {
    /// Settles copies, and keeps the notice about them, in one commit.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a lease has passed to another: then nothing is written, and the copy
    /// may have been delivered twice. Otherwise as [`Store::accept`].
    pub async fn settle(
        &self,
        settled: Vec<Settlement>,
        notice: Option<Acceptance>,
    ) -> Result<(), Error> {
        let mut write = Write::default();
        let numbered = self.numbered(settled.len() as i64).await?;
        let mut rows = Vec::with_capacity(settled.len());
        for settlement in settled {
            out(&mut write, &settlement);
            rows.push(settlement.trace);
        }
        write_rows(&mut write, self.organisation, self.node, numbered.ids.clone(), rows);
        match notice {
            None => self.db.write(write).await.map(drop),
            Some(notice) => self.accept_with(notice, write).await,
        }
    }
}

fn out(write: &mut Write, it: &Settlement) {
    let (lease, attempt) = (&it.lease, &it.attempt);
    match (it.fate, it.fate.state()) {
        (Fate::Again { at, warned }, _) => {
            write.push(
                "UPDATE spool SET owner = NULL, next_at = $3, attempts = attempts + 1, \
                 warned = $4, last_at = $5, last_reply = $6, last_reason = $7, last_text = $8, \
                 last_host = $9 WHERE id = $1 AND fence = $2 AND owner IS NOT NULL",
                vec![
                    lease.id.into(),
                    lease.fence.into(),
                    at.0.into(),
                    warned.into(),
                    attempt.at.0.into(),
                    i64::from(attempt.reply).into(),
                    attempt.reason.word().into(),
                    bounded(attempt.text.clone(), REMOTE_MAX).into(),
                    bounded(attempt.host.clone(), HOST_MAX).into(),
                ],
                Expect::Rows(1),
            );
            write.bells.push(Bell::Spool);
        }
        (_, state) => leave(write, lease, state.unwrap_or_default(), attempt),
    }
}

/// A copy leaves the spool: its recipient is in another place of the ledger, and the message is
/// collected once nothing else shows it.
fn leave(write: &mut Write, lease: &Lease, state: &str, attempt: &Attempt) {
    write.push(
        "DELETE FROM spool WHERE id = $1 AND fence = $2 AND owner IS NOT NULL",
        vec![lease.id.into(), lease.fence.into()],
        Expect::Rows(1),
    );
    let rule = match attempt.host.as_str() {
        "" => attempt.reason.word().to_owned(),
        host => bounded(format!("{} {host}", attempt.reason), HOST_MAX),
    };
    write.push(
        "UPDATE recipient SET state = $3, rule = $4 WHERE message = $1 AND n = $2",
        vec![lease.message.0.into(), lease.n.into(), state.into(), rule.into()],
        Expect::Rows(1),
    );
    crate::mailbox::remove::forget_one(write, lease.message.0, attempt.at.0);
}
