//! The self-test: a test virus through the server's own port 25, once a day and when somebody asks.
//!
//! It comes as a stranger's message and is treated as one: nothing in the server knows it, so there
//! is nothing that a stranger could imitate. What became of it is read in the trace, by a
//! Message-ID that nobody can guess. What was held of it is deleted again, so that no digest tells
//! of it; where nothing catches it, postmaster gets it, with words about what that means.

mod sending;

use crate::SelfTestView;
use filter::Filter;
use mail::{Address, Id, MessageId, Reason, TraceRow};
use net::{Clock, Drain};
use policy::Policy;
use smtp::client::{Command, Outcome};
use smtp::reply::Severity;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use store::{Actor, HeldFilter, Store};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often the job is looked at; also what a server that has just started waits.
const TURN: Duration = Duration::from_secs(5 * 60);
/// How long a run may take; a node that ended in the middle is waited for so long.
const LEASE: Duration = Duration::from_secs(15 * 60);
const JOB: &str = "self-test";
const HOUR: u64 = 3_600;
/// Rows of the quarantine that one message to one recipient can have.
const HELD_MAX: usize = 10;

/// Who deletes what was held of it.
const BY: Actor<'_> = Actor { door: mail::Door::Local, name: "self-test", peer: None };

/// All that the self-test needs.
#[derive(Clone)]
pub struct SelfTest {
    /// Where its fate is read.
    pub store: Arc<Store>,
    /// The settings in force.
    pub policy: Arc<Policy>,
    /// Whose scanners have to find it.
    pub filter: Arc<Filter>,
    /// The time.
    pub clock: Clock,
    /// Where strangers' mail is taken; none where it is not.
    pub door: Option<SocketAddr>,
}

impl SelfTest {
    /// Tests once a day (`scanner.self_test_hours`), on one node of all, until the drain.
    pub async fn keep(self, drain: Drain) {
        let mut turns = interval_at(Instant::now() + TURN, TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = drain.wait() => return,
                _ = turns.tick() => {}
            }
            tokio::select! {
                biased;
                () = drain.wait() => return,
                turn = self.turn() => if let Err(error) = turn {
                    tracing::warn!(%error, "the self-test is done later");
                },
            }
        }
    }

    /// Tests, if a day has passed since the last time; whether it did.
    ///
    /// # Errors
    /// The database's.
    pub async fn turn(&self) -> Result<bool, store::Error> {
        let hours = self.policy.snapshot().settings().scanner.self_test_hours;
        if hours == 0 || self.door.is_none() {
            return Ok(false);
        }
        let every = Duration::from_secs(hours * HOUR);
        let Some(lease) = self.store.claim_job(JOB, every, LEASE).await? else {
            return Ok(false);
        };
        // An alarm is in the log already.
        let _ = self.run().await;
        self.store.finish_job(lease).await?;
        Ok(true)
    }

    /// Tests now, and sounds the alarm in the log where it has to.
    ///
    /// # Errors
    /// It could not be sent, and why.
    pub async fn run(&self) -> Result<SelfTestView, String> {
        let tested = self.test().await;
        match &tested {
            Err(why) => tracing::error!(why, "the self-test could not be done"),
            Ok(view) => {
                let (reply, message) = (view.reply.as_str(), view.message.map(|id| id.0));
                let missed_by = view.missed_by.join(", ");
                match view.outcome.as_str() {
                    "caught" => tracing::info!(message, "the self-test's virus was caught"),
                    "missed" => tracing::error!(
                        message,
                        missed_by,
                        "the self-test's virus was not found by every scanner"
                    ),
                    "passed" => tracing::error!(
                        message,
                        reply,
                        "ALARM: the self-test's virus passed the filter"
                    ),
                    _ => tracing::error!(
                        message,
                        reply,
                        "the self-test's virus was not taken for one, but did not pass"
                    ),
                }
            }
        }
        tested
    }

    async fn test(&self) -> Result<SelfTestView, String> {
        let told = |error: store::Error| error.to_string();
        let door = self.door.ok_or("there is no door for strangers (listen.smtp)")?;
        let snapshot = self.policy.snapshot();
        let settings = snapshot.settings();
        let to = Address::at("postmaster", &settings.server.hostname);
        let to = to.map_err(|error| error.to_string())?;
        let local: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let mut networks = settings.proxy.networks.iter();
        let proxied = networks.any(|network| local.iter().any(|ip| network.contains(ip)));
        let token = token()?;
        let message = sending::message(&to, &token, self.clock.now());
        let position = self.store.trace_position().await.map_err(told)?;
        let outcome = sending::send(door, proxied, &to, &message).await?;
        let rows = self.rows(position, &sending::message_id(&token)).await.map_err(told)?;
        let view = self.judge(&outcome, &rows);
        if let Some(message) = view.message {
            self.delete(message).await.map_err(told)?;
        }
        Ok(view)
    }

    /// What the trace has of the message.
    async fn rows(&self, position: Id, message_id: &str) -> Result<Vec<TraceRow>, store::Error> {
        let mut rows = self.store.trace_since(position).await?;
        let id = format!("message_id=<{message_id}>");
        let is_it = |row: &TraceRow| row.detail.split(' ').any(|word| word == id);
        let message = rows.iter().find(|row| is_it(row)).and_then(|row| row.message);
        rows.retain(|row| row.message.is_some() && row.message == message);
        Ok(rows)
    }

    /// What it all means.
    fn judge(&self, outcome: &Outcome, rows: &[TraceRow]) -> SelfTestView {
        let (reply, is_refused) = match outcome {
            Outcome::Delivered(reply) => (format!("{} {}", reply.code, reply.text), false),
            Outcome::Refused { command, reply } => {
                (format!("{} to {command}: {}", reply.code, reply.text), true)
            }
            other => (format!("{other:?}"), true),
        };
        let mut found_by: Vec<String> = Vec::new();
        for row in rows.iter().filter(|row| row.reason == Reason::VirusFound) {
            if !found_by.contains(&row.rule) {
                found_by.push(row.rule.clone());
            }
        }
        // Its row is the first: what decided.
        let decided = rows.first().is_some_and(|row| row.reason == Reason::VirusFound);
        let is_held = rows.iter().any(|row| row.event == mail::Event::Quarantined);
        let scanners = self.filter.scanners().against_viruses();
        let rule = |kind: &&str| format!("scanner {kind}");
        let were_asked = !is_refused || scanners.iter().any(|kind| found_by.contains(&rule(kind)));
        let must_be_asked = !scanners.is_empty();
        let missed = scanners.iter().filter(|kind| were_asked && !found_by.contains(&rule(kind)));
        let missed_by: Vec<String> = missed.map(ToString::to_string).collect();
        let is_for_good = matches!(
            outcome,
            Outcome::Refused { command: Command::Message, reply }
                if reply.severity() == Some(Severity::Permanent)
        );
        let is_caught = decided && (is_held || is_for_good);
        let outcome = match (is_caught, is_refused || is_held) {
            // Of a local network's virus the lists alone may have the last word.
            (true, _) if must_be_asked && !were_asked => "unclear",
            (true, _) if missed_by.is_empty() => "caught",
            (true, _) => "missed",
            // Nothing is known of a message whose rows are not found.
            (false, false) if !rows.is_empty() => "passed",
            (false, _) => "unclear",
        };
        let message = rows.first().and_then(|row| row.message);
        SelfTestView { outcome: outcome.to_owned(), reply, message, found_by, missed_by }
    }

    /// Deletes what is held of it.
    async fn delete(&self, message: MessageId) -> Result<(), store::Error> {
        let filter = HeldFilter { message: Some(message), ..HeldFilter::default() };
        for held in self.store.quarantine_list(0, &filter, HELD_MAX).await? {
            self.store.delete_held(held.id, BY).await?;
        }
        Ok(())
    }
}

/// What nobody can guess.
fn token() -> Result<String, String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}
