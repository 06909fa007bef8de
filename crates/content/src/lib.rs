//! What is inside a part: its true type, the members of archives, what documents carry, patterns.
//!
//! Called in a worker process with bytes that a stranger chose. Pure: no I/O, no clock, nothing is
//! spawned, and nothing is ever written under a name from a message. Every loop pays from one
//! [`Budget`](budget::Budget), and what cannot be paid is a hit of its own, never clean.

pub mod archive;
pub mod budget;
#[cfg(test)]
mod cost;
mod documents;
pub mod examination;
pub mod hit;
mod inspect;
pub mod lists;
pub mod magic;
pub mod names;
pub mod types;
pub mod writing;

pub use budget::{Budget, Limits};
pub use hit::{Hit, Trouble};
pub use inspect::{Item, Report, inspect};
pub use lists::Lists;
pub use mail::danger::Class;
