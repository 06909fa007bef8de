//! One worker, from its proof to its end, as the pool holds it.

use super::frame::{ANSWER_HEAD, ANSWER_MAX, PROOF_MAX, ask_head, read_answer_head};
use super::inside::UNLOCKED;
use super::pool::Fault;
use super::spawner::{Spawner, WORKER};
use sandbox::{End, Nursery, Proof, Started};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// How long starting may take, proof included: a busy machine's worth.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long a worker whose pipes are closed may take to be reaped.
const END_LIMIT: Duration = Duration::from_secs(5);
/// How much of its complaints is read.
const COMPLAINTS_MAX: u64 = 4096;
/// How long that may take: what it wrote is there, and nobody else writes.
const COMPLAINTS_LIMIT: Duration = Duration::from_millis(200);
/// How much of them goes into the log.
const COMPLAINT_MAX: usize = 200;
/// What Rust's standard library says before it aborts because memory is refused.
const OUT_OF_MEMORY: &str = "memory allocation of";
/// Bytes of a message that are written at once.
const WINDOW: usize = 256 * 1024;

/// Who starts processes.
#[derive(Debug)]
pub(super) enum Starter {
    /// The spawner of a server.
    Spawner(Spawner),
    /// This process: a command without a server.
    Here { nursery: Arc<Nursery>, next: AtomicU64 },
}

/// A worker that has proved that it is locked down. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Worker {
    id: u64,
    starter: Arc<Starter>,
    input: Sender,
    output: Receiver,
    complaints: Receiver,
    ended: oneshot::Receiver<End>,
    /// The longest message that it has memory for.
    pub(super) message_max: u64,
    /// What it tried in vain.
    pub(super) proof: Option<Proof>,
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// The message could not be read: not the worker's fault, but it waits for the rest.
    Body(store::Error),
    /// The worker is gone, or as good as.
    Worker(io::Error),
    /// Its answer is longer than any may be.
    AnswerTooLong,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Worker(error)
    }
}

impl Starter {
    async fn start(&self, message_max: u64) -> io::Result<(u64, Started, oneshot::Receiver<End>)> {
        match self {
            Self::Spawner(spawner) => spawner.start(message_max).await,
            Self::Here { nursery, next } => {
                let id = next.fetch_add(1, Ordering::Relaxed);
                let (sender, ended) = oneshot::channel();
                let nursery = Arc::clone(nursery);
                let tell = move |end| {
                    // Nobody may want to know any more.
                    let _ = sender.send(end);
                };
                let start = move || nursery.start(id, &[WORKER, &message_max.to_string()], tell);
                let started = tokio::task::spawn_blocking(start).await;
                Ok((id, started.map_err(io::Error::other)??, ended))
            }
        }
    }

    fn kill(&self, id: u64) {
        match self {
            Self::Spawner(spawner) => spawner.kill(id),
            Self::Here { nursery, .. } => nursery.kill(id),
        }
    }
}

impl Worker {
    /// Starts a worker and waits for its proof.
    ///
    /// # Errors
    /// [`Fault::NoSandbox`] where it was not locked down, whatever else it says;
    /// [`Fault::Crashed`] where the system did not start it.
    pub(super) async fn start(starter: &Arc<Starter>, message_max: u64) -> Result<Self, Fault> {
        let failed = |what: &dyn std::fmt::Display| Fault::Crashed(format!("not started: {what}"));
        let start = async {
            let (id, started, ended) = starter.start(message_max).await?;
            let mut worker = Self {
                id,
                starter: Arc::clone(starter),
                input: Sender::from_owned_fd(started.input)?,
                output: Receiver::from_owned_fd(started.output)?,
                complaints: Receiver::from_owned_fd(started.complaints)?,
                ended,
                message_max,
                proof: None,
            };
            let proof = worker.read_proof().await;
            io::Result::Ok((worker, proof))
        };
        let limited = tokio::time::timeout(START_LIMIT, start).await;
        let (mut worker, proof) =
            limited.map_err(|_| failed(&"no proof in time"))?.map_err(|error| failed(&error))?;
        match proof {
            Ok(proof) if proof.holds() => {
                worker.proof = Some(proof);
                Ok(worker)
            }
            Ok(proof) => Err(Fault::NoSandbox(proof.to_string())),
            Err(error) => match worker.autopsy(&error).await {
                Fault::Crashed(text) => Err(failed(&text)),
                fault => Err(fault),
            },
        }
    }

    async fn read_proof(&mut self) -> io::Result<Proof> {
        let length = self.output.read_u32().await? as usize;
        if length > PROOF_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut proof = vec![0; length];
        self.output.read_exact(&mut proof).await?;
        serde_json::from_slice(&proof).map_err(io::Error::from)
    }

    /// Whether it lives, as far as is known.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.ended.try_recv(), Err(TryRecvError::Empty))
    }

    /// Gives it a job: its answer, and whether it can take another. After an error it is of no use
    /// any more.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        body: &Body,
    ) -> Result<(Vec<u8>, bool), Broken> {
        let size = body.size();
        let length = u32::try_from(request.len()).map_err(io::Error::other)?;
        let mut first = Vec::with_capacity(ask_head(0, 0).len() + request.len());
        first.extend_from_slice(&ask_head(length, size));
        first.extend_from_slice(request);
        self.input.write_all(&first).await?;
        let mut at = 0;
        while at < size {
            let window = body.read(at..size, WINDOW).await.map_err(Broken::Body)?;
            if window.is_empty() {
                return Err(Broken::Body(store::Error::Corrupt("a body is too short".to_owned())));
            }
            self.input.write_all(&window).await?;
            at += window.len() as u64;
        }
        let mut head = [0; ANSWER_HEAD];
        self.output.read_exact(&mut head).await?;
        let (again, length) = read_answer_head(head);
        if length > ANSWER_MAX {
            return Err(Broken::AnswerTooLong);
        }
        // It grows with what comes, not with what was announced.
        let mut answer = Vec::new();
        (&mut self.output).take(length).read_to_end(&mut answer).await?;
        if (answer.len() as u64) < length {
            return Err(Broken::Worker(ErrorKind::UnexpectedEof.into()));
        }
        Ok((answer, again))
    }

    /// How a worker ended whose pipes broke: by its limits, which is the message's doing, or
    /// otherwise, which is nobody's.
    pub(super) async fn autopsy(mut self, broken: &io::Error) -> Fault {
        let ended = tokio::time::timeout(END_LIMIT, &mut self.ended).await;
        let mut complaints = Vec::new();
        let mut pipe = (&mut self.complaints).take(COMPLAINTS_MAX);
        // What is not there in time is not waited for.
        let _ = tokio::time::timeout(COMPLAINTS_LIMIT, pipe.read_to_end(&mut complaints)).await;
        let complaints = String::from_utf8_lossy(&complaints);
        match ended {
            Ok(Ok(end)) => found(end, &complaints),
            Ok(Err(_)) => Fault::Crashed("the spawner has ended".to_owned()),
            Err(_) => Fault::Crashed(format!("it went on, but its pipes broke: {broken}")),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.lives() {
            self.starter.kill(self.id);
        }
    }
}

/// What the end of a worker says.
fn found(end: End, complaints: &str) -> Fault {
    if end.is_out_of_cpu() {
        return Fault::TooComplex("cpu");
    }
    if end.is_abort() && complaints.contains(OUT_OF_MEMORY) {
        return Fault::TooComplex("memory");
    }
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = complaints.trim().chars().take(COMPLAINT_MAX).map(printable).collect();
    if end == End::Exit(UNLOCKED.into()) {
        return Fault::NoSandbox(text);
    }
    Fault::Crashed(if text.is_empty() { end.to_string() } else { format!("{end}: {text}") })
}

#[cfg(test)]
mod tests {
    use super::{Fault, found};
    use sandbox::End;

    #[test]
    fn only_limits_are_the_messages_doing() {
        let (cpu, abort, fault, kill) =
            (End::Signal(24), End::Signal(6), End::Signal(11), End::Signal(9));
        let crashed = |text: &str| Fault::Crashed(text.to_owned());
        for (end, complaints, expected) in [
            (cpu, "", Fault::TooComplex("cpu")),
            (abort, "memory allocation of 9 bytes failed\nnote", Fault::TooComplex("memory")),
            (abort, "", crashed("SIGABRT")),
            (abort, "overflowed its stack", crashed("SIGABRT: overflowed its stack")),
            (
                fault,
                "memory allocation of 9 bytes",
                crashed("SIGSEGV: memory allocation of 9 bytes"),
            ),
            (kill, "", crashed("SIGKILL")),
            (
                End::Exit(101),
                "\npanicked\x1b[0m\nat x",
                crashed("exit code 101: panicked [0m at x"),
            ),
            (End::Exit(71), "seccomp: no\n", Fault::NoSandbox("seccomp: no".to_owned())),
            (End::Exit(0), "", crashed("exit code 0")),
        ] {
            assert_eq!(found(end, complaints), expected);
        }
        let Fault::Crashed(text) = found(kill, &"ä".repeat(500)) else { return };
        assert_eq!(text.chars().count(), 200 + "SIGKILL: ".len());
    }
}
