//! Logging in: what the machine asks of a user, fetched from `policy`.

use super::Connection;
use mail::scram::{Ask, Bindings, Salt, Told};
use mail::{Credential, Decision, Event, Login, Reason, Refusal};
use smtp::server::{Answer, Credentials};

/// Somebody who may come in.
pub(super) struct Known {
    login: Login,
    credential: Credential,
}

impl Connection {
    pub(super) async fn login(&mut self, credentials: &Credentials) -> Answer {
        let Credentials { user, password, .. } = credentials;
        let login = self.inbound.policy.login(&self.peer, user, password).await;
        match self.judged(login, user).await {
            Ok(known) => self.enter(known),
            Err(answer) => answer,
        }
    }

    /// A step of SCRAM. Who has proved that they know a password comes in only after their side
    /// has taken our signature for good.
    pub(super) async fn scram(&mut self, ask: Ask, bindings: Bindings) -> Answer {
        match ask {
            Ask::Salt { user } => {
                self.proved = None;
                match self.inbound.policy.salt(&user) {
                    Ok(salt) => Answer::Scram(Told::Salt(Salt { bindings, ..salt })),
                    Err(error) => inner(&error.to_string()),
                }
            }
            Ask::Proof(attempt) => {
                let login = self.inbound.policy.prove(&self.peer, &attempt).await;
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
                Some(known) => self.enter(*known),
                None => inner("nobody has proved anything"),
            },
        }
    }

    /// Holds the answer back as long as policy wants, and writes down a failure.
    async fn judged(&mut self, login: policy::LoginAnswer, user: &str) -> Result<Known, Answer> {
        if !login.delay.is_zero() {
            tokio::time::sleep(login.delay).await;
        }
        let named = |refusal: Refusal| {
            let facts = format!("{} {}", clean(user), refusal.detail);
            refusal.detail(facts.trim_end())
        };
        let refused = match login.decision {
            Decision::Allow(known) => {
                return Ok(Known { login: known, credential: login.credential });
            }
            Decision::Later(refusal) => Decision::Later(named(refusal)),
            Decision::Refuse(r) | Decision::Discard(r) => Decision::Refuse(named(r)),
        };
        Err(self.answer(refused, Event::Login, ""))
    }

    fn enter(&mut self, Known { login, credential }: Known) -> Answer {
        let expiry = self.inbound.store.directory().expiry(login.account, credential);
        let left = expiry.map(|at| self.inbound.clock.until(at));
        self.presence = Some(self.inbound.users.enter(login.account, credential, left));
        let text = login.address.to_string();
        self.peer.login = Some(login);
        Answer::LoggedIn(text)
    }

    /// Why the user who logged in may not go on, if so. Another machine may have ended the account
    /// or the password: that reaches us by the directory.
    pub(super) fn ended(&self) -> Option<Reason> {
        let (login, presence) = (self.peer.login.as_ref()?, self.presence.as_ref()?);
        let directory = self.inbound.store.directory();
        let now = self.inbound.clock.now();
        if directory.may_go_on(login.account, presence.credential(), now) && !presence.is_over() {
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

/// A name that a peer typed, fit for a log line.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
