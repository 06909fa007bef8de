//! SpamAssassin's spamd: a message gets points by SYMBOLS (its protocol, version 1.5).

pub mod reply;

use super::server::{Server, Standing, State, in_turn, nonsense, read_answer};
use super::{Fault, Job, Report, Round, Said, Scanner, Scanning, WINDOW};
use config::scanner::ScannerPlace;
use reply::{REPLY_MAX, Reply, Score};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The word for it.
pub(super) const KIND: &str = "spamd";
/// How long PING may take.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// spamd, on one or more servers that are asked in turn.
#[derive(Debug)]
pub(super) struct Spamd {
    servers: Vec<Server>,
    limit: Duration,
    size_max: u64,
}

impl Spamd {
    pub(super) fn new(places: &[ScannerPlace], limit: Duration, size_max: u64) -> Self {
        let servers = places.iter().map(|place| Server::new(KIND, place)).collect();
        Self { servers, limit, size_max }
    }

    async fn in_turn(&self, job: &Job<'_>) -> Result<Report, Fault> {
        if job.body.size() > self.size_max {
            return Ok(Report { said: Said::NoScore, server: String::new() });
        }
        let mut last = Fault::Unreachable("there is no server".to_owned());
        for server in in_turn(&self.servers) {
            let scan = tokio::time::timeout(self.limit, symbols(server, job)).await;
            let scan = scan.unwrap_or(Err(Fault::TimedOut));
            server.note_scan(&scan, job.now);
            match scan {
                Ok(score) => return Ok(Report { said: Said::Score(score), server: server.name() }),
                Err(fault @ Fault::Body(_)) => return Err(fault),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }
}

impl Scanner for Spamd {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn scan<'a>(&'a self, job: &'a Job<'a>) -> Scanning<'a> {
        Box::pin(self.in_turn(job))
    }

    fn ask<'a>(&'a self, round: &'a Round<'a>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            for server in &self.servers {
                let asked = tokio::time::timeout(ASK_LIMIT, ping(server, round)).await;
                let (standing, why) = match asked.unwrap_or(Err(Fault::TimedOut)) {
                    Ok(()) => (Standing::Up, String::new()),
                    Err(fault) => (Standing::Down, fault.to_string()),
                };
                server.state().note(standing, &why, round.now);
            }
        })
    }

    fn states(&self) -> Vec<State> {
        self.servers.iter().map(|server| server.state().clone()).collect()
    }
}

/// Has one server give a message its points.
async fn symbols(server: &Server, job: &Job<'_>) -> Result<Score, Fault> {
    let broken = |error: std::io::Error| Fault::Broken(error.to_string());
    let body = job.body;
    let mut stream = server.connect(job.resolver).await?;
    // A field before the message, as it will be delivered with one: rules look for it.
    let field = job.field();
    let length = body.size() + field.len() as u64;
    let head = format!("SYMBOLS SPAMC/1.5\r\nContent-length: {length}\r\n\r\n{field}");
    stream.write_all(head.as_bytes()).await.map_err(broken)?;
    let mut at = 0;
    while at < body.size() {
        let window = body.read(at..body.size(), WINDOW).await;
        let window = window.map_err(|error| Fault::Body(error.to_string()))?;
        if window.is_empty() {
            return Err(Fault::Body("it is too short".to_owned()));
        }
        stream.write_all(&window).await.map_err(broken)?;
        at += window.len() as u64;
    }
    stream.shutdown().await.map_err(broken)?;
    let answer = read_answer(&mut stream, REPLY_MAX).await?;
    match reply::symbols(&answer) {
        Some(Reply::Score(score)) => Ok(score),
        Some(Reply::Failed(why)) => Err(Fault::Failed(why)),
        None => Err(nonsense(&answer)),
    }
}

async fn ping(server: &Server, round: &Round<'_>) -> Result<(), Fault> {
    let mut stream = server.connect(round.resolver).await?;
    let sent = stream.write_all(b"PING SPAMC/1.5\r\n\r\n").await;
    sent.map_err(|error| Fault::Broken(error.to_string()))?;
    let answer = read_answer(&mut stream, REPLY_MAX).await?;
    if reply::is_pong(&answer) { Ok(()) } else { Err(nonsense(&answer)) }
}
