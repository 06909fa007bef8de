//! Records that say where a service is (SRV) and which key it shows (TLSA).

use super::Name;

/// Where a service of a domain is (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The lower is tried first.
    pub priority: u16,
    /// Among those of one priority, the heavier is taken more often.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its host; `None`: the domain does not have the service.
    pub target: Option<Name>,
}

/// Which certificate or key a server shows (RFC 6698 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// 3: the server's own, whoever signed it.
    pub usage: u8,
    /// 0: the certificate; 1: its key.
    pub selector: u8,
    /// 0: as it is; 1: its SHA-256; 2: its SHA-512.
    pub matching: u8,
    /// What it is compared with.
    pub data: Vec<u8>,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { priority, weight, port, target } = self;
        write!(f, "{priority} {weight} {port} ")?;
        match target {
            Some(target) => write!(f, "{target}."),
            None => f.write_str("."),
        }
    }
}

impl std::fmt::Display for Association {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { usage, selector, matching, data } = self;
        write!(f, "{usage} {selector} {matching} ")?;
        data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Bytes that hexadecimal digits stand for; `None` for anything else.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| !digits.is_empty())?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect())
}
