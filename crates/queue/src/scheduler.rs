//! Who may be sent to next: a pure machine over what is due, without I/O and without a clock.
//!
//! It keeps a few bytes of each copy that is due, in lines: one for each destination. Destinations
//! take turns, so that fifty thousand messages to one domain hold up nobody else; how many
//! connections a destination gets grows while it takes mail. One that cannot be reached is left
//! alone for a while, and all its mail with it: that is told by one attempt, not by fifty thousand.
//!
//! What happens comes in by [`Scheduler::step`], what is to be done comes out. A connection (here a
//! *worker*) begins with a batch and asks for more when it is done with one, so that it is used
//! again; where there is no more it is kept for a moment, since mail to one destination often comes
//! in a row. A batch is copies of one message to one destination.

mod line;
#[cfg(test)]
mod simulation;

use crate::schedule::{self, Lifetime};
use line::{Item, Line};
use mail::{Id, MessageId, Timestamp};
use std::collections::{HashMap, VecDeque};
use store::Due;

/// What may be under way at one time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections to one destination.
    pub per_destination: usize,
    /// Recipients of one transaction (RFC 5321 §4.5.3.1.8 has every server take 100).
    pub recipients: usize,
    /// Transactions on one connection while others wait for one.
    pub in_a_row: u32,
    /// Copies that are kept in mind; what is beyond stays in the store until there is room.
    pub waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100,
            per_destination: 20,
            recipients: 100,
            in_a_row: 100,
            waiting: 500_000,
        }
    }
}

/// A connection, from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Worker(u64);

/// Copies of one message to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The message.
    pub message: MessageId,
    /// Each copy with its fence.
    pub copies: Vec<(Id, i64)>,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// These copies are due. Those that are known already are passed over.
    Due(Vec<Due>),
    /// A worker has sent its batch, and can take another one. What is not settled yet is under its
    /// lease.
    Ready(Worker),
    /// A worker is gone, with its batch settled.
    Ended(Worker, End),
    /// Time has passed.
    Tick,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The destination was reached; what it said concerned the messages.
    Reached,
    /// Nobody there could be reached, or nobody there takes any mail at present.
    Unreachable,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Connect to the destination and send the batch.
    Start(Worker, String, Batch),
    /// Send the batch over the connection that is there.
    Send(Worker, Batch),
    /// End the connection; there is nothing more for it.
    Quit(Worker),
    /// Settle a batch whose destination is left alone: its time is over, or its sender should hear.
    Review(String, Batch),
}

/// A worker at work.
#[derive(Debug)]
struct Busy {
    destination: String,
    /// What it has been given and not settled.
    batch: Vec<Id>,
    /// Batches so far.
    done: u32,
    /// Whether it has been told to end.
    quits: bool,
}

/// The machine.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    lifetime: Lifetime,
    lines: HashMap<String, Line>,
    /// Destinations that have something to send and may get a connection, in turn.
    turns: VecDeque<String>,
    workers: HashMap<Worker, Busy>,
    /// Workers that have been told to end.
    quitting: usize,
    next_worker: u64,
    /// Every copy in a line or with a worker, with its fence.
    known: HashMap<Id, i64>,
}

impl Scheduler {
    /// A machine that knows of nothing.
    pub fn new(limits: Limits, lifetime: Lifetime) -> Self {
        Self {
            limits,
            lifetime,
            lines: HashMap::new(),
            turns: VecDeque::new(),
            workers: HashMap::new(),
            quitting: 0,
            next_worker: 0,
            known: HashMap::new(),
        }
    }

    /// Takes an event; what is to be done now.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Due(due) => due.into_iter().for_each(|due| self.add(due)),
            Event::Ready(worker) => effects.extend(self.more(worker, now)),
            Event::Ended(worker, end) => self.ended(worker, end, now),
            Event::Tick => effects.extend(self.review(now)),
        }
        self.start(now, &mut effects);
        effects
    }

    /// Whether more copies are taken in.
    pub fn has_room(&self) -> bool {
        self.known.len() < self.limits.waiting
    }

    /// Copies that are known: waiting or under way.
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// Until when each destination is left alone that cannot be reached, for lists.
    pub fn left_alone(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let blocked =
            |(name, line): (&String, &Line)| line.blocked(now).map(|until| (name.clone(), until));
        self.lines.iter().filter_map(blocked).collect()
    }

    fn add(&mut self, due: Due) {
        match self.known.get(&due.id) {
            Some(fence) if *fence >= due.fence => return,
            // An administrator has touched it: it is wanted now, whatever its destination did.
            Some(_) => self.forget(&due),
            None if !self.has_room() => return,
            None => {}
        }
        self.known.insert(due.id, due.fence);
        let line = self.lines.entry(due.destination.clone()).or_default();
        let Due { id, message, fence, warned, queued_at: queued, .. } = due;
        line.push(Item { id, message, fence, queued, warned });
        self.take_turn(&due.destination);
    }

    /// Takes a copy out of its line, and the destination's failures with it.
    fn forget(&mut self, due: &Due) {
        if let Some(line) = self.lines.get_mut(&due.destination) {
            line.forget(due.id);
        }
    }

    /// Puts a destination at the end of the turns, unless it is there.
    fn take_turn(&mut self, destination: &str) {
        let Some(line) = self.lines.get_mut(destination) else { return };
        if !line.has_turn && !line.is_empty() {
            line.has_turn = true;
            self.turns.push_back(destination.to_owned());
        }
    }

    /// Gives connections to destinations in turn, while there are any left.
    fn start(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some(destination) = self.turns.pop_front() {
            let Some(line) = self.lines.get_mut(&destination) else { continue };
            line.has_turn = false;
            // A destination that is left alone, or has what it may have, gets its next turn when
            // that changes: by the clock, or by the end of a worker.
            let has_way = line.has_idle() || line.may_connect(self.limits.per_destination);
            if line.blocked(now).is_some() || !has_way {
                continue;
            }
            if !line.has_idle() && self.workers.len() >= self.limits.connections {
                line.has_turn = true;
                self.turns.push_front(destination);
                return self.make_room(effects);
            }
            let Some(batch) = line.batch(self.limits.recipients) else { continue };
            if let Some(worker) = line.wake() {
                effects.extend(self.send(worker, batch));
                self.take_turn(&destination);
                continue;
            }
            line.workers += 1;
            let worker = Worker(self.next_worker);
            self.next_worker += 1;
            let (waiting, batch_ids) = (destination.clone(), ids(&batch));
            let busy = Busy { destination: waiting, batch: batch_ids, done: 1, quits: false };
            self.workers.insert(worker, busy);
            self.take_turn(&destination);
            effects.push(Effect::Start(worker, destination, batch));
        }
    }

    /// All connections are taken, and destinations wait for one: those that have nothing to do end.
    fn make_room(&mut self, effects: &mut Vec<Effect>) {
        let mut wanted = self.turns.len().saturating_sub(self.quitting);
        for line in self.lines.values_mut() {
            while wanted > 0
                && let Some(worker) = line.wake()
            {
                wanted -= 1;
                effects.extend(quit(&mut self.workers, &mut self.quitting, worker));
            }
        }
    }

    /// The next batch for a connection, or its end.
    fn more(&mut self, worker: Worker, now: Timestamp) -> Option<Effect> {
        let others_wait = self.others_wait();
        let busy = self.workers.get_mut(&worker)?;
        for id in std::mem::take(&mut busy.batch) {
            self.known.remove(&id);
        }
        let line = self.lines.get_mut(&busy.destination)?;
        line.reached(self.limits.per_destination);
        let goes_on = busy.done < self.limits.in_a_row || !others_wait;
        let batch = if goes_on && line.blocked(now).is_none() {
            line.batch(self.limits.recipients)
        } else {
            None
        };
        let Some(batch) = batch else {
            if goes_on && !others_wait {
                line.rest(worker, now);
                return None;
            }
            return quit(&mut self.workers, &mut self.quitting, worker);
        };
        let destination = busy.destination.clone();
        self.take_turn(&destination);
        self.send(worker, batch)
    }

    /// Gives a batch to a worker that has none.
    fn send(&mut self, worker: Worker, batch: Batch) -> Option<Effect> {
        let busy = self.workers.get_mut(&worker)?;
        busy.batch = ids(&batch);
        busy.done += 1;
        Some(Effect::Send(worker, batch))
    }

    /// Whether a destination waits for a connection because all are taken.
    fn others_wait(&self) -> bool {
        self.workers.len() >= self.limits.connections && !self.turns.is_empty()
    }

    fn ended(&mut self, worker: Worker, end: End, now: Timestamp) {
        let Some(busy) = self.workers.remove(&worker) else { return };
        self.quitting -= usize::from(busy.quits);
        let had_batch = !busy.batch.is_empty();
        for id in busy.batch {
            self.known.remove(&id);
        }
        let Some(line) = self.lines.get_mut(&busy.destination) else { return };
        line.workers = line.workers.saturating_sub(1);
        match end {
            // One without a batch had told so before: meanwhile that may have changed.
            End::Reached if had_batch => line.reached(self.limits.per_destination),
            End::Reached => {}
            End::Unreachable => line.unreachable(now),
        }
        if line.is_idle(now) {
            self.lines.remove(&busy.destination);
        } else {
            self.take_turn(&busy.destination);
        }
    }

    /// What the clock alone brings: destinations that may be tried again, mail whose time is over
    /// or whose sender should hear while its destination is left alone, connections without work.
    fn review(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut ready = Vec::new();
        let (lifetime, recipients) = (self.lifetime, self.limits.recipients);
        self.lines.retain(|_, line| !line.is_idle(now));
        for (destination, line) in &mut self.lines {
            for worker in line.rested(now) {
                effects.extend(quit(&mut self.workers, &mut self.quitting, worker));
            }
            if line.blocked(now).is_none() {
                ready.push(destination.clone());
                continue;
            }
            for batch in line.take_old(lifetime, recipients, now) {
                // The settling makes it due again, or ends it: it is not ours any more.
                for (id, _) in &batch.copies {
                    self.known.remove(id);
                }
                effects.push(Effect::Review(destination.clone(), batch));
            }
        }
        ready.sort();
        ready.iter().for_each(|destination| self.take_turn(destination));
        effects
    }
}

/// Has a worker end that has nothing to do.
fn quit(
    workers: &mut HashMap<Worker, Busy>,
    quitting: &mut usize,
    worker: Worker,
) -> Option<Effect> {
    let busy = workers.get_mut(&worker)?;
    busy.quits = true;
    *quitting += 1;
    Some(Effect::Quit(worker))
}

fn ids(batch: &Batch) -> Vec<Id> {
    batch.copies.iter().map(|(id, _)| *id).collect()
}

/// How long a destination is left alone after so many failures in a row.
fn pause(failures: u32, now: Timestamp) -> Timestamp {
    schedule::again(failures, now)
}
