//! The watch over scanners: each is asked every minute how it does, and a change is told once.

use super::Round;
use crate::Filter;
use net::{Clock, Drain};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often they are asked.
const TURN: Duration = Duration::from_secs(60);

/// Asks as long as the server runs.
pub async fn watch(filter: Arc<Filter>, clock: Clock, drain: Drain) {
    let mut turns = interval(TURN);
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
            () = filter.ask_scanners(&clock) => {}
        }
    }
}

impl Filter {
    /// Asks every scanner how it does, now.
    pub async fn ask_scanners(&self, clock: &Clock) {
        let scanners = self.scanners();
        let round = Round { resolver: self.resolver(), now: clock.now() };
        super::all(scanners.all.iter().map(|scanner| scanner.ask(&round)).collect()).await;
    }
}
