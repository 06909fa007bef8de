//! How a server has to prove who it is before it gets a message: what its domain says of that.

use mail::Domain;
use net::{DnsError, Kind, Name, Record, Resolver, Tlsa};

/// See the module. Where something is demanded, there is no mail without it, whatever happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Nobody says anything: TLS with whoever answers if it is offered, else in the clear
    /// (RFC 7435).
    Anybody,
    /// There are TLSA records, and none that can be used: TLS, with whoever answers
    /// (RFC 7672 §2.2).
    Unproven,
    /// The certificate is one that these records name (RFC 7672).
    Dane {
        /// Proven by DNSSEC, some of them usable.
        records: Vec<Tlsa>,
        /// The names that count for authorities among them (RFC 7672 §3.2.2).
        names: Vec<Domain>,
    },
    /// As with anybody; but it is looked at whether the certificate is good, and counted: its
    /// domain tests a policy (RFC 8461 §5).
    Tested {
        /// Whether the policy names the server.
        named: bool,
    },
    /// The certificate is good for the server's name, by a known authority: its domain's policy
    /// (RFC 8461), a message (RFC 8689) or a log-in wants it.
    Verified,
}

impl Trust {
    /// Whether anything is demanded: else the last resort is the clear.
    pub fn demands(&self) -> bool {
        !matches!(self, Trust::Anybody | Trust::Tested { .. })
    }

    /// Whether who answers is known to be the right one.
    pub fn is_proof(&self) -> bool {
        matches!(self, Trust::Dane { .. } | Trust::Verified)
    }

    /// What is demanded, as a word for lists.
    pub fn word(&self) -> &'static str {
        match self {
            Trust::Anybody | Trust::Tested { .. } => "none",
            Trust::Unproven => "tls",
            Trust::Dane { .. } => "dane",
            Trust::Verified => "certificate",
        }
    }

    /// What asks for it, in words for traces and notices; empty where nothing does.
    pub fn words(&self) -> &'static str {
        match self {
            Trust::Anybody | Trust::Tested { .. } => "",
            Trust::Unproven | Trust::Dane { .. } => "its TLSA records (DANE) demand TLS",
            Trust::Verified => "TLS with a certificate that is good for its name is demanded",
        }
    }
}

/// Which server DANE is asked about.
pub(crate) struct Place<'a> {
    pub(crate) port: u16,
    /// The proven name of its addresses.
    pub(crate) base: &'a Name,
    /// The name by which it is known.
    pub(crate) asked: &'a Domain,
    /// The domain that it takes mail for, where that named it.
    pub(crate) domain: Option<&'a Domain>,
}

/// What DANE says of a server, with the name that it has to be called. Adds to `questions` those
/// that it takes, two at the most.
///
/// # Errors
/// It cannot be known what its domain says: the server may not be used now (RFC 7672 §2.1.2).
pub(crate) async fn by_dane(
    resolver: &dyn Resolver,
    place: &Place<'_>,
    questions: &mut usize,
) -> Result<(Trust, Domain), DnsError> {
    let Place { port, base, asked, domain } = *place;
    let base = Domain::parse(base.as_str()).unwrap_or_else(|_| asked.clone());
    // Behind an alias the name that it stands for goes first (RFC 7672 §2.2.2).
    let mut bases = vec![&base];
    bases.extend((base != *asked).then_some(asked));
    for base in bases {
        let name = Name::parse(&format!("_{port}._tcp.{base}"));
        let name = name.ok_or(DnsError::Unusable("the name is too long for TLSA records"))?;
        *questions += 1;
        let found = match resolver.proven(&name, Kind::Tlsa).await {
            Ok(found) if found.is_secure => found.records,
            Ok(_) | Err(DnsError::NoRecords | DnsError::NoSuchName) => continue,
            Err(error) => return Err(error),
        };
        let tlsa = |record| match record {
            Record::Tlsa(tlsa) => Some(tlsa),
            _ => None,
        };
        let records: Vec<Tlsa> = found.into_iter().filter_map(tlsa).collect();
        let usable = records.iter().any(|record| record.terms().is_some());
        let mut names = vec![base.clone()];
        for name in [Some(asked), domain].into_iter().flatten() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let trust = if usable { Trust::Dane { records, names } } else { Trust::Unproven };
        return Ok((trust, base.clone()));
    }
    Ok((Trust::Anybody, asked.clone()))
}
