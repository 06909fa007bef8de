//! Logging in: what the machine asks of a user, fetched from `policy`, and the mailbox taken.

use super::{Connection, named};
use crate::machine::{Answer, Credentials};
use mail::scram::{Ask, Bindings, Salt, Told};
use mail::{Credential, Decision, Event, Login, Reason, Refusal};

/// Somebody who may come in.
pub(super) struct Known {
    login: Login,
    credential: Credential,
}

impl Connection {
    pub(super) async fn login(&mut self, credentials: &Credentials) -> Answer {
        let Credentials { user, password } = credentials;
        let login = self.pop3.policy.login(&self.peer, user, password).await;
        match self.judged(login, user).await {
            Ok(known) => self.open(known).await,
            Err(answer) => answer,
        }
    }

    /// A step of SCRAM. Who has proved that they know a password gets the mailbox only after their
    /// side has taken our signature for good.
    pub(super) async fn scram(&mut self, ask: Ask, bindings: Bindings) -> Answer {
        match ask {
            Ask::Salt { user } => {
                self.proved = None;
                match self.pop3.policy.salt(&user) {
                    Ok(salt) => Answer::Scram(Told::Salt(Salt { bindings, ..salt })),
                    Err(error) => inner(&error.to_string()),
                }
            }
            Ask::Proof(attempt) => {
                let login = self.pop3.policy.prove(&self.peer, &attempt).await;
                let signature = login.signature;
                match (self.judged(login, &attempt.user).await, signature) {
                    (Ok(known), Some(signature)) => {
                        self.proved = Some(Box::new(known));
                        Answer::Scram(Told::Signature(signature))
                    }
                    (Ok(_), None) => inner("a proof without a signature"),
                    (Err(answer), _) => answer,
                }
            }
            Ask::Enter => match self.proved.take() {
                Some(known) => self.open(*known).await,
                None => inner("nobody has proved anything"),
            },
        }
    }

    /// Holds the answer back as long as policy wants, and writes down a failure.
    async fn judged(&mut self, login: policy::LoginAnswer, user: &str) -> Result<Known, Answer> {
        if !login.delay.is_zero() {
            tokio::time::sleep(login.delay).await;
        }
        let (refusal, answer): (_, fn(Refusal) -> Answer) = match login.decision {
            Decision::Allow(known) => {
                return Ok(Known { login: known, credential: login.credential });
            }
            Decision::Later(refusal) => (refusal, Answer::Later),
            Decision::Refuse(refusal) | Decision::Discard(refusal) => (refusal, Answer::Refuse),
        };
        let facts = format!("{} {}", named(user), refusal.detail);
        self.note(Event::Login, &refusal.clone().detail(facts.trim_end()));
        Err(answer(refusal))
    }

    /// The credentials were good: takes the mailbox.
    async fn open(&mut self, Known { login, credential }: Known) -> Answer {
        let expiry = self.pop3.store.directory().expiry(login.account, credential);
        let left = expiry.map(|at| self.pop3.clock.until(at));
        let Some(hold) = self.pop3.sessions.hold(login.account, credential, left) else {
            let refusal = Refusal::new(Reason::MailboxInUse);
            self.note(Event::Login, &refusal.clone().detail(named(&login.address.to_string())));
            return Answer::Later(refusal);
        };
        self.credential = credential;
        self.peer.login = Some(login);
        // Looked at again now that we can be told: it may have been disabled between.
        if let Some(refusal) = self.gone_account() {
            return Answer::RefuseAndClose(refusal);
        }
        match self.look(hold).await {
            Ok((opened, items)) => {
                self.opened = Some(opened);
                Answer::Opened(items)
            }
            Err(error) => {
                self.peer.login = None;
                self.store_failed(&error)
            }
        }
    }

    /// Why the account or the password that opened it may not be used any more, if so. Another
    /// machine may have ended it: that reaches us by the directory, not by
    /// [`crate::Pop3::end_sessions`].
    pub(super) fn gone_account(&mut self) -> Option<Refusal> {
        let reason = self.ended()?;
        let refusal = Refusal::new(reason);
        self.note(Event::Login, &refusal);
        Some(refusal)
    }

    pub(super) fn ended(&self) -> Option<Reason> {
        let login = self.peer.login.as_ref()?;
        let directory = self.pop3.store.directory();
        if directory.may_go_on(login.account, self.credential, self.pop3.clock.now()) {
            return None;
        }
        let account = directory.account(login.account);
        Some(match account.is_some_and(|account| !account.disabled) {
            true => Reason::CredentialEnded,
            false => Reason::AccountDisabled,
        })
    }
}

fn inner(why: &str) -> Answer {
    tracing::error!(why, "a log-in by SCRAM failed inside");
    Answer::Later(Refusal::new(Reason::InternalError).detail(why))
}
