//! One dead destination with a long queue: what the others' mail notices of it.

use super::sinks::domain;
use crate::bench::peers::{Kind, Peer, Setup};
use crate::harm::load::Peer as Client;
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages for the dead one.
const MESSAGES: u64 = 50_000;
/// The others.
const OTHERS: usize = 20;
/// Messages for the others, and the pause before each: they are not the load.
const SENT: usize = 2_000;
const PAUSE: Duration = Duration::from_millis(20);
/// What the server is given to find the dead one dead.
const REST: Duration = Duration::from_secs(5);
/// How long the others' mail may take at the very most.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
const DEAD: &str = "dead.example";

/// How it is dead.
#[derive(Clone, Copy)]
enum Death {
    /// It is not: nothing is queued.
    None,
    /// It takes connections and never says a word.
    Silent,
    /// It refuses connections.
    Closed,
}

/// Milliseconds from the begin of a message's transaction until its destination has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Delays {
    /// `none`, `silent`, `closed`.
    pub(super) dead: String,
    /// Messages queued for the dead one.
    pub(super) queued: u64,
    /// Messages to others.
    pub(super) messages: usize,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
}

/// Without a dead destination and with each kind of it; everything a `share`th in the short form.
pub(super) fn measure(folder: &Path, binary: &Path, share: u64) -> Result<Vec<Delays>> {
    let mut found = Vec::new();
    for death in [Death::None, Death::Silent, Death::Closed] {
        let delays = with(death, &folder.join(death.name()), binary, share)?;
        println!("delays {}", serde_json::to_string(&delays)?);
        found.push(delays);
    }
    Ok(found)
}

impl Death {
    fn name(self) -> &'static str {
        match self {
            Death::None => "none",
            Death::Silent => "silent",
            Death::Closed => "closed",
        }
    }
}

fn with(death: Death, folder: &Path, binary: &Path, share: u64) -> Result<Delays> {
    let arrived: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let sink = crate::sink::start({
        let arrived = Arc::clone(&arrived);
        move |message| {
            let now = Instant::now();
            if let Some((marker, _)) = crate::sink::marked(message) {
                arrived.lock().unwrap_or_else(PoisonError::into_inner).entry(marker).or_insert(now);
            }
        }
    })?;
    // The kernel takes connections for it, as far as its list goes; nobody ever answers them.
    let dead = TcpListener::bind("127.0.0.1:0")?;
    let mut ways: Vec<(String, SocketAddr)> = (0..OTHERS).map(|n| (domain(n), sink)).collect();
    ways.push((DEAD.to_owned(), dead.local_addr()?));
    let queued = if matches!(death, Death::None) { 0 } else { MESSAGES / share };
    if matches!(death, Death::Closed) {
        drop(dead);
    }
    let setup = Setup { ways, queued: (queued, vec![DEAD.to_owned()]) };
    Peer::prepare(Kind::Gatepost, folder, binary, &setup)?;
    let server = Peer::serve(Kind::Gatepost, folder, binary)?;
    std::thread::sleep(REST);
    let sent = send(server.port, SENT / usize::try_from(share)?)?;
    let mut delays = Vec::with_capacity(sent.len());
    for (marker, at) in &sent {
        delays.push(wait(&arrived, marker)?.duration_since(*at).as_secs_f64() * 1000.0);
    }
    delays.sort_by(f64::total_cmp);
    let part = |part: usize| delays.get(delays.len() * part / 100).copied().unwrap_or_default();
    Ok(Delays {
        dead: death.name().to_owned(),
        queued,
        messages: sent.len(),
        p50_ms: part(50),
        p99_ms: part(99),
        max_ms: delays.last().copied().unwrap_or_default(),
    })
}

/// Sends mail to the others in turn, over one connection; each marker with the moment it was begun.
fn send(port: u16, messages: usize) -> Result<Vec<(String, Instant)>> {
    let mut client = Client::connect(([127, 0, 0, 1], port).into())?;
    client.answer()?;
    client.command("EHLO load.example\r\n")?;
    let mut sent = Vec::with_capacity(messages);
    for n in 0..messages {
        std::thread::sleep(PAUSE);
        let marker = format!("m{n}");
        let text = format!(
            "X-Marker: {marker}\r\nFrom: <load@load.example>\r\nSubject: {marker}\r\n\r\nhere\r\n"
        );
        let at = Instant::now();
        let answer = client.message(&[format!("u@{}", domain(n % OTHERS))], text.as_bytes())?;
        ensure!(answer.starts_with("250"), "a message was not taken: {answer}");
        sent.push((marker, at));
    }
    client.command("QUIT\r\n")?;
    Ok(sent)
}

fn wait(arrived: &Mutex<HashMap<String, Instant>>, marker: &str) -> Result<Instant> {
    let begun = Instant::now();
    loop {
        let at = arrived.lock().unwrap_or_else(PoisonError::into_inner).get(marker).copied();
        if let Some(at) = at {
            return Ok(at);
        }
        ensure!(begun.elapsed() < ARRIVAL_MAX, "message {marker} did not arrive");
        std::thread::sleep(Duration::from_millis(10));
    }
}
