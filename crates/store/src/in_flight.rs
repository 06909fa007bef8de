//! Which ids are on their way to the database, so that who reads behind a mark misses none.

use mail::Id;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The floors of all writes that are not answered yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeMap<Id, usize>>>);

/// A write on its way; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Flight {
    all: InFlight,
    floor: Id,
}

/// Ids together with the flight that they belong to.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) ids: Range<Id>,
    pub(crate) _flight: Flight,
}

impl InFlight {
    /// Begins a flight whose ids are all at or above `floor`. To be called before they are taken.
    pub(crate) fn begin(&self, floor: Id) -> Flight {
        *self.lock().entry(floor).or_insert(0) += 1;
        Flight { all: self.clone(), floor }
    }

    /// No id below it is on its way.
    pub(crate) fn lowest(&self) -> Option<Id> {
        self.lock().keys().next().copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Id, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut flights = self.all.lock();
        if let Some(count) = flights.get_mut(&self.floor) {
            *count -= 1;
            if *count == 0 {
                flights.remove(&self.floor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;

    #[test]
    fn the_lowest_is_told_until_it_ends() {
        let all = InFlight::default();
        assert_eq!(all.lowest(), None);
        let (seven, five, five_too) = (all.begin(7), all.begin(5), all.begin(5));
        assert_eq!(all.lowest(), Some(5));
        drop(five);
        assert_eq!(all.lowest(), Some(5));
        drop(five_too);
        assert_eq!(all.lowest(), Some(7));
        drop(seven);
        assert_eq!(all.lowest(), None);
    }
}
