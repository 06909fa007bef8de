//! Which sessions a user has logged in to, and by which password, so that they can be ended: the
//! account was disabled or removed, or the password was replaced, removed, or has expired.

use mail::{AccountId, Credential};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The sessions of all accounts.
#[derive(Debug, Default)]
pub struct Users {
    /// As many as there are sessions, at most.
    here: Mutex<HashMap<(AccountId, Credential), Here>>,
}

/// The sessions that one credential opened.
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
    credential: Credential,
    ended: watch::Receiver<bool>,
    /// When the credential expires.
    until: Option<Instant>,
}

impl Users {
    /// Notes that a session has logged in; `left` is how long its credential is good.
    pub(crate) fn enter(
        self: &Arc<Self>,
        account: AccountId,
        credential: Credential,
        left: Option<Duration>,
    ) -> Presence {
        let mut all = self.lock();
        let new = || Here { end: watch::channel(false).0, sessions: 0 };
        let here = all.entry((account, credential)).or_insert_with(new);
        here.sessions += 1;
        let ended = here.end.subscribe();
        // What lies beyond all clocks never comes.
        let until = left.and_then(|left| Instant::now().checked_add(left));
        Presence { users: Arc::clone(self), account, credential, ended, until }
    }

    /// Tells the sessions of `account` to end: those that this credential opened, or all. Returns
    /// how many there were.
    pub fn end(&self, account: AccountId, credential: Option<Credential>) -> usize {
        let is_meant = |whose: &AccountId, by: &Credential| {
            *whose == account && credential.is_none_or(|credential| credential == *by)
        };
        let mut ended = 0;
        self.lock().retain(|(whose, by), here| {
            let is_meant = is_meant(whose, by);
            if is_meant {
                here.end.send_replace(true);
                ended += here.sessions;
            }
            !is_meant
        });
        ended
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(AccountId, Credential), Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// What the session logged in with.
    pub(crate) fn credential(&self) -> Credential {
        self.credential
    }

    /// Whether the session was told to end. Whether its credential has expired, the directory
    /// knows.
    pub(crate) fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    /// Resolves when the session must end, or its credential expires. Safe to drop at any await.
    pub(crate) async fn over(&self) {
        let mut ended = self.ended.clone();
        // The channel ends only after it has told so.
        let ended = ended.wait_for(|ended| *ended);
        match self.until {
            None => drop(ended.await),
            Some(until) => drop(tokio::time::timeout_at(until, ended).await),
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut all = self.users.lock();
        // Who was told is counted no more; the account's later sessions are others.
        if self.is_over() {
            return;
        }
        let key = (self.account, self.credential);
        if let Some(here) = all.get_mut(&key) {
            here.sessions = here.sessions.saturating_sub(1);
            if here.sessions == 0 {
                all.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Presence, Users};
    use mail::{AccountId, Credential};
    use std::sync::Arc;
    use std::time::Duration;

    const QUIET: Duration = Duration::from_millis(10);

    fn enter(users: &Arc<Users>, account: i64) -> Presence {
        users.enter(AccountId(account), Credential::Main, None)
    }

    #[tokio::test]
    async fn all_sessions_of_one_account_end() {
        let users: Arc<Users> = Arc::default();
        let (anna, also_anna) = (enter(&users, 1), enter(&users, 1));
        let ben = enter(&users, 2);
        assert_eq!(users.end(AccountId(1), None), 2);
        assert_eq!(users.end(AccountId(1), None), 0);
        anna.over().await;
        also_anna.over().await;
        assert!(anna.is_over() && !ben.is_over());
        assert!(tokio::time::timeout(QUIET, ben.over()).await.is_err());
        let again = enter(&users, 1);
        drop((anna, also_anna));
        assert_eq!(users.end(AccountId(1), None), 1, "who came later is not forgotten with them");
        assert!(again.is_over());
        drop(ben);
        assert_eq!(users.end(AccountId(2), None), 0);
    }

    #[tokio::test]
    async fn the_sessions_of_one_credential_end_alone() {
        let users: Arc<Users> = Arc::default();
        let phone = Credential::App(7);
        let main = enter(&users, 1);
        let by_phone = users.enter(AccountId(1), phone, None);
        let other = users.enter(AccountId(1), Credential::App(8), None);
        assert_eq!(users.end(AccountId(1), Some(phone)), 1);
        assert!(by_phone.is_over() && !main.is_over() && !other.is_over());
        assert_eq!(users.end(AccountId(2), Some(Credential::Main)), 0);
        assert_eq!(users.end(AccountId(1), None), 2);
        assert!(main.is_over() && other.is_over());
    }

    #[tokio::test]
    async fn a_session_ends_with_its_credential() {
        let users: Arc<Users> = Arc::default();
        let credential = Credential::App(7);
        let soon = users.enter(AccountId(1), credential, Some(QUIET));
        let never = users.enter(AccountId(1), credential, Some(Duration::MAX));
        soon.over().await;
        assert!(tokio::time::timeout(QUIET, never.over()).await.is_err());
    }
}
