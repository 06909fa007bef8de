//! The header of the PROXY protocol, versions 1 and 2 (HAProxy's `proxy-protocol.txt`): pure.
//!
//! Only a proxy that an administrator named is asked for it, but what it passes on may be its
//! clients' doing: every byte is looked at. The reader never needs a byte that is not the header's:
//! [`parse`] says how many more there must be at the least.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest header of version 1, CRLF included (§2.1).
const V1_MAX: usize = 107;
/// Shortest header of version 1: `PROXY UNKNOWN` and CRLF.
const V1_MIN: usize = 15;
/// How version 1 begins.
const V1_BEGIN: &[u8] = b"PROXY ";
/// How version 2 begins (§2.2).
const V2_BEGIN: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What comes before the addresses of version 2.
const V2_FIXED: usize = 16;
/// Most bytes behind those: addresses take up to 216, and what proxies add of TLS and clouds stays
/// far below. The protocol would allow 65,535.
const V2_REST_MAX: usize = 4_096;
/// Longest header of all.
pub const SIZE_MAX: usize = V2_FIXED + V2_REST_MAX;
/// The type of the checksum's value (§2.2.3).
const TYPE_CRC32C: u8 = 0x03;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// Who is on the other side of the proxy; an IPv4 address inside IPv6 is shown as what it is.
    Client(SocketAddr),
    /// Nobody that has an address: the proxy itself, which looks whether we live (LOCAL), or a
    /// client of whom it says nothing (UNKNOWN, no address family, a local socket).
    Nobody,
}

/// How far a header has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// At least so many bytes are still to come; more would not all be the header's for sure.
    More(usize),
    /// The bytes are the header, and nothing else.
    Done(Announced),
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Neither version begins so.
    #[error("it does not begin with a PROXY header")]
    Beginning,
    /// A header of version 1 without an end within 107 bytes.
    #[error("the PROXY header is longer than 107 bytes")]
    TooLong,
    /// Version 1: not a family, two addresses and two ports.
    #[error("the line of the PROXY header cannot be read")]
    Line,
    /// Version 2: another version, command, family or transport than there are for mail.
    #[error("the PROXY header has a version, command or family that is not known")]
    Kind,
    /// Version 2: its length is beyond 4,096 bytes, or too short for its addresses.
    #[error("the PROXY header has a length that cannot be")]
    Length,
    /// Version 2: the values behind the addresses do not fill it.
    #[error("the values in the PROXY header cannot be read")]
    Values,
    /// Version 2: its checksum is wrong.
    #[error("the checksum of the PROXY header is wrong")]
    Checksum,
}

/// Reads the beginning of a connection, as far as it has come.
///
/// # Errors
/// It is not, and will not become, a header.
pub fn parse(bytes: &[u8]) -> Result<Progress, HeaderFault> {
    let begins = |all: &[u8]| bytes.iter().zip(all).all(|(byte, expected)| byte == expected);
    if bytes.is_empty() {
        Ok(Progress::More(V1_MIN))
    } else if begins(V1_BEGIN) {
        v1(bytes)
    } else if begins(V2_BEGIN) {
        v2(bytes)
    } else {
        Err(HeaderFault::Beginning)
    }
}

fn v1(bytes: &[u8]) -> Result<Progress, HeaderFault> {
    if bytes.len() < V1_MIN {
        return Ok(Progress::More(V1_MIN - bytes.len()));
    }
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        // A line feed without its CR before, or a CR before something else, ends no line.
        let (last, before) = bytes.split_last().ok_or(HeaderFault::Line)?;
        if before.contains(&b'\r') || bytes.contains(&b'\n') {
            return Err(HeaderFault::Line);
        }
        let missing = if *last == b'\r' { 1 } else { 2 };
        return match bytes.len() + missing {
            ..=V1_MAX => Ok(Progress::More(missing)),
            _ => Err(HeaderFault::TooLong),
        };
    };
    if line.contains(&b'\r') || line.contains(&b'\n') || bytes.len() > V1_MAX {
        return Err(HeaderFault::Line);
    }
    line_of(line).map(Progress::Done).ok_or(HeaderFault::Line)
}

fn line_of(line: &[u8]) -> Option<Announced> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("PROXY ")?;
    // What follows UNKNOWN means nothing (§2.1).
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Some(Announced::Nobody);
    }
    let mut words = rest.split(' ');
    let family = words.next()?;
    let mut address = || {
        let word = words.next()?;
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (ip, _) = (address()?, address()?);
    let mut port = || {
        let word = words.next()?;
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let plain = digits && (word == "0" || !word.starts_with('0'));
        plain.then(|| word.parse::<u16>().ok()).flatten()
    };
    let (port, _) = (port()?, port()?);
    words.next().is_none().then(|| client(ip, port))
}

fn v2(bytes: &[u8]) -> Result<Progress, HeaderFault> {
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED) else {
        return Ok(Progress::More(V2_FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = fixed else { return Err(HeaderFault::Length) };
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(HeaderFault::Kind),
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > V2_REST_MAX {
        return Err(HeaderFault::Length);
    }
    if rest.len() < length {
        return Ok(Progress::More(length - rest.len()));
    }
    if rest.len() > length {
        return Err(HeaderFault::Length);
    }
    // What a header of the proxy's own holds means nothing (§2.2).
    if is_local {
        return Ok(Progress::Done(Announced::Nobody));
    }
    // The families, with stream or no transport: mail comes by no other.
    let size = match family {
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        0x31 => 216,
        _ => return Err(HeaderFault::Kind),
    };
    let (addresses, values) = rest.split_at_checked(size).ok_or(HeaderFault::Length)?;
    check_values(bytes, values)?;
    Ok(Progress::Done(source(addresses)))
}

/// The source of the two addresses of version 2.
fn source(addresses: &[u8]) -> Announced {
    if let [a, b, c, d, _, _, _, _, high, low, _, _] = addresses {
        let ip = Ipv4Addr::new(*a, *b, *c, *d);
        return client(ip.into(), u16::from_be_bytes([*high, *low]));
    }
    match (addresses.first_chunk::<16>(), addresses.get(32..)) {
        (Some(ip), Some([high, low, _, _])) => {
            client(Ipv6Addr::from(*ip).into(), u16::from_be_bytes([*high, *low]))
        }
        _ => Announced::Nobody,
    }
}

fn client(ip: IpAddr, port: u16) -> Announced {
    Announced::Client(SocketAddr::new(ip.to_canonical(), port))
}

/// Whether the values fill their place, and the checksum is right where there is one. None of the
/// others is used: what a proxy says of TLS is not ours to believe.
fn check_values(header: &[u8], mut values: &[u8]) -> Result<(), HeaderFault> {
    while !values.is_empty() {
        let [kind, high, low, rest @ ..] = values else { return Err(HeaderFault::Values) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, next) = rest.split_at_checked(length).ok_or(HeaderFault::Values)?;
        if *kind == TYPE_CRC32C {
            let expected = value.try_into().map(u32::from_be_bytes);
            let expected = expected.map_err(|_| HeaderFault::Values)?;
            let at = header.len() - next.len() - value.len();
            if crc32c(header, at..at + value.len()) != expected {
                return Err(HeaderFault::Checksum);
            }
        }
        values = next;
    }
    Ok(())
}

/// The checksum of RFC 9260 §A over the header, with the checksum's own place as zeros.
fn crc32c(header: &[u8], place: std::ops::Range<usize>) -> u32 {
    let mut crc = u32::MAX;
    for (at, byte) in header.iter().enumerate() {
        crc ^= if place.contains(&at) { 0 } else { u32::from(*byte) };
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests;
