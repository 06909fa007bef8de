//! The DNS records that a domain needs: what to publish, and whether it is published.
//!
//! [`plan`] knows the settings, the keys and the certificate and asks nobody; [`check`] compares
//! with what a resolver says. Zone files and tables are made of them elsewhere.

mod check;
mod policy;

pub use check::{RecordCheck, Standing, check};
pub use policy::check_policy;

use config::Settings;
use filter::authentication::dkim::zone_strings;
use mail::{Domain, Host, Timestamp};
use net::{Name, Service, Tlsa};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use store::{DkimKey, KeyStage};

/// How long other servers keep the MTA-STS policy, in seconds: a week, so that a first attempt can
/// be taken back (RFC 8461 §3.2 advises weeks or more once all is well).
const POLICY_MAX_AGE: u32 = 604_800;

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Mail comes here.
    Mx,
    /// Mail may come from here.
    Spf,
    /// Signatures can be verified.
    Dkim,
    /// What is to be done with mail that is neither.
    Dmarc,
    /// Mail comes here under TLS alone, says a policy on the web.
    MtaSts,
    /// Where reports about TLS go.
    TlsReports,
    /// Mail comes here under TLS with this key alone.
    Tlsa,
    /// Mail programs find the server.
    Service,
    /// The server's name has an address.
    Address,
    /// Its address has the server's name.
    Reverse,
}

/// All that is to be published for a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecords {
    /// The domain.
    pub domain: Domain,
    /// The server's name.
    pub hostname: Domain,
    /// The records, in the order of their use.
    pub records: Vec<DnsRecord>,
    /// The policy that belongs to the MTA-STS record.
    pub mta_sts_policy: PolicyFile,
    /// Addresses that the settings name, from which mail leaves.
    pub addresses: Vec<IpAddr>,
    /// Whether mail leaves by a smarthost, so that others' addresses count for SPF.
    pub smarthost: bool,
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name, without a final dot.
    pub name: String,
    /// Its type, as zone files write it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says, as zone files write it.
    pub value: String,
    /// The text of a TXT record, put together.
    pub text: Option<String>,
    /// Whether mail flows as well without it.
    pub optional: bool,
    /// What to know of it; may be empty.
    pub note: String,
}

/// A text that a web server has to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFile {
    /// Where.
    pub url: String,
    /// What, with CRLF at the ends of its lines.
    pub text: String,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The settings in force.
    pub settings: &'a Settings,
    /// The keys of the domain.
    pub keys: &'a [Arc<DkimKey>],
    /// The SHA-256 of the certificate's public key, if there is a certificate.
    pub key_digest: Option<[u8; 32]>,
    /// The doors for users that are open, each with its port.
    pub doors: &'a [(String, u16)],
}

/// What is to be published for a domain. Asks nobody.
pub fn plan(domain: &Domain, site: &Site<'_>) -> DnsRecords {
    let settings = site.settings;
    let hostname = &settings.server.hostname;
    let policy = policy_file(domain, hostname);
    let mut records = vec![
        DnsRecord::new(Purpose::Mx, domain.as_str(), "MX", format!("10 {hostname}.")),
        spf(domain, settings),
    ];
    records.extend(site.keys.iter().map(|key| dkim(key, settings)));
    let at = |name: &str| format!("{name}.{domain}");
    let dmarc = format!("v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}");
    records.push(DnsRecord::txt(Purpose::Dmarc, &at("_dmarc"), &dmarc));
    let reports = format!("v=TLSRPTv1; rua=mailto:postmaster@{domain}");
    records.push(DnsRecord::txt(Purpose::TlsReports, &at("_smtp._tls"), &reports));
    records.extend(site.doors.iter().filter_map(|door| service(domain, hostname, door)));
    let id = policy_id(&policy.text);
    let sts = DnsRecord::txt(Purpose::MtaSts, &at("_mta-sts"), &format!("v=STSv1; id={id}"));
    records.push(sts.optional("only with the policy on the web; a new id whenever that changes"));
    records.extend(site.key_digest.map(|digest| tlsa(hostname, digest)));
    DnsRecords {
        domain: domain.clone(),
        hostname: hostname.clone(),
        records,
        mta_sts_policy: policy,
        addresses: named_addresses(settings),
        smarthost: settings.send.smarthost.is_some(),
    }
}

/// The doors for users that the settings open, each port once.
pub fn named_doors(settings: &Settings) -> Vec<(String, u16)> {
    let listen = &settings.listen;
    let named = [
        ("submissions", &listen.submissions),
        ("submission", &listen.submission),
        ("pop3s", &listen.pop3s),
        ("pop3", &listen.pop3),
    ];
    let ports = named.iter().flat_map(|(door, addresses)| {
        addresses.iter().map(|address| ((*door).to_owned(), address.port()))
    });
    let mut doors = ports.collect();
    each_once(&mut doors);
    doors
}

/// Leaves one of each door and port, and none whose port is not known yet.
pub(crate) fn each_once(doors: &mut Vec<(String, u16)>) {
    let mut seen = BTreeSet::new();
    doors.retain(|door| door.1 != 0 && seen.insert(door.clone()));
}

impl DnsRecord {
    fn new(purpose: Purpose, name: &str, kind: &str, value: String) -> Self {
        let (name, kind, note) = (name.to_owned(), kind.to_owned(), String::new());
        Self { purpose, name, kind, value, text: None, optional: false, note }
    }

    fn txt(purpose: Purpose, name: &str, text: &str) -> Self {
        let value = zone_strings(text).join(" ");
        Self { text: Some(text.to_owned()), ..Self::new(purpose, name, "TXT", value) }
    }

    fn optional(self, note: &str) -> Self {
        Self { optional: true, note: note.to_owned(), ..self }
    }
}

/// The policy suits the usual cases; what counts for the check is that our addresses pass.
fn spf(domain: &Domain, settings: &Settings) -> DnsRecord {
    let (others, note) = match settings.send.smarthost.as_ref().map(|hop| &hop.host) {
        None => (String::new(), ""),
        Some(host) => {
            let mechanism = match host {
                Host::Domain(name) => format!(" a:{name}"),
                Host::Literal(ip) if !is_public(*ip) => String::new(),
                Host::Literal(IpAddr::V4(ip)) => format!(" ip4:{ip}"),
                Host::Literal(IpAddr::V6(ip)) => format!(" ip6:{ip}"),
            };
            (mechanism, "mail leaves by the smarthost: ask its operator what to include")
        }
    };
    let text = format!("v=spf1 mx{others} -all");
    let record = DnsRecord::txt(Purpose::Spf, domain.as_str(), &text);
    DnsRecord { note: note.to_owned(), ..record }
}

fn dkim(key: &DkimKey, settings: &Settings) -> DnsRecord {
    let name = format!("{}._domainkey.{}", key.selector, key.domain);
    let record = DnsRecord::txt(Purpose::Dkim, &name, &key.record);
    let stays = super::dkim::periods(settings).retire;
    match (key.stage(), key.retired_at) {
        (KeyStage::Retired, Some(at)) => {
            let until = day(at.plus_millis(stays));
            record.optional(&format!("signs no more; the record may go after {until}"))
        }
        (KeyStage::Published, _) => {
            let note = "waits for this record; it signs once the DNS shows it".to_owned();
            DnsRecord { note, ..record }
        }
        _ => DnsRecord { note: "signs".to_owned(), ..record },
    }
}

fn day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// Where mail programs find a door (RFC 6186 §3, RFC 8314 §5.1).
fn service(domain: &Domain, hostname: &Domain, door: &(String, u16)) -> Option<DnsRecord> {
    // Implicit TLS first (RFC 8314 §3).
    let (label, priority) = match door.0.as_str() {
        "submissions" => ("_submissions", 0),
        "submission" => ("_submission", 10),
        "pop3s" => ("_pop3s", 0),
        "pop3" => ("_pop3", 10),
        _ => return None,
    };
    let target = Some(Name::from(hostname));
    let service = Service { priority, weight: 1, port: door.1, target };
    let name = format!("{label}._tcp.{domain}");
    Some(DnsRecord::new(Purpose::Service, &name, "SRV", service.to_string()))
}

/// RFC 7672 §3.1.1.
fn tlsa(hostname: &Domain, digest: [u8; 32]) -> DnsRecord {
    let data = digest.to_vec();
    let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data };
    let name = format!("_25._tcp.{hostname}");
    let record = DnsRecord::new(Purpose::Tlsa, &name, "TLSA", tlsa.to_string());
    record.optional(
        "only in a zone that is signed (DNSSEC); before the certificate gets another \
                     key, publish that one's record beside it",
    )
}

/// RFC 8461 §3.2. It begins as a test: others tell of faults, and deliver all the same.
fn policy_file(domain: &Domain, hostname: &Domain) -> PolicyFile {
    PolicyFile {
        url: smtp::sts::policy_url(domain),
        text: format!(
            "version: STSv1\r\nmode: testing\r\nmx: {hostname}\r\nmax_age: {POLICY_MAX_AGE}\r\n"
        ),
    }
}

/// Another id for another policy: its hash (FNV-1a).
fn policy_id(text: &str) -> String {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Addresses of the port-25 door that others can know this server by.
fn named_addresses(settings: &Settings) -> Vec<IpAddr> {
    let named = settings.listen.smtp.iter().map(|address| address.ip().to_canonical());
    named.filter(|ip| is_public(*ip)).collect()
}

/// Whether an address is seen from outside as it is.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            !(ip.is_unspecified() || ip.is_loopback() || ip.is_private() || ip.is_link_local())
        }
        IpAddr::V6(ip) => {
            !(ip.is_unspecified()
                || ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests;
