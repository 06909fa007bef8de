//! Whether the DNS says what it has to.
//!
//! Not the letter counts but the effect: an MX that names this server beside others is right, and
//! so is any SPF policy that our addresses pass, any DMARC policy that can be read, and a record
//! for a key that has further tags.

use super::{DnsRecord, DnsRecords, Purpose, is_public};
use crate::dkim::serves;
use filter::authentication::dkim::KeyRecord;
use filter::authentication::dmarc::{self, DmarcResult};
use filter::authentication::spf::{self, Client, Identity, Scope, SpfResult};
use mail::{Domain, Timestamp};
use net::dns::Proven;
use net::{DnsError, Kind, Name, Record, Resolver};
use serde::{Deserialize, Serialize};
use smtp::sts::{announced, report_to};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What one evaluation of SPF or DMARC may take (RFC 7208 §4.6.4 wants 20 seconds at least).
const EVALUATION_MAX: Duration = Duration::from_secs(20);
/// Addresses of this server that are checked; a host has two.
const ADDRESSES_MAX: usize = 20;
/// Records that are shown of what was found.
pub(super) const SHOWN_MAX: usize = 5;
/// What is said of a TLSA record whose answer came without a proof.
const UNPROVEN: &str =
    "the name server does not prove it by DNSSEC: where nobody can, nobody heeds it";

/// How what is published compares with what should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does what it has to.
    Right,
    /// There is nothing.
    Missing,
    /// There is something else.
    Differs,
    /// The DNS did not answer.
    Unknown,
}

impl Standing {
    /// Its word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Right => "right",
            Standing::Missing => "missing",
            Standing::Differs => "differs",
            Standing::Unknown => "unknown",
        }
    }
}

/// What was found of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCheck {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it compares.
    pub standing: Standing,
    /// Whether mail flows as well without it.
    pub optional: bool,
    /// What should be there.
    pub wanted: String,
    /// What is there, at most five records.
    pub found: Vec<String>,
    /// What is wrong, or what to know of what is right; empty if nothing is.
    pub problem: String,
}

impl RecordCheck {
    /// Whether something has to be done: it is wrong or unknown, or missing and needed.
    pub fn fails(&self) -> bool {
        match self.standing {
            Standing::Right => false,
            Standing::Missing => !self.optional,
            Standing::Differs | Standing::Unknown => true,
        }
    }
}

/// What was found, before it is told.
pub(super) struct Found {
    pub(super) standing: Standing,
    pub(super) found: Vec<String>,
    pub(super) problem: String,
}

/// What is asked, of whom, and when.
struct Asking<'a> {
    plan: &'a DnsRecords,
    resolver: &'a dyn Resolver,
    now: Timestamp,
    /// Where mail leaves from, as far as it is known.
    addresses: Vec<IpAddr>,
}

/// Compares what is to be published with what the resolver says. `more` are addresses that mail
/// leaves from, beside those that the settings or the DNS give the server's name.
pub async fn check(
    plan: &DnsRecords,
    more: &[IpAddr],
    resolver: &dyn Resolver,
    now: Timestamp,
) -> Vec<RecordCheck> {
    let host = addresses_of(&plan.hostname, resolver).await;
    let mut addresses: Vec<IpAddr> = host.as_ref().map_or(Vec::new(), Clone::clone);
    addresses.extend(plan.addresses.iter().chain(more));
    addresses = addresses.iter().map(IpAddr::to_canonical).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    let mut checks = vec![address(plan, host)];
    for ip in &addresses {
        checks.push(reverse(plan, *ip, resolver).await);
    }
    // What leaves by a smarthost has the addresses of that, which its operator alone knows.
    let addresses = if plan.smarthost { more.to_vec() } else { addresses };
    let asking = Asking { plan, resolver, now, addresses };
    for record in &plan.records {
        let Found { standing, mut found, problem } = asking.look(record).await;
        found.truncate(SHOWN_MAX);
        checks.push(RecordCheck {
            purpose: record.purpose,
            name: record.name.clone(),
            kind: record.kind.clone(),
            standing,
            optional: record.optional,
            wanted: record.text.clone().unwrap_or_else(|| record.value.clone()),
            found,
            problem,
        });
    }
    checks
}

async fn addresses_of(host: &Domain, resolver: &dyn Resolver) -> Result<Vec<IpAddr>, DnsError> {
    let mut found = resolver.addresses(host).await?;
    found.sort_unstable();
    Ok(found)
}

/// The server's name must lead to it.
fn address(plan: &DnsRecords, host: Result<Vec<IpAddr>, DnsError>) -> RecordCheck {
    let (standing, problem) = match &host {
        Ok(found) if found.iter().any(|ip| is_public(*ip)) => (Standing::Right, String::new()),
        Ok(_) => (Standing::Differs, "nobody outside can reach these addresses".to_owned()),
        Err(error) => failed(error),
    };
    RecordCheck {
        purpose: Purpose::Address,
        name: plan.hostname.to_string(),
        kind: "A".to_owned(),
        standing,
        optional: false,
        wanted: "this server's addresses (A, AAAA)".to_owned(),
        found: host.unwrap_or_default().iter().map(ToString::to_string).collect(),
        problem,
    }
}

/// Many servers take no mail from an address without a name, or with another's.
async fn reverse(plan: &DnsRecords, ip: IpAddr, resolver: &dyn Resolver) -> RecordCheck {
    let names = resolver.ptr(ip).await;
    let (standing, problem) = match &names {
        Ok(names) if names.contains(&plan.hostname) => (Standing::Right, String::new()),
        Ok(_) => (Standing::Differs, "the address has another name than the server".to_owned()),
        Err(error) => failed(error),
    };
    RecordCheck {
        purpose: Purpose::Reverse,
        name: ip.to_string(),
        kind: "PTR".to_owned(),
        standing,
        // What leaves by a smarthost has its address.
        optional: plan.smarthost,
        wanted: format!("{}.", plan.hostname),
        found: names.unwrap_or_default().iter().map(|name| format!("{name}.")).collect(),
        problem,
    }
}

fn failed(error: &DnsError) -> (Standing, String) {
    let standing = match error {
        error if error.is_nothing() => Standing::Missing,
        DnsError::Unusable(_) => Standing::Differs,
        _ => Standing::Unknown,
    };
    (standing, error.to_string())
}

impl Asking<'_> {
    async fn look(&self, record: &DnsRecord) -> Found {
        let kind = match record.kind.as_str() {
            "MX" => Kind::Mx,
            "SRV" => Kind::Srv,
            "TLSA" => Kind::Tlsa,
            _ => Kind::Txt,
        };
        let Some(name) = Name::parse(&record.name) else {
            return Found::of(Standing::Differs, &[], "the name is no name of the DNS");
        };
        // Proven or not: who asks for TLSA records heeds no others (RFC 7672 §2.2).
        match self.resolver.proven(&name, kind).await {
            Ok(Proven { records, is_secure, .. }) => {
                let found = self.compare(record, &records).await;
                let unproven = record.purpose == Purpose::Tlsa && !is_secure;
                match found.standing {
                    Standing::Right if unproven => Found { problem: UNPROVEN.to_owned(), ..found },
                    _ => found,
                }
            }
            // A domain above may speak for this one.
            Err(error) if record.purpose == Purpose::Dmarc && error.is_nothing() => {
                self.dmarc(&[]).await
            }
            Err(error) => {
                let (standing, problem) = failed(&error);
                Found { standing, found: Vec::new(), problem }
            }
        }
    }

    async fn compare(&self, record: &DnsRecord, records: &[Record]) -> Found {
        match record.purpose {
            Purpose::Mx => self.mx(records),
            Purpose::Spf => self.spf(&texts(records, "v=spf1")).await,
            Purpose::Dkim => dkim(record, &texts(records, "")),
            Purpose::Dmarc => self.dmarc(&texts(records, "v=DMARC1")).await,
            Purpose::MtaSts => single(&texts(records, "v=STSv1"), |texts| {
                announced(texts)
                    .is_none()
                    .then_some("it has no id of at most 32 letters and digits")
            }),
            Purpose::TlsReports => single(&texts(records, "v=TLSRPTv1"), |texts| {
                report_to(texts).is_empty().then_some("it names no address for reports")
            }),
            Purpose::Tlsa => same(record, records, "mail servers that trust the DNS defer to it"),
            Purpose::Service => self.service(record, records),
            Purpose::Address | Purpose::Reverse => Found::of(Standing::Right, records, ""),
        }
    }

    fn mx(&self, records: &[Record]) -> Found {
        let own = Name::from(&self.plan.hostname);
        let names_us =
            |record: &Record| matches!(record, Record::Mx(_, Some(host)) if *host == own);
        match records.iter().any(names_us) {
            true => Found::of(Standing::Right, records, ""),
            false => Found::of(Standing::Differs, records, "none of them names this server"),
        }
    }

    /// Right if the policy lets every address of ours send.
    async fn spf(&self, found: &[String]) -> Found {
        let told = |standing, problem: &str| Found {
            standing,
            found: found.to_vec(),
            problem: problem.to_owned(),
        };
        if found.is_empty() {
            return told(Standing::Missing, "none of the texts is an SPF policy");
        }
        let host = &self.plan.hostname;
        let mut addresses = self.addresses.clone();
        let named = !addresses.is_empty();
        if !named {
            // Any address tells whether the policy can be read.
            addresses.push(IpAddr::from([192, 0, 2, 1]));
        }
        for ip in addresses {
            let client = Client { ip, helo: host.as_str(), receiver: host, now: self.now };
            let identity = Identity::new(Scope::MailFrom, "postmaster", self.plan.domain.as_str());
            let deadline = Instant::now() + EVALUATION_MAX;
            let outcome = spf::check(self.resolver, &client, &identity, deadline).await;
            let problem = outcome.problem.unwrap_or_default();
            match outcome.result {
                SpfResult::Pass => {}
                SpfResult::PermError | SpfResult::None => {
                    return told(Standing::Differs, &problem);
                }
                SpfResult::TempError => return told(Standing::Unknown, &problem),
                _ if !named && self.plan.smarthost => {}
                _ if !named => {
                    let unknown = "this server has no known address: name it with --ip";
                    return told(Standing::Unknown, unknown);
                }
                other => {
                    let by = outcome.mechanism.map(|by| format!(" by {by}")).unwrap_or_default();
                    return told(Standing::Differs, &format!("{ip} gets {}{by}", other.word()));
                }
            }
        }
        told(Standing::Right, "")
    }

    /// Right if some policy holds for the domain, its own or one above.
    async fn dmarc(&self, found: &[String]) -> Found {
        let deadline = Instant::now() + EVALUATION_MAX;
        let outcome = dmarc::check(self.resolver, &self.plan.domain, None, &[], deadline).await;
        let standing = match outcome.result {
            DmarcResult::None if found.is_empty() => Standing::Missing,
            DmarcResult::None | DmarcResult::PermError => Standing::Differs,
            DmarcResult::TempError => Standing::Unknown,
            _ => Standing::Right,
        };
        let problem = match standing {
            Standing::Right => String::new(),
            Standing::Missing => "there is no policy".to_owned(),
            _ => outcome.problem.unwrap_or_else(|| "the policy cannot be used".to_owned()),
        };
        Found { standing, found: found.to_vec(), problem }
    }

    /// Priority and weight are the domain's business.
    fn service(&self, record: &DnsRecord, records: &[Record]) -> Found {
        let own = Name::from(&self.plan.hostname);
        let port = record.value.split(' ').nth(2).unwrap_or_default();
        let is_it = |found: &Record| {
            matches!(found, Record::Srv(service)
                if service.target.as_ref() == Some(&own) && service.port.to_string() == port)
        };
        match records.iter().any(is_it) {
            true => Found::of(Standing::Right, records, ""),
            false => Found::of(Standing::Differs, records, "none of them leads to this door"),
        }
    }
}

impl Found {
    pub(super) fn of(standing: Standing, records: &[Record], problem: &str) -> Self {
        let found = records.iter().map(ToString::to_string).collect();
        Self { standing, found, problem: problem.to_owned() }
    }
}

/// The texts that begin so, whatever their letters.
fn texts(records: &[Record], begin: &str) -> Vec<String> {
    let text = |record: &Record| match record {
        Record::Txt(text) => {
            let head = text.get(..begin.len())?;
            head.eq_ignore_ascii_case(begin).then(|| text.clone())
        }
        _ => None,
    };
    records.iter().filter_map(text).collect()
}

fn dkim(record: &DnsRecord, found: &[String]) -> Found {
    let own = record.text.as_deref().and_then(|text| KeyRecord::parse(text).ok());
    let problem = match (found, own) {
        ([text], Some(own)) if serves(text, &own) => "",
        ([_], _) => "it is another key, or cannot be used for mail",
        _ => "more than one record: verifiers may take any (RFC 6376 §3.6.2.2)",
    };
    let standing = if problem.is_empty() { Standing::Right } else { Standing::Differs };
    Found { standing, found: found.to_vec(), problem: problem.to_owned() }
}

/// A text of which there must be one, which others can read.
fn single(found: &[String], fault: impl Fn(&[String]) -> Option<&'static str>) -> Found {
    let (standing, problem) = match found {
        [] => (Standing::Missing, "no text is one of these"),
        [_] => match fault(found) {
            None => (Standing::Right, ""),
            Some(fault) => (Standing::Differs, fault),
        },
        _ => (Standing::Differs, "more than one: none of them counts"),
    };
    Found { standing, found: found.to_vec(), problem: problem.to_owned() }
}

fn same(record: &DnsRecord, records: &[Record], harm: &str) -> Found {
    match records.iter().any(|found| found.to_string() == record.value) {
        true => Found::of(Standing::Right, records, ""),
        false => {
            let problem = format!("none of them is this server's key: {harm}");
            Found::of(Standing::Differs, records, &problem)
        }
    }
}
