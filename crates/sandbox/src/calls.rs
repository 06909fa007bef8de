//! Which system calls a locked process may make: what computing on bytes at hand needs, no more.
//!
//! Two filters, of which the kernel heeds the stricter answer. The first answers EPERM to what a
//! library may try in good faith (and what the proof tries); the second kills the process at
//! anything on neither list: nothing that we run makes such a call.

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;

/// Refused with EPERM.
const TRIED: &[i64] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_clone,
    libc::SYS_clone3,
    // A library asks whether a descriptor is a terminal, or counts processors; it can do without.
    libc::SYS_ioctl,
    libc::SYS_fcntl,
    libc::SYS_sched_getaffinity,
];

/// The same under the older names that x86 still has.
#[cfg(target_arch = "x86_64")]
const TRIED_OLD: &[i64] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_fork,
    libc::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const TRIED_OLD: &[i64] = &[];

/// Allowed whatever the arguments.
const ALLOWED: &[i64] = &[
    // Bytes come and go by the three descriptors that are left.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    // Memory, within RLIMIT_DATA.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Locks of the standard library; the time; seeds of hash tables.
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    // The timer of the CPU limit, and the end, orderly or not.
    libc::SYS_timer_settime,
    libc::SYS_timer_delete,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Both filters, in the order in which they are to be installed: the second ends the making of new
/// ones.
pub(crate) fn filters() -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let tried = || TRIED.iter().chain(TRIED_OLD).map(|call| (*call, Vec::new()));
    let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let refusing =
        SeccompFilter::new(tried().collect(), SeccompAction::Allow, eperm, arch)?.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = tried().collect();
    rules.extend(ALLOWED.iter().map(|call| (*call, Vec::new())));
    rules.extend(narrow()?);
    let killing =
        SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch)?;
    Ok([refusing, killing.try_into()?])
}

/// Calls that are allowed with some arguments only.
fn narrow() -> Result<Vec<(i64, Vec<SeccompRule>)>, seccompiler::BackendError> {
    let is = |place, value| {
        SeccompCondition::new(place, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let lacks = |place, bits| {
        let masked = SeccompCmpOp::MaskedEq(bits);
        SeccompCondition::new(place, SeccompCmpArgLen::Dword, masked, 0)
    };
    let bits = |flag: i32| u64::from(flag.unsigned_abs());
    let (execute, shared) = (bits(libc::PROT_EXEC), bits(libc::MAP_SHARED));
    let own = u64::from(std::process::id());
    Ok(vec![
        // No new code, and no memory that RLIMIT_DATA does not count.
        (libc::SYS_mmap, vec![SeccompRule::new(vec![lacks(2, execute)?, lacks(3, shared)?])?]),
        (libc::SYS_mprotect, vec![SeccompRule::new(vec![lacks(2, execute)?])?]),
        // Its own limits, which the hard ones bound.
        (libc::SYS_prlimit64, vec![SeccompRule::new(vec![is(0, 0)?])?]),
        // `abort`, of itself and nobody else.
        (libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, own)?, is(2, bits(libc::SIGABRT))?])?]),
    ])
}
