//! A program of the administrator's that scans: a message goes to its standard input, its exit code
//! says what it is. Only `sandbox` starts it; no shell reads its words.

use super::server::{Standing, State};
use super::{Fault, Job, Report, Round, Said, Scanner, Scanning, WINDOW, word};
use mail::Timestamp;
use sandbox::{End, Nursery, Started};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot;

const KIND: &str = "command";
/// Bytes of its output that are kept; what is beyond is read, so that it need not wait, and lost.
const OUTPUT_MAX: usize = 64 * 1024;
/// What a virus is called that it does not name.
const UNNAMED: &str = "unnamed";

/// The program.
#[derive(Debug)]
pub(super) struct Program {
    program: PathBuf,
    arguments: Vec<String>,
    limit: Duration,
    size_max: u64,
    nursery: Arc<Nursery>,
    next: AtomicU64,
    state: Mutex<State>,
}

/// A process that is killed, with all that it started, when nobody waits for it any more.
struct Running<'a> {
    nursery: &'a Nursery,
    id: u64,
    /// For who is just starting it.
    is_unwanted: Arc<AtomicBool>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.is_unwanted.store(true, Ordering::SeqCst);
        self.nursery.kill(self.id);
    }
}

impl Program {
    pub(super) fn new(program: &str, arguments: &[String], limit: Duration, size_max: u64) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.to_vec(),
            limit,
            size_max,
            nursery: Arc::default(),
            next: AtomicU64::default(),
            state: Mutex::new(State::unknown(KIND, program.to_owned())),
        }
    }

    async fn run(&self, job: &Job<'_>) -> Result<Report, Fault> {
        if job.body.size() > self.size_max {
            return Err(Fault::TooLong);
        }
        let ran = tokio::time::timeout(self.limit, self.exchange(job)).await;
        let ran = ran.unwrap_or(Err(Fault::TimedOut));
        self.note(&ran, job.now);
        Ok(Report { said: ran?, server: self.program.display().to_string() })
    }

    fn note(&self, ran: &Result<Said, Fault>, now: Timestamp) {
        match ran {
            Ok(_) => self.state().note(Standing::Up, "", now),
            Err(fault) if fault.is_of_scanner() => {
                self.state().note(Standing::Down, &fault.to_string(), now);
            }
            Err(_) => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, job: &Job<'_>) -> Result<Said, Fault> {
        let failed = |error: std::io::Error| Fault::Failed(error.to_string());
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let is_unwanted = Arc::<AtomicBool>::default();
        let running = Running { nursery: &self.nursery, id, is_unwanted: Arc::clone(&is_unwanted) };
        let (sender, ended) = oneshot::channel();
        let nursery = Arc::clone(&self.nursery);
        let (program, arguments) = (self.program.clone(), self.arguments.clone());
        let start = move || {
            let started = nursery.start_foreign(id, &program, &arguments, move |end| {
                // Nobody may want to know any more.
                let _ = sender.send(end);
            });
            if is_unwanted.load(Ordering::SeqCst) {
                nursery.kill(id);
            }
            started
        };
        let started = tokio::task::spawn_blocking(start).await;
        let started = started.map_err(std::io::Error::other).and_then(|started| started);
        let Started { input, output, complaints } =
            started.map_err(|error| Fault::Unreachable(error.to_string()))?;
        let input = Sender::from_owned_fd(input).map_err(failed)?;
        let output = Receiver::from_owned_fd(output).map_err(failed)?;
        let complaints = Receiver::from_owned_fd(complaints).map_err(failed)?;
        let (given, said, complained) =
            tokio::join!(give(input, job), read(output), read(complaints));
        let end = ended.await.map_err(|_| Fault::Broken("nobody saw its end".to_owned()))?;
        drop(running);
        verdict(end, given, &said, &complained)
    }
}

impl Scanner for Program {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn scan<'a>(&'a self, job: &'a Job<'a>) -> Scanning<'a> {
        Box::pin(self.run(job))
    }

    fn ask<'a>(&'a self, _: &'a Round<'a>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        // There is no question that every program understands.
        Box::pin(std::future::ready(()))
    }

    fn states(&self) -> Vec<State> {
        vec![self.state().clone()]
    }
}

/// Gives the whole message; whether it was all taken.
async fn give(mut input: Sender, job: &Job<'_>) -> Result<bool, Fault> {
    let body = job.body;
    if input.write_all(job.field().as_bytes()).await.is_err() {
        return Ok(false);
    }
    let mut at = 0;
    while at < body.size() {
        let window = body.read(at..body.size(), WINDOW).await;
        let window = window.map_err(|error| Fault::Body(error.to_string()))?;
        if window.is_empty() {
            return Err(Fault::Body("it is too short".to_owned()));
        }
        if input.write_all(&window).await.is_err() {
            return Ok(false);
        }
        at += window.len() as u64;
    }
    Ok(true)
}

/// Reads all that it says, and keeps the beginning.
async fn read(mut pipe: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut window = [0; 4096];
    loop {
        match pipe.read(&mut window).await {
            Ok(0) | Err(_) => return kept,
            Ok(read) => {
                let room = read.min(OUTPUT_MAX.saturating_sub(kept.len()));
                kept.extend_from_slice(window.get(..room).unwrap_or_default());
            }
        }
    }
}

/// What its end means.
fn verdict(
    end: End,
    given: Result<bool, Fault>,
    said: &[u8],
    complained: &[u8],
) -> Result<Said, Fault> {
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        word(line)
    };
    let was_all_given = given?;
    match end {
        End::Exit(0) if was_all_given => Ok(Said::Clean),
        End::Exit(0) => Err(Fault::Failed("it ended before it had the whole message".to_owned())),
        End::Exit(1) => {
            let name = first(said);
            Ok(Said::Virus(if name.is_empty() { UNNAMED.to_owned() } else { name }))
        }
        end => Err(Fault::Failed(format!("{end} {}", first(complained)).trim_end().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Fault, OUTPUT_MAX, Said, read, verdict};

    #[test]
    fn only_nought_is_clean_and_only_one_is_a_virus() {
        let failed = |text: &str| Err(Fault::Failed(text.to_owned()));
        let virus = |name: &str| Ok(Said::Virus(name.to_owned()));
        for (end, given, said, complained, expected) in [
            (End::Exit(0), true, "", "", Ok(Said::Clean)),
            (End::Exit(0), true, "Eicar", "x", Ok(Said::Clean)),
            (End::Exit(0), false, "", "", failed("it ended before it had the whole message")),
            (End::Exit(1), true, "\n Eicar\x1b \nmore\n", "", virus("Eicar\u{fffd}")),
            (End::Exit(1), false, "", "", virus("unnamed")),
            (End::Exit(2), true, "Eicar", "no database\n", failed("exit code 2 no database")),
            (End::Exit(127), true, "", "", failed("exit code 127")),
            (End::Signal(9), true, "", "", failed("SIGKILL")),
        ] {
            let given = Ok(given);
            assert_eq!(verdict(end, given, said.as_bytes(), complained.as_bytes()), expected);
        }
        let fault = Fault::Body("gone".to_owned());
        assert_eq!(verdict(End::Exit(0), Err(fault.clone()), b"", b""), Err(fault));
    }

    #[tokio::test]
    async fn no_output_is_too_long() {
        let endless = vec![b'a'; OUTPUT_MAX * 3];
        assert_eq!(read(endless.as_slice()).await.len(), OUTPUT_MAX);
    }
}
