//! The shell of one connection to another server: it does what `smtp::client` says.

mod tls;

pub(crate) use tls::{NOT_VALID, Seen};

use crate::met::{Met, Verdict};
use mail::{Domain, Reason, TlsDemand};
use net::{ClientTls, Heard, Stream, TlsError, Wire};
use policy::trust::Trust;
use policy::ways::Server;
use smtp::client::{
    Action, Command, Credentials, Fault, Machine, Options, Outcome, TlsPolicy, Transaction, Unfit,
};
use smtp::reply::Severity;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use store::Rendered;
use tls::NOT_OFFERED;

/// What a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// What the handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(60);
/// What a server may take to read what we say (RFC 5321 §4.5.3.2.5: three minutes a block).
const WRITE_MAX: Duration = Duration::from_secs(180);
/// What a server that takes no more of a message may take to say why.
const LAST_WORDS_MAX: Duration = Duration::from_secs(5);
/// What finding a server that is ready may take, all that are tried together, and what all
/// transactions of a batch may take: a lease lasts longer than both, whatever a server does.
const OPEN_MAX: Duration = Duration::from_secs(10 * 60);
pub(crate) const BATCH_MAX: Duration = Duration::from_secs(45 * 60);
/// What a connection without work may last; the scheduler ends it much earlier.
const REST_MAX: Duration = Duration::from_secs(300);
/// Bytes of the message that are read at once.
const WINDOW: usize = 64 * 1024;

/// What connections need to know of us.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) hostname: Domain,
    /// With anybody, and with those whom an authority vouches for.
    pub(crate) tls: ClientTls,
    pub(crate) verified: Option<ClientTls>,
    /// The address to call from, if one is chosen.
    pub(crate) from: Option<IpAddr>,
    /// What to log in with.
    pub(crate) credentials: Option<Credentials>,
}

/// A connection that is ready for messages.
pub(crate) struct Connection {
    machine: Machine,
    wire: Wire,
    /// The server's name or address, for people.
    pub(crate) host: String,
    /// What the messages want for which it was made.
    pub(crate) demand: TlsDemand,
    /// Whether a transaction was begun on it.
    is_used: bool,
    /// When the answer that is awaited is due.
    due: Instant,
    /// When all of what is being done has to be done.
    until: Instant,
}

/// Why a server could not be used.
struct Failed {
    met: Met,
    /// The handshake was in the way.
    at_handshake: bool,
    /// What is wrong with its TLS, in the words of RFC 8460 §4.3.
    flaw: Option<&'static str>,
}

/// What the machine waits for us to decide.
enum Turn {
    Ready,
    Done(Vec<Outcome>),
    Closed(Option<Fault>),
}

/// Connects to the first of the servers that talks to us.
///
/// # Errors
/// What they met: a refusal for good only if all refuse for good (RFC 5321 §5.1 has the next one
/// tried).
pub(crate) async fn open(
    caller: &Caller,
    servers: &[Server],
    demand: TlsDemand,
    seen: &mut Vec<Seen>,
) -> Result<Connection, Met> {
    let mut last: Option<Met> = None;
    let mut fail = |met: Met| match &last {
        // One that may change its mind outweighs those that will not.
        Some(known) if known.verdict == Verdict::Later && met.verdict == Verdict::Never => {}
        _ => last = Some(met),
    };
    let until = now() + OPEN_MAX;
    for server in servers.iter().take_while(|_| now() < until) {
        let visit = Visit { caller, server, demand, until };
        let reached = match tls::demanded(caller, server, demand) {
            Ok(trust) => visit.reach(trust, seen).await,
            Err(met) => Err(met),
        };
        match reached {
            Ok(connection) if connection.keeps_demand() => return Ok(connection),
            // RFC 8689 §4.2.1: then it is the next one's turn.
            Ok(connection) => {
                fail(Met::unfit(Unfit::RequireTls, connection.host.clone()));
                connection.close().await;
            }
            Err(met) => fail(met),
        }
    }
    let none = || Met::ours(Severity::Temporary, Reason::RemoteUnreachable, "there is no server");
    Err(last.unwrap_or_else(none))
}

/// One server that is tried.
#[derive(Clone, Copy)]
struct Visit<'a> {
    caller: &'a Caller,
    server: &'a Server,
    demand: TlsDemand,
    /// When all that are tried have to be done with.
    until: Instant,
}

impl Visit<'_> {
    /// The connection, and what was seen of its TLS.
    async fn reach(self, trust: Trust, seen: &mut Vec<Seen>) -> Result<Connection, Met> {
        let mut see = |trust: &Trust, result: &'static str, detail: &str| {
            let (host, address) = (called(self.server), self.server.address.ip());
            let detail = detail.to_owned();
            seen.push(Seen { host, address, trust: trust.clone(), result, detail });
        };
        if let Trust::Tested { named } = trust {
            if named {
                match Connection::open(self, Some(&Trust::Verified)).await {
                    Ok(connection) => {
                        see(&trust, "", "");
                        return Ok(connection);
                    }
                    Err(Failed { met, flaw: None, .. }) => return Err(met),
                    Err(Failed { met, flaw: Some(flaw), .. }) => see(&trust, flaw, &met.text),
                }
            } else {
                see(&trust, NOT_VALID, "its name is not one of the policy's");
            }
            return self.lastly(&Trust::Anybody).await.map_err(|failed| failed.met);
        }
        let reached = self.lastly(&trust).await;
        match &reached {
            Ok(connection) if connection.machine.is_secured() => see(&trust, "", ""),
            Ok(_) => see(&trust, NOT_OFFERED, ""),
            Err(Failed { met, flaw: Some(flaw), .. }) => see(&trust, flaw, &met.text),
            Err(_) => {}
        }
        reached.map_err(|failed| failed.met)
    }

    /// As it is demanded; where nothing is, in the clear if nothing else helps.
    async fn lastly(self, trust: &Trust) -> Result<Connection, Failed> {
        match Connection::open(self, Some(trust)).await {
            // Nobody said that it has to be under TLS: in the clear is what SMTP is without.
            Err(failed) if failed.at_handshake && !trust.demands() => {
                Connection::open(self, None).await.map_err(|_| failed)
            }
            reached => reached,
        }
    }
}

/// The server's name or address, for people.
pub(crate) fn called(server: &Server) -> String {
    match &server.name {
        mail::Host::Domain(name) => name.to_string(),
        mail::Host::Literal(_) => server.address.ip().to_string(),
    }
}

impl Connection {
    /// Connects to one server; without a trust, in the clear.
    async fn open(visit: Visit<'_>, trust: Option<&Trust>) -> Result<Self, Failed> {
        let Visit { caller, server, demand, until } = visit;
        let host = called(server);
        let limit = left(until, CONNECT_MAX);
        let stream = net::client::connect(server.address, caller.from, limit).await;
        let stream = stream.map_err(|error| {
            let text = format!("{} cannot be reached: {error}", server.address);
            let met = Met::ours(Severity::Temporary, Reason::RemoteUnreachable, text);
            Failed { met: Met { host: host.clone(), ..met }, at_handshake: false, flaw: None }
        })?;
        let options = Options {
            hostname: caller.hostname.clone(),
            tls: match trust {
                None => TlsPolicy::Never,
                Some(trust) if trust.demands() => TlsPolicy::Required,
                Some(_) => TlsPolicy::IfOffered,
            },
            tls_active: matches!(stream, Stream::Tls(_)),
            credentials: caller.credentials.clone(),
        };
        let (machine, wire) = (Machine::new(options), Wire::new(stream));
        let connection = Self { machine, wire, host, demand, is_used: false, due: now(), until };
        let trust = trust.unwrap_or(&Trust::Anybody);
        let mut connection = connection.greet(caller, server, trust).await?;
        let fault = match connection.turn(None).await {
            Turn::Ready => return Ok(connection),
            Turn::Done(_) | Turn::Closed(None) => Fault::Gone,
            Turn::Closed(Some(fault)) => fault,
        };
        let met = tls::unsafe_met(connection.met(&fault), &fault, trust);
        let flaw = tls::is_about_tls(&fault).then_some(match fault {
            Fault::DataBeforeHandshake => NOT_VALID,
            _ => NOT_OFFERED,
        });
        Err(Failed { met, at_handshake: false, flaw })
    }

    /// From the greeting to the handshake, if there is one.
    async fn greet(
        mut self,
        caller: &Caller,
        server: &Server,
        trust: &Trust,
    ) -> Result<Self, Failed> {
        loop {
            match self.machine.next() {
                Action::StartTls => {
                    if !self.write().await {
                        let met = self.met(&Fault::Gone);
                        return Err(Failed { met, at_handshake: false, flaw: None });
                    }
                    let Self { mut machine, wire, host, demand, is_used, due, until } = self;
                    let failed = |error: &TlsError| {
                        let met = Met::fault(&Fault::HandshakeFailed, host.clone());
                        let met = Met { text: tls::why(error), ..met };
                        let met = tls::unsafe_met(met, &Fault::HandshakeFailed, trust);
                        Failed { met, at_handshake: true, flaw: Some(tls::word(error.flaw())) }
                    };
                    let tls = caller.tls(trust).map_err(|error| failed(&error))?;
                    let limit = left(until, HANDSHAKE_MAX);
                    match wire.secure_client(&tls, &server.name, limit).await {
                        Ok(wire) => {
                            machine.secured();
                            return Ok(Self { machine, wire, host, demand, is_used, due, until });
                        }
                        Err(error) => return Err(failed(&error)),
                    }
                }
                Action::Read => self.read().await,
                Action::Ready | Action::Done(_) | Action::Body | Action::Closed(_) => {
                    return Ok(self);
                }
            }
        }
    }

    /// Whether the server takes on what its sender demands (RFC 8689 §4.2.1): it has to pass that
    /// on, which only those that offer REQUIRETLS do.
    fn keeps_demand(&self) -> bool {
        let takes = self.machine.is_secured() && self.machine.extensions().require_tls;
        self.demand != TlsDemand::Required || takes
    }

    /// Sends one message; one outcome for each recipient, in their order.
    ///
    /// # Errors
    /// The server does not take such messages: nothing was said of it.
    pub(crate) async fn send(
        &mut self,
        transaction: Transaction,
        message: &mut Rendered,
    ) -> Result<Vec<Outcome>, Unfit> {
        self.machine.begin(transaction)?;
        self.is_used = true;
        match self.turn(Some(message)).await {
            Turn::Done(outcomes) => Ok(outcomes),
            // Not reached: a transaction ends with its outcomes.
            Turn::Ready | Turn::Closed(_) => Err(Unfit::NotReady),
        }
    }

    /// Whether a transaction was begun on it: what ends it then may not concern the next one.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Whether the server tells senders what becomes of what it took (RFC 3461 §5.2.2).
    pub(crate) fn offers_dsn(&self) -> bool {
        self.machine.extensions().dsn
    }

    /// Says when all of a batch has to be done, at most [`BATCH_MAX`] after its begin.
    pub(crate) fn begin_batch(&mut self, until: Instant) {
        self.until = until;
    }

    /// Whether the server takes another message.
    pub(crate) async fn is_ready(&mut self) -> bool {
        matches!(self.turn(None).await, Turn::Ready)
    }

    /// Waits until a connection that is kept without work is of no use any more: the server has
    /// closed it, or said something unasked.
    pub(crate) async fn worn(&mut self) {
        while self.is_ready().await {
            match self.wire.hear(now() + REST_MAX, false, None).await {
                Heard::Bytes => self.machine.receive(self.wire.bytes()),
                Heard::End => self.machine.eof(),
                Heard::Late | Heard::Drain => self.machine.timed_out(),
            }
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        self.machine.quit();
        while let Action::Read = self.machine.next() {
            self.read().await;
        }
        self.wire.close(now() + Duration::from_secs(5)).await;
    }

    fn met(&self, fault: &Fault) -> Met {
        Met::fault(fault, self.host.clone())
    }

    /// Does what the machine says until there is something to decide.
    async fn turn(&mut self, mut message: Option<&mut Rendered>) -> Turn {
        loop {
            match self.machine.next() {
                Action::Ready => return Turn::Ready,
                Action::Done(outcomes) => return Turn::Done(outcomes),
                Action::Closed(fault) => {
                    self.write().await;
                    return Turn::Closed(fault);
                }
                // Not reached: the handshake is behind us.
                Action::StartTls => self.machine.handshake_failed(),
                Action::Body => match message.as_deref_mut() {
                    Some(message) => self.body(message).await,
                    None => self.machine.abandon(),
                },
                Action::Read => self.read().await,
            }
        }
    }

    /// Gives the machine more of the message, and the server what it makes of it.
    async fn body(&mut self, message: &mut Rendered) {
        // A message is in pieces, most of them small: they are written together.
        while self.machine.output().len() < WINDOW {
            match message.read(WINDOW).await {
                Ok(window) if window.is_empty() => {
                    self.machine.end_body();
                    break;
                }
                // What cannot be sent ends the machine, which says so by itself.
                Ok(window) if self.machine.body(&window).is_err() => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "a message that is sent on cannot be read");
                    self.machine.abandon();
                    break;
                }
            }
        }
        if !self.write().await {
            // A server that closes in the midst of a message may have said why before.
            let deadline = now() + LAST_WORDS_MAX;
            if let Heard::Bytes = self.wire.hear(deadline, false, None).await {
                self.machine.receive(self.wire.bytes());
            }
            self.machine.eof();
        }
    }

    async fn write(&mut self) -> bool {
        let deadline = (now() + WRITE_MAX).min(self.until);
        self.wire.say(self.machine.output(), deadline).await
    }

    async fn read(&mut self) {
        // A reply that has begun is due when it was, however slowly the rest of it comes.
        if !self.machine.is_mid_reply() {
            self.due = now() + patience(self.machine.waiting_for());
        }
        if !self.write().await {
            return self.machine.eof();
        }
        match self.wire.hear(self.due.min(self.until), false, None).await {
            Heard::Bytes => self.machine.receive(self.wire.bytes()),
            Heard::End => self.machine.eof(),
            Heard::Late | Heard::Drain => self.machine.timed_out(),
        }
    }
}

/// The time of the runtime, by which its deadlines pass.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What is left until then, of at most so long.
fn left(until: Instant, at_most: Duration) -> Duration {
    until.saturating_duration_since(now()).min(at_most)
}

/// How long an answer may take (RFC 5321 §4.5.3.2).
fn patience(command: Option<Command>) -> Duration {
    let minutes = match command {
        Some(Command::Message) => 10,
        Some(Command::Data) => 2,
        Some(Command::Quit) | None => 1,
        _ => 5,
    };
    Duration::from_secs(minutes * 60)
}

#[cfg(test)]
mod tests;
