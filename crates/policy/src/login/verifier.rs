//! Computes password hashes off the runtime's threads, a few at a time.

use crate::app_password;
use crate::password::{self, Verdict};
use arc_swap::ArcSwap;
use mail::{Id, Secret};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Log-ins that wait for their turn: beyond, they are told to come later. With two at a time and
/// 20 ms each the last one waits for a second or two.
const WAITING_MAX: usize = 128;

/// Hashed for names that do not exist, in the form and at the cost of a fresh one.
pub(super) const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$hxP4a4CqgqhI0zmMM/+1jQ\
    $7adYuiHDHc6fLn+UYGX2eRopLZawzRJJuVDrWcy1ojw";

/// What came of checking a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checked {
    /// Right; `fresh` is the hash made anew where the stored one is of an old form.
    Good { fresh: Option<String> },
    /// It is the app password with this number.
    App(Id),
    /// Wrong, or nobody can log in with what is stored.
    Bad,
    /// Too many wait already.
    Busy,
}

/// A password that may be an app password, and what it may be.
#[derive(Clone)]
pub(super) struct AppPasswords {
    /// In the form in which they are made.
    pub(super) typed: Secret<String>,
    /// Those that the account has.
    pub(super) known: Vec<(Id, store::Verifier)>,
    /// Hashed with where there is none, so that it takes as long.
    pub(super) salt: (Vec<u8>, u32),
}

/// The gate before the hashes.
pub(super) struct Verifier {
    gate: ArcSwap<Semaphore>,
    size: AtomicUsize,
    waiting: AtomicUsize,
    computed: Arc<AtomicU64>,
}

/// Counts one waiting log-in for as long as it lives, also if its session goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Verifier {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            gate: ArcSwap::from_pointee(Semaphore::new(at_once.max(1))),
            size: AtomicUsize::new(at_once),
            waiting: AtomicUsize::new(0),
            computed: Arc::default(),
        }
    }

    /// Changes how many are computed at once; those under way end as they began.
    pub(super) fn resize(&self, at_once: usize) {
        if self.size.swap(at_once, Ordering::Relaxed) != at_once {
            self.gate.store(Arc::new(Semaphore::new(at_once.max(1))));
        }
    }

    pub(super) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Checks `password` against app passwords, if it may be one, then against `stored`; without
    /// that (nobody has that name) as long as against one, and it is wrong.
    pub(super) async fn check(
        &self,
        stored: Option<&str>,
        password: &Secret<String>,
        apps: Option<AppPasswords>,
    ) -> Checked {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            return Checked::Busy;
        }
        let Ok(turn) = self.gate.load_full().acquire_owned().await else { return Checked::Busy };
        drop(waiting);
        let exists = stored.is_some();
        let stored = stored.unwrap_or(DUMMY).to_owned();
        let (password, computed) = (password.clone(), Arc::clone(&self.computed));
        let work = tokio::task::spawn_blocking(move || {
            // Held until the hash is done, even if the session is gone by then.
            let _turn = turn;
            if let Some(id) = apps.and_then(AppPasswords::find) {
                return Checked::App(id);
            }
            computed.fetch_add(1, Ordering::Relaxed);
            match (exists, verify(&stored, password.expose())) {
                (true, Verdict::Good) => Checked::Good { fresh: None },
                (true, Verdict::GoodRehash) => {
                    Checked::Good { fresh: password::hash(password.expose()).ok() }
                }
                _ => Checked::Bad,
            }
        });
        work.await.unwrap_or(Checked::Bad)
    }
}

impl AppPasswords {
    /// Which one it is. One salt fits all of an account, so one hash does.
    fn find(self) -> Option<Id> {
        let (salt, iterations) = self.salt;
        let mut made = app_password::verifier(&self.typed, &salt, iterations);
        for (id, known) in self.known {
            if (&made.salt, made.iterations) != (&known.salt, known.iterations) {
                made = app_password::verifier(&self.typed, &known.salt, known.iterations);
            }
            if app_password::is_same(&made, &known) {
                return Some(id);
            }
        }
        None
    }
}

/// A stored text of no known form takes as long as one that is.
fn verify(stored: &str, password: &str) -> Verdict {
    match password::verify(stored, password) {
        Verdict::Unknown => {
            password::verify(DUMMY, password);
            Verdict::Unknown
        }
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::DUMMY;
    use crate::password::{self, Verdict};

    #[test]
    fn the_dummy_costs_what_a_fresh_hash_costs() {
        let fresh = password::hash("some password").unwrap_or_default();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(DUMMY), cost(&fresh));
        assert_eq!(DUMMY.len(), fresh.len());
        assert_eq!(password::verify(DUMMY, "some password"), Verdict::Bad);
    }
}
