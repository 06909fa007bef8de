//! How long a peer may take: a deadline for each command, a minimum rate for a body.

use std::time::{Duration, Instant};

/// The limits of one session, from the settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// From one reply to the end of the next command line.
    pub(crate) command: Duration,
    /// What a body may take before its rate is looked at.
    pub(crate) body_grace: Duration,
    /// Bytes a second below which a body is cut.
    pub(crate) rate_min: u64,
}

/// When the peer must have made progress. Single bytes are no progress: a command counts when it
/// is complete, a body by its rate, so that dribbling bytes gains nothing.
#[derive(Debug)]
pub(crate) struct Pace {
    limits: Limits,
    since: Instant,
    body: Option<u64>,
}

impl Pace {
    /// Starts with the connection.
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, since: now, body: None }
    }

    /// The machine answered something: the peer's turn begins anew.
    pub(crate) fn turn(&mut self, now: Instant) {
        self.since = now;
        self.body = None;
    }

    /// These many bytes of a body came.
    pub(crate) fn body(&mut self, bytes: u64, now: Instant) {
        if self.body.is_none() {
            self.since = now;
        }
        self.body = Some(self.body.unwrap_or(0).saturating_add(bytes));
    }

    /// When a read that begins now must be over.
    pub(crate) fn deadline(&self) -> Instant {
        match self.body {
            None => self.since + self.limits.command,
            Some(bytes) => {
                let earned = bytes.checked_div(self.limits.rate_min).unwrap_or(u64::MAX);
                let idle = self.limits.command.as_secs();
                self.since + self.limits.body_grace + Duration::from_secs(earned.min(idle * 12))
            }
        }
    }

    /// Whether a body is being received: a missed deadline then means "too slow", not "idle".
    pub(crate) fn in_body(&self) -> bool {
        self.body.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Pace};
    use std::time::{Duration, Instant};

    fn limits() -> Limits {
        Limits {
            command: Duration::from_secs(300),
            body_grace: Duration::from_secs(30),
            rate_min: 100,
        }
    }

    #[test]
    fn a_command_has_one_deadline_however_many_bytes_come() {
        let start = Instant::now();
        let mut pace = Pace::new(limits(), start);
        assert_eq!(pace.deadline(), start + Duration::from_secs(300));
        pace.turn(start + Duration::from_secs(10));
        assert_eq!(pace.deadline(), start + Duration::from_secs(310));
    }

    #[test]
    fn a_body_earns_time_by_its_bytes() {
        let start = Instant::now();
        let mut pace = Pace::new(limits(), start);
        pace.body(1, start);
        assert_eq!(pace.deadline(), start + Duration::from_secs(30));
        pace.body(9_999, start + Duration::from_secs(20));
        assert_eq!(pace.deadline(), start + Duration::from_secs(130));
        pace.body(u64::MAX, start);
        assert_eq!(pace.deadline(), start + Duration::from_secs(30 + 3_600));
    }
}
