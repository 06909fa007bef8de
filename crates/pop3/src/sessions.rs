//! Which mailboxes are open: each in one session at most (RFC 1939 §3), which can be ended.
//!
//! For this process alone. Several machines on one database need the lock there.

use mail::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The open mailboxes, by account: POP3 shows one mailbox of each.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<AccountId, watch::Sender<bool>>>,
}

/// The right of one session to a mailbox; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    sessions: Arc<Sessions>,
    account: AccountId,
    ended: watch::Receiver<bool>,
}

impl Sessions {
    /// Takes the mailbox of `account`, unless another session has it.
    pub(crate) fn hold(self: &Arc<Self>, account: AccountId) -> Option<Hold> {
        let mut open = self.lock();
        if open.contains_key(&account) {
            return None;
        }
        let (sender, ended) = watch::channel(false);
        open.insert(account, sender);
        Some(Hold { sessions: Arc::clone(self), account, ended })
    }

    /// Tells the session of `account` to end.
    pub(crate) fn end(&self, account: AccountId) -> usize {
        self.lock().get(&account).map_or(0, |session| {
            session.send_replace(true);
            1
        })
    }

    pub(crate) fn open_now(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, watch::Sender<bool>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Resolves when the session must end. Safe to drop at any await.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        if ended.wait_for(|ended| *ended).await.is_err() {
            std::future::pending::<()>().await;
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
    use mail::AccountId;
    use std::sync::Arc;

    #[tokio::test]
    async fn one_session_a_mailbox_which_can_be_ended() {
        let sessions: Arc<Sessions> = Arc::default();
        let hold = sessions.hold(AccountId(1)).unwrap();
        assert!(sessions.hold(AccountId(1)).is_none());
        let other = sessions.hold(AccountId(2)).unwrap();
        assert_eq!(sessions.open_now(), 2);
        assert_eq!(sessions.end(AccountId(1)), 1);
        assert_eq!(sessions.end(AccountId(3)), 0);
        hold.ended().await;
        let quiet = std::time::Duration::from_millis(10);
        assert!(tokio::time::timeout(quiet, other.ended()).await.is_err());
        drop(hold);
        assert!(sessions.hold(AccountId(1)).is_some());
    }
}
