//! SPF (RFC 7208): whether a domain lets this client send in its name.
//!
//! [`check`] asks through `net::Resolver` and decides; `record` and `macros` read what was
//! published, `expand` puts macros in, `evaluate` is the algorithm. Called by the authentication
//! stage and by whoever explains a decision; refuses nothing itself.

mod evaluate;
mod expand;
pub mod macros;
pub mod record;

use crate::authentication::inquiry::{Fact, Inquiry, cut};
use mail::{Domain, ReversePath, Timestamp};
use net::{Name, Resolver};
use serde::Serialize;
use std::net::IpAddr;
use std::time::Instant;

/// Terms that ask the DNS (RFC 7208 §4.6.4).
pub const LOOKUPS_MAX: usize = 10;
/// Terms that ask for what is not there (RFC 7208 §4.6.4).
pub const VOIDS_MAX: usize = 2;
/// Mail servers of one `mx` (RFC 7208 §4.6.4).
pub const MX_MAX: usize = 10;
/// Names of the client that are looked at (RFC 7208 §4.6.4, §5.5).
pub const NAMES_MAX: usize = 10;
/// Questions to the DNS in all. The standard's own limits allow more than a hundred; records that
/// are not meant to harm need fewer than these, most of them three.
pub const QUESTIONS_MAX: usize = 20;
/// What an explanation may say; it goes into a reply of few lines.
pub const EXPLANATION_MAX: usize = 300;
/// What a greeting or a sender may bring into names and traces.
const GIVEN_MAX: usize = 255;

/// The other side, and where and when it was met.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Its address; an IPv4 address inside an IPv6 one counts as IPv4 (RFC 7208 §5).
    pub ip: IpAddr,
    /// What it called itself; empty if it did not.
    pub helo: &'a str,
    /// Our own name.
    pub receiver: &'a Domain,
    /// The time, which a record may ask for.
    pub now: Timestamp,
}

/// Which of its names is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The sender of MAIL FROM.
    MailFrom,
    /// The greeting.
    Helo,
}

/// The name that is checked (RFC 7208 §2.3, §2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    scope: Scope,
    local: String,
    domain: String,
}

impl Identity {
    /// The sender; the null sender is the postmaster of the greeting (RFC 7208 §2.4).
    pub fn mail_from(sender: &ReversePath, helo: &str) -> Self {
        match sender {
            ReversePath::Null => Self::new(Scope::MailFrom, "", helo),
            ReversePath::Address(address) => {
                Self::new(Scope::MailFrom, address.local.as_str(), &address.host.to_string())
            }
        }
    }

    /// The greeting.
    pub fn helo(helo: &str) -> Self {
        Self::new(Scope::Helo, "", helo)
    }

    /// A name as it was given, whatever it is: an empty local part is the postmaster's
    /// (RFC 7208 §4.3), and a domain that is none has no policy.
    pub fn new(scope: Scope, local: &str, domain: &str) -> Self {
        let local = if local.is_empty() { "postmaster" } else { local };
        Self { scope, local: cut(local, GIVEN_MAX), domain: cut(domain, GIVEN_MAX) }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.scope {
            Scope::MailFrom => write!(f, "{}@{}", self.local, self.domain),
            Scope::Helo => f.write_str(&self.domain),
        }
    }
}

/// What SPF says (RFC 7208 §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    /// There is no policy.
    None,
    /// The policy says nothing of this client.
    Neutral,
    /// The client may.
    Pass,
    /// The client may not.
    Fail,
    /// The client probably may not.
    SoftFail,
    /// The DNS did not tell; later it may.
    TempError,
    /// The policy cannot be understood, or exceeds a limit.
    PermError,
}

impl SpfResult {
    /// Its word in Authentication-Results (RFC 8601 §2.7.2).
    pub fn word(self) -> &'static str {
        match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::SoftFail => "softfail",
            SpfResult::TempError => "temperror",
            SpfResult::PermError => "permerror",
        }
    }
}

/// A result, and all that led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which name was checked.
    pub scope: Scope,
    /// The name that was checked, as given: `local@domain`, or a greeting; at most 511 bytes.
    pub identity: String,
    /// The domain that was checked, if what was given is one.
    pub domain: Option<Domain>,
    /// The result.
    pub result: SpfResult,
    /// The mechanism that decided, as written, at most 80 bytes; `None` if none matched.
    pub mechanism: Option<String>,
    /// Whose record that mechanism is in: the domain's own, or one it redirects to.
    pub policy_domain: Option<String>,
    /// What the domain says to those who fail: printable ASCII, at most 300 bytes, and still the
    /// words of a stranger.
    pub explanation: Option<String>,
    /// Why there is an error, or no policy.
    pub problem: Option<String>,
    /// What was asked and heard.
    pub facts: Vec<Fact>,
}

impl Outcome {
    /// The domain that passed as the sender's, which is the one that DMARC asks for.
    pub fn passed(&self) -> Option<&Domain> {
        let passed = self.scope == Scope::MailFrom && self.result == SpfResult::Pass;
        self.domain.as_ref().filter(|_| passed)
    }
}

/// Checks one name of a client (`check_host()`, RFC 7208 §4).
///
/// Asks at most [`QUESTIONS_MAX`] questions and returns by `deadline`, whatever the DNS does;
/// RFC 7208 §4.6.4 wants to give at least 20 seconds.
pub async fn check(
    resolver: &dyn Resolver,
    client: &Client<'_>,
    identity: &Identity,
    deadline: Instant,
) -> Outcome {
    let mut outcome = Outcome {
        scope: identity.scope,
        identity: identity.to_string(),
        // RFC 7208 §4.3: a malformed name, or one of a single label, has no policy.
        domain: Domain::parse(&identity.domain).ok().filter(|domain| domain.as_str().contains('.')),
        result: SpfResult::None,
        mechanism: None,
        policy_domain: None,
        explanation: None,
        problem: None,
        facts: Vec::new(),
    };
    let Some(domain) = &outcome.domain else {
        outcome.problem = Some("the name is no domain of the DNS".to_owned());
        return outcome;
    };
    let inquiry = Inquiry::new(resolver, QUESTIONS_MAX, deadline);
    let name = Name::from(domain);
    let mut evaluation = evaluate::Evaluation::new(inquiry, client, identity, name.as_str());
    match evaluation.policy(name.clone()).await {
        Ok(None) => outcome.problem = Some("there is no record".to_owned()),
        Ok(Some(ruling)) => {
            if ruling.result == SpfResult::Fail {
                outcome.explanation = evaluation.explain(&ruling).await;
            }
            outcome.result = ruling.result;
            outcome.mechanism = ruling.mechanism;
            outcome.policy_domain = Some(ruling.domain.to_string());
        }
        Err(stop) => {
            outcome.result = stop.result;
            outcome.problem = Some(stop.problem);
        }
    }
    outcome.facts = evaluation.into_facts();
    outcome
}

#[cfg(test)]
mod tests;
