//! The one signal by which the server ends: let nobody in, let everybody finish.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long sessions may take to finish where the caller names no time of its own.
const GRACE: Duration = Duration::from_secs(30);

/// Sees whether the server is draining. Passed down to every session; cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    until: watch::Receiver<Option<Instant>>,
}

/// Starts the drain. Dropping it without a start means that the server never drains.
#[derive(Debug)]
pub struct DrainHandle {
    until: watch::Sender<Option<Instant>>,
}

impl Drain {
    /// A signal that has not been given yet, and what gives it.
    pub fn new() -> (DrainHandle, Drain) {
        let (sender, receiver) = watch::channel(None);
        (DrainHandle { until: sender }, Drain { until: receiver })
    }

    /// Whether the drain has started.
    pub fn is_draining(&self) -> bool {
        self.until.borrow().is_some()
    }

    /// When sessions that have not finished are cut; `None` before the drain.
    pub fn deadline(&self) -> Option<Instant> {
        *self.until.borrow()
    }

    /// Resolves when the drain starts, at once if it has; safe to drop at any await.
    pub async fn wait(&self) {
        let mut until = self.until.clone();
        if until.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl DrainHandle {
    /// Starts the drain: sessions have 30 seconds to finish. Again is no change.
    pub fn start(&self) {
        self.start_within(GRACE);
    }

    /// Starts the drain: sessions have `grace` to finish. Again is no change.
    pub fn start_within(&self, grace: Duration) {
        self.until.send_if_modified(|until| {
            let first = until.is_none();
            if first {
                *until = Some(Instant::now() + grace);
            }
            first
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::Drain;
    use std::time::Duration;

    async fn waits(drain: &Drain) -> bool {
        tokio::time::timeout(Duration::from_millis(20), drain.wait()).await.is_err()
    }

    #[tokio::test]
    async fn wakes_those_who_wait_and_those_who_come_later() {
        let (handle, drain) = Drain::new();
        assert!(!drain.is_draining() && drain.deadline().is_none());
        assert!(waits(&drain).await);
        let other = drain.clone();
        let waiting = tokio::spawn(async move { other.wait().await });
        handle.start_within(Duration::from_secs(3));
        let deadline = drain.deadline();
        handle.start();
        assert_eq!(drain.deadline(), deadline, "the first start holds");
        waiting.await.unwrap();
        assert!(drain.is_draining());
        assert!(!waits(&drain).await);
    }

    #[tokio::test]
    async fn never_begins_when_the_handle_is_gone() {
        let (handle, drain) = Drain::new();
        drop(handle);
        assert!(waits(&drain).await);
        assert!(!drain.is_draining());
    }
}
