//! SMTP on the wire, as machines without I/O: bytes in, actions out.
//!
//! [`server`] is the receiving side; the sending side (`client`) comes with the queue. [`reply`] is
//! the one place of the house that turns a decision into protocol text.
//! Nothing here reads a clock, opens a socket or spawns anything: `inbound` is the shell.

pub mod reply;
pub mod server;
