//! Locks a process down before it touches what a stranger wrote, and starts such processes.
//!
//! Inside: [`lock`] is the first thing a worker does; from then on the kernel refuses it every
//! file, socket, program and process, and [`Proof`] says what it tried in vain. [`Locked::allow`]
//! gives memory and CPU for one job. Outside: [`Nursery`] starts our own program anew (or the one
//! that the administrator named as scanner, which it cannot lock down), kills it,
//! and tells how each process ended. Knows nothing of what the processes do.

mod allowance;
mod calls;
mod lock;
mod nursery;
mod proof;

pub use allowance::{CPU_PER_JOB, MEMORY_PER_JOB, cpu_for};
pub use lock::{Error, Locked, hold_signals, lock};
pub use nursery::{End, Nursery, Started, in_the_background, own_program};
pub use proof::{Attempt, Proof};
