//! Which mailboxes are open: each in one session at most (RFC 1939 §3), which can be ended.
//!
//! For this process alone. Several machines on one database need the lock there.

use mail::{AccountId, Credential};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The open mailboxes, by account: POP3 shows one mailbox of each.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<AccountId, Open>>,
}

/// The session that has a mailbox.
#[derive(Debug)]
struct Open {
    /// What opened it.
    credential: Credential,
    end: watch::Sender<bool>,
}

/// The right of one session to a mailbox; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    sessions: Arc<Sessions>,
    account: AccountId,
    ended: watch::Receiver<bool>,
    /// When what opened it expires.
    until: Option<Instant>,
}

impl Sessions {
    /// Takes the mailbox of `account`, unless another session has it; `left` is how long the
    /// credential is good.
    pub(crate) fn hold(
        self: &Arc<Self>,
        account: AccountId,
        credential: Credential,
        left: Option<Duration>,
    ) -> Option<Hold> {
        let mut open = self.lock();
        if open.contains_key(&account) {
            return None;
        }
        let (end, ended) = watch::channel(false);
        open.insert(account, Open { credential, end });
        // What lies beyond all clocks never comes.
        let until = left.and_then(|left| Instant::now().checked_add(left));
        Some(Hold { sessions: Arc::clone(self), account, ended, until })
    }

    /// Tells the session of `account` to end, if this credential opened it, or whatever did.
    pub(crate) fn end(&self, account: AccountId, credential: Option<Credential>) -> usize {
        let open = self.lock();
        let meant = open
            .get(&account)
            .filter(|open| credential.is_none_or(|credential| credential == open.credential));
        meant.map_or(0, |open| {
            open.end.send_replace(true);
            1
        })
    }

    pub(crate) fn open_now(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Resolves when the session must end, or what opened it expires. Safe to drop at any await.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        let told = async {
            if ended.wait_for(|ended| *ended).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        match self.until {
            None => told.await,
            Some(until) => drop(tokio::time::timeout_at(until, told).await),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.account);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::Sessions;
    use mail::{AccountId, Credential};
    use std::sync::Arc;
    use std::time::Duration;

    const MAIN: Credential = Credential::Main;
    const QUIET: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn one_session_a_mailbox_which_can_be_ended() {
        let sessions: Arc<Sessions> = Arc::default();
        let hold = sessions.hold(AccountId(1), MAIN, None).unwrap();
        assert!(sessions.hold(AccountId(1), MAIN, None).is_none());
        let other = sessions.hold(AccountId(2), MAIN, None).unwrap();
        assert_eq!(sessions.open_now(), 2);
        assert_eq!(sessions.end(AccountId(1), None), 1);
        assert_eq!(sessions.end(AccountId(3), None), 0);
        hold.ended().await;
        assert!(tokio::time::timeout(QUIET, other.ended()).await.is_err());
        drop(hold);
        assert!(sessions.hold(AccountId(1), MAIN, None).is_some());
    }

    #[tokio::test]
    async fn a_session_ends_with_what_opened_it() {
        let sessions: Arc<Sessions> = Arc::default();
        let phone = Credential::App(7);
        let hold = sessions.hold(AccountId(1), phone, Some(Duration::MAX)).unwrap();
        assert_eq!(sessions.end(AccountId(1), Some(MAIN)), 0);
        assert_eq!(sessions.end(AccountId(1), Some(Credential::App(8))), 0);
        assert!(tokio::time::timeout(QUIET, hold.ended()).await.is_err());
        assert_eq!(sessions.end(AccountId(1), Some(phone)), 1);
        hold.ended().await;
        sessions.hold(AccountId(2), phone, Some(QUIET)).unwrap().ended().await;
    }
}
