//! The shell of one connection to another server: it does what `smtp::client` says.

use crate::met::{Met, Verdict};
use mail::{Domain, Reason};
use net::{ClientTls, Heard, Stream, Wire};
use policy::ways::Server;
use smtp::client::{
    Action, Command, Fault, Machine, Options, Outcome, TlsPolicy, Transaction, Unfit,
};
use smtp::reply::Severity;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use store::Rendered;

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
/// Bytes of the message that are read at once.
const WINDOW: usize = 64 * 1024;

/// What connections need to know of us.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) hostname: Domain,
    pub(crate) tls: ClientTls,
    /// The address to call from, if one is chosen.
    pub(crate) from: Option<IpAddr>,
}

/// A connection that is ready for messages.
pub(crate) struct Connection {
    machine: Machine,
    wire: Wire,
    /// The server's name or address, for people.
    pub(crate) host: String,
    /// When the answer that is awaited is due.
    due: Instant,
    /// When all of what is being done has to be done.
    until: Instant,
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
pub(crate) async fn open(caller: &Caller, servers: &[Server]) -> Result<Connection, Met> {
    let mut last: Option<Met> = None;
    let mut fail = |met: Met| match &last {
        // One that may change its mind outweighs those that will not.
        Some(known) if known.verdict == Verdict::Later && met.verdict == Verdict::Never => {}
        _ => last = Some(met),
    };
    let until = now() + OPEN_MAX;
    for server in servers.iter().take_while(|_| now() < until) {
        match Connection::open(caller, server, TlsPolicy::IfOffered, until).await {
            Ok(connection) => return Ok(connection),
            // Nobody said that it has to be under TLS: in the clear is what SMTP is without.
            Err((met, true)) => {
                match Connection::open(caller, server, TlsPolicy::Never, until).await {
                    Ok(connection) => return Ok(connection),
                    Err(_) => fail(met),
                }
            }
            Err((met, false)) => fail(met),
        }
    }
    let none = || Met::ours(Severity::Temporary, Reason::RemoteUnreachable, "there is no server");
    Err(last.unwrap_or_else(none))
}

impl Connection {
    /// Connects to one server. The error says whether the handshake was in the way.
    async fn open(
        caller: &Caller,
        server: &Server,
        tls: TlsPolicy,
        until: Instant,
    ) -> Result<Self, (Met, bool)> {
        let host = match &server.name {
            mail::Host::Domain(name) => name.to_string(),
            mail::Host::Literal(_) => server.address.ip().to_string(),
        };
        let stream = net::client::connect(server.address, caller.from, CONNECT_MAX).await;
        let stream = stream.map_err(|error| {
            let text = format!("{} cannot be reached: {error}", server.address);
            let met = Met::ours(Severity::Temporary, Reason::RemoteUnreachable, text);
            (Met { host: host.clone(), ..met }, false)
        })?;
        let options = Options {
            hostname: caller.hostname.clone(),
            tls,
            tls_active: matches!(stream, Stream::Tls(_)),
            credentials: None,
        };
        let (machine, wire) = (Machine::new(options), Wire::new(stream));
        let mut connection = Self { machine, wire, host, due: now(), until };
        connection = connection.greet(caller, server).await?;
        match connection.turn(None).await {
            Turn::Ready => Ok(connection),
            Turn::Done(_) | Turn::Closed(None) => Err((connection.met(&Fault::Gone), false)),
            Turn::Closed(Some(fault)) => Err((connection.met(&fault), false)),
        }
    }

    /// From the greeting to the handshake, if there is one.
    async fn greet(mut self, caller: &Caller, server: &Server) -> Result<Self, (Met, bool)> {
        loop {
            match self.machine.next() {
                Action::StartTls => {
                    if !self.write().await {
                        return Err((self.met(&Fault::Gone), false));
                    }
                    let Self { mut machine, wire, host, due, until } = self;
                    let secured = wire.secure_client(&caller.tls, &server.name, HANDSHAKE_MAX);
                    match secured.await {
                        Ok(wire) => {
                            machine.secured();
                            return Ok(Self { machine, wire, host, due, until });
                        }
                        Err(error) => {
                            machine.handshake_failed();
                            let met = Met::fault(&Fault::HandshakeFailed, host);
                            return Err((Met { text: error.to_string(), ..met }, true));
                        }
                    }
                }
                Action::Read => self.read().await,
                Action::Ready | Action::Done(_) | Action::Body | Action::Closed(_) => {
                    return Ok(self);
                }
            }
        }
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
        match self.turn(Some(message)).await {
            Turn::Done(outcomes) => Ok(outcomes),
            // Not reached: a transaction ends with its outcomes.
            Turn::Ready | Turn::Closed(_) => Err(Unfit::NotReady),
        }
    }

    /// Whether the server tells senders what becomes of what it took (RFC 3461 §5.2.2).
    pub(crate) fn offers_dsn(&self) -> bool {
        self.machine.extensions().dsn
    }

    /// Gives a new batch its time, [`BATCH_MAX`].
    pub(crate) fn begin_batch(&mut self) {
        self.until = now() + BATCH_MAX;
    }

    /// Whether the server takes another message.
    pub(crate) async fn is_ready(&mut self) -> bool {
        matches!(self.turn(None).await, Turn::Ready)
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
        match message.read(WINDOW).await {
            Ok(window) if window.is_empty() => self.machine.end_body(),
            // What cannot be sent ends the machine, which says so by itself.
            Ok(window) => drop(self.machine.body(&window)),
            Err(error) => {
                tracing::error!(%error, "a message that is sent on cannot be read");
                self.machine.abandon();
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
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
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
