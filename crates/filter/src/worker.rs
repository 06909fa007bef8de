//! Workers: locked processes that look at what a stranger wrote, and the pool of them.
//!
//! A stage asks [`Pool::ask`] with a message and a short request; a worker gets both by pipe and
//! answers by pipe ([`frame`]). The bytes are unpacked where no file and no socket can be opened: a
//! worker proves that it is locked down ([`sandbox::lock`]) before it gets any. They are processes
//! of our own program ([`inside`]), started by a [`spawner`] that exists before the server has
//! threads; commands that run without a server start theirs themselves.
//!
//! A worker's answer is as untrusted as the message it had.

mod frame;
pub mod inside;
mod pool;
pub mod spawner;
mod start;

pub use frame::{ANSWER_MAX, REQUEST_MAX};
pub use pool::{Fault, Options, Pool, State};
pub use spawner::Spawner;
