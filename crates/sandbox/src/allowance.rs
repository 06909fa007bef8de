//! What one job may use of memory and CPU. The kernel keeps the limits: nobody has to watch.
//!
//! Memory is RLIMIT_DATA, which counts all private writable memory (since Linux 4.7): beyond it an
//! allocation fails, and the process aborts with Rust's message about it. CPU is a timer on the
//! process's own CPU time, exact where RLIMIT_CPU knows whole seconds: beyond it SIGXCPU ends the
//! process. A process that has been taken over can set both anew, up to the limits of its life, and
//! is killed by the clock of who started it.

use crate::{Error, Locked};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Private memory of a job beside its message, in bytes: what an honest archive or document takes,
/// several times over.
pub const MEMORY_PER_JOB: u64 = 64 << 20;
/// CPU of a job for each started 16 MiB of its message.
pub const CPU_PER_JOB: Duration = Duration::from_secs(1);
/// Bytes of a message that [`CPU_PER_JOB`] is for.
const CPU_STEP: u64 = 16 << 20;
/// CPU after which a process is not given another job: memory that fell to pieces goes with it.
const CPU_LIFE: Duration = Duration::from_secs(30);
/// What is taken for the process's private memory where /proc does not tell.
const BASELINE: u64 = 4 << 20;

/// The CPU that a job with a message of `size` bytes may use.
pub fn cpu_for(size: u64) -> Duration {
    let steps = u32::try_from(size.div_ceil(CPU_STEP).max(1)).unwrap_or(u32::MAX);
    CPU_PER_JOB.saturating_mul(steps)
}

/// Whole seconds of CPU that no process ever exceeds: the jobs of its life, and the last of them.
pub(crate) fn cpu_of_a_life(message_max: u64) -> u64 {
    CPU_LIFE.saturating_add(cpu_for(message_max)).as_secs() + 1
}

/// A timer on this process's CPU time, not set yet.
pub(crate) fn timer() -> Result<Timer, Errno> {
    let notify = SigevNotify::SigevSignal { signal: Signal::SIGXCPU, si_value: 0 };
    Timer::new(ClockId::CLOCK_PROCESS_CPUTIME_ID, SigEvent::new(notify))
}

/// Private writable memory of this process, in bytes.
pub(crate) fn data_now() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(BASELINE, |kib| kib.saturating_mul(1024))
}

impl Locked {
    /// Gives this process what the next job may use: memory for its message of `size` bytes and
    /// [`MEMORY_PER_JOB`] beside it, and the CPU of [`cpu_for`].
    ///
    /// # Errors
    /// The kernel refuses; the job must not begin.
    pub fn allow(&mut self, size: u64) -> Result<(), Error> {
        let system = |what| move |error| Error::System(what, error);
        let (_, hard) = getrlimit(Resource::RLIMIT_DATA).map_err(system("RLIMIT_DATA"))?;
        let memory = self.baseline.saturating_add(size).saturating_add(MEMORY_PER_JOB).min(hard);
        setrlimit(Resource::RLIMIT_DATA, memory, hard).map_err(system("RLIMIT_DATA"))?;
        let cpu = Expiration::OneShot(TimeSpec::from_duration(cpu_for(size)));
        self.timer.set(cpu, TimerSetTimeFlags::empty()).map_err(system("timer"))
    }

    /// Whether this process may be given another job.
    pub fn is_fresh(&self) -> bool {
        let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from);
        used.is_ok_and(|used| used < CPU_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::{cpu_for, cpu_of_a_life, data_now};
    use std::time::Duration;

    #[test]
    fn cpu_grows_with_the_message() {
        for (size, seconds) in
            [(0, 1), (1, 1), (16 << 20, 1), ((16 << 20) + 1, 2), (36_700_160, 3), (1 << 31, 128)]
        {
            assert_eq!(cpu_for(size), Duration::from_secs(seconds), "{size}");
        }
        assert_eq!(cpu_of_a_life(36_700_160), 34);
        assert!(cpu_for(u64::MAX) > Duration::from_secs(1));
    }

    #[test]
    fn the_memory_of_this_process_is_known() {
        let before = data_now();
        let more = std::hint::black_box(vec![1_u8; 50 << 20]);
        // Other tests of this process may end meanwhile, and give some back.
        assert!(data_now() >= before + (40 << 20), "{before}");
        drop(more);
    }
}
