//! The shell of one POP3 session: the loop that does what the machine asks for.

mod login;
mod mailbox;

use crate::Pop3;
use crate::machine::{Action, Answer, Machine, Options, Question};
use crate::sessions::Hold;
use login::Known;
use mail::{Credential, Decision, Door, Event, Peer, Reason, Refusal, SessionId, TraceRow};
use mailbox::{Fetching, Opened};
use net::{Accepted, Heard, Stream, Wire};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// What a peer may take to read one window of output.
const WRITE_LIMIT: Duration = Duration::from_secs(60);
/// A peer that is silent for longer is idle: its buffers are given back.
const SILENCE: Duration = Duration::from_secs(2);
/// The least that a client who has logged in may be silent: RFC 1939 §3 demands ten minutes,
/// whatever the settings say of others.
const IDLE_LEAST: Duration = Duration::from_secs(600);
/// How long a client who has logged in may be silent while the server shuts down.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);
/// What saying goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Serves one connection from greeting to close. Never fails: whatever goes wrong ends this
/// session alone.
pub async fn serve(pop3: Arc<Pop3>, accepted: Accepted, door: Door) {
    let Accepted { stream, ip, port, guard, admitted, .. } = accepted;
    let session = match pop3.store.ids(1).await {
        Ok(ids) => SessionId(ids.start),
        Err(error) => {
            tracing::warn!(%ip, %error, "session refused: the store gives no number");
            return;
        }
    };
    let settings = pop3.settings.load_full();
    let options = Options {
        hostname: settings.server.hostname.to_string(),
        tls_active: door == Door::Pop3s,
        errors_max: settings.limits.errors_max,
        login_failures_max: settings.login.failures_per_connection_max,
    };
    let connection = Connection {
        peer: Peer {
            session,
            door,
            ip,
            port,
            helo: None,
            esmtp: false,
            tls: None,
            login: None,
            user: None,
        },
        machine: Machine::new(options),
        idle: Duration::from_secs(settings.limits.idle_timeout_secs),
        since: Instant::now(),
        draining: false,
        credential: Credential::Main,
        proved: None,
        opened: None,
        fetching: None,
        tally: Tally::default(),
        pop3,
    };
    connection.run(Stream::Plain(stream), admitted).await;
    drop(guard);
}

struct Connection {
    pop3: Arc<Pop3>,
    peer: Peer,
    machine: Machine,
    /// How long a client who has not logged in may take for a command.
    idle: Duration,
    /// When the client's turn began.
    since: Instant,
    draining: bool,
    /// What the client logged in with.
    credential: Credential,
    /// Who has shown by SCRAM that they know their password, and has not come in yet.
    proved: Option<Box<Known>>,
    /// The mailbox, once the client has logged in.
    opened: Option<Opened>,
    /// The message that is being sent.
    fetching: Option<Fetching>,
    tally: Tally,
}

/// What the session did, for its line in the log.
#[derive(Default)]
struct Tally {
    sent: u64,
    removed: u64,
    refused: u64,
}

impl Connection {
    async fn run(mut self, stream: Stream, admitted: Result<(), Reason>) {
        let mut wire = Wire::new(stream);
        if self.peer.door == Door::Pop3s {
            if let Err(reason) = admitted {
                // A handshake only to say "later" would cost more than the session refused.
                self.note(Event::Connection, &Refusal::new(reason));
                return self.log();
            }
            wire = match self.secure(wire).await {
                Some(wire) => wire,
                None => return self.log(),
            };
        }
        loop {
            match self.machine.next() {
                Action::Ask(Question::Connect) => {
                    let answer = self.connect(admitted);
                    self.machine.answer(answer);
                }
                Action::Ask(question) => {
                    let answer = self.ask(question, &wire).await;
                    self.machine.answer(answer);
                    self.since = Instant::now();
                }
                Action::Write => {
                    if !self.say(&mut wire).await {
                        break;
                    }
                }
                Action::Fetch => {
                    if !self.say(&mut wire).await {
                        break;
                    }
                    self.fetch().await;
                }
                Action::Read => {
                    if !self.say(&mut wire).await {
                        break;
                    }
                    self.listen(&mut wire).await;
                }
                Action::StartTls => {
                    if !self.say(&mut wire).await {
                        break;
                    }
                    wire = match self.secure(wire).await {
                        Some(wire) => wire,
                        None => return self.log(),
                    };
                    self.machine.secured();
                    self.since = Instant::now();
                }
                Action::Note(reason, detail) => {
                    let event = match reason {
                        Reason::BadCredentials
                        | Reason::ChannelBinding
                        | Reason::CredentialEnded => Event::Login,
                        _ => Event::Command,
                    };
                    self.note(event, &Refusal::new(reason).detail(detail));
                }
                Action::Close => break,
            }
        }
        // The mailbox is free before the client hears of it: it may come back at once
        // (RFC 1939 §6 releases the lock, then answers).
        self.fetching = None;
        self.opened = None;
        self.say(&mut wire).await;
        wire.close(Instant::now() + CLOSE_LIMIT).await;
        self.log();
    }

    async fn secure(&mut self, wire: Wire) -> Option<Wire> {
        let secured = tokio::select! {
            biased;
            secured = wire.secure(&self.pop3.tls, HANDSHAKE_LIMIT) => secured,
            // Who has not even begun keeps nobody from stopping.
            () = self.pop3.drain.wait() => return None,
        };
        match secured {
            Ok(wire) => {
                self.peer.tls = wire.tls_info();
                Some(wire)
            }
            Err(error) => {
                let refusal = Refusal::new(Reason::TlsFailed).detail(error.to_string());
                self.note(Event::Connection, &refusal);
                None
            }
        }
    }

    /// Writes the output; false if the session is over: the client is gone or too slow, or an
    /// administrator ended it.
    async fn say(&mut self, wire: &mut Wire) -> bool {
        let said = wire.say(self.machine.output(), Instant::now() + WRITE_LIMIT);
        match self.opened.as_ref().map(|opened| &opened.hold) {
            None => said.await,
            Some(hold) => tokio::select! {
                biased;
                () = hold.ended() => false,
                said = said => said,
            },
        }
    }

    /// Waits for the client and tells the machine what came of it.
    async fn listen(&mut self, wire: &mut Wire) {
        self.fetching = None;
        let deadline = self.deadline();
        let soon = deadline.min(Instant::now() + SILENCE);
        let mut heard = self.hear(wire, soon).await;
        if heard == Some(Heard::Late) && soon < deadline {
            // An idle session gives its buffers back: a thousand of them cost little.
            self.machine.shrink();
            wire.shrink();
            heard = self.hear(wire, deadline).await;
        }
        match heard {
            Some(Heard::Bytes) => self.machine.receive(wire.bytes()),
            Some(Heard::End) => self.machine.eof(),
            Some(Heard::Drain) => {
                self.draining = true;
                self.since = Instant::now();
                self.machine.drain();
            }
            Some(Heard::Late) if self.draining => self.machine.cut(Reason::ShuttingDown),
            Some(Heard::Late) => self.machine.cut(Reason::IdleTooLong),
            // Another password is in the old one's place, if nothing else is told.
            None => self.machine.cut(self.ended().unwrap_or(Reason::CredentialEnded)),
        }
    }

    /// As [`Wire::hear`]; `None` if an administrator ended the session. The drain is heard once.
    async fn hear(&self, wire: &mut Wire, deadline: Instant) -> Option<Heard> {
        let drain = (!self.draining).then_some(&self.pop3.drain);
        let heard = wire.hear(deadline, false, drain);
        match self.opened.as_ref().map(|opened| &opened.hold) {
            None => Some(heard.await),
            Some(hold) => tokio::select! {
                biased;
                () = hold.ended() => None,
                heard = heard => Some(heard),
            },
        }
    }

    /// When the client's next command must be there, whole: single bytes gain no time.
    fn deadline(&self) -> Instant {
        self.since
            + match (&self.opened, self.draining) {
                (Some(_), true) => DRAIN_PATIENCE,
                (Some(_), false) => self.idle.max(IDLE_LEAST),
                (None, _) => self.idle,
            }
    }

    fn connect(&mut self, admitted: Result<(), Reason>) -> Answer {
        if let Err(reason) = admitted {
            let refusal = Refusal::new(reason);
            self.note(Event::Connection, &refusal);
            return Answer::RefuseAndClose(refusal);
        }
        match self.pop3.policy.snapshot().connection(&self.peer) {
            Decision::Allow(()) => Answer::Allow,
            Decision::Refuse(refusal) | Decision::Later(refusal) | Decision::Discard(refusal) => {
                self.note(Event::Connection, &refusal);
                Answer::RefuseAndClose(refusal)
            }
        }
    }

    async fn ask(&mut self, question: Question, wire: &Wire) -> Answer {
        match question {
            Question::Connect => Answer::Allow,
            Question::Login(credentials) => self.login(&credentials).await,
            Question::Scram(ask) => Box::pin(self.scram(ask, wire.bindings())).await,
            Question::Message(item) => {
                if let Some(refusal) = self.gone_account() {
                    return Answer::RefuseAndClose(refusal);
                }
                let Some(opened) = &self.opened else { return Answer::Gone };
                match opened.fetch(&self.pop3.store, item).await {
                    Ok(Some(fetching)) => {
                        self.tally.sent += 1;
                        self.fetching = Some(fetching);
                        Answer::Allow
                    }
                    Ok(None) => Answer::Gone,
                    Err(error) => self.store_failed(&error),
                }
            }
            Question::Remove(entries) => {
                if let Some(refusal) = self.gone_account() {
                    return Answer::RefuseAndClose(refusal);
                }
                let Some(opened) = &self.opened else { return Answer::Gone };
                match opened.remove(&self.pop3.store, &entries).await {
                    Ok(removed) => {
                        self.tally.removed += removed;
                        Answer::Allow
                    }
                    Err(error) => self.store_failed(&error),
                }
            }
        }
    }

    async fn look(&self, hold: Hold) -> Result<(Opened, Vec<crate::machine::Item>), store::Error> {
        let account = self.peer.login.as_ref().map(|login| login.account);
        Opened::look(&self.pop3.store, account, hold).await
    }

    async fn fetch(&mut self) {
        let Some(fetching) = &mut self.fetching else { return self.machine.content_failed() };
        match fetching.read().await {
            Ok(bytes) => self.machine.content(&bytes),
            Err(error) => {
                tracing::error!(session = %self.peer.session, %error, "a message is cut");
                self.machine.content_failed();
            }
        }
        self.since = Instant::now();
    }

    fn store_failed(&mut self, error: &store::Error) -> Answer {
        tracing::error!(session = %self.peer.session, %error, "the store failed a reader");
        let refusal = Refusal::new(Reason::StorageFailed).detail(error.to_string());
        self.note(Event::Command, &refusal);
        Answer::Later(refusal)
    }

    fn note(&mut self, event: Event, refusal: &Refusal) {
        self.tally.refused += 1;
        let login = self.peer.login.as_ref().map(|login| login.address.to_string());
        self.pop3.store.note(TraceRow {
            at: self.pop3.clock.now(),
            event,
            session: Some(self.peer.session),
            message: None,
            door: self.peer.door.word().to_owned(),
            peer: self.peer.ip.to_string(),
            sender: String::new(),
            recipient: login.unwrap_or_default(),
            reply: 0,
            reason: refusal.reason,
            rule: refusal.rule.clone(),
            detail: refusal.detail.clone(),
        });
    }

    fn log(&self) {
        tracing::info!(
            session = %self.peer.session,
            door = self.peer.door.word(),
            ip = %self.peer.ip,
            tls = self.peer.tls.as_deref().unwrap_or_default(),
            login = self.peer.login.as_ref().map(|login| login.address.to_string()),
            credential = self.peer.login.is_some().then(|| self.credential.to_string()),
            sent = self.tally.sent,
            removed = self.tally.removed,
            refused = self.tally.refused,
            "session ended"
        );
    }
}

/// A name that a peer typed, fit for trace and log.
fn named(user: &str) -> String {
    let name: String = user.chars().filter(|c| !c.is_control()).take(100).collect();
    format!("user={name}")
}
