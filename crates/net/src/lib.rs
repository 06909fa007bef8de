//! The network and the clock: what connects this process with the world.
//!
//! Listeners with their limits, streams in clear and under TLS, the drain, local sockets,
//! privileges, the time. The only room that opens sockets; it knows no mail protocol.

mod admission;
pub mod client;
mod clock;
mod drain;
mod listener;
pub mod privileges;
mod stream;
pub mod tls;
pub mod unix;

pub use admission::{Admission, AdmissionGuard, Limits};
pub use clock::Clock;
pub use drain::{Drain, DrainHandle};
pub use listener::{Accepted, Listener, bind, inherited_listeners, spoke_first};
pub use privileges::raise_file_limit;
pub use stream::Stream;
pub use tls::{ServerTls, TlsError};

use ipnet::IpNet;
use std::net::IpAddr;

/// What counts as one address: an IPv4 address, or an IPv6 /64 (what one customer gets at least).
pub fn network_key(ip: IpAddr) -> IpNet {
    let prefix = if ip.is_ipv4() { 32 } else { 64 };
    IpNet::new(ip, prefix).map_or_else(|_| ip.into(), |net| net.trunc())
}
