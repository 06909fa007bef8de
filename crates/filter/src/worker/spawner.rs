//! The spawner: a small process of our own program that starts workers for a server.
//!
//! It exists before the server has threads and has read anything from anybody, so a worker inherits
//! nothing of the server: no memory, no descriptor, no lock. Server and spawner exchange short
//! messages; the pipes of a new worker come with the one that tells of it. Either ends when the
//! other is gone.

use net::channel::Channel;
use sandbox::{End, Nursery, Started};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The word that makes our own program a spawner.
pub const SPAWNER: &str = "spawner";
/// The word that makes our own program a worker; after it comes the longest message, in bytes.
pub const WORKER: &str = "worker";
/// How much of an error's text goes through the channel.
const ERROR_MAX: usize = 200;

/// What the server asks for.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    /// A worker, which is known by this number from then on.
    Start { id: u64, message_max: u64 },
    /// That one has to go.
    Kill { id: u64 },
}

/// What the spawner tells.
#[derive(Debug, Serialize, Deserialize)]
enum Event {
    /// It runs; its three pipes come with this.
    Started { id: u64 },
    /// It does not.
    Failed { id: u64, error: String },
    /// It has ended.
    Ended { id: u64, end: End },
}

/// The server's side: a spawner that runs.
#[derive(Debug)]
pub struct Spawner {
    channel: Arc<Channel>,
    waiting: Arc<Mutex<Waiting>>,
    next: AtomicU64,
}

/// Who waits to hear of which worker.
#[derive(Debug, Default)]
struct Waiting {
    /// The spawner is gone: nobody will be told anything any more.
    gone: bool,
    starts: HashMap<u64, oneshot::Sender<io::Result<Started>>>,
    ends: HashMap<u64, oneshot::Sender<End>>,
}

/// The spawner itself: the whole of `gatepost spawner`. Its end of the channel is standard input.
pub fn serve() -> ExitCode {
    if sandbox::hold_signals().is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(end) = io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    let channel = Arc::new(Channel::given(end));
    let nursery = Arc::new(Nursery::default());
    while let Ok(Some((message, _))) = channel.receive() {
        match serde_json::from_slice(&message) {
            Ok(Order::Start { id, message_max }) => start(&channel, &nursery, id, message_max),
            Ok(Order::Kill { id }) => nursery.kill(id),
            Err(_) => break,
        }
    }
    nursery.kill_all();
    ExitCode::SUCCESS
}

fn start(channel: &Arc<Channel>, nursery: &Arc<Nursery>, id: u64, message_max: u64) {
    let teller = Arc::clone(channel);
    let ended = move |end| tell(&teller, &Event::Ended { id, end }, &[]);
    match nursery.start(id, &[WORKER, &message_max.to_string()], ended) {
        Ok(Started { input, output, complaints }) => {
            tell(channel, &Event::Started { id }, &[input, output, complaints]);
        }
        Err(error) => {
            let error = error.to_string().chars().take(ERROR_MAX).collect();
            tell(channel, &Event::Failed { id, error }, &[]);
        }
    }
}

/// A server that cannot be told is gone, or will learn by the pipes.
fn tell(channel: &Channel, event: &Event, descriptors: &[OwnedFd]) {
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    if let Ok(message) = serde_json::to_vec(event) {
        let _ = channel.send(&message, &descriptors);
    }
}

impl Spawner {
    /// Starts the spawner, as the user that this process is. To be called before the first thread
    /// starts.
    ///
    /// # Errors
    /// The system does not start our own program anew, or has no descriptors left.
    pub fn launch() -> io::Result<Self> {
        let (channel, end) = Channel::pair()?;
        let mut program = sandbox::own_program();
        program.arg(SPAWNER).stdin(Stdio::from(end)).stdout(Stdio::null());
        let process = sandbox::in_the_background(&mut program).spawn()?;
        let channel = Arc::new(channel);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (reader, told) = (Arc::clone(&channel), Arc::clone(&waiting));
        let listen = move || listen(&reader, &told, process);
        std::thread::Builder::new().name("spawner".to_owned()).spawn(listen)?;
        Ok(Self { channel, waiting, next: AtomicU64::new(0) })
    }

    /// Has a worker started: its number, its pipes, and when it has ended how it did.
    pub(super) async fn start(
        &self,
        message_max: u64,
    ) -> io::Result<(u64, Started, oneshot::Receiver<End>)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (started, start) = oneshot::channel();
        let (ended, end) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.gone {
                return Err(gone());
            }
            waiting.starts.insert(id, started);
            waiting.ends.insert(id, ended);
        }
        if let Err(error) = self.order(&Order::Start { id, message_max }) {
            let mut waiting = lock(&self.waiting);
            waiting.starts.remove(&id);
            waiting.ends.remove(&id);
            return Err(error);
        }
        let started = start.await.map_err(|_| gone())??;
        Ok((id, started, end))
    }

    /// Has a worker killed.
    pub(super) fn kill(&self, id: u64) {
        // Without a spawner there is nobody to do it: the worker ends with its pipes.
        let _ = self.order(&Order::Kill { id });
    }

    fn order(&self, order: &Order) -> io::Result<()> {
        self.channel.send(&serde_json::to_vec(order)?, &[])
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.channel.close();
    }
}

fn gone() -> io::Error {
    io::Error::new(ErrorKind::NotConnected, "the spawner of workers has ended: restart the server")
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells those who wait what the spawner tells, until it is gone.
fn listen(channel: &Channel, waiting: &Mutex<Waiting>, mut process: Child) {
    while let Ok(Some((message, descriptors))) = channel.receive() {
        let Ok(event) = serde_json::from_slice(&message) else { break };
        hear(waiting, event, descriptors);
    }
    let mut waiting = lock(waiting);
    waiting.gone = true;
    waiting.starts.clear();
    waiting.ends.clear();
    drop(waiting);
    channel.close();
    match process.wait() {
        Ok(status) if status.success() => {}
        status => tracing::error!(
            ?status,
            "the spawner of workers has ended: restart the server, or mail that has to be looked \
             into is deferred"
        ),
    }
}

fn hear(waiting: &Mutex<Waiting>, event: Event, descriptors: Vec<OwnedFd>) {
    let mut waiting = lock(waiting);
    match event {
        Event::Started { id } => {
            let pipes = <[OwnedFd; 3]>::try_from(descriptors);
            let started = pipes
                .map(|[input, output, complaints]| Started { input, output, complaints })
                .map_err(|_| io::Error::other("a worker came without its pipes"));
            let told = waiting.starts.remove(&id).map(|start| start.send(started));
            // Nobody wants it any more: its pipes are closed with what was not taken.
            drop(told);
        }
        Event::Failed { id, error } => {
            waiting.ends.remove(&id);
            if let Some(start) = waiting.starts.remove(&id) {
                let _ = start.send(Err(io::Error::other(error)));
            }
        }
        Event::Ended { id, end } => {
            if let Some(ended) = waiting.ends.remove(&id) {
                let _ = ended.send(end);
            }
        }
    }
}
