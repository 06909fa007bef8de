//! ClamAV's clamd: a message goes to it by INSTREAM, in pieces with their lengths (clamd(8)).

pub mod reply;

use super::server::{Server, Standing, State, in_turn, nonsense, read_answer};
use super::{Fault, Job, Report, Round, Said, Scanner, Scanning, WINDOW};
use config::scanner::ScannerPlace;
use mail::Timestamp;
use net::Stream;
use reply::{REPLY_MAX, Reply, Version};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const KIND: &str = "clamd";
const DAY: i64 = 86_400_000;
/// How long PING and VERSION may take: nothing is scanned for them.
const ASK_LIMIT: Duration = Duration::from_secs(10);

/// clamd, on one or more servers that are asked in turn.
#[derive(Debug)]
pub(super) struct Clamd {
    servers: Vec<Server>,
    limit: Duration,
    size_max: u64,
    age_max_days: u64,
}

impl Clamd {
    pub(super) fn new(
        places: &[ScannerPlace],
        limit: Duration,
        size_max: u64,
        age_max_days: u64,
    ) -> Self {
        let servers = places.iter().map(|place| Server::new(KIND, place)).collect();
        Self { servers, limit, size_max, age_max_days }
    }

    async fn in_turn(&self, job: &Job<'_>) -> Result<Report, Fault> {
        if job.body.size() > self.size_max {
            return Err(Fault::TooLong);
        }
        let mut last = Fault::Unreachable("there is no server".to_owned());
        for server in in_turn(&self.servers) {
            let scan = tokio::time::timeout(self.limit, stream(server, job)).await;
            let scan = scan.unwrap_or(Err(Fault::TimedOut));
            server.note_scan(&scan, job.now);
            match scan {
                Ok(said) => return Ok(Report { said, server: server.name() }),
                Err(fault @ Fault::Body(_)) => return Err(fault),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Asks one server how it does.
    async fn ask_one(&self, server: &Server, round: &Round<'_>) {
        let asked = tokio::time::timeout(ASK_LIMIT, version(server, round)).await;
        let mut state = server.state();
        match asked.unwrap_or(Err(Fault::TimedOut)) {
            Ok(version) => {
                let (standing, why) = self.judge(&version, round.now);
                state.version = version.text;
                state.signatures = version.signatures;
                state.note(standing, &why, round.now);
            }
            Err(fault) => state.note(Standing::Down, &fault.to_string(), round.now),
        }
    }

    /// What the age of its signatures says.
    fn judge(&self, version: &Version, now: Timestamp) -> (Standing, String) {
        let max = i64::try_from(self.age_max_days).unwrap_or(i64::MAX);
        let days = version.signatures.map(|at| (now.0 - at.0).div_euclid(DAY));
        match days {
            _ if max == 0 => (Standing::Up, String::new()),
            Some(days) if days <= max => (Standing::Up, String::new()),
            Some(days) => (Standing::Old, format!("its signatures are {days} days old")),
            None => (Standing::Old, "it has no signatures of ClamAV: run freshclam".to_owned()),
        }
    }
}

impl Scanner for Clamd {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn scan<'a>(&'a self, job: &'a Job<'a>) -> Scanning<'a> {
        Box::pin(self.in_turn(job))
    }

    fn ask<'a>(&'a self, round: &'a Round<'a>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            for server in &self.servers {
                self.ask_one(server, round).await;
            }
        })
    }

    fn states(&self) -> Vec<State> {
        self.servers.iter().map(|server| server.state().clone()).collect()
    }
}

/// Sends the message to one server, and reads what that says of it.
async fn stream(server: &Server, job: &Job<'_>) -> Result<Said, Fault> {
    let mut stream = server.connect(job.resolver).await?;
    let sent = send(&mut stream, job).await;
    if let Err(fault @ Fault::Body(_)) = sent {
        return Err(fault);
    }
    // Who takes no more of a message says why, and closes.
    let answer = read_answer(&mut stream, REPLY_MAX).await?;
    match (reply::scan(&answer), sent) {
        (Some(Reply::TooLong), _) => Err(Fault::TooLong),
        (Some(Reply::Failed(why)), _) => Err(Fault::Failed(why)),
        (Some(Reply::Found(name)), _) => Ok(Said::Virus(name)),
        // Of what it did not get it cannot know.
        (_, Err(fault)) => Err(fault),
        (Some(Reply::Clean), Ok(())) => Ok(Said::Clean),
        (None, Ok(())) => Err(nonsense(&answer)),
    }
}

async fn send(stream: &mut Stream, job: &Job<'_>) -> Result<(), Fault> {
    let broken = |error: std::io::Error| Fault::Broken(error.to_string());
    let body = job.body;
    stream.write_all(b"zINSTREAM\0").await.map_err(broken)?;
    piece(stream, job.field().as_bytes()).await?;
    let mut at = 0;
    while at < body.size() {
        let window = body.read(at..body.size(), WINDOW).await;
        let window = window.map_err(|error| Fault::Body(error.to_string()))?;
        if window.is_empty() {
            return Err(Fault::Body("it is too short".to_owned()));
        }
        piece(stream, &window).await?;
        at += window.len() as u64;
    }
    stream.write_all(&0_u32.to_be_bytes()).await.map_err(broken)?;
    stream.flush().await.map_err(broken)
}

async fn piece(stream: &mut Stream, bytes: &[u8]) -> Result<(), Fault> {
    let broken = |error: std::io::Error| Fault::Broken(error.to_string());
    let length = u32::try_from(bytes.len()).map_err(|_| Fault::TooLong)?;
    stream.write_all(&length.to_be_bytes()).await.map_err(broken)?;
    stream.write_all(bytes).await.map_err(broken)
}

/// Asks a server whether it lives, and for its version.
async fn version(server: &Server, round: &Round<'_>) -> Result<Version, Fault> {
    let pong = command(server, round, b"zPING\0").await?;
    if !reply::is_pong(&pong) {
        return Err(nonsense(&pong));
    }
    let answer = command(server, round, b"zVERSION\0").await?;
    reply::version(&answer).ok_or_else(|| nonsense(&answer))
}

async fn command(server: &Server, round: &Round<'_>, command: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut stream = server.connect(round.resolver).await?;
    let sent = stream.write_all(command).await;
    sent.map_err(|error| Fault::Broken(error.to_string()))?;
    read_answer(&mut stream, REPLY_MAX).await
}

#[cfg(test)]
mod tests {
    use super::{Clamd, Standing, Version};
    use mail::Timestamp;
    use std::time::Duration;

    #[test]
    fn old_signatures_are_seen() {
        const DAY: i64 = 86_400_000;
        let now = Timestamp(1_795_545_915_042);
        let judged = |max: u64, age: Option<i64>| {
            let clamd = Clamd::new(&[], Duration::from_secs(1), 1, max);
            let signatures = age.map(|days| now.plus_millis(-days * DAY));
            clamd.judge(&Version { text: String::new(), signatures }, now).0
        };
        for (max, age, expected) in [
            (7, Some(0), Standing::Up),
            (7, Some(-1), Standing::Up),
            (7, Some(7), Standing::Up),
            (7, Some(8), Standing::Old),
            (7, None, Standing::Old),
            (0, Some(1_000), Standing::Up),
            (0, None, Standing::Up),
        ] {
            assert_eq!(judged(max, age), expected, "{max} {age:?}");
        }
    }
}
