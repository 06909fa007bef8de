//! What TLS with a server has to be, and the words for what was seen of it.

use super::{Caller, called};
use crate::met::Met;
use mail::{Reason, TlsDemand};
use net::{ClientTls, Flaw, TlsError};
use policy::trust::Trust;
use policy::ways::Server;
use smtp::client::{Command, Fault};
use smtp::reply::Severity;
use std::net::IpAddr;

/// What was seen of a server's TLS, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    pub(crate) trust: Trust,
    /// RFC 8460 §4.3; empty for a success.
    pub(crate) result: &'static str,
    pub(crate) detail: String,
}

/// Results of RFC 8460 §4.3.
pub(super) const NOT_OFFERED: &str = "starttls-not-supported";
pub(crate) const NOT_VALID: &str = "validation-failure";

/// How this server has to prove who it is, by its domain, by the message and by what we would
/// show it.
pub(super) fn demanded(caller: &Caller, server: &Server, demand: TlsDemand) -> Result<Trust, Met> {
    let logs_in = caller.credentials.is_some();
    match (&server.trust, demand) {
        (trust, _) if trust.is_proof() && (demand != TlsDemand::Waived || logs_in) => {
            Ok(trust.clone())
        }
        // A password is shown to nobody else.
        _ if logs_in => Ok(Trust::Verified),
        (_, TlsDemand::Waived) => Ok(Trust::Anybody),
        (trust, TlsDemand::Usual) => Ok(trust.clone()),
        // RFC 8689 §4.2.1: a certificate that is good for a name is worth what the name is.
        (_, TlsDemand::Required) if server.is_certain => Ok(Trust::Verified),
        (_, TlsDemand::Required) => {
            let text = "the sender demands TLS all the way (REQUIRETLS), and neither DNSSEC nor \
                        MTA-STS says for certain that this is the right server";
            let met = Met::ours(Severity::Permanent, Reason::RemoteUntrusted, text);
            Err(Met { status: (5, 7, 30), host: called(server), ..met })
        }
    }
}

impl Caller {
    /// How to talk to a server that has to prove itself so.
    ///
    /// # Errors
    /// Nobody can prove anything here.
    pub(super) fn tls(&self, trust: &Trust) -> Result<ClientTls, TlsError> {
        match trust {
            Trust::Anybody | Trust::Unproven | Trust::Tested { .. } => Ok(self.tls.clone()),
            Trust::Dane { records, names } => ClientTls::dane(records, names),
            Trust::Verified => self.verified.clone().ok_or(TlsError::NoAuthorities),
        }
    }
}

/// Why a handshake failed, in words.
pub(super) fn why(error: &TlsError) -> String {
    match error.flaw() {
        Flaw::Other => error.to_string(),
        flaw => flaw.to_string(),
    }
}

/// What a server without the TLS that is demanded of it met: with who demands it.
pub(super) fn unsafe_met(met: Met, fault: &Fault, trust: &Trust) -> Met {
    if !trust.demands() || !is_about_tls(fault) {
        return met;
    }
    let text = format!("{} ({})", met.text, trust.words());
    let ours = Met::ours(Severity::Temporary, Reason::RemoteUntrusted, text);
    Met { host: met.host, reply: met.reply, ..ours }
}

pub(super) fn is_about_tls(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::TlsNotOffered
            | Fault::HandshakeFailed
            | Fault::DataBeforeHandshake
            | Fault::Refused { command: Command::StartTls, .. }
    )
}

/// RFC 8460 §4.3.
pub(super) fn word(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Expired => "certificate-expired",
        Flaw::WrongName => "certificate-host-mismatch",
        Flaw::NotTrusted => "certificate-not-trusted",
        Flaw::NotNamed | Flaw::Other => NOT_VALID,
    }
}
