//! SMTP on the wire, as machines without I/O: bytes in, actions out.
//!
//! [`server`] is the receiving side, [`client`] the sending one. [`reply`] is the one place of the
//! house that turns a decision into protocol text; [`sts`] reads what domains say of TLS.
//! Nothing here reads a clock, opens a socket or spawns anything: `inbound` and `queue` are the
//! shells.

pub mod client;
pub mod reply;
pub mod server;
pub mod sts;
