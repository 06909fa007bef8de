//! The real resolver: hickory, asking the name servers that the system names.

use super::{Answer, DnsError, Mx, RECORDS_MAX, Resolver, reverse_name};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as HickoryError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use mail::Domain;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What one try at one server may take.
const TRY_LIMIT: Duration = Duration::from_secs(3);
/// Tries before giving up.
const TRIES: usize = 2;
/// What a whole question may take, with all its tries, servers and aliases.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);
/// Answers kept in memory.
const CACHE_ANSWERS: u64 = 4_096;
/// No answer is kept for longer, whatever it says of itself.
const CACHE_SPAN_MAX: Duration = Duration::from_secs(3_600);
/// A text record longer than this is no text record of mail: SPF, DKIM and DMARC stay far below.
const TEXT_MAX: usize = 16 * 1024;

/// Asks real name servers. Cheap to share; keeps answers as long as they say, an hour at most.
pub struct HickoryResolver {
    resolver: TokioResolver,
    limit: Duration,
}

impl std::fmt::Debug for HickoryResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HickoryResolver").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl HickoryResolver {
    /// A resolver that asks the name servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The file cannot be read or used.
    pub fn system() -> Result<Self, DnsError> {
        let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(failed)?;
        Self::build(config, QUESTION_LIMIT)
    }

    /// A resolver that asks these name servers, over UDP, and over TCP what UDP cannot hold.
    ///
    /// # Errors
    /// None is known; hickory may find one.
    pub fn asking(servers: &[SocketAddr]) -> Result<Self, DnsError> {
        Self::asking_within(servers, QUESTION_LIMIT)
    }

    pub(super) fn asking_within(servers: &[SocketAddr], limit: Duration) -> Result<Self, DnsError> {
        let server = |address: &SocketAddr| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            NameServerConfig::new(address.ip(), true, connections)
        };
        let servers = servers.iter().map(server).collect();
        Self::build(ResolverConfig::from_parts(None, vec![], servers), limit)
    }

    fn build(config: ResolverConfig, limit: Duration) -> Result<Self, DnsError> {
        let runtime = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, runtime);
        *builder.options_mut() = options();
        Ok(Self { resolver: builder.build().map_err(failed)?, limit })
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Lookup, DnsError> {
        let mut name = Name::from_ascii(name)
            .map_err(|_| DnsError::Unusable("the name is no name of the DNS"))?;
        // Complete as it stands: the system's search list is not for mail.
        name.set_fqdn(true);
        let asked = tokio::time::timeout(self.limit, self.resolver.lookup(name, kind));
        let lookup = asked.await.map_err(|_| DnsError::TimedOut)?.map_err(failed)?;
        if lookup.answers().len() > RECORDS_MAX {
            return Err(DnsError::Unusable("it has more than 100 records"));
        }
        Ok(lookup)
    }
}

impl Resolver for HickoryResolver {
    fn mx<'a>(&'a self, domain: &'a Domain) -> Answer<'a, Mx> {
        Box::pin(async move {
            let lookup = self.ask(domain.as_str(), RecordType::MX).await?;
            let mut found = pick(&lookup, |data| match data {
                RData::MX(mx) if mx.exchange.is_root() => {
                    Some(Mx { preference: mx.preference, exchange: None })
                }
                RData::MX(mx) => {
                    Some(Mx { preference: mx.preference, exchange: Some(domain_of(&mx.exchange)?) })
                }
                _ => None,
            })?;
            found.sort();
            Ok(found)
        })
    }

    fn addresses<'a>(&'a self, host: &'a Domain) -> Answer<'a, IpAddr> {
        Box::pin(async move {
            let (six, four) = tokio::join!(
                self.ask(host.as_str(), RecordType::AAAA),
                self.ask(host.as_str(), RecordType::A),
            );
            let address = |data: &RData| match data {
                RData::A(a) => Some(IpAddr::V4(a.0)),
                RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                _ => None,
            };
            let six = six.and_then(|lookup| pick(&lookup, address));
            let four = four.and_then(|lookup| pick(&lookup, address));
            match (six, four) {
                (Ok(mut six), Ok(four)) => {
                    six.extend(four);
                    Ok(six)
                }
                (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
                // "Nothing" is certain only when both say so.
                (Err(error), Err(other)) => Err(if error.is_nothing() { other } else { error }),
            }
        })
    }

    fn txt<'a>(&'a self, name: &'a Domain) -> Answer<'a, String> {
        Box::pin(async move {
            let lookup = self.ask(name.as_str(), RecordType::TXT).await?;
            let found = pick(&lookup, |data| match data {
                RData::TXT(txt) => Some(txt.txt_data.concat()),
                _ => None,
            })?;
            if found.iter().any(|text| text.len() > TEXT_MAX) {
                return Err(DnsError::Unusable("it has a text of more than 16 KiB"));
            }
            Ok(found.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect())
        })
    }

    fn ptr(&self, address: IpAddr) -> Answer<'_, Domain> {
        Box::pin(async move {
            let lookup = self.ask(&reverse_name(address), RecordType::PTR).await?;
            pick(&lookup, |data| match data {
                RData::PTR(ptr) => domain_of(&ptr.0),
                _ => None,
            })
        })
    }
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.ndots = 0;
    options.timeout = TRY_LIMIT;
    options.attempts = TRIES;
    options.cache_size = CACHE_ANSWERS;
    options.positive_max_ttl = Some(CACHE_SPAN_MAX);
    options.negative_max_ttl = Some(CACHE_SPAN_MAX);
    options.use_hosts_file = ResolveHosts::Never;
    options.try_tcp_on_error = true;
    options
}

/// The records that `select` knows what to do with; aliases on the way are passed over.
fn pick<T>(lookup: &Lookup, select: impl Fn(&RData) -> Option<T>) -> Result<Vec<T>, DnsError> {
    let found: Vec<T> = lookup.answers().iter().filter_map(|record| select(&record.data)).collect();
    if found.is_empty() {
        return Err(DnsError::Unusable("it has no record that names a host"));
    }
    Ok(found)
}

/// A name that is no host name (blanks, an empty label) is no use to mail.
fn domain_of(name: &Name) -> Option<Domain> {
    Domain::parse(&name.to_ascii()).ok()
}

fn failed(error: NetError) -> DnsError {
    match error {
        NetError::Dns(HickoryError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => DnsError::NoSuchName,
            ResponseCode::NoError => DnsError::NoRecords,
            other => DnsError::Failed(other.to_string()),
        },
        NetError::Timeout => DnsError::TimedOut,
        other => DnsError::Failed(other.to_string()),
    }
}
