//! A world with faults around the scheduler: other servers that take mail, defer it, refuse it or
//! are gone, a store that remembers, a process that dies, a clock that jumps. After every step each
//! copy is in exactly one place.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Batch, Effect, End, Event, Limits, Scheduler, Worker};
use crate::schedule::{self, Lifetime};
use mail::{Id, MessageId, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use store::Due;

const STEPS: u32 = 100_000;
const HOUR: i64 = 3_600_000;
const LIMITS: Limits =
    Limits { connections: 12, per_destination: 4, recipients: 5, in_a_row: 3, waiting: 2_000 };

/// xorshift64*: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % end
    }
}

/// A copy as the store has it.
#[derive(Debug, Clone)]
struct Copy {
    message: MessageId,
    destination: String,
    queued_at: Timestamp,
    place: Place,
    fence: i64,
    attempts: u32,
    warned: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    DueAt(Timestamp),
    Leased,
    Settled,
}

struct World {
    random: Random,
    now: Timestamp,
    scheduler: Scheduler,
    lifetime: Lifetime,
    copies: BTreeMap<Id, Copy>,
    open: BTreeMap<Worker, (String, Batch)>,
    /// Sent, and not written down yet; the worker asked for more meanwhile.
    unsettled: Vec<Batch>,
    next: Id,
    settled: u64,
    /// From here on every server takes all mail.
    is_healed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let lifetime = Lifetime::default();
        Self {
            random: Random(seed | 1),
            now: Timestamp(1_000_000_000_000),
            scheduler: Scheduler::new(LIMITS, lifetime),
            lifetime,
            copies: BTreeMap::new(),
            open: BTreeMap::new(),
            unsettled: Vec::new(),
            next: 1,
            settled: 0,
            is_healed: false,
        }
    }

    /// A step, and what it has to follow: workers end some time after they were told to, which may
    /// give others a connection.
    fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.scheduler.step(event, self.now) {
                events.extend(self.follow(effect));
            }
        }
        self.check();
    }

    fn follow(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Start(worker, destination, batch) => {
                self.lease(&batch, &destination);
                assert!(self.open.insert(worker, (destination, batch)).is_none());
            }
            Effect::Send(worker, batch) => {
                let (destination, _) = self.open.get(&worker).unwrap().clone();
                self.lease(&batch, &destination);
                self.open.insert(worker, (destination, batch));
            }
            Effect::Quit(worker) => {
                self.open.remove(&worker).unwrap();
                return Some(Event::Ended(worker, End::Reached));
            }
            Effect::Review(destination, batch) => {
                self.lease(&batch, &destination);
                self.settle(&batch, |_| true);
            }
        }
        None
    }

    fn lease(&mut self, batch: &Batch, destination: &str) {
        assert!(!batch.copies.is_empty() && batch.copies.len() <= LIMITS.recipients);
        for (id, fence) in &batch.copies {
            let copy = self.copies.get_mut(id).unwrap();
            assert!(matches!(copy.place, Place::DueAt(_)), "{id} is sent twice: {copy:?}");
            assert_eq!((copy.message, copy.fence), (batch.message, *fence));
            assert_eq!(copy.destination, destination);
            copy.place = Place::Leased;
            copy.fence += 1;
        }
    }

    /// The worker's batch ends: `fails` says for which copies it was in vain.
    fn settle(&mut self, batch: &Batch, fails: impl Fn(u64) -> bool) {
        for (id, _) in &batch.copies {
            let dice = self.random.below(100);
            let copy = self.copies.get_mut(id).unwrap();
            assert_eq!(copy.place, Place::Leased);
            if !fails(dice) || self.lifetime.is_over(copy.queued_at, self.now) {
                copy.place = Place::Settled;
                self.settled += 1;
            } else {
                copy.attempts += 1;
                copy.warned |= self.lifetime.is_late(copy.queued_at, self.now);
                copy.place = Place::DueAt(schedule::again(copy.attempts, self.now));
            }
        }
    }

    fn check(&self) {
        assert!(self.open.len() <= LIMITS.connections);
        let mut per_destination: BTreeMap<&str, usize> = BTreeMap::new();
        let mut leased = 0;
        for (destination, batch) in self.open.values() {
            *per_destination.entry(destination).or_default() += 1;
            leased += batch.copies.len();
        }
        leased += self.unsettled.iter().map(|batch| batch.copies.len()).sum::<usize>();
        assert!(per_destination.values().all(|n| *n <= LIMITS.per_destination));
        assert!(self.scheduler.known() <= LIMITS.waiting + LIMITS.connections * LIMITS.recipients);
        // Everything leased is with one worker, or about to be settled.
        let in_store = self.copies.values().filter(|copy| copy.place == Place::Leased).count();
        assert_eq!(in_store, leased);
    }

    fn accept(&mut self) {
        let message = MessageId(self.next);
        for _ in 0..=self.random.below(7) {
            let destination = format!("d{}.example", self.random.below(9));
            let copy = Copy {
                message,
                destination,
                queued_at: self.now,
                place: Place::DueAt(self.now),
                fence: 0,
                attempts: 0,
                warned: false,
            };
            self.copies.insert(self.next, copy);
            self.next += 1;
        }
    }

    /// What the store says is due; the look may be late, but never forgets.
    fn look(&mut self) {
        let due = self.copies.iter().filter_map(|(id, copy)| match copy.place {
            Place::DueAt(at) if at <= self.now => Some(Due {
                id: *id,
                message: copy.message,
                destination: copy.destination.clone(),
                at,
                fence: copy.fence,
                queued_at: copy.queued_at,
                warned: copy.warned,
            }),
            _ => None,
        });
        let due = due.collect();
        self.feed(Event::Due(due));
    }

    /// A worker comes to an end of some kind.
    fn work(&mut self) {
        let number = self.random.below(self.open.len().max(1) as u64) as usize;
        // A worker without work does nothing until it is told to.
        let at_work = self.open.iter().filter(|(_, (_, batch))| !batch.copies.is_empty());
        let Some((worker, (destination, batch))) =
            at_work.cycle().nth(number).map(|(worker, open)| (*worker, open.clone()))
        else {
            return;
        };
        // d0 is dead for good, d1 comes and goes, the others are of mixed temper.
        let is_dead = match destination.as_str() {
            _ if self.is_healed => false,
            "d0.example" => true,
            "d1.example" => self.random.below(2) == 0,
            _ => self.random.below(50) == 0,
        };
        let healed = self.is_healed;
        if is_dead {
            self.settle(&batch, |_| true);
            self.open.remove(&worker);
            self.feed(Event::Ended(worker, End::Unreachable));
        } else {
            let idle = Batch { copies: Vec::new(), message: batch.message };
            self.open.insert(worker, (destination, idle));
            if self.random.below(10) == 0 {
                self.settle(&batch, |dice| !healed && dice < 20);
                self.open.remove(&worker);
                self.feed(Event::Ended(worker, End::Reached));
            } else {
                self.unsettled.push(batch);
                self.feed(Event::Ready(worker));
            }
        }
    }

    /// What was sent is written down, sooner or later.
    fn write_down(&mut self) {
        let healed = self.is_healed;
        for batch in std::mem::take(&mut self.unsettled) {
            self.settle(&batch, |dice| !healed && dice < 20);
        }
    }

    /// The process dies; the next one frees what was leased.
    fn restart(&mut self) {
        self.open.clear();
        self.unsettled.clear();
        self.scheduler = Scheduler::new(LIMITS, self.lifetime);
        for copy in self.copies.values_mut().filter(|copy| copy.place == Place::Leased) {
            copy.place = Place::DueAt(self.now);
        }
    }

    fn step(&mut self) {
        match self.random.below(1_000) {
            0 => self.restart(),
            1 => self.now = self.now.plus_millis(-HOUR),
            2 => self.now = self.now.plus_millis(30 * HOUR),
            3..200 => self.accept(),
            200..330 => self.look(),
            330..380 => {
                self.now = self.now.plus_millis(1 + self.random.below(120_000) as i64);
                self.feed(Event::Tick);
            }
            380..450 => self.write_down(),
            _ => self.work(),
        }
        if self.copies.len() > 4_000 {
            self.copies.retain(|_, copy| copy.place != Place::Settled);
        }
    }

    fn waiting(&self) -> usize {
        self.copies.values().filter(|copy| copy.place != Place::Settled).count()
    }
}

#[test]
fn whatever_happens_each_copy_is_in_one_place_and_none_is_forgotten() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 7_919 + 1);
    println!("SEED={seed}");
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    assert!(world.settled > 1_000, "only {} were settled", world.settled);
    // Once every server takes mail, all of it arrives.
    world.is_healed = true;
    for _ in 0..1_000_000 {
        if world.waiting() == 0 {
            return;
        }
        world.look();
        for _ in 0..50 {
            world.work();
            world.write_down();
        }
        world.now = world.now.plus_millis(60_000);
        world.feed(Event::Tick);
    }
    panic!("{} copies are stuck", world.waiting());
}

fn due(id: Id, destination: &str, at: Timestamp) -> Due {
    Due {
        id,
        message: MessageId(id),
        destination: destination.to_owned(),
        at,
        fence: 0,
        queued_at: at,
        warned: false,
    }
}

/// What comes a moment later goes over the connection that is there; it ends when nothing comes, or
/// when others need one.
#[test]
fn a_connection_without_work_is_kept_for_a_moment() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let mut scheduler = Scheduler::new(limits, Lifetime::default());
    let now = Timestamp(1_000_000_000_000);
    let batch = |id| Batch { message: MessageId(id), copies: vec![(id, 0)] };
    let start = |n, id, to: &str| Effect::Start(Worker(n), to.to_owned(), batch(id));
    let mut check = |event, after, expected: &[Effect]| {
        assert_eq!(scheduler.step(event, now.plus_millis(after)), expected);
    };
    let a = |id| Event::Due(vec![due(id, "a.example", now)]);
    check(a(1), 0, &[start(0, 1, "a.example")]);
    check(Event::Ready(Worker(0)), 100, &[]);
    check(a(2), 200, &[Effect::Send(Worker(0), batch(2))]);
    check(Event::Ready(Worker(0)), 300, &[]);
    check(Event::Tick, 2_200, &[]);
    check(a(3), 2_250, &[Effect::Send(Worker(0), batch(3))]);
    check(Event::Ready(Worker(0)), 2_300, &[]);
    check(Event::Tick, 4_400, &[Effect::Quit(Worker(0))]);
    // It is on its way out: what comes now needs a new one.
    check(a(4), 4_500, &[start(1, 4, "a.example")]);
    check(Event::Ended(Worker(0), End::Reached), 4_600, &[]);
    check(Event::Ready(Worker(1)), 4_700, &[]);
    check(Event::Due(vec![due(5, "b.example", now)]), 4_800, &[start(2, 5, "b.example")]);
    // All are taken: one that has nothing to do makes room, once.
    check(Event::Due(vec![due(6, "c.example", now)]), 4_900, &[Effect::Quit(Worker(1))]);
    check(Event::Tick, 5_000, &[]);
    check(Event::Ended(Worker(1), End::Reached), 5_100, &[start(3, 6, "c.example")]);
    // A worker that has nothing more ends at once where others wait.
    check(Event::Due(vec![due(7, "d.example", now)]), 5_200, &[]);
    check(Event::Ready(Worker(2)), 5_300, &[Effect::Quit(Worker(2))]);
}

/// The end of a connection that had no work says nothing of the destination.
#[test]
fn a_connection_that_ends_idle_opens_no_way() {
    let mut scheduler = Scheduler::new(Limits::default(), Lifetime::default());
    let now = Timestamp(1_000_000_000_000);
    let messages = (1..=2).map(|id| due(id, "a.example", now)).collect();
    assert_eq!(scheduler.step(Event::Due(messages), now).len(), 2);
    assert!(scheduler.step(Event::Ready(Worker(0)), now).is_empty());
    assert!(scheduler.step(Event::Ended(Worker(1), End::Unreachable), now).is_empty());
    let later = now.plus_millis(3_000);
    assert_eq!(scheduler.step(Event::Tick, later), [Effect::Quit(Worker(0))]);
    assert!(scheduler.step(Event::Ended(Worker(0), End::Reached), later).is_empty());
    let more = vec![due(3, "a.example", later)];
    assert!(scheduler.step(Event::Due(more), later).is_empty(), "it is left alone");
}

/// Fifty thousand messages to a dead destination hold up nobody.
#[test]
fn a_dead_destination_costs_the_others_one_connection() {
    let mut scheduler = Scheduler::new(Limits::default(), Lifetime::default());
    let now = Timestamp(1_000_000_000_000);
    let dead = (1..=50_000).map(|id| due(id, "dead.example", now)).collect();
    let first = scheduler.step(Event::Due(dead), now);
    assert_eq!(first.len(), 2, "a destination begins with two connections");
    let others = (60_001..=60_050).map(|id| due(id, &format!("d{id}.example"), now)).collect();
    let started = scheduler.step(Event::Due(others), now);
    assert_eq!(started.len(), 50);
    for effect in first {
        let Effect::Start(worker, ..) = effect else { panic!("{effect:?}") };
        assert!(scheduler.step(Event::Ended(worker, End::Unreachable), now).is_empty());
    }
    let soon = now.plus_millis(60_000);
    assert!(scheduler.step(Event::Tick, soon).is_empty(), "it is left alone");
    let later = now.plus_millis(5 * 60_000 + 1);
    let again = scheduler.step(Event::Tick, later);
    assert_eq!(again.len(), 1, "and tried with one connection");
}
