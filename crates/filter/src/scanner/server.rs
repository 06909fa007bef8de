//! A server that scans: how it is reached, and what is known of its health.

use super::{Fault, word};
use config::scanner::ScannerPlace;
use mail::{Host, Timestamp};
use net::{Resolver, Stream};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// What one address may take to be connected to; it is near, or it is of no use.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Bytes asked of an answer at once.
const READ: usize = 4 * 1024;

/// How a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has asked yet.
    Unknown,
    /// It answers.
    Up,
    /// It answers, but its signatures are too old or it has none.
    Old,
    /// It does not answer as it should.
    Down,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The kind of scanner.
    pub kind: &'static str,
    /// Where it is.
    pub place: String,
    /// How it does.
    pub standing: Standing,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When that was seen last.
    pub seen: Option<Timestamp>,
    /// What is wrong, in words; empty where nothing is.
    pub why: String,
    /// Its version, in its own words.
    pub version: String,
    /// When its newest signatures were made, if it tells.
    pub signatures: Option<Timestamp>,
}

/// One server of a scanner.
#[derive(Debug)]
pub(super) struct Server {
    place: ScannerPlace,
    state: Mutex<State>,
}

impl Standing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Old => "old",
            Self::Down => "down",
        }
    }
}

impl State {
    /// Of what nobody has asked yet.
    pub(super) fn unknown(kind: &'static str, place: String) -> Self {
        Self {
            kind,
            place,
            standing: Standing::Unknown,
            since: None,
            seen: None,
            why: String::new(),
            version: String::new(),
            signatures: None,
        }
    }

    /// Notes how it does; a change is told by one line of the log.
    pub(super) fn note(&mut self, standing: Standing, why: &str, now: Timestamp) {
        let before = self.standing;
        self.seen = Some(now);
        why.clone_into(&mut self.why);
        if before == standing {
            return;
        }
        (self.standing, self.since) = (standing, Some(now));
        let (scanner, place) = (self.kind, self.place.as_str());
        match standing {
            Standing::Down => tracing::error!(scanner, place, why, "a scanner is down"),
            Standing::Old => tracing::error!(scanner, place, why, "a scanner's signatures are old"),
            Standing::Up => tracing::info!(scanner, place, "a scanner is up"),
            Standing::Unknown => {}
        }
    }
}

impl Server {
    pub(super) fn new(kind: &'static str, place: &ScannerPlace) -> Self {
        let state = Mutex::new(State::unknown(kind, place.to_string()));
        Self { place: place.clone(), state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        self.place.to_string()
    }

    /// Notes what a scan tells of its health: that it answered does not make its signatures new.
    pub(super) fn note_scan<T>(&self, scan: &Result<T, Fault>, now: Timestamp) {
        let mut state = self.state();
        match scan {
            Ok(_) if state.standing != Standing::Old => state.note(Standing::Up, "", now),
            Err(fault) if fault.is_of_scanner() => {
                state.note(Standing::Down, &fault.to_string(), now);
            }
            _ => {}
        }
    }

    /// A connection to it.
    pub(super) async fn connect(&self, resolver: &dyn Resolver) -> Result<Stream, Fault> {
        let unreachable = |error: std::io::Error| Fault::Unreachable(error.to_string());
        let server = match &self.place {
            ScannerPlace::Local(path) => {
                return net::unix::connect(path).await.map(Stream::Local).map_err(unreachable);
            }
            ScannerPlace::Net(server) => server,
        };
        let mut fault = Fault::Unreachable("it has no address".to_owned());
        for ip in addresses(&server.host, resolver).await?.into_iter().take(ADDRESSES_MAX) {
            let address = SocketAddr::new(ip, server.port);
            match net::client::connect(address, None, CONNECT_LIMIT).await {
                Ok(stream) => return Ok(stream),
                Err(error) => fault = unreachable(error),
            }
        }
        Err(fault)
    }
}

/// The servers in the order of the settings, those last that did not answer the last time.
pub(super) fn in_turn(servers: &[Server]) -> Vec<&Server> {
    let mut turn: Vec<&Server> = servers.iter().collect();
    turn.sort_by_key(|server| match server.state().standing {
        Standing::Up | Standing::Unknown => 0,
        Standing::Old => 1,
        Standing::Down => 2,
    });
    turn
}

/// The addresses of a host; `localhost` is this machine, whatever the DNS says (RFC 6761 §6.3).
async fn addresses(host: &Host, resolver: &dyn Resolver) -> Result<Vec<IpAddr>, Fault> {
    match host {
        Host::Literal(ip) => Ok(vec![*ip]),
        Host::Domain(name) if name.as_str() == "localhost" => {
            Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
        }
        Host::Domain(name) => {
            let found = resolver.addresses(name).await;
            found.map_err(|error| Fault::Unreachable(error.to_string()))
        }
    }
}

/// Reads an answer until the other side closes; more than `max` bytes are none.
pub(super) async fn read_answer(stream: &mut Stream, max: usize) -> Result<Vec<u8>, Fault> {
    let mut answer = Vec::new();
    loop {
        answer.reserve(READ);
        let read = stream.read_buf(&mut answer).await;
        if read.map_err(|error| Fault::Broken(error.to_string()))? == 0 {
            return Ok(answer);
        }
        if answer.len() > max {
            return Err(nonsense(&answer));
        }
    }
}

/// What to say of an answer that makes no sense.
pub(super) fn nonsense(answer: &[u8]) -> Fault {
    let head = answer.get(..answer.len().min(80)).unwrap_or_default();
    Fault::Nonsense(word(&String::from_utf8_lossy(head)))
}
