//! When what failed is tried again, and when it is given up.
//!
//! The same steps serve a message that was deferred and a destination that cannot be reached: 5,
//! 10, 20, 40 minutes, 1 hour, 2 hours, and every 6 hours from then on (RFC 5321 §4.5.4.1 asks for
//! thirty minutes at least on the average, and for four to five days).

use mail::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Pauses after the first failures, in milliseconds; the last one is kept to.
const PAUSES: [i64; 7] =
    [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, HOUR, 2 * HOUR, LONGEST];
/// The longest pause between two attempts.
pub(crate) const LONGEST: i64 = 6 * HOUR;

/// How long mail is kept and when its sender hears of it, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// After this it is given up.
    pub expires: i64,
    /// After this the sender is told that it is late.
    pub warns: i64,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { expires: 4 * 24 * HOUR, warns: 4 * HOUR }
    }
}

/// When to try again after `failures` in a row, the last one at `now`.
pub fn again(failures: u32, now: Timestamp) -> Timestamp {
    let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    now.plus_millis(PAUSES.get(step).copied().unwrap_or(LONGEST))
}

impl Lifetime {
    /// Whether mail that was accepted then is given up now.
    pub fn is_over(self, queued_at: Timestamp, now: Timestamp) -> bool {
        now >= queued_at.plus_millis(self.expires)
    }

    /// Whether its sender should have heard by now.
    pub fn is_late(self, queued_at: Timestamp, now: Timestamp) -> bool {
        now >= queued_at.plus_millis(self.warns)
    }
}

#[cfg(test)]
mod tests {
    use super::{HOUR, Lifetime, MINUTE, again};
    use mail::Timestamp;

    #[test]
    fn pauses_grow_to_six_hours() {
        let minutes = |failures| again(failures, Timestamp(0)).0 / MINUTE;
        let found: Vec<i64> = (0..=9).map(minutes).collect();
        assert_eq!(found, [5, 5, 10, 20, 40, 60, 120, 360, 360, 360]);
        assert_eq!(minutes(u32::MAX), 360);
    }

    #[test]
    fn a_message_is_late_after_hours_and_over_after_days() {
        let lifetime = Lifetime::default();
        let at = |hours: i64| Timestamp(1_000 + hours * HOUR);
        for (hours, late, over) in [(3, false, false), (4, true, false), (95, true, false)] {
            assert_eq!(lifetime.is_late(at(0), at(hours)), late, "{hours}");
            assert_eq!(lifetime.is_over(at(0), at(hours)), over, "{hours}");
        }
        assert!(lifetime.is_over(at(0), at(96)));
    }
}
