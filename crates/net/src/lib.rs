//! The house's walls: every socket is opened here, every certificate is loaded here, the time is
//! read here and nowhere else.
//!
//! Doors are bound by [`bind`] (before root is dropped) or handed over by systemd
//! ([`inherited_listeners`]), served by [`Listener::serve`] under the limits of one [`Admission`],
//! and end together by one [`Drain`]. Knows no mail protocol and decides nothing but who is one
//! too many.

mod admission;
pub mod channel;
pub mod client;
mod clock;
pub mod dns;
mod drain;
pub mod fetch;
mod listener;
mod network;
pub mod privileges;
pub mod proxy;
mod stream;
mod system;
pub mod tls;
pub mod unix;
mod wire;

pub use admission::{Admission, AdmissionGuard, Limits};
pub use clock::Clock;
pub use dns::{
    DnsError, Dnssec, HickoryResolver, Kind, Mx, Name, Record, Resolver, Service, Tlsa,
    ZoneResolver,
};
pub use drain::{Drain, DrainHandle};
pub use fetch::{Fetch, FetchError, Fetched, Url};
pub use listener::{Accepted, Listener, Sessions, bind, spoke_first};
pub use network::network_key;
pub use stream::Stream;
pub use system::{inherited_listeners, raise_file_limit};
pub use tls::{ClientTls, Flaw, ServerTls, TlsError};
pub use wire::{Heard, Wire};
