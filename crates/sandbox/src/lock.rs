//! The lock itself: what a process gives up, for ever, before it reads its first byte.

use crate::allowance::{self, MEMORY_PER_JOB};
use crate::{Proof, calls};
use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::timer::Timer;
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

/// Descriptors that a locked process keeps: in, out, and what it complains to.
const DESCRIPTORS: u64 = 3;
/// Descriptors that may have been inherited: who starts a worker marks its own as not to be, so
/// what is left is what was open before, and has a low number.
const INHERITED_MAX: i32 = 1024;
/// The user and group that have nothing, on every Linux.
const NOBODY: u32 = 65_534;
/// The usual size: our own code bounds how deep it goes.
const STACK_MAX: u64 = 8 << 20;

/// Why a process could not be locked. It must end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused a step.
    #[error("{0}: {1}")]
    System(&'static str, Errno),
    /// Landlock is there, but cannot be used.
    #[error("landlock: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// There is no seccomp filter for this machine.
    #[error("seccomp: {0}")]
    Filter(#[from] seccompiler::BackendError),
    /// The kernel does not take the seccomp filter.
    #[error("seccomp: {0}")]
    Seccomp(#[from] seccompiler::Error),
}

/// A process that is locked, with what it takes to give it an allowance for each job.
#[derive(Debug)]
pub struct Locked {
    /// What was tried in vain.
    pub proof: Proof,
    /// Ends the process when a job has used its CPU.
    pub(crate) timer: Timer,
    /// Private memory that the process had when it was locked, in bytes.
    pub(crate) baseline: u64,
}

/// Locks this process down, for ever: no files, no network, no programs, no processes, and memory
/// for one message of at most `message_max` bytes beside [`MEMORY_PER_JOB`].
///
/// The first thing that a process does: it must have one thread, and have read nothing. Signals
/// that ask a process to end (TERM, INT, HUP) no longer reach it: it ends with its input.
///
/// # Errors
/// What could not be given up. The process must end then.
pub fn lock(message_max: u64) -> Result<Locked, Error> {
    hold_signals()?;
    let baseline = allowance::data_now();
    let memory_max = baseline.saturating_add(message_max).saturating_add(MEMORY_PER_JOB);
    let cpu_secs_max = allowance::cpu_of_a_life(message_max);
    let timer = allowance::timer().map_err(|error| Error::System("timer", error))?;
    for fd in 3..INHERITED_MAX {
        // Most are not open.
        let _ = nix::unistd::close(fd);
    }
    nix::sys::prctl::set_dumpable(false).map_err(|error| Error::System("dumpable", error))?;
    become_nobody();
    // Landlock needs a descriptor for a moment.
    let landlock = lock_land()?;
    limit("RLIMIT_CORE", Resource::RLIMIT_CORE, 0)?;
    limit("RLIMIT_FSIZE", Resource::RLIMIT_FSIZE, 0)?;
    limit("RLIMIT_NOFILE", Resource::RLIMIT_NOFILE, DESCRIPTORS)?;
    limit("RLIMIT_STACK", Resource::RLIMIT_STACK, STACK_MAX)?;
    limit("RLIMIT_DATA", Resource::RLIMIT_DATA, memory_max)?;
    limit("RLIMIT_CPU", Resource::RLIMIT_CPU, cpu_secs_max)?;
    for filter in &calls::filters()? {
        seccompiler::apply_filter(filter)?;
    }
    let proof = Proof::try_everything(landlock, memory_max, cpu_secs_max);
    Ok(Locked { proof, timer, baseline })
}

/// Root may raise its own limits, and commands without a server may be run by root. A namespace
/// that has no nobody leaves it as it is: all other walls stand.
fn become_nobody() {
    if geteuid().is_root() {
        let _ = setgroups(&[]);
        let _ = setgid(Gid::from_raw(NOBODY));
        let _ = setuid(Uid::from_raw(NOBODY));
    }
}

/// Keeps TERM, INT and HUP from this process: whoever stops a server may send them to all its
/// processes, and the server itself says when its workers end. They end with their input.
///
/// # Errors
/// The system refuses.
pub fn hold_signals() -> Result<(), Error> {
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block().map_err(|error| Error::System("signals", error))
}

/// Soft and hard; a limit that is lower already stays.
fn limit(name: &'static str, resource: Resource, value: u64) -> Result<(), Error> {
    let lower = |(_, hard): (u64, u64)| hard.min(value);
    getrlimit(resource)
        .map(lower)
        .and_then(|value| setrlimit(resource, value, value))
        .map_err(|error| Error::System(name, error))
}

/// Forbids every file and port, by Landlock, as far as the kernel knows it.
fn lock_land() -> Result<&'static str, Error> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "full",
        RulesetStatus::PartiallyEnforced => "partial",
        RulesetStatus::NotEnforced => "none",
    })
}
