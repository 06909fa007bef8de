//! The time of day, for the whole house: read here and nowhere else.

use mail::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time; `--now` sets it.
#[derive(Debug, Clone)]
pub struct Clock {
    set: Option<(Timestamp, Instant)>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { set: None }
    }

    /// A clock that shows `at` now and goes on from there.
    pub fn at(at: Timestamp) -> Self {
        Self { set: Some((at, Instant::now())) }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.set {
            Some((at, since)) => at.plus_millis(millis(since.elapsed())),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                // A clock before 1970 is wrong anyway; zero keeps everything going.
                Timestamp(since.map(millis).unwrap_or(0))
            }
        }
    }

    /// How long it is until `at`; nothing if that has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        let left = at.0.saturating_sub(self.now().0);
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use mail::Timestamp;
    use std::time::Duration;

    #[test]
    fn a_set_clock_goes_on() {
        let clock = Clock::at(Timestamp(1_000_000));
        let first = clock.now();
        assert!(first >= Timestamp(1_000_000) && first < Timestamp(1_060_000));
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() > first);
        let hour = Duration::from_secs(3_600);
        let left = clock.until(Timestamp(1_000_000 + 3_600_000));
        assert!(left < hour && left > hour - Duration::from_secs(60), "{left:?}");
        assert_eq!(clock.until(Timestamp(1_000_000)), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_is_past_2025() {
        assert!(Clock::system().now() > Timestamp(1_735_689_600_000));
    }
}
