//! Asking the next server, in the session, whether it would take mail for a recipient of a domain
//! that is relayed for: who takes what the next one refuses has to bounce it to a sender who may be
//! forged.
//!
//! Answers are remembered for a while, yes longer than no. A server that takes a name which nobody
//! has takes everything: then its domain is not asked for again either, and says nothing. What
//! cannot be found out is nobody's fault: the client comes again.

use crate::snapshot::Snapshot;
use crate::trust::Trust;
use crate::ways::{self, NoWay, Server, Ways};
use mail::{Address, Reason, Timestamp};
use net::{ClientTls, Heard, Resolver, Wire};
use smtp::client::{Action, Command, Machine, Options, Outcome, TlsPolicy};
use smtp::reply::Severity;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// What a question may take in all. Clients wait five minutes for the answer to RCPT (RFC 5321
/// §4.5.3.2.3), but hold a connection here for it.
const DEADLINE: Duration = Duration::from_secs(30);
/// What one server may take of it to be reached, so that there is time for the next.
const CONNECT_MAX: Duration = Duration::from_secs(8);
/// What a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// What saying goodbye may take.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Servers of a domain that are asked, one after the other.
const SERVERS_MAX: usize = 3;
/// Questions at one time: what strangers cause here, other servers have to bear.
const AT_ONCE_MAX: usize = 20;
/// Answers remembered; with their texts about 4 MiB.
const ANSWERS_MAX: usize = 10_000;
/// How long a yes is believed,
const YES_MILLIS: i64 = 3_600_000;
/// how long a no: somebody may get the address at any time,
const NO_MILLIS: i64 = 300_000;
/// and how long a server that gave no answer is left alone.
const UNSURE_MILLIS: i64 = 60_000;
/// Characters of a name that nobody has.
const INVENTED: &str = "gatepost-check-";

/// What is known of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The next server would take mail for it.
    Yes,
    /// It would not, in its words.
    No(String),
    /// It did not say, for this cause.
    Unsure(String),
}

/// What is known of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its server takes any name.
    CatchAll,
    /// Its server tells names apart.
    Honest,
}

/// What was asked lately.
pub(crate) struct CallForward {
    tls: OnceLock<Option<ClientTls>>,
    seats: Semaphore,
    /// By address as given: only its own server knows whether case counts. By `@domain`, what
    /// keeps it from answering.
    answers: Mutex<HashMap<String, (Answer, i64)>>,
    kinds: Mutex<HashMap<String, (Kind, i64)>>,
}

impl Default for CallForward {
    fn default() -> Self {
        let (tls, seats) = (OnceLock::new(), Semaphore::new(AT_ONCE_MAX));
        Self { tls, seats, answers: Mutex::default(), kinds: Mutex::default() }
    }
}

impl Snapshot {
    /// Whether the next server would take mail for this address.
    pub(crate) async fn call_forward(&self, address: &Address) -> Answer {
        let (asked, now) = (&self.shared.call_forward, self.shared.clock.now());
        let domain = format!("@{}", address.host);
        let kind = known(&asked.kinds, &domain, now);
        if kind == Some(Kind::CatchAll) {
            return Answer::Yes;
        }
        let key = address.to_string();
        let known = [&key, &domain].into_iter().find_map(|key| known(&asked.answers, key, now));
        if let Some(answer) = known {
            return answer;
        }
        let Some(resolver) = self.shared.names.resolver() else {
            return Answer::Unsure("there is no resolver".to_owned());
        };
        let found = tokio::time::timeout(DEADLINE, async {
            let _seat = asked.seats.acquire().await.ok();
            asked.find_out(self, resolver, address, kind.is_none()).await
        });
        let found = found.await.unwrap_or_else(|_| Found {
            answer: Answer::Unsure(format!("no answer in {} seconds", DEADLINE.as_secs())),
            kind: None,
            of_all: true,
        });
        if let Some(kind) = found.kind {
            remember(&asked.kinds, domain.clone(), kind, (now, YES_MILLIS));
        }
        let life = match &found.answer {
            Answer::Yes => YES_MILLIS,
            Answer::No(_) => NO_MILLIS,
            Answer::Unsure(_) => UNSURE_MILLIS,
        };
        let key = if found.of_all { domain } else { key };
        remember(&asked.answers, key, found.answer.clone(), (now, life));
        found.answer
    }
}

/// What a question brought.
struct Found {
    answer: Answer,
    /// What the answer about an invented name says of the domain.
    kind: Option<Kind>,
    /// Whether the answer is the same for all of the domain.
    of_all: bool,
}

impl Found {
    fn of_all(answer: Answer) -> Self {
        Self { answer, kind: None, of_all: true }
    }
}

impl CallForward {
    async fn find_out(
        &self,
        snapshot: &Snapshot,
        resolver: &Arc<dyn Resolver>,
        address: &Address,
        test: bool,
    ) -> Found {
        let ways = Ways::of(&snapshot.settings);
        let servers = match ways::find(&ways, resolver, &address.host.to_string()).await {
            Ok(servers) => servers,
            Err(NoWay {
                severity: Severity::Permanent,
                reason: Reason::NoSuchDomain | Reason::NullMx,
                text,
            }) => return Found::of_all(Answer::No(text)),
            Err(no) => return Found::of_all(Answer::Unsure(no.text)),
        };
        let mut asked = vec![address.clone()];
        asked.extend(invented(address).filter(|_| test));
        let mut trouble = "there is no server".to_owned();
        for server in servers.iter().take(SERVERS_MAX) {
            match self.ask(snapshot, server, &asked).await {
                Ok(outcomes) => return judge(&outcomes, server),
                Err(why) => trouble = format!("{}: {why}", server.address),
            }
        }
        Found::of_all(Answer::Unsure(trouble))
    }

    /// Asks one server, under TLS if that can be had; where its TLSA records demand it (DANE), by
    /// them alone: somebody on the way could refuse for it whom he likes.
    async fn ask(
        &self,
        snapshot: &Snapshot,
        server: &Server,
        asked: &[Address],
    ) -> Result<Vec<Outcome>, String> {
        let tls = match &server.trust {
            Trust::Dane { records, names } => {
                Some(ClientTls::dane(records, names).map_err(|error| error.to_string())?)
            }
            _ => self.tls.get_or_init(|| ClientTls::opportunistic().ok()).clone(),
        };
        let (tls, demands) = (tls.as_ref(), server.trust.demands());
        let hostname = &snapshot.settings.server.hostname;
        let mut first = Options {
            hostname: hostname.clone(),
            tls: match tls {
                _ if demands => TlsPolicy::Required,
                Some(_) => TlsPolicy::IfOffered,
                None => TlsPolicy::Never,
            },
            tls_active: false,
            credentials: None,
        };
        let mut handshake_failed = false;
        let told = converse(server, first.clone(), tls, asked, &mut handshake_failed).await;
        if told.is_ok() || !handshake_failed || demands {
            return told;
        }
        // As the mail itself would go.
        first.tls = TlsPolicy::Never;
        converse(server, first, None, asked, &mut handshake_failed).await
    }
}

/// From the greeting to the answers.
async fn converse(
    server: &Server,
    options: Options,
    tls: Option<&ClientTls>,
    asked: &[Address],
    handshake_failed: &mut bool,
) -> Result<Vec<Outcome>, String> {
    let deadline = Instant::now() + DEADLINE;
    let stream = net::client::connect(server.address, None, CONNECT_MAX).await;
    let mut wire = Wire::new(stream.map_err(|error| error.to_string())?);
    let mut machine = Machine::new(options);
    loop {
        match machine.next() {
            Action::Ready => {
                machine.probe(asked.to_vec()).map_err(|unfit| unfit.to_string())?;
            }
            Action::Done(outcomes) => {
                machine.quit();
                let soon = Instant::now() + GOODBYE_MAX;
                // It has answered: whether it hears that we go makes no difference.
                let _ = wire.say(machine.output(), soon).await;
                wire.close(soon).await;
                return Ok(outcomes);
            }
            Action::Closed(fault) => {
                return Err(fault.map_or_else(String::new, |fault| fault.to_string()));
            }
            // Not reached: nothing is sent.
            Action::Body => machine.abandon(),
            Action::StartTls => {
                let (true, Some(tls)) = (wire.say(machine.output(), deadline).await, tls) else {
                    return Err("it closed the connection".to_owned());
                };
                let secured = wire.secure_client(tls, &server.name, HANDSHAKE_MAX).await;
                *handshake_failed = secured.is_err();
                wire = secured.map_err(|error| error.to_string())?;
                machine.secured();
            }
            Action::Read if !wire.say(machine.output(), deadline).await => machine.eof(),
            Action::Read => match wire.hear(deadline, false, None).await {
                Heard::Bytes => machine.receive(wire.bytes()),
                Heard::End => machine.eof(),
                Heard::Late | Heard::Drain => machine.timed_out(),
            },
        }
    }
}

/// What the outcomes say: of the address, then of the invented one, if it was asked for.
fn judge(outcomes: &[Outcome], server: &Server) -> Found {
    let takes = |outcome: Option<&Outcome>| matches!(outcome, Some(Outcome::Accepted(_)));
    let kind = match outcomes.get(1) {
        // One that refused the other does tell names apart, in some way.
        Some(Outcome::Accepted(_)) => takes(outcomes.first()).then_some(Kind::CatchAll),
        Some(refused @ Outcome::Refused { command: Command::Rcpt, .. })
            if refused.severity() == Some(Severity::Permanent) =>
        {
            Some(Kind::Honest)
        }
        _ => None,
    };
    let said = |text: &dyn std::fmt::Display| format!("{}: {text}", server.address);
    let (answer, of_all) = match outcomes.first() {
        Some(Outcome::Accepted(_)) => (Answer::Yes, false),
        Some(refused @ Outcome::Refused { command: Command::Rcpt, reply }) => {
            match refused.severity() {
                Some(Severity::Permanent) => (Answer::No(said(reply)), false),
                _ => (Answer::Unsure(said(reply)), false),
            }
        }
        // It does not take bounces at all, or went away.
        Some(Outcome::Refused { reply, .. }) => (Answer::Unsure(said(reply)), true),
        Some(Outcome::Lost { fault, .. } | Outcome::Unknown(fault)) => {
            (Answer::Unsure(said(fault)), true)
        }
        _ => (Answer::Unsure(said(&"no answer")), true),
    };
    Found { answer, kind, of_all }
}

/// An address at the same domain that nobody has.
fn invented(address: &Address) -> Option<Address> {
    let random = crate::app_password::nonce().ok()?;
    let plain: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    Address::at(&format!("{INVENTED}{}", plain.to_ascii_lowercase()), address.domain()?).ok()
}

fn known<T: Clone>(
    memory: &Mutex<HashMap<String, (T, i64)>>,
    key: &str,
    now: Timestamp,
) -> Option<T> {
    let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory.get(key).filter(|(_, until)| now.0 < *until).map(|(known, _)| known.clone())
}

/// Of a flood of names, what has ended is forgotten; if that is not enough, all: asking again is
/// all it costs.
fn remember<T>(
    memory: &Mutex<HashMap<String, (T, i64)>>,
    key: String,
    value: T,
    (now, life): (Timestamp, i64),
) {
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() >= ANSWERS_MAX {
        memory.retain(|_, (_, until)| now.0 < *until);
    }
    if memory.len() >= ANSWERS_MAX {
        memory.clear();
    }
    memory.insert(key, (value, now.0 + life));
}

#[cfg(test)]
mod tests;
