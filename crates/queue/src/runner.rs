//! Does what the scheduler says: a task for each connection, and the settling of what it met.

use crate::delivery::{self, BATCH_MAX, Connection};
use crate::met::Met;
use crate::scheduler::{Batch, Effect, End, Event, Scheduler, Worker};
use crate::tls_report::{self, Session};
use crate::{Queue, settling, sts};
use mail::{Domain, Reason, Timestamp, TlsDemand};
use net::Drain;
use policy::ways::NoWay;
use smtp::client::{Command, Fault, Outcome, Recipient, Transaction};
use smtp::reply::Severity;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Bell, DUE_AT_ONCE, Lease};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// How often the store is asked for what is due, whatever rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What was accepted may be committed so much later than it says: milliseconds.
const LOOK_BACK: i64 = 2_000;
/// Now and then further back: what took its time in the filter, or came from another node.
const LOOK_FAR_BACK: i64 = 180_000;
const FAR_EVERY: Duration = Duration::from_secs(10);
/// Between two looks for a bell's sake: so long at the least, and so many times what the last one
/// took. While much is accepted, one look serves many messages.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(5);
const LOOK_PAUSE_TIMES: u32 = 9;
/// How long a lease lasts: longer than looking names up, reaching a server and a batch may take
/// together, which `delivery` bounds.
const LEASE_MILLIS: i64 = 60 * 60_000;
/// How often it is looked for reports that are due.
const REPORT_EVERY: Duration = Duration::from_secs(600);
/// What stopping waits for deliveries under way.
const STOP_MAX: Duration = Duration::from_secs(20);

/// What a worker hears.
enum Order {
    Send(Batch),
    Quit,
}

/// The loop's own memory.
struct Runner {
    queue: Arc<Queue>,
    scheduler: Scheduler,
    orders: HashMap<Worker, mpsc::UnboundedSender<Order>>,
    workers: JoinSet<()>,
    /// Up to when everything due was seen.
    seen: Option<Timestamp>,
    looked_far: Option<Instant>,
    /// Until then bells are not followed.
    rests_until: Instant,
    /// What each destination that is left alone met last.
    troubles: HashMap<String, Met>,
}

/// What a worker tells.
struct Told {
    worker: Worker,
    destination: String,
    /// `None`: it is ready for more.
    end: Option<(End, Option<Met>)>,
}

/// Sends on what is due until the drain; then finishes what is under way.
pub async fn run(queue: Arc<Queue>, drain: Drain) {
    let now = queue.clock.now();
    if let Err(error) = queue.store.release_leases(now).await {
        tracing::warn!(%error, "what was under way at the last end waits for its lease");
    }
    let (limits, lifetime) = queue.limits();
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut bell = queue.store.bell();
    let mut runner = Runner {
        scheduler: Scheduler::new(limits, lifetime),
        orders: HashMap::new(),
        workers: JoinSet::new(),
        seen: None,
        looked_far: None,
        rests_until: Instant::now(),
        troubles: HashMap::new(),
        queue,
    };
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reports = interval(REPORT_EVERY);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            biased;
            () = drain.wait() => break,
            Some(told) = told.recv() => Some(runner.told(told)),
            _ = looks.tick() => {
                runner.act(Event::Tick, &tell);
                runner.look(&tell).await;
                None
            }
            () = rung(&mut bell, runner.rests_until) => {
                runner.look(&tell).await;
                None
            }
            _ = reports.tick() => {
                runner.workers.spawn(tls_report::daily(Arc::clone(&runner.queue)));
                None
            }
            // Workers that ended are only swept up.
            Some(_) = runner.workers.join_next(), if !runner.workers.is_empty() => None,
        };
        if let Some(event) = event {
            runner.act(event, &tell);
        }
    }
    runner.stop().await;
}

/// Waits for a bell of the spool, from a moment on; one look serves all that have rung by then.
/// Without bells the clock is enough.
async fn rung(bell: &mut broadcast::Receiver<Bell>, from: Instant) {
    tokio::time::sleep_until(from.into()).await;
    loop {
        match bell.recv().await {
            Ok(Bell::Spool) | Err(RecvError::Lagged(_)) => break,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
    while let Ok(_) | Err(TryRecvError::Lagged(_)) = bell.try_recv() {}
}

impl Runner {
    /// Asks the store for what became due, page by page: however much of it waits for one
    /// destination, what is behind it is found.
    async fn look(&mut self, tell: &mpsc::UnboundedSender<Told>) {
        let begun = Instant::now();
        self.look_through(tell).await;
        let pause = begun.elapsed().saturating_mul(LOOK_PAUSE_TIMES).max(LOOK_PAUSE_MIN);
        self.rests_until = Instant::now() + pause;
    }

    async fn look_through(&mut self, tell: &mpsc::UnboundedSender<Told>) {
        let now = self.queue.clock.now();
        let is_far = self.looked_far.is_none_or(|at| at.elapsed() >= FAR_EVERY);
        let back = if is_far { LOOK_FAR_BACK } else { LOOK_BACK };
        // The first look begins at the beginning; a clock that was put back hides nothing.
        let mut after = match self.seen {
            None => (Timestamp(0), 0),
            Some(seen) => (Timestamp(seen.0.min(now.0) - back), 0),
        };
        if is_far {
            self.looked_far = Some(Instant::now());
        }
        while self.scheduler.has_room() {
            match self.queue.store.spool_due(after, now).await {
                Ok(due) => {
                    // Where a page is not full there is no other behind it.
                    let full = due.len() >= DUE_AT_ONCE;
                    let last = due.last().filter(|_| full).map(|due| (due.at, due.id));
                    self.act(Event::Due(due), tell);
                    match last {
                        Some(last) => after = last,
                        None => {
                            self.seen = Some(now);
                            return;
                        }
                    }
                }
                Err(error) => return tracing::warn!(%error, "the spool cannot be looked at"),
            }
        }
    }

    fn told(&mut self, told: Told) -> Event {
        let Some((end, met)) = told.end else { return Event::Ready(told.worker) };
        self.orders.remove(&told.worker);
        match (end, met) {
            (End::Unreachable, Some(met)) => drop(self.troubles.insert(told.destination, met)),
            _ => drop(self.troubles.remove(&told.destination)),
        }
        Event::Ended(told.worker, end)
    }

    fn act(&mut self, event: Event, tell: &mpsc::UnboundedSender<Told>) {
        for effect in self.scheduler.step(event, self.queue.clock.now()) {
            match effect {
                Effect::Start(worker, destination, batch) => {
                    let (order, orders) = mpsc::unbounded_channel();
                    self.orders.insert(worker, order);
                    let (queue, tell) = (Arc::clone(&self.queue), tell.clone());
                    let work = Work { queue, worker, destination, orders, tell };
                    self.workers.spawn(work.run(batch));
                }
                Effect::Send(worker, batch) => self.order(worker, Order::Send(batch)),
                Effect::Quit(worker) => self.order(worker, Order::Quit),
                Effect::Review(destination, batch) => {
                    let unknown = "nobody there can be reached";
                    let met = self.troubles.get(&destination).cloned().unwrap_or_else(|| {
                        Met::ours(Severity::Temporary, Reason::RemoteUnreachable, unknown)
                    });
                    let queue = Arc::clone(&self.queue);
                    self.workers.spawn(async move {
                        let leases = lease(&queue, &batch).await;
                        let met = leases.into_iter().map(|lease| (lease, met.clone())).collect();
                        settling::settle(&queue, met).await;
                    });
                }
            }
        }
    }

    fn order(&self, worker: Worker, order: Order) {
        if let Some(orders) = self.orders.get(&worker) {
            // A worker that is gone has told so, or will.
            drop(orders.send(order));
        }
    }

    /// Lets what is under way end; what does not is due again after the next start.
    async fn stop(mut self) {
        for orders in self.orders.values() {
            drop(orders.send(Order::Quit));
        }
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("deliveries under way are given up; they are tried again");
        }
    }
}

/// One worker: a connection, from its first batch to its last.
struct Work {
    queue: Arc<Queue>,
    worker: Worker,
    destination: String,
    orders: mpsc::UnboundedReceiver<Order>,
    tell: mpsc::UnboundedSender<Told>,
}

impl Work {
    async fn run(mut self, first: Batch) {
        let mut connection = None;
        let mut next = Some(lease(&self.queue, &first).await);
        let end = loop {
            let Some(leases) = next.take() else { break (End::Reached, None) };
            let met = match self.send(&mut connection, leases).await {
                Ok(met) => met,
                Err((met, trouble)) => break self.unreached(met, trouble).await,
            };
            self.tell(None);
            // One commit takes both: the end of this batch and the lease of the next one.
            let queue = Arc::clone(&self.queue);
            let settle = settling::settle(&queue, met);
            ((), next) = tokio::join!(settle, self.order(&mut connection));
        };
        if let Some(connection) = connection {
            connection.close().await;
        }
        self.tell(Some(end));
    }

    /// The next batch, leased, and the connection for it, unless the server has ended it meanwhile.
    async fn order(&mut self, connection: &mut Option<Connection>) -> Option<Vec<Lease>> {
        let order = loop {
            let Some(open) = connection else { break self.orders.recv().await };
            tokio::select! {
                biased;
                () = open.worn() => *connection = None,
                order = self.orders.recv() => break order,
            }
        };
        match order {
            Some(Order::Send(batch)) => Some(lease(&self.queue, &batch).await),
            Some(Order::Quit) | None => None,
        }
    }

    /// Sends copies of one message: what each met.
    ///
    /// # Errors
    /// The same, if nobody could be talked to, with why.
    async fn send(
        &self,
        connection: &mut Option<Connection>,
        mut leases: Vec<Lease>,
    ) -> Result<Vec<(Lease, Met)>, (Vec<(Lease, Met)>, Met)> {
        let demand = demand(&leases);
        let until = delivery::now() + BATCH_MAX;
        let mut met = Vec::with_capacity(leases.len());
        while !leases.is_empty() {
            if let Err(trouble) = self.connect(connection, demand).await {
                met.extend(leases.into_iter().map(|lease| (lease, trouble.clone())));
                return Err((met, trouble));
            }
            let Some(open) = connection else { break };
            open.begin_batch(until);
            // What an old connection has lost is tried over a new one, which is not tried again.
            leases = transmit(&self.queue, open, leases, &mut met).await;
            if !open.is_ready().await {
                *connection = None;
            }
        }
        Ok(met)
    }

    /// Sees to a connection that is good enough for a message, and no better than it wants:
    /// another that is open is closed.
    async fn connect(
        &self,
        connection: &mut Option<Connection>,
        demand: TlsDemand,
    ) -> Result<(), Met> {
        if let Some(open) = connection.take() {
            if open.demand == demand {
                *connection = Some(open);
                return Ok(());
            }
            open.close().await;
        }
        let (queue, destination) = (&self.queue, self.destination.as_str());
        let ways = queue.ways();
        let ours = |no: NoWay| Met::ours(no.severity, no.reason, no.text);
        let mut servers =
            policy::ways::find(&ways, &queue.resolver, destination).await.map_err(ours)?;
        // A domain's policies are about its own servers; a named way is the administrator's.
        let domain = Domain::parse(destination).ok().filter(|_| !ways.is_named(destination));
        let mut seen = Session::of(queue, domain.as_ref(), demand);
        if let Some(domain) = seen.domain()
            && let Some(policy) = sts::policy(queue, domain).await
        {
            let restricted = sts::restrict(servers, &policy.policy, domain);
            seen.lay(policy);
            servers = restricted.map_err(|no| seen.nobody(ours(no)))?;
        }
        let caller = queue.caller(destination);
        *connection = Some(delivery::open(&caller, &servers, demand, seen.all()).await?);
        Ok(())
    }

    /// Nobody could be talked to: the same for every copy. Whether the destination is to be left
    /// alone: not if it says that it will never take mail, which costs nothing to be asked again.
    async fn unreached(&self, met: Vec<(Lease, Met)>, trouble: Met) -> (End, Option<Met>) {
        // What one message demands and does not get says nothing of others.
        let usual = met.iter().all(|(lease, _)| lease.needs.tls_demand == TlsDemand::Usual);
        let is_gone = usual && trouble.verdict == crate::met::Verdict::Later;
        settling::settle(&self.queue, met).await;
        (if is_gone { End::Unreachable } else { End::Reached }, Some(trouble))
    }

    fn tell(&self, end: Option<(End, Option<Met>)>) {
        let (worker, destination) = (self.worker, self.destination.clone());
        // The loop is gone only when everything ends.
        drop(self.tell.send(Told { worker, destination, end }));
    }
}

async fn lease(queue: &Queue, batch: &Batch) -> Vec<Lease> {
    let until = queue.clock.now().plus_millis(LEASE_MILLIS);
    match queue.store.lease(&batch.copies, until).await {
        Ok(leases) => leases,
        Err(error) => {
            tracing::warn!(message = %batch.message, %error, "no lease; tried again later");
            Vec::new()
        }
    }
}

/// Sends one message to some recipients over a connection, and adds what each met. Returns those of
/// which the server has heard nothing, because it had enough of this connection.
async fn transmit(
    queue: &Queue,
    connection: &mut Connection,
    leases: Vec<Lease>,
    met: &mut Vec<(Lease, Met)>,
) -> Vec<Lease> {
    let mut rest = leases;
    // A server may take fewer recipients at once, and what an alias sends on has another sender:
    // each round settles one at the least.
    while let Some(first) = rest.first() {
        let (message, host, sender) =
            (first.message, connection.host.clone(), first.sender.clone());
        let same = rest.into_iter().partition(|lease| lease.sender == sender);
        let (these, mut again): (Vec<Lease>, Vec<Lease>) = same;
        let mut rendered = match queue.store.onward(message).await {
            Ok(rendered) => rendered,
            Err(error) => {
                tracing::error!(%message, %error, "a message that is sent on cannot be read");
                let text = "the message cannot be read at present";
                let trouble = Met::ours(Severity::Temporary, Reason::StorageFailed, text);
                met.extend(these.into_iter().chain(again).map(|lease| (lease, trouble.clone())));
                break;
            }
        };
        let was_used = connection.is_used();
        let outcomes = match connection.send(transaction(&these), &mut rendered).await {
            Ok(outcomes) => outcomes,
            Err(unfit) => {
                let unfit = Met::unfit(unfit, host);
                met.extend(these.into_iter().chain(again).map(|lease| (lease, unfit.clone())));
                break;
            }
        };
        let is_ready = connection.is_ready().await;
        let mut unheard = Vec::new();
        for (lease, outcome) in these.into_iter().zip(outcomes) {
            match outcome {
                Outcome::NextTransaction(_) if is_ready => again.push(lease),
                outcome if was_used && is_over(&outcome) => unheard.push(lease),
                outcome => {
                    let tells = connection.offers_dsn();
                    met.push((lease, Met { tells, ..Met::outcome(&outcome, &host) }));
                }
            }
        }
        if !unheard.is_empty() {
            unheard.extend(again);
            return unheard;
        }
        rest = again;
    }
    Vec::new()
}

/// Whether the server ended the connection before it took anything of a transaction: many take only
/// so many on one (421, RFC 5321 §3.8), or keep none for long that has nothing to do.
fn is_over(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Refused { command: Command::Mail, reply } => reply.code == 421,
        Outcome::Lost { command: Command::Rset | Command::Mail, fault } => {
            matches!(fault, Fault::Gone | Fault::Refused { .. })
        }
        _ => false,
    }
}

/// What a message wants of TLS; all its copies want the same.
fn demand(leases: &[Lease]) -> TlsDemand {
    leases.first().map_or_else(TlsDemand::default, |lease| lease.needs.tls_demand)
}

fn transaction(leases: &[Lease]) -> Transaction {
    let recipient = |lease: &Lease| Recipient {
        address: lease.recipient.clone(),
        dsn: lease.needs.recipient.clone(),
    };
    let first = leases.first();
    Transaction {
        sender: first.map_or(mail::ReversePath::Null, |lease| lease.sender.clone()),
        recipients: leases.iter().map(recipient).collect(),
        size: first.map_or(0, |lease| lease.size),
        body: first.map_or(mail::BodyKind::SevenBit, |lease| lease.needs.body),
        smtputf8: first.is_some_and(|lease| lease.needs.smtputf8),
        require_tls: demand(leases) == TlsDemand::Required,
        dsn: first.map_or_else(Default::default, |lease| lease.needs.envelope.clone()),
    }
}
