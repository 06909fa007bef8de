//! How much each submitter sends to elsewhere: counted by the accept commit, and what is too much
//! for one day is held by that same commit.
//!
//! All of it is data (see [`crate::database`]): the commit raises the day's counts, compares them
//! with the limits, and holds what goes beyond. On PostgreSQL the row of the day is locked from its
//! first change on, so that two nodes never count past one another.
//!
//! A limit grows by a tenth with each clean day, up to four times: a day on which the submitter
//! sent something and nothing was held. Days without mail do not count, so that an account that
//! slept is worth no more to a thief. A day on which something was held takes half of the growth
//! back.

use crate::accept::Acceptance;
use crate::columns::Columns;
use crate::database::{Expect, Row, Statement, Value, Write};
use crate::trace::Term;
use crate::{Error, Store};
use mail::{Event, Id, Reason, SendLimits, Submitter, Timestamp, TraceRow};
use std::ops::Range;

mod hold;

pub use hold::SendHold;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Clean days that a limit grows by, a tenth each.
const CLEAN_MAX: i64 = 30;
/// Days that are kept of what was sent: growth needs the last one alone.
const SENT_DAYS: i64 = 60;
/// Days for which a correspondent is remembered after the last mail to it.
const CORRESPONDENT_DAYS: i64 = 400;
/// Rows that one write of the housekeeper looks at.
const ROWS_AT_ONCE: i64 = 1_000;

/// Why something is held, as the queue shows it.
pub(crate) const HELD_RECIPIENTS: &str = "over its recipients a day";
/// The same for recipients that were never written to before.
pub(crate) const HELD_FIRST_TIME: &str = "over its first-time recipients a day";

/// Whether the day's counts are over the limits: `$1` and `$2` name the row.
macro_rules! is_over {
    ($recipients:literal, $first_time:literal) => {
        concat!(
            "FROM sent s WHERE s.submitter = $1 AND s.day = $2 AND (s.recipients > ",
            $recipients,
            " + ",
            $recipients,
            " * s.clean / 10 OR s.first_time > ",
            $first_time,
            " + ",
            $first_time,
            " * s.clean / 10)"
        )
    };
}

/// What a submitter sent on one day, and what it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SentToday {
    /// Recipients elsewhere.
    pub recipients: u64,
    /// Those of them it had never written to.
    pub first_time: u64,
    /// Copies that were held.
    pub held: u64,
    /// Clean days that the limits have grown by.
    pub clean: u64,
    /// The limits of this day.
    pub limits: SendLimits,
}

/// Where the housekeeper's walk through the correspondents ended.
#[derive(Debug, Default)]
pub(crate) struct Walk(Option<(String, i64)>);

/// The day of a moment, counted from 1970 (UTC).
fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY)
}

/// The limits as they have grown after so many clean days.
fn grown(limits: SendLimits, clean: u64) -> SendLimits {
    let grown = |limit: u64| limit.saturating_add(limit.saturating_mul(clean) / 10);
    SendLimits { recipients: grown(limits.recipients), first_time: grown(limits.first_time) }
}

fn int(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// The row that counts a submitter's day, and its limits.
struct Account<'a> {
    submitter: &'a str,
    day: i64,
    limits: SendLimits,
}

impl Account<'_> {
    /// The row's name, for `$1` and `$2`.
    fn named(&self, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let mut params = vec![self.submitter.into(), self.day.into()];
        params.extend(more);
        params
    }

    /// The same with the limits, for `$3` and `$4`.
    fn limited(&self, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
        // Growth multiplies by four at the most: what is kept far from the end never overflows.
        let bounded = |limit: u64| int(limit.min(1 << 40));
        let limits = [bounded(self.limits.recipients), bounded(self.limits.first_time)];
        self.named(limits.into_iter().chain(more))
    }
}

/// Adds the day's row if it is the first message of the day: its growth follows from the last day
/// before it on which something was sent.
const BEGIN: &str = "INSERT INTO sent (submitter, day, recipients, first_time, held, clean) \
     SELECT $1, $2, 0, 0, 0, COALESCE((SELECT CASE WHEN p.held > 0 THEN p.clean / 2 \
     WHEN p.clean < $3 THEN p.clean + 1 ELSE p.clean END FROM sent p \
     WHERE p.submitter = $1 AND p.day < $2 ORDER BY p.day DESC LIMIT 1), 0) \
     WHERE true ON CONFLICT (submitter, day) DO NOTHING";
const COUNT: &str =
    "UPDATE sent SET recipients = recipients + $3 WHERE submitter = $1 AND day = $2";
const COUNT_FIRST_TIME: &str = "UPDATE sent SET first_time = first_time + 1 \
     WHERE submitter = $1 AND day = $2 AND NOT EXISTS (SELECT 1 FROM correspondent c \
     WHERE c.submitter = $1 AND c.recipient = $3)";
/// Only of what is sent: whom a thief wrote to in vain stays a stranger.
const REMEMBER: &str = concat!(
    "INSERT INTO correspondent (submitter, recipient, last_day) SELECT d.submitter, $5, d.day \
     FROM sent d WHERE d.submitter = $1 AND d.day = $2 AND NOT EXISTS (SELECT 1 ",
    is_over!("$3", "$4"),
    ") ON CONFLICT (submitter, recipient) DO UPDATE SET last_day = excluded.last_day"
);
const HOLD: &str = concat!(
    "UPDATE spool SET held = (SELECT CASE WHEN d.recipients > $3 + $3 * d.clean / 10 THEN $7 \
     ELSE $8 END FROM sent d WHERE d.submitter = $1 AND d.day = $2) \
     WHERE id >= $5 AND id < $6 AND EXISTS (SELECT 1 ",
    is_over!("$3", "$4"),
    ")"
);
const COUNT_HELD: &str = concat!(
    "UPDATE sent SET held = held + $5 WHERE submitter = $1 AND day = $2 AND EXISTS (SELECT 1 ",
    is_over!("$3", "$4"),
    ")"
);
const OWE_NOTICE: &str = concat!(
    "INSERT INTO send_hold (day, submitter, at, owner, told) SELECT s.day, s.submitter, $5, $6, 0 ",
    is_over!("$3", "$4"),
    " ON CONFLICT (day, submitter) DO NOTHING"
);
const TRACE: &str = concat!(
    "INSERT INTO trace (id, organisation, node, at, event, session, message, door, peer, sender, \
     recipient, reply, reason, rule, detail) SELECT $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
     '', 0, $15, CASE WHEN s.recipients > $3 + $3 * s.clean / 10 \
     THEN 'limit send.recipients_per_day_max' ELSE 'limit send.first_time_per_day_max' END, \
     'recipients=' || s.recipients || ' first_time=' || s.first_time || ' clean_days=' || s.clean ",
    is_over!("$3", "$4")
);

impl Store {
    /// Counts what a message sends to elsewhere, behind the statements that put its copies
    /// (`copies`) into the spool; holds them if it is too much. `trace` is the id of the row that
    /// tells so.
    pub(crate) fn charge(&self, write: &mut Write, it: &Acceptance, copies: Range<Id>, trace: Id) {
        let (peer, limits) = (&it.envelope.peer, it.envelope.limits);
        let (Some(limits), Some(who)) = (limits, peer.submitter()) else { return };
        let submitter = self.submitter(Some(who));
        let account = Account { submitter: &submitter, day: day_of(it.received_at), limits };
        let hashes = recipients(it);
        let number = (copies.end - copies.start).max(0);
        write.push(BEGIN, account.named([CLEAN_MAX.into()]), Expect::Any);
        write.push(COUNT, account.named([number.into()]), Expect::Rows(1));
        for hash in &hashes {
            write.push(COUNT_FIRST_TIME, account.named([(*hash).into()]), Expect::Any);
        }
        for hash in &hashes {
            write.push(REMEMBER, account.limited([(*hash).into()]), Expect::Any);
        }
        let range = [copies.start.into(), copies.end.into()];
        let words = [HELD_RECIPIENTS.into(), HELD_FIRST_TIME.into()];
        write.push(HOLD, account.limited(range.into_iter().chain(words)), Expect::Any);
        write.push(COUNT_HELD, account.limited([number.into()]), Expect::Any);
        let owner = match (&peer.login, &peer.user) {
            (Some(login), _) => login.address.to_string(),
            (None, user) => user.as_ref().map_or_else(String::new, |u| u.address.to_string()),
        };
        let owed = [it.received_at.0.into(), owner.into()];
        write.push(OWE_NOTICE, account.limited(owed), Expect::Any);
        let row = [
            trace.into(),
            self.organisation.into(),
            self.node.into(),
            it.received_at.0.into(),
            Event::Finding.word().into(),
            peer.session.0.into(),
            it.message.0.into(),
            peer.door.word().into(),
            peer.place().into(),
            it.envelope.sender.to_string().into(),
            Reason::SendLimit.word().into(),
        ];
        write.push(TRACE, account.limited(row), Expect::Any);
    }

    /// What a submitter sent on the day of `now`, and what it may by these limits.
    ///
    /// # Errors
    /// The database's.
    pub async fn sent_today(
        &self,
        who: Submitter,
        limits: SendLimits,
        now: Timestamp,
    ) -> Result<SentToday, Error> {
        let sql = "SELECT day, recipients, first_time, held, clean FROM sent \
                   WHERE submitter = $1 AND day <= $2 ORDER BY day DESC LIMIT 1";
        let day = day_of(now);
        let params = vec![self.submitter(Some(who)).into(), day.into()];
        let row = self.db.read(sql, params).await?.pop();
        let sent = row.map(|row| last_sent(row, day)).transpose()?.unwrap_or_default();
        Ok(SentToday { limits: grown(limits, sent.clean), ..sent })
    }

    /// Counts a submitter's day anew from nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn reset_sent(
        &self,
        who: Submitter,
        name: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let numbered = self.numbered(1).await?;
        let mut write = Write::default();
        write.push(
            "UPDATE sent SET recipients = 0, first_time = 0 WHERE submitter = $1 AND day = $2",
            vec![self.submitter(Some(who)).into(), day_of(now).into()],
            Expect::Any,
        );
        let row = administration(now, format!("what {name} sent today is counted anew"));
        let ids = numbered.ids.clone();
        crate::trace::write_rows(&mut write, self.organisation, self.node, ids, vec![row]);
        self.db.write(write).await.map(drop)
    }

    /// Forgets some days from long ago; `true` if more are left.
    pub(crate) async fn forget_sent(&self, now: Timestamp) -> Result<bool, Error> {
        let end = day_of(now) - SENT_DAYS;
        let sql = "SELECT submitter, day FROM sent WHERE day < $1 LIMIT $2";
        let rows = self.db.read(sql, vec![end.into(), ROWS_AT_ONCE.into()]).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let mut write = Write::default();
        for row in rows {
            let sql = "DELETE FROM sent WHERE submitter = $1 AND day = $2";
            write.push(sql, row, Expect::Any);
        }
        write.push("DELETE FROM send_hold WHERE day < $1", vec![end.into()], Expect::Any);
        self.db.write(write).await?;
        Ok(more)
    }

    /// Looks at the next correspondents, and forgets those that were not written to for long;
    /// `true` if the walk is not at its end.
    pub(crate) async fn forget_correspondents(
        &self,
        now: Timestamp,
        walk: &mut Walk,
    ) -> Result<bool, Error> {
        let sql = "SELECT submitter, recipient, last_day FROM correspondent \
                   WHERE (submitter, recipient) > ($1, $2) ORDER BY submitter, recipient LIMIT $3";
        let (submitter, recipient) = walk.0.clone().unwrap_or((String::new(), i64::MIN));
        let params = vec![submitter.into(), recipient.into(), ROWS_AT_ONCE.into()];
        let rows = self.db.read(sql, params).await?;
        let more = rows.len() as i64 == ROWS_AT_ONCE;
        let end = day_of(now) - CORRESPONDENT_DAYS;
        let mut write = Write::default();
        walk.0 = None;
        for row in rows {
            let mut row = Columns::of(row);
            let (submitter, recipient, day) = (row.text()?, row.int()?, row.int()?);
            if day < end {
                write.push(
                    "DELETE FROM correspondent \
                     WHERE submitter = $1 AND recipient = $2 AND last_day = $3",
                    vec![submitter.as_str().into(), recipient.into(), day.into()],
                    Expect::Any,
                );
            }
            walk.0 = more.then_some((submitter, recipient));
        }
        if !write.statements.is_empty() {
            self.db.write(write).await?;
        }
        Ok(more)
    }
}

/// Remembers a recipient whose copy was held and is released: somebody looked at it.
pub(crate) fn remember_released(submitter: &str, recipient: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO correspondent (submitter, recipient, last_day) VALUES ($1, $2, $3) \
         ON CONFLICT (submitter, recipient) DO UPDATE SET last_day = excluded.last_day",
        vec![submitter.into(), Term::address(recipient).0.into(), day_of(now).into()],
    )
}

/// Each recipient elsewhere of a message, once, as a number.
///
/// Two addresses with one number would take one for known that is not: with 63 bits that happens to
/// nobody by chance, and costs a stranger's letter in place of a hold.
fn recipients(it: &Acceptance) -> Vec<i64> {
    let onward = it.judgement.verdicts.iter().filter_map(|verdict| match verdict {
        mail::Verdict::Deliver(_, onward) => Some(onward),
        _ => None,
    });
    let hash = |onward: &mail::Onward| Term::address(&onward.address.to_string()).0;
    let mut hashes: Vec<i64> = onward.flatten().map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// The newest day's row, as it is on `today`: counted, or what the next one will grow to.
fn last_sent(row: Row, today: i64) -> Result<SentToday, Error> {
    let mut row = Columns::of(row);
    let day = row.int()?;
    let mut number = || Ok::<u64, Error>(row.int()?.max(0).cast_unsigned());
    let (recipients, first_time, held, clean) = (number()?, number()?, number()?, number()?);
    let limits = SendLimits::default();
    if day == today {
        return Ok(SentToday { recipients, first_time, held, clean, limits });
    }
    let grows = clean.saturating_add(1).min(CLEAN_MAX.cast_unsigned());
    let clean = if held > 0 { clean / 2 } else { grows };
    Ok(SentToday { clean, ..SentToday::default() })
}

fn administration(at: Timestamp, detail: String) -> TraceRow {
    TraceRow {
        at,
        event: Event::Administration,
        session: None,
        message: None,
        door: mail::Door::Admin.word().to_owned(),
        peer: String::new(),
        sender: String::new(),
        recipient: String::new(),
        reply: 0,
        reason: Reason::Unopposed,
        rule: "administrator".to_owned(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::grown;
    use mail::SendLimits;
    use proptest::prelude::*;

    #[test]
    fn limits_grow_by_a_tenth_a_clean_day() {
        let limits = SendLimits { recipients: 500, first_time: 100 };
        for (clean, recipients, first_time) in
            [(0, 500, 100), (1, 550, 110), (3, 650, 130), (30, 2_000, 400)]
        {
            let found = grown(limits, clean);
            assert_eq!((found.recipients, found.first_time), (recipients, first_time), "{clean}");
        }
    }

    proptest! {
        #[test]
        fn growth_is_monotone_and_bounded(limit in 0..u64::MAX / 100, clean in 0_u64..30) {
            let of = |clean| grown(SendLimits { recipients: limit, first_time: limit }, clean);
            prop_assert!(of(clean).recipients <= of(clean + 1).recipients);
            prop_assert!(of(clean).recipients >= limit && of(clean).recipients <= limit * 4);
        }
    }
}
