//! What a locked process tried in vain: its first message to whoever started it.

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::process::Stdio;

/// What became of one thing that a locked process must not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// The kernel refused, with this error number.
    Refused(i32),
    /// It was done: the process is not locked.
    Done,
}

/// That a process is locked down, by trial: the one that starts it believes nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Opening the root folder for reading.
    pub file: Attempt,
    /// Making a socket of IPv4.
    pub socket: Attempt,
    /// Making a local socket.
    pub local_socket: Attempt,
    /// Becoming another program.
    pub program: Attempt,
    /// Starting a process.
    pub process: Attempt,
    /// How far Landlock holds: `full`, `partial` (an older kernel), `none`. It is a second wall:
    /// the first stands without it.
    pub landlock: String,
    /// The most bytes of private memory that the process can ever have.
    pub memory_max: u64,
    /// The most seconds of CPU that the process can ever use.
    pub cpu_secs_max: u64,
}

impl Attempt {
    fn of<T>(result: Result<T, Errno>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => Self::Refused(error as i32),
        }
    }

    /// Whether it was refused because it is forbidden: other errors (no such file, no descriptor
    /// left) prove nothing.
    pub fn is_forbidden(self) -> bool {
        matches!(self, Self::Refused(libc::EPERM | libc::EACCES))
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(number) => write!(f, "{:?}", Errno::from_raw(*number)),
            Self::Done => f.write_str("done"),
        }
    }
}

impl Proof {
    /// Tries everything, in this process.
    pub(crate) fn try_everything(landlock: &str, memory_max: u64, cpu_secs_max: u64) -> Self {
        let made =
            |family| Attempt::of(socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None));
        let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
        let idle = || Stdio::inherit();
        let mut child = crate::own_program();
        child.arg("--version").stdin(idle()).stdout(idle()).stderr(idle());
        let child = child.spawn().map(|mut child| child.wait());
        Self {
            file: Attempt::of(std::fs::File::open("/").map_err(errno)),
            socket: made(AddressFamily::Inet),
            local_socket: made(AddressFamily::Unix),
            process: Attempt::of(child.map_err(errno)),
            // If this is done, there is nobody to say so: what comes is no proof.
            program: Attempt::of(nix::unistd::execv(c"/proc/self/exe", &[c"gatepost"])),
            landlock: landlock.to_owned(),
            memory_max,
            cpu_secs_max,
        }
    }

    /// Each thing that was tried, with what became of it.
    pub fn attempts(&self) -> [(&'static str, Attempt); 5] {
        [
            ("file", self.file),
            ("socket", self.socket),
            ("local socket", self.local_socket),
            ("program", self.program),
            ("process", self.process),
        ]
    }

    /// Whether everything was refused.
    pub fn holds(&self) -> bool {
        self.attempts().iter().all(|(_, attempt)| attempt.is_forbidden())
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, attempt) in self.attempts() {
            write!(f, "{what}: {attempt}, ")?;
        }
        let mib = self.memory_max >> 20;
        write!(f, "landlock: {}, at most {mib} MiB, {} s", self.landlock, self.cpu_secs_max)
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Proof};
    use nix::libc::{EACCES, EMFILE, ENOENT, ENOSYS, EPERM};

    #[test]
    fn only_what_is_forbidden_proves_anything() {
        let forbidden = Attempt::Refused(EPERM);
        let proof = |file, program| Proof {
            file,
            socket: forbidden,
            local_socket: Attempt::Refused(EACCES),
            program,
            process: forbidden,
            landlock: "none".to_owned(),
            memory_max: 3 << 20,
            cpu_secs_max: 1,
        };
        assert!(proof(forbidden, forbidden).holds());
        for other in
            [ENOENT, EMFILE, ENOSYS].map(Attempt::Refused).into_iter().chain([Attempt::Done])
        {
            assert!(!proof(other, forbidden).holds(), "{other}");
            assert!(!proof(forbidden, other).holds(), "{other}");
        }
        let text = proof(forbidden, Attempt::Done).to_string();
        let expected = "file: EPERM, socket: EPERM, local socket: EACCES, program: done, \
                        process: EPERM, landlock: none, at most 3 MiB, 1 s";
        assert_eq!(text, expected);
    }
}
