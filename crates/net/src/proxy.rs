//! Connections that a named proxy hands over (PROXY protocol): who is really there.
//!
//! From the networks that the administrator named a header is required, from all others none is
//! read: a stranger who sends one is a stranger who speaks first. What is announced counts for
//! every limit and every rule, the proxy's own address for none.

mod header;

pub use header::{Announced, HeaderFault, Progress, SIZE_MAX, parse};

use crate::admission::Waiting;
use crate::{Accepted, Admission};
use mail::Reason;
use nix::ifaddrs::getifaddrs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What a proxy may take for its header: it has it ready when it connects.
const HEADER_LIMIT: Duration = Duration::from_secs(5);
/// How often the log is told what is wrong with a proxy's headers.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

/// Why a connection of a proxy is not served.
#[derive(Debug, thiserror::Error)]
enum Unserved {
    /// It was closed before it said anything: a look whether the port is open.
    #[error("nothing came")]
    Silent,
    /// There is no header, or a wrong one.
    #[error("{0}")]
    Header(#[from] HeaderFault),
    /// The header did not come in time, or the connection broke.
    #[error("the PROXY header did not come: {0}")]
    Broken(#[from] io::Error),
    /// A client that cannot be there.
    #[error("{0} is announced, which is an address of this machine or of nobody")]
    Impossible(IpAddr),
}

/// Reads the header of a proxy's connection, and lets in who it announces; `None` if there is
/// nobody to answer.
pub(crate) async fn hand_over(
    admission: &Arc<Admission>,
    mut stream: TcpStream,
    proxy: SocketAddr,
    waiting: Waiting,
) -> Option<Accepted> {
    let read = tokio::time::timeout(HEADER_LIMIT, read(&mut stream)).await;
    let read = read.unwrap_or_else(|late| Err(io::Error::from(late).into()));
    let proxy = canonical(proxy);
    let announced = read.and_then(|announced| match announced {
        // By version 1 HAProxy says of its own checks that they come from where they come from.
        Announced::Client(client) if client == proxy => Ok(Announced::Nobody),
        Announced::Client(client) if is_impossible(client.ip(), &stream) => {
            Err(Unserved::Impossible(client.ip()))
        }
        announced => Ok(announced),
    });
    let (at, entered) = match &announced {
        Ok(Announced::Client(client)) => (*client, admission.admit(client.ip())),
        Ok(Announced::Nobody) => (proxy, admission.admit_proxy(proxy.ip())),
        Err(Unserved::Silent) => return None,
        Err(why) => {
            // The trace counts them all; the log says why, not for ever.
            if admission.may_complain(COMPLAINT_EVERY) {
                tracing::warn!(proxy = %proxy.ip(), %why, "a connection of a proxy is refused");
            }
            (proxy, admission.refuse(proxy.ip(), Reason::ProxyHeader))
        }
    };
    drop(waiting);
    let (guard, admitted) = entered?;
    let is_check = matches!(announced, Ok(Announced::Nobody));
    Some(Accepted { stream, ip: at.ip(), port: at.port(), guard, admitted, is_check })
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Takes the header off the stream, and not a byte more.
async fn read(stream: &mut TcpStream) -> Result<Announced, Unserved> {
    let mut header = Vec::new();
    loop {
        let missing = match parse(&header)? {
            Progress::Done(announced) => return Ok(announced),
            Progress::More(missing) => missing,
        };
        let read = (&mut *stream).take(missing as u64).read_buf(&mut header).await;
        match read {
            Ok(0) if header.is_empty() => return Err(Unserved::Silent),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(_) => {}
            // Who is gone before a word is as silent as who closes.
            Err(_) if header.is_empty() => return Err(Unserved::Silent),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether no client can have this address: none has our own, loopback least of all, which some
/// rule may trust.
fn is_impossible(ip: IpAddr, stream: &TcpStream) -> bool {
    let nobody = match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.octets().first() == Some(&0),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    let ours = stream.local_addr().is_ok_and(|local| local.ip().to_canonical() == ip);
    nobody || ours || ip.is_loopback() || ip.is_multicast() || is_local(ip)
}

/// Whether an interface of this machine has the address. Where the kernel does not say, nothing is
/// let in by the lack of it: loopback and the address that was called are known anyway.
fn is_local(ip: IpAddr) -> bool {
    let Ok(interfaces) = getifaddrs() else { return false };
    interfaces.filter_map(|interface| interface.address).any(|address| {
        let v4 = address.as_sockaddr_in().map(|at| IpAddr::V4(at.ip()));
        let v6 = address.as_sockaddr_in6().map(|at| IpAddr::V6(at.ip()));
        v4.or(v6) == Some(ip)
    })
}
