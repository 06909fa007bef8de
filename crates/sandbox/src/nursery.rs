//! Starts our own program anew, or one that the administrator named, in processes that talk by
//! pipes; kills them, and tells how each ended.

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The stack of a thread that only waits: the least that the standard library takes.
const WAITING_STACK: usize = 64 * 1024;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// By itself, with this code.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// A process that was started.
#[derive(Debug)]
pub struct Started {
    /// To write what it reads.
    pub input: OwnedFd,
    /// To read what it says.
    pub output: OwnedFd,
    /// To read what it complains of.
    pub complaints: OwnedFd,
}

/// The living processes of one owner, each under a number that the owner gave.
#[derive(Debug, Default)]
pub struct Nursery {
    children: Mutex<HashMap<u64, Child>>,
}

/// This very program, as it was when this process began: also when its file has been replaced. It
/// gets nothing of the environment.
pub fn own_program() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("gatepost").env_clear();
    command
}

/// A program that the administrator named in the settings, to be started as it is named there: no
/// shell reads its words, and it gets nothing of the environment but where programs are.
fn foreign_program(program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
    command
}

/// Takes a program out of what a terminal sends to its foreground (Ctrl-C): the one that starts it
/// says when it ends.
pub fn in_the_background(command: &mut Command) -> &mut Command {
    command.current_dir("/").process_group(0)
}

impl End {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exit(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }

    /// Whether it is the end that the CPU limit of a job brings.
    pub fn is_out_of_cpu(self) -> bool {
        self == Self::Signal(Signal::SIGXCPU as i32)
    }

    /// Whether it aborted: what it complained of tells why.
    pub fn is_abort(self) -> bool {
        self == Self::Signal(Signal::SIGABRT as i32)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => f.write_str(signal.as_str()),
                Err(_) => write!(f, "signal {number}"),
            },
        }
    }
}

impl Nursery {
    /// Starts our own program with these arguments as the process number `id`; `ended` is called
    /// from a thread of its own when it has ended.
    ///
    /// # Errors
    /// The system has no process, thread or descriptor for it.
    pub fn start(
        self: &Arc<Self>,
        id: u64,
        arguments: &[&str],
        ended: impl FnOnce(End) + Send + 'static,
    ) -> io::Result<Started> {
        let mut command = own_program();
        command.args(arguments);
        self.launch(id, command, ended)
    }

    /// The same with a program that the administrator named.
    ///
    /// # Errors
    /// The program is not there or may not be run, or as of [`Nursery::start`].
    pub fn start_foreign(
        self: &Arc<Self>,
        id: u64,
        program: &Path,
        arguments: &[String],
        ended: impl FnOnce(End) + Send + 'static,
    ) -> io::Result<Started> {
        self.launch(id, foreign_program(program, arguments), ended)
    }

    fn launch(
        self: &Arc<Self>,
        id: u64,
        mut command: Command,
        ended: impl FnOnce(End) + Send + 'static,
    ) -> io::Result<Started> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = in_the_background(&mut command).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        self.children().insert(id, child);
        let nursery = Arc::clone(self);
        let waiting = std::thread::Builder::new().name("waiting".to_owned());
        let waiting = waiting.stack_size(WAITING_STACK).spawn(move || nursery.wait(id, pid, ended));
        match (waiting, pipes) {
            (Ok(_), (Some(input), Some(output), Some(complaints))) => Ok(Started {
                input: input.into(),
                output: output.into(),
                complaints: complaints.into(),
            }),
            (waiting, _) => {
                if let Some(mut child) = self.children().remove(&id) {
                    let _ = child.kill();
                    let _ = child.wait();
                }
                Err(waiting.err().unwrap_or_else(|| io::Error::other("no pipes")))
            }
        }
    }

    /// Kills a process, with those that it has started; nothing happens where it has ended.
    pub fn kill(&self, id: u64) {
        // The map is held: who is in it has not been waited for, so its number is still its own.
        let children = self.children();
        if let Some(pid) = children.get(&id).and_then(|child| i32::try_from(child.id()).ok()) {
            // Each leads a group of its own (`in_the_background`).
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    /// Kills all that live.
    pub fn kill_all(&self) {
        let all: Vec<u64> = self.children().keys().copied().collect();
        all.into_iter().for_each(|id| self.kill(id));
    }

    fn wait(&self, id: u64, pid: Pid, ended: impl FnOnce(End)) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
        // What it left behind ends with it; until it is reaped, the group's number is its own.
        let _ = killpg(pid, Signal::SIGKILL);
        let child = self.children().remove(&id);
        let status = child.and_then(|mut child| child.wait().ok());
        ended(status.map_or(End::Signal(0), End::of));
    }

    fn children(&self) -> MutexGuard<'_, HashMap<u64, Child>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
