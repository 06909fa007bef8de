//! What looking into one message may cost. Counted, not timed: the same message, the same answer
//! on every machine. The limits of the process (CPU, memory) stand behind it for what is
//! miscounted.

use crate::Trouble;

/// The limits of one message, over all its parts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Archives inside one another, 1 for one that a part holds. Honest mail has 2 or 3.
    pub depth_max: usize,
    /// Members of archives. A large source tree has some thousands.
    pub members_max: usize,
    /// Bytes that come out of decompression: a second of CPU at 250 MB/s.
    pub unpacked_max: u64,
    /// How many times more may come out than went in, above [`RATIO_FROM`] bytes. Text compresses
    /// 10 to 20 times, logs and tables up to 100.
    pub ratio_max: u64,
    /// Bytes of decoded contents that are held at one time, with what the reading of the message
    /// holds: what a worker has beside the message is 64 MiB, and some is needed for the rest.
    pub held_max: usize,
    /// Hits of a message that are told with all their facts; of further ones only the first of
    /// its class in each part, without the place.
    pub hits_max: usize,
    /// Bytes that are looked at by the slower inspections (scripts, documents), over all.
    pub looked_max: u64,
}

/// Bytes that may come out of anything, whatever its ratio.
pub const RATIO_FROM: u64 = 4 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 8,
            members_max: 10_000,
            unpacked_max: 256 << 20,
            ratio_max: 250,
            held_max: 56 << 20,
            hits_max: 100,
            looked_max: 512 << 20,
        }
    }
}

/// What is left of the limits while a message is looked at.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    depth: usize,
    members: usize,
    unpacked: u64,
    held: usize,
    looked: u64,
    hits: usize,
}

impl Budget {
    /// A whole budget.
    pub fn new(limits: Limits) -> Self {
        Self { limits, depth: 0, members: 0, unpacked: 0, held: 0, looked: 0, hits: 0 }
    }

    /// The limits it began with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many hits may still be told with all their facts.
    pub fn hits_left(&self) -> usize {
        self.limits.hits_max.saturating_sub(self.hits)
    }

    /// Counts hits that were told.
    pub fn hits(&mut self, told: usize) {
        self.hits = self.hits.saturating_add(told);
    }

    /// Goes into an archive; [`Budget::leave`] goes out again.
    ///
    /// # Errors
    /// It would be too deep; nothing is to be left then.
    pub fn enter(&mut self) -> Result<(), Trouble> {
        if self.depth >= self.limits.depth_max {
            return Err(Trouble::Limit("depth_max"));
        }
        self.depth += 1;
        Ok(())
    }

    /// Comes out of an archive.
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Pays for a member of an archive, a folder or a name alone too.
    ///
    /// # Errors
    /// There are too many.
    pub fn member(&mut self) -> Result<(), Trouble> {
        self.members += 1;
        if self.members > self.limits.members_max {
            return Err(Trouble::Limit("members_max"));
        }
        Ok(())
    }

    /// Pays for `more` bytes that came out of decompression; `went_in` and `came_out` are the sums
    /// of this stream, with `more`.
    ///
    /// # Errors
    /// Too many of all, or too many for what went in.
    pub fn unpacked(&mut self, more: u64, went_in: u64, came_out: u64) -> Result<(), Trouble> {
        self.unpacked = self.unpacked.saturating_add(more);
        if self.unpacked > self.limits.unpacked_max {
            return Err(Trouble::Limit("unpacked_max"));
        }
        let allowed = went_in.saturating_mul(self.limits.ratio_max).max(RATIO_FROM);
        if came_out > allowed {
            return Err(Trouble::Limit("ratio_max"));
        }
        Ok(())
    }

    /// Pays for memory that holds decoded content, until it is [let go](Budget::release).
    ///
    /// # Errors
    /// Too much would be held; nothing is to be released then.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Trouble> {
        let held = self.held.saturating_add(bytes);
        if held > self.limits.held_max {
            return Err(Trouble::Limit("held_max"));
        }
        self.held = held;
        Ok(())
    }

    /// How many bytes may still be held.
    pub fn spare(&self) -> usize {
        self.limits.held_max.saturating_sub(self.held)
    }

    /// Gives back what was held.
    pub fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    /// Pays for bytes that a slower inspection looks at.
    ///
    /// # Errors
    /// Too many of all.
    pub fn look(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.looked = self.looked.saturating_add(bytes as u64);
        if self.looked > self.limits.looked_max {
            return Err(Trouble::Limit("looked_max"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Limits, RATIO_FROM};
    use crate::Trouble;

    #[test]
    fn what_cannot_be_paid_is_told_by_its_limit() {
        let mut budget = Budget::new(Limits { depth_max: 1, members_max: 2, ..Limits::default() });
        assert_eq!(budget.enter(), Ok(()));
        assert_eq!(budget.enter(), Err(Trouble::Limit("depth_max")));
        budget.leave();
        assert_eq!(budget.enter(), Ok(()));
        assert_eq!((budget.member(), budget.member()), (Ok(()), Ok(())));
        assert_eq!(budget.member(), Err(Trouble::Limit("members_max")));
    }

    #[test]
    fn a_ratio_counts_above_what_is_small() {
        let mut budget = Budget::new(Limits::default());
        assert_eq!(budget.unpacked(RATIO_FROM, 10, RATIO_FROM), Ok(()));
        assert_eq!(budget.unpacked(1, 10, RATIO_FROM + 1), Err(Trouble::Limit("ratio_max")));
        assert_eq!(budget.unpacked(1, RATIO_FROM, RATIO_FROM + 1), Ok(()));
        let rest = 256 << 20;
        assert_eq!(budget.unpacked(rest, rest, rest), Err(Trouble::Limit("unpacked_max")));
    }

    #[test]
    fn what_is_held_is_given_back() {
        let mut budget = Budget::new(Limits { held_max: 10, ..Limits::default() });
        assert_eq!(budget.hold(8), Ok(()));
        assert_eq!(budget.hold(3), Err(Trouble::Limit("held_max")));
        budget.release(8);
        assert_eq!(budget.hold(10), Ok(()));
    }
}
