//! Binding the doors: done before root is dropped and before any thread starts.

use anyhow::{Context, Result};
use config::Settings;
use mail::Door;
use nix::errno::Errno;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The listening sockets of all doors.
pub(crate) struct Doors {
    /// Each with its door.
    pub(crate) listeners: Vec<(Door, TcpListener)>,
}

impl Doors {
    /// Takes the sockets that systemd hands over, else binds the addresses of the settings.
    pub(crate) fn bind(settings: &Settings) -> Result<Self> {
        let mut listeners = inherited()?;
        if listeners.is_empty() {
            let listen = &settings.listen;
            for (door, addresses) in [
                (Door::Smtp, &listen.smtp),
                (Door::Submission, &listen.submission),
                (Door::Submissions, &listen.submissions),
                (Door::Lmtp, &listen.lmtp),
                (Door::Pop3, &listen.pop3),
                (Door::Pop3s, &listen.pop3s),
                (Door::Https, &listen.https),
            ] {
                for address in addresses {
                    let opened = open(door, *address, addresses, listen.backlog)?;
                    listeners.extend(opened.map(|listener| (door, listener)));
                }
            }
        }
        anyhow::ensure!(!listeners.is_empty(), "no door is open: give addresses under [listen]");
        Ok(Self { listeners })
    }

    /// The first port of a door, if it is open.
    pub(crate) fn port(&self, door: Door) -> Option<u16> {
        let (_, listener) = self.listeners.iter().find(|(d, _)| *d == door)?;
        listener.local_addr().ok().map(|address| address.port())
    }

    /// Every door with its address, for people and programs.
    pub(crate) fn addresses(&self) -> Vec<(String, String)> {
        let shown = |(door, listener): &(Door, TcpListener)| {
            let address = listener.local_addr().ok()?;
            Some((door.word().to_owned(), address.to_string()))
        };
        self.listeners.iter().filter_map(shown).collect()
    }
}

/// Opens one door; none where it would have been for IPv6 alone, on a machine without.
///
/// The usual doors are `0.0.0.0` and `[::]`, two sockets (`net::bind` keeps IPv4 out of the
/// second). A machine without IPv6 still serves all it has; an address that somebody chose stays
/// an error.
fn open(
    door: Door,
    address: SocketAddr,
    all: &[SocketAddr],
    backlog: u32,
) -> Result<Option<TcpListener>> {
    let error = match net::bind(address, backlog) {
        Ok(listener) => return Ok(Some(listener)),
        Err(error) => error,
    };
    let door = door.word();
    match instead(address, all, &error) {
        Instead::Nothing => {
            let hint = hint(address, &error);
            Err(error)
                .with_context(|| format!("the door {door} cannot be opened at {address}; {hint}"))
        }
        Instead::Other => {
            tracing::warn!(door, %address, "left closed: this machine has no IPv6");
            Ok(None)
        }
        Instead::At(address) => {
            tracing::warn!(door, %address, "opened for IPv4: this machine has no IPv6");
            let opened = net::bind(address, backlog);
            opened.map(Some).with_context(|| format!("the door {door} at {address}; {IN_USE}"))
        }
    }
}

const IN_USE: &str = "is another mail server running, or does the port need root or \
                      CAP_NET_BIND_SERVICE?";

/// What becomes of a door that cannot be opened.
#[derive(Debug, PartialEq, Eq)]
enum Instead {
    /// It stays an error.
    Nothing,
    /// Another one at the same port is open for IPv4 anyway.
    Other,
    /// It is opened here.
    At(SocketAddr),
}

fn instead(address: SocketAddr, all: &[SocketAddr], error: &io::Error) -> Instead {
    if !address.is_ipv6() || !address.ip().is_unspecified() || !is_missing(error) {
        return Instead::Nothing;
    }
    let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    if all.contains(&ipv4) { Instead::Other } else { Instead::At(ipv4) }
}

/// Whether the machine lacks the address or its whole family (`ipv6.disable=1`, `disable_ipv6`).
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32)
}

fn hint(address: SocketAddr, error: &io::Error) -> &'static str {
    match (is_missing(error), address.is_ipv6()) {
        (true, true) => "this machine does not have that address, or no IPv6 at all: see [listen]",
        (true, false) => "this machine does not have that address: see [listen]",
        (false, _) => IN_USE,
    }
}

/// Sockets from systemd, by the names of the socket unit (`FileDescriptorName=smtp`).
fn inherited() -> Result<Vec<(Door, TcpListener)>> {
    let mut listeners = Vec::new();
    for (name, listener) in net::inherited_listeners() {
        let door = match name.as_str() {
            "smtp" => Door::Smtp,
            "submission" => Door::Submission,
            "submissions" => Door::Submissions,
            "lmtp" => Door::Lmtp,
            "pop3" => Door::Pop3,
            "pop3s" => Door::Pop3s,
            "https" => Door::Https,
            other => anyhow::bail!(
                "systemd handed over a socket called {other}; FileDescriptorName= must be smtp, \
                 submission, submissions, lmtp, pop3, pop3s or https"
            ),
        };
        listeners.push((door, listener));
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

    use super::{IN_USE, Instead, hint, instead};
    use nix::errno::Errno;
    use std::io;
    use std::net::SocketAddr;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_unspecified_ipv6_address_is_replaced() {
        let check = |at: &str, all: &[&str], errno: Errno, expected: Instead| {
            let all: Vec<_> = all.iter().map(|text| address(text)).collect();
            let error = io::Error::from_raw_os_error(errno as i32);
            assert_eq!(instead(address(at), &all, &error), expected, "{at} {errno}");
        };
        let missing = [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL];
        for errno in missing {
            check("[::]:25", &["[::]:25"], errno, Instead::At(address("0.0.0.0:25")));
            check("[::]:25", &["0.0.0.0:25", "[::]:25"], errno, Instead::Other);
            let other_port = Instead::At(address("0.0.0.0:25"));
            check("[::]:25", &["0.0.0.0:2525", "[::]:25"], errno, other_port);
            check("[::1]:25", &["[::1]:25"], errno, Instead::Nothing);
            check("[2001:db8::1]:25", &["[2001:db8::1]:25"], errno, Instead::Nothing);
            check("192.0.2.1:25", &["192.0.2.1:25"], errno, Instead::Nothing);
        }
        for errno in [Errno::EADDRINUSE, Errno::EACCES] {
            check("[::]:25", &["[::]:25"], errno, Instead::Nothing);
        }
    }

    #[test]
    fn hints_fit_the_error() {
        let check = |at: &str, errno: Errno, expected: &str| {
            let error = io::Error::from_raw_os_error(errno as i32);
            let hint = hint(address(at), &error);
            assert!(hint.contains(expected), "{at} {errno}: {hint}");
        };
        check("[::1]:25", Errno::EADDRNOTAVAIL, "no IPv6 at all");
        check("192.0.2.1:25", Errno::EADDRNOTAVAIL, "does not have that address: see");
        check("192.0.2.1:25", Errno::EADDRINUSE, IN_USE);
    }
}
