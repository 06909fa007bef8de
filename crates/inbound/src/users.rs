//! Which sessions a user has logged in to, so that they can be ended: the account was disabled or
//! removed, or got another password.

use mail::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The sessions of all accounts.
#[derive(Debug, Default)]
pub struct Users {
    here: Mutex<HashMap<AccountId, Here>>,
}

/// The sessions of one account.
#[derive(Debug)]
struct Here {
    end: watch::Sender<bool>,
    sessions: usize,
}

/// That one session is an account's; forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    users: Arc<Users>,
    account: AccountId,
    ended: watch::Receiver<bool>,
}

impl Users {
    /// Notes that a session has logged in.
    pub(crate) fn enter(self: &Arc<Self>, account: AccountId) -> Presence {
        let mut all = self.lock();
        let new = || Here { end: watch::channel(false).0, sessions: 0 };
        let here = all.entry(account).or_insert_with(new);
        here.sessions += 1;
        Presence { users: Arc::clone(self), account, ended: here.end.subscribe() }
    }

    /// Tells the sessions of `account` to end. Returns how many there were.
    pub fn end(&self, account: AccountId) -> usize {
        self.lock().remove(&account).map_or(0, |here| {
            here.end.send_replace(true);
            here.sessions
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// Whether the session must end.
    pub(crate) fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves when the session must end. Safe to drop at any await.
    pub(crate) async fn over(&self) {
        // The channel ends only after it has told so.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut all = self.users.lock();
        // Who was told is counted no more; the account's later sessions are others.
        if self.is_over() {
            return;
        }
        if let Some(here) = all.get_mut(&self.account) {
            here.sessions = here.sessions.saturating_sub(1);
            if here.sessions == 0 {
                all.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Users;
    use mail::AccountId;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test]
    async fn all_sessions_of_one_account_end() {
        let users: Arc<Users> = Arc::default();
        let (anna, also_anna) = (users.enter(AccountId(1)), users.enter(AccountId(1)));
        let ben = users.enter(AccountId(2));
        assert_eq!(users.end(AccountId(1)), 2);
        assert_eq!(users.end(AccountId(1)), 0);
        anna.over().await;
        also_anna.over().await;
        assert!(anna.is_over() && !ben.is_over());
        let quiet = Duration::from_millis(10);
        assert!(tokio::time::timeout(quiet, ben.over()).await.is_err());
        let again = users.enter(AccountId(1));
        drop((anna, also_anna));
        assert_eq!(users.end(AccountId(1)), 1, "who came later is not forgotten with them");
        assert!(again.is_over());
        drop(ben);
        assert_eq!(users.end(AccountId(2)), 0);
    }
}
