//! The line of one destination: what waits for it, and how it has behaved.

use super::{Batch, Worker};
use crate::schedule::{LONGEST, Lifetime};
use mail::{Id, MessageId, Timestamp};
use std::collections::VecDeque;

/// A copy that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) id: Id,
    pub(super) message: MessageId,
    pub(super) fence: i64,
    pub(super) queued: Timestamp,
    /// Whether its sender was told that it is late.
    pub(super) warned: bool,
}

/// Messages that one look takes because of their age, so that a step stays short.
const OLD_AT_ONCE: usize = 100;
/// How long a connection without work is kept, in milliseconds: mail to one destination comes in
/// rows, and a new connection costs as much as a message. Postfix has 2 s too.
const REST: i64 = 2_000;
/// Connections that a destination begins with.
const WINDOW_FIRST: usize = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    items: VecDeque<Item>,
    /// Connections it has.
    pub(super) workers: usize,
    /// Those of them that have nothing to do, and since when; the last one is taken first.
    idle: Vec<(Worker, Timestamp)>,
    /// Connections it may have; grows by one with each batch it takes.
    window: usize,
    /// Failures to reach it, in a row.
    failures: u32,
    left_alone_until: Option<Timestamp>,
    /// Whether it is among the turns.
    pub(super) has_turn: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            items: VecDeque::new(),
            workers: 0,
            idle: Vec::new(),
            window: WINDOW_FIRST,
            failures: 0,
            left_alone_until: None,
            has_turn: false,
        }
    }
}

impl Line {
    pub(super) fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    /// Takes a copy out, and tries the destination again.
    pub(super) fn forget(&mut self, id: Id) {
        self.items.retain(|item| item.id != id);
        self.left_alone_until = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Nothing waits, nobody works, and nothing has to be remembered.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.items.is_empty() && self.workers == 0 && self.blocked(now).is_none()
    }

    /// Until when it is left alone. A clock that was put back does not lengthen that.
    pub(super) fn blocked(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.left_alone_until?;
        (until > now && until <= now.plus_millis(LONGEST)).then_some(until)
    }

    /// One that failed is tried with one connection at first.
    pub(super) fn may_connect(&self, most: usize) -> bool {
        let window = if self.failures > 0 { 1 } else { self.window.min(most) };
        self.workers < window
    }

    /// A connection that has nothing to do is kept for a moment.
    pub(super) fn rest(&mut self, worker: Worker, now: Timestamp) {
        self.idle.push((worker, now));
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// A connection that has nothing to do, and is going to have.
    pub(super) fn wake(&mut self) -> Option<Worker> {
        self.idle.pop().map(|(worker, _)| worker)
    }

    /// Those that have had nothing to do for too long, or since a time that has not come.
    pub(super) fn rested(&mut self, now: Timestamp) -> Vec<Worker> {
        let is_over =
            |(_, since): &mut (Worker, Timestamp)| !(0..REST).contains(&(now.0 - since.0));
        self.idle.extract_if(.., is_over).map(|(worker, _)| worker).collect()
    }

    pub(super) fn reached(&mut self, most: usize) {
        self.failures = 0;
        self.left_alone_until = None;
        self.window = (self.window + 1).min(most.max(WINDOW_FIRST));
    }

    pub(super) fn unreachable(&mut self, now: Timestamp) {
        // Several connections that fail together are one failure.
        if self.blocked(now).is_none() {
            self.failures = self.failures.saturating_add(1);
            self.left_alone_until = Some(super::pause(self.failures, now));
        }
        self.window = WINDOW_FIRST;
    }

    /// The first message of the line with its copies that stand together, at most so many.
    pub(super) fn batch(&mut self, recipients: usize) -> Option<Batch> {
        let first = self.items.pop_front()?;
        let mut batch = Batch { message: first.message, copies: vec![(first.id, first.fence)] };
        while batch.copies.len() < recipients
            && let Some(next) = self.items.pop_front_if(|item| item.message == first.message)
        {
            batch.copies.push((next.id, next.fence));
        }
        Some(batch)
    }

    /// Takes out what is over or late, for it to be settled.
    pub(super) fn take_old(
        &mut self,
        lifetime: Lifetime,
        recipients: usize,
        now: Timestamp,
    ) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut kept = VecDeque::with_capacity(self.items.len());
        for item in self.items.drain(..) {
            let is_old = !item.warned && lifetime.is_late(item.queued, now)
                || lifetime.is_over(item.queued, now);
            if !is_old || batches.len() >= OLD_AT_ONCE {
                kept.push_back(item);
                continue;
            }
            match batches.last_mut() {
                Some(batch) if batch.message == item.message && batch.copies.len() < recipients => {
                    batch.copies.push((item.id, item.fence));
                }
                _ => batches
                    .push(Batch { message: item.message, copies: vec![(item.id, item.fence)] }),
            }
        }
        self.items = kept;
        batches
    }
}
