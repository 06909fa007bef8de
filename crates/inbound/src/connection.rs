//! The shell of one SMTP or LMTP session: the loop that does what the machine asks for.

mod login;

use crate::opening::Way;
use crate::pace::Pace;
use crate::transaction::Transaction;
use crate::users::Presence;
use crate::{Inbound, local, opening};
use filter::intake::Outcome;
use login::Known;
use mail::{Decision, Door, Event, LocalUser, Peer, Reason, Refusal, TraceRow};
use net::{Accepted, AdmissionGuard, Heard, Stream, Wire};
use smtp::reply::Severity;
use smtp::server::{Action, Answer, Fate, Machine, Question};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;

/// What a peer may take to read a reply.
const WRITE_LIMIT: Duration = Duration::from_secs(60);
/// What the TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// A peer that is silent for longer is idle: its buffers are given back.
const SILENCE: Duration = Duration::from_secs(2);

/// Serves one connection from greeting to close. Never fails: whatever goes wrong ends this
/// session alone.
pub async fn serve(inbound: Arc<Inbound>, accepted: Accepted, door: Door) {
    let Accepted { stream, ip, port, guard, admitted, is_check } = accepted;
    let Some(session) = opening::session(&inbound).await else { return };
    let way = Way { is_local: false, is_check, admitted };
    let spoke_first = net::spoke_first(&stream);
    let mut connection = Connection::new(inbound, opening::peer(session, door, ip, port), way);
    connection.run(Wire::new(Stream::Plain(stream)), spoke_first).await;
    drop(guard);
}

/// Serves a user of this machine, likewise.
pub(crate) async fn serve_user(
    inbound: Arc<Inbound>,
    stream: UnixStream,
    user: LocalUser,
    admitted: Result<(), Reason>,
) {
    serve_here(inbound, stream, Door::Local, Some(user), admitted).await;
}

/// The same for a connection of LMTP within this machine: who may open the socket may hand over.
pub async fn serve_local(
    inbound: Arc<Inbound>,
    stream: UnixStream,
    guard: AdmissionGuard,
    admitted: Result<(), Reason>,
) {
    serve_here(inbound, stream, Door::Lmtp, None, admitted).await;
    drop(guard);
}

async fn serve_here(
    inbound: Arc<Inbound>,
    stream: UnixStream,
    door: Door,
    user: Option<LocalUser>,
    admitted: Result<(), Reason>,
) {
    let Some(session) = opening::session(&inbound).await else { return };
    let peer = Peer { user, ..opening::peer(session, door, Ipv4Addr::LOCALHOST.into(), 0) };
    let way = Way { is_local: true, is_check: false, admitted };
    let mut connection = Connection::new(inbound, peer, way);
    connection.run(Wire::new(Stream::Local(stream)), false).await;
}

struct Connection {
    inbound: Arc<Inbound>,
    peer: Peer,
    machine: Machine,
    pace: Pace,
    transaction: Option<Transaction>,
    /// Since the log-in.
    presence: Option<Presence>,
    /// Who has shown by SCRAM that they know their password, and has not come in yet.
    proved: Option<Box<Known>>,
    way: Way,
    draining: bool,
    kept: u32,
    discarded: u32,
    refused: u32,
}

impl Connection {
    fn new(inbound: Arc<Inbound>, peer: Peer, way: Way) -> Self {
        let settings = inbound.settings.load_full();
        Self {
            machine: Machine::new(opening::options(&settings, &peer, way.is_local)),
            pace: Pace::new(opening::limits(&settings), Instant::now()),
            transaction: None,
            presence: None,
            proved: None,
            way,
            draining: false,
            kept: 0,
            discarded: 0,
            refused: 0,
            inbound,
            peer,
        }
    }

    /// By reference, and with what is rare or large on the heap: a thousand idle sessions hold a
    /// thousand of these futures.
    async fn run(&mut self, wire: Wire, spoke_first: bool) {
        let Some(mut wire) = self.open(wire, spoke_first).await else {
            return self.log();
        };
        loop {
            match self.machine.next() {
                Action::Ask(question) => {
                    let answer = self.ask(question, &wire).await;
                    self.machine.answer(answer);
                    self.pace.turn(Instant::now());
                }
                Action::Body(bytes) => {
                    self.pace.body(bytes.len() as u64, Instant::now());
                    let Some(transaction) = &mut self.transaction else { continue };
                    if let Err(error) = transaction.content(&self.inbound, bytes).await {
                        transaction.abandon();
                        self.machine.fail_body(filter::intake::not_kept_refusal(&error));
                    }
                }
                Action::Abandon => {
                    self.transaction = None;
                }
                Action::Note(reason, detail, reply) => self.note(reason, &detail, reply),
                Action::Remark(reason, detail) => {
                    if let Some(transaction) = &mut self.transaction {
                        transaction.remark(reason, detail);
                    }
                }
                Action::Read => {
                    if !wire.say(self.machine.output(), Instant::now() + WRITE_LIMIT).await {
                        break;
                    }
                    self.listen(&mut wire).await;
                }
                Action::StartTls => {
                    if !wire.say(self.machine.output(), Instant::now() + WRITE_LIMIT).await {
                        break;
                    }
                    wire = match self.secure(wire).await {
                        Some(wire) => wire,
                        None => return self.log(),
                    };
                    self.transaction = None;
                    self.machine.secured();
                    self.pace.turn(Instant::now());
                }
                Action::Close => break,
            }
        }
        wire.say(self.machine.output(), Instant::now() + WRITE_LIMIT).await;
        wire.close(Instant::now() + Duration::from_secs(5)).await;
        self.log();
    }

    /// What comes before the greeting: the handshake of a door under implicit TLS, and a pause for
    /// strangers. None if the session is over already.
    async fn open(&mut self, mut wire: Wire, spoke_first: bool) -> Option<Wire> {
        if self.peer.door == Door::Submissions {
            if let Err(reason) = self.way.admitted {
                // A handshake only to say "later" would cost more than the session refused.
                self.note_refusal(Event::Connection, "", &Refusal::new(reason), 0);
                return None;
            }
            return self.secure(wire).await;
        }
        let pause = match self.way.admitted {
            // What is there already needs no waiting for, only reading.
            _ if spoke_first => SILENCE,
            Ok(()) => self.inbound.policy.snapshot().greeting_pause(&self.peer),
            Err(_) => Duration::ZERO,
        };
        if !pause.is_zero() {
            match wire.hear(Instant::now() + pause, false, Some(&self.inbound.drain)).await {
                Heard::Bytes => self.machine.receive(wire.bytes()),
                Heard::End => self.machine.eof(),
                Heard::Late | Heard::Drain => {}
            }
        }
        Some(wire)
    }

    async fn secure(&mut self, wire: Wire) -> Option<Wire> {
        let secured = tokio::select! {
            biased;
            secured = wire.secure(&self.inbound.tls, HANDSHAKE_LIMIT) => secured,
            // Who has not even begun keeps nobody from stopping.
            () = self.inbound.drain.wait() => return None,
        };
        match secured {
            Ok(wire) => {
                self.peer.tls = wire.tls_info();
                Some(wire)
            }
            Err(error) => {
                // Old senders offer only what rustls does not speak; they come back without TLS.
                self.note(Reason::TlsFailed, &error.to_string(), 0);
                None
            }
        }
    }

    /// Waits for the peer and tells the machine what came of it.
    async fn listen(&mut self, wire: &mut Wire) {
        let in_body = self.pace.in_body() || self.machine.in_body();
        let deadline = self.pace.deadline();
        let soon = deadline.min(Instant::now() + SILENCE);
        let mut heard = self.hear(wire, soon, in_body).await;
        if matches!(heard, Heard::Late) && soon < deadline {
            // An idle session gives its buffers back: a thousand of them cost little.
            self.machine.shrink();
            wire.shrink();
            heard = self.hear(wire, deadline, in_body).await;
        }
        match heard {
            Heard::Bytes => self.machine.receive(wire.bytes()),
            Heard::End => self.machine.eof(),
            Heard::Drain => {
                self.draining = true;
                self.machine.drain();
            }
            Heard::Late => {
                let late = if in_body { Reason::TooSlow } else { Reason::IdleTooLong };
                self.machine.timed_out(self.ended().unwrap_or(late));
            }
        }
    }

    /// Nothing is cut in DATA: while a body comes, the drain waits for its end. The machine is told
    /// of the drain once; an open transaction goes on until its end.
    async fn hear(&self, wire: &mut Wire, deadline: Instant, in_body: bool) -> Heard {
        let drain = (!in_body && !self.draining).then_some(&self.inbound.drain);
        match self.presence.as_ref().filter(|_| !in_body) {
            None => wire.hear(deadline, in_body, drain).await,
            Some(presence) => tokio::select! {
                biased;
                () = presence.over() => Heard::Late,
                heard = wire.hear(deadline, in_body, drain) => heard,
            },
        }
    }

    async fn ask(&mut self, question: Question, wire: &Wire) -> Answer {
        if let Some(reason) = self.ended() {
            let refusal = Refusal::new(reason);
            self.transaction = None;
            let severity = smtp::reply::usual_severity(refusal.reason);
            let code = smtp::reply::for_refusal(severity, &refusal).code;
            self.note_refusal(Event::Login, "", &refusal, code);
            return Answer::RefuseAndClose(refusal);
        }
        match question {
            Question::Connect => self.connect().await,
            Question::Helo { name, esmtp } => {
                self.peer.helo = Some(name);
                self.peer.esmtp = esmtp;
                self.transaction = None;
                let decision = self.inbound.policy.snapshot().helo(&self.peer);
                self.answer(decision, Event::Command, "")
            }
            Question::Login(credentials) => Box::pin(self.login(&credentials)).await,
            Question::Scram(ask) => Box::pin(self.scram(ask, wire.bindings())).await,
            Question::Sender { .. } if self.way.is_check => {
                let refusal = Refusal::new(Reason::ProxyCheck).rule("proxy.networks");
                self.answer(Decision::Refuse(refusal), Event::Sender, "")
            }
            Question::Sender { path, size, body, smtputf8, require_tls, dsn } => {
                let snapshot = self.inbound.policy.snapshot();
                let decision = snapshot.sender(&self.peer, &path, size);
                let mut transaction = Transaction::new(snapshot, path, size, body, smtputf8, dsn);
                transaction.require_tls = require_tls;
                if let Decision::Discard(refusal) = &decision {
                    transaction.discard(refusal);
                }
                self.transaction = Some(transaction);
                self.answer(decision, Event::Sender, "")
            }
            Question::Recipient { path, dsn } => {
                let Some(transaction) = &mut self.transaction else {
                    return Answer::Refuse(Refusal::new(Reason::BadSequence));
                };
                let decision = transaction.recipient(&self.inbound, &self.peer, &path, dsn).await;
                self.answer(decision, Event::Recipient, &path.to_string())
            }
            Question::Body => Answer::Allow,
            Question::Message => Box::pin(self.message()).await,
            Question::OwnEntries { .. } | Question::Flush => {
                Box::pin(self.own_entries(&question)).await
            }
        }
    }

    async fn connect(&mut self) -> Answer {
        if let Err(reason) = self.way.admitted {
            let refusal = Refusal::new(reason);
            let severity = smtp::reply::usual_severity(reason);
            let code = smtp::reply::for_greeting(severity, &refusal).code;
            self.note_refusal(Event::Connection, "", &refusal, code);
            return Answer::RefuseAndClose(refusal);
        }
        // Whom the socket's permissions let in was allowed by them.
        if self.peer.door == Door::Lmtp && self.way.is_local {
            return Answer::Allow;
        }
        // Looks its name up only if the access map has entries by name.
        self.inbound.policy.meet(&self.peer).await;
        let decision = self.inbound.policy.snapshot().connection(&self.peer);
        self.answer(decision, Event::Connection, "")
    }

    /// What a user of this machine asks of the queue.
    async fn own_entries(&mut self, question: &Question) -> Answer {
        match self.inbound.policy.snapshot().own_entries(&self.peer) {
            Decision::Allow(()) => {}
            refused => return self.answer(refused, Event::Command, ""),
        }
        match question {
            Question::OwnEntries { after } => {
                local::own_entries(&self.inbound, &self.peer, *after).await
            }
            _ => local::flush(&self.inbound, &self.peer).await,
        }
    }

    async fn message(&mut self) -> Answer {
        let Some(transaction) = self.transaction.take() else {
            return Answer::Refuse(Refusal::new(Reason::BadSequence));
        };
        let is_wanted = transaction.is_for_somebody();
        if self.peer.door == Door::Lmtp {
            let outcomes = transaction.finish_each(&self.inbound, &self.peer).await;
            return Answer::Each(outcomes.into_iter().map(|outcome| self.fate(outcome)).collect());
        }
        let outcome = transaction.finish(&self.inbound, &self.peer).await;
        if is_wanted && matches!(outcome, Outcome::Accepted(_)) {
            self.inbound.policy.welcome(&self.peer);
        }
        match self.fate(outcome) {
            Fate::Kept(message) => Answer::Accepted(message),
            Fate::Refused(refusal) => Answer::Refuse(refusal),
            Fate::Later(refusal) => Answer::Later(refusal),
        }
    }

    /// Counts what became of a message, or of one recipient's copy over LMTP.
    fn fate(&mut self, outcome: Outcome) -> Fate {
        match outcome {
            Outcome::Accepted(message) | Outcome::Quarantined(message, _) => {
                self.kept += 1;
                Fate::Kept(message)
            }
            Outcome::Discarded(message, _) => {
                self.discarded += 1;
                Fate::Kept(message)
            }
            Outcome::Refused(refusal) => {
                self.refused += 1;
                Fate::Refused(refusal)
            }
            Outcome::Later(refusal) => {
                self.refused += 1;
                Fate::Later(refusal)
            }
        }
    }

    /// Turns a decision into the machine's answer, and writes down what was not allowed.
    fn answer(&mut self, decision: Decision<()>, event: Event, recipient: &str) -> Answer {
        let reply = |severity, refusal: &Refusal| match event {
            Event::Connection => smtp::reply::for_greeting(severity, refusal).code,
            _ => smtp::reply::for_refusal(severity, refusal).code,
        };
        match decision {
            Decision::Allow(()) | Decision::Discard(_) => Answer::Allow,
            Decision::Refuse(refusal) => {
                let code = reply(Severity::Permanent, &refusal);
                self.note_refusal(event, recipient, &refusal, code);
                Answer::Refuse(refusal)
            }
            Decision::Later(refusal) => {
                let code = reply(Severity::Temporary, &refusal);
                self.note_refusal(event, recipient, &refusal, code);
                Answer::Later(refusal)
            }
        }
    }

    fn note(&mut self, reason: Reason, detail: &str, reply: u16) {
        let event = match reason {
            Reason::EarlyTalker
            | Reason::DataBeforeHandshake
            | Reason::TlsFailed
            | Reason::TooManyErrors
            | Reason::TooSlow
            | Reason::IdleTooLong
            | Reason::ShuttingDown => Event::Connection,
            Reason::BadCredentials | Reason::ChannelBinding | Reason::CredentialEnded => {
                Event::Login
            }
            _ => Event::Command,
        };
        self.note_refusal(event, "", &Refusal::new(reason).detail(detail), reply);
    }

    fn note_refusal(&mut self, event: Event, recipient: &str, refusal: &Refusal, reply: u16) {
        self.refused += 1;
        let sender = self.transaction.as_ref().map(|t| t.sender().to_string());
        self.inbound.store.note(TraceRow {
            at: self.inbound.clock.now(),
            event,
            session: Some(self.peer.session),
            message: None,
            door: self.peer.door.word().to_owned(),
            peer: self.peer.place(),
            sender: sender.unwrap_or_default(),
            recipient: recipient.to_owned(),
            reply,
            reason: refusal.reason,
            rule: refusal.rule.clone(),
            detail: refusal.detail.clone(),
        });
    }

    fn log(&self) {
        tracing::info!(
            session = %self.peer.session,
            door = self.peer.door.word(),
            ip = self.peer.place(),
            helo = self.peer.helo.as_deref().unwrap_or_default(),
            tls = self.peer.tls.as_deref().unwrap_or_default(),
            login = self.peer.login.as_ref().map(|login| login.address.to_string()),
            credential = self.presence.as_ref().map(|here| here.credential().to_string()),
            kept = self.kept,
            discarded = self.discarded,
            refused = self.refused,
            "session ended"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::serve;

    fn size<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// A thousand idle sessions hold a thousand of these: what is rare in a session (a message's
    /// end, a log-in, a handshake) belongs on the heap while it lasts.
    #[test]
    fn a_session_waits_in_little_memory() {
        assert!(size(serve) <= 4 * 1024, "{}", size(serve));
    }
}
