//! Points in time as the house passes them: given as an argument, never read from a clock here.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time moved by `millis` (may be negative); saturates.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The form of the Date and Received fields (RFC 5322 §3.3), always in UTC.
    pub fn rfc5322(self) -> String {
        self.instant().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// The form of logs, JSON and tables (RFC 3339), in UTC with milliseconds.
    pub fn rfc3339(self) -> String {
        self.instant().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn is_written_in_utc() {
        let at = Timestamp(1_795_545_915_042);
        assert_eq!(at.rfc5322(), "Tue, 24 Nov 2026 18:45:15 +0000");
        assert_eq!(at.rfc3339(), "2026-11-24T18:45:15.042Z");
    }
}
