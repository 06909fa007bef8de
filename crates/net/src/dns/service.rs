//! Records that say where a service is (SRV, RFC 2782).

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
