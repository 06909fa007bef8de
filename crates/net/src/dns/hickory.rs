//! The real resolver: hickory, asking the name servers that the system names.

use super::{
    Answer, DnsError, Dnssec, Kind, Name, Proven, ProvenAnswer, RECORDS_MAX, Record, Resolver,
    Service, Tlsa,
};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError as HickoryError, NetError};
use hickory_resolver::proto::dnssec::Proof;
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name as WireName, RData, Record as WireRecord, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use std::net::SocketAddr;
use std::sync::Arc;
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
/// That something is not there is asked again sooner: somebody may be about to publish it.
const NOTHING_SPAN_MAX: Duration = Duration::from_secs(300);
/// A text record longer than this is no text record of mail: SPF, DKIM and DMARC stay far below.
const TEXT_MAX: usize = 16 * 1024;

/// Asks real name servers. Cheap to share; keeps answers as long as they say, an hour at most.
pub struct HickoryResolver {
    resolver: TokioResolver,
    limit: Duration,
    prover: Prover,
}

/// Where proofs come from. Only who asks for a proof is asked for one: the other questions are many
/// more, and do not fail where a zone's signatures do.
enum Prover {
    Nobody,
    /// Answers that are checked here.
    Checked(Box<TokioResolver>),
    /// Answers whose AD bit is believed (RFC 4035 §3.2.3); kept by who sets it.
    Told(NameServerPool<TokioRuntimeProvider>),
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
    pub fn system(dnssec: Dnssec) -> Result<Self, DnsError> {
        let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(failed)?;
        Self::build(config, QUESTION_LIMIT, dnssec)
    }

    /// A resolver that asks these name servers, over UDP, and over TCP what UDP cannot hold.
    ///
    /// # Errors
    /// None is known; hickory may find one.
    pub fn asking(servers: &[SocketAddr], dnssec: Dnssec) -> Result<Self, DnsError> {
        Self::asking_within(servers, QUESTION_LIMIT, dnssec)
    }

    pub(super) fn asking_within(
        servers: &[SocketAddr],
        limit: Duration,
        dnssec: Dnssec,
    ) -> Result<Self, DnsError> {
        let server = |address: &SocketAddr| {
            let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
            for connection in &mut connections {
                connection.port = address.port();
            }
            NameServerConfig::new(address.ip(), true, connections)
        };
        let servers = servers.iter().map(server).collect();
        Self::build(ResolverConfig::from_parts(None, vec![], servers), limit, dnssec)
    }

    fn build(config: ResolverConfig, limit: Duration, dnssec: Dnssec) -> Result<Self, DnsError> {
        let resolver = |validate| {
            let runtime = TokioRuntimeProvider::default();
            let mut builder = TokioResolver::builder_with_config(config.clone(), runtime);
            *builder.options_mut() = options();
            builder.options_mut().validate = validate;
            builder.build().map_err(failed)
        };
        let is_local = config.name_servers().iter().all(|server| server.ip.is_loopback());
        let prover = match dnssec {
            Dnssec::Validate => Prover::Checked(Box::new(resolver(true)?)),
            Dnssec::Local if !is_local => Prover::Nobody,
            Dnssec::Off => Prover::Nobody,
            Dnssec::Local | Dnssec::TrustAd => {
                let context = PoolContext::new(options(), TlsConfig::new().map_err(failed)?);
                let servers = config.name_servers().iter().cloned();
                let runtime = TokioRuntimeProvider::default();
                Prover::Told(NameServerPool::from_config(servers, Arc::new(context), runtime))
            }
        };
        Ok(Self { resolver: resolver(false)?, limit, prover })
    }

    /// Whether answers can have a proof.
    pub fn proves(&self) -> bool {
        !matches!(self.prover, Prover::Nobody)
    }

    /// The records of an answer, aliases among them, and whether they are proven.
    async fn ask(&self, name: WireName, kind: Kind, proof: bool) -> Result<Asked, DnsError> {
        let kind = wire_kind(kind);
        let (records, is_secure) = match &self.prover {
            Prover::Checked(resolver) if proof => {
                let answers = resolver.lookup(name, kind).await.map_err(failed)?.answers().to_vec();
                // Signatures are no part of what is signed.
                let mut signed = answers.iter().filter(|it| it.record_type() != RecordType::RRSIG);
                let is_secure = signed.all(|record| record.proof == Proof::Secure);
                (answers, is_secure)
            }
            Prover::Told(pool) if proof => {
                let mut options = DnsRequestOptions::default();
                options.edns_set_dnssec_ok = true;
                let asked = pool.lookup(Query::query(name, kind), options).first_answer();
                let response = asked.await.map_err(failed)?;
                let response = HickoryError::from_response(response);
                let response = response.map_err(|error| failed(NetError::Dns(error)))?;
                (response.answers.clone(), response.authentic_data)
            }
            _ => {
                let found = self.resolver.lookup(name, kind).await.map_err(failed)?;
                (found.answers().to_vec(), false)
            }
        };
        if records.len() > RECORDS_MAX {
            return Err(DnsError::Unusable("it has more than 100 records"));
        }
        Ok(Asked { records, is_secure })
    }

    async fn find(&self, name: &Name, kind: Kind, proof: bool) -> Result<Proven, DnsError> {
        // By its labels, for text would be searched for escapes.
        let mut wire = WireName::from_labels(name.labels().map(str::as_bytes))
            .map_err(|_| DnsError::Unusable("the name is no name of the DNS"))?;
        // Complete as it stands: the system's search list is not for mail.
        wire.set_fqdn(true);
        let asked = tokio::time::timeout(self.limit, self.ask(wire, kind, proof));
        let Asked { records, is_secure } = asked.await.map_err(|_| DnsError::TimedOut)??;
        let of_kind = |record: &&WireRecord| record.record_type() == wire_kind(kind);
        // Aliases on the way are passed over.
        let mut answers = records.iter().filter(of_kind).peekable();
        let Some(first) = answers.peek() else { return Err(DnsError::NoRecords) };
        let name = name_of(&first.name).unwrap_or_else(|| name.clone());
        let found = answers.filter_map(|record| read(&record.data).transpose());
        let records: Vec<Record> = found.collect::<Result<_, _>>()?;
        if records.is_empty() {
            return Err(DnsError::Unusable("it has no record that names a host"));
        }
        Ok(Proven { records, is_secure, name })
    }
}

/// What was answered.
struct Asked {
    records: Vec<WireRecord>,
    is_secure: bool,
}

impl Resolver for HickoryResolver {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        Box::pin(async move { Ok(self.find(name, kind, false).await?.records) })
    }

    fn proven<'a>(&'a self, name: &'a Name, kind: Kind) -> ProvenAnswer<'a> {
        Box::pin(self.find(name, kind, true))
    }
}

fn wire_kind(kind: Kind) -> RecordType {
    match kind {
        Kind::Ipv4 => RecordType::A,
        Kind::Ipv6 => RecordType::AAAA,
        Kind::Mx => RecordType::MX,
        Kind::Txt => RecordType::TXT,
        Kind::Ptr => RecordType::PTR,
        Kind::Srv => RecordType::SRV,
        Kind::Tlsa => RecordType::TLSA,
    }
}

/// What a record says; nothing if it names what cannot be asked for.
fn read(data: &RData) -> Result<Option<Record>, DnsError> {
    Ok(match data {
        RData::A(a) => Some(Record::Ipv4(a.0)),
        RData::AAAA(aaaa) => Some(Record::Ipv6(aaaa.0)),
        RData::MX(mx) if mx.exchange.is_root() => Some(Record::Mx(mx.preference, None)),
        RData::MX(mx) => {
            name_of(&mx.exchange).map(|exchange| Record::Mx(mx.preference, Some(exchange)))
        }
        RData::TXT(txt) => {
            let text = txt.txt_data.concat();
            if text.len() > TEXT_MAX {
                return Err(DnsError::Unusable("it has a text of more than 16 KiB"));
            }
            Some(Record::Txt(String::from_utf8_lossy(&text).into_owned()))
        }
        RData::PTR(ptr) => name_of(&ptr.0).map(Record::Ptr),
        RData::SRV(srv) => service(srv).map(Record::Srv),
        RData::TLSA(tlsa) => Some(Record::Tlsa(Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        })),
        _ => None,
    })
}

fn service(srv: &SRV) -> Option<Service> {
    let target = match srv.target.is_root() {
        true => None,
        false => Some(name_of(&srv.target)?),
    };
    let SRV { priority, weight, port, .. } = *srv;
    Some(Service { priority, weight, port, target })
}

fn options() -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.ndots = 0;
    options.timeout = TRY_LIMIT;
    options.attempts = TRIES;
    options.cache_size = CACHE_ANSWERS;
    options.positive_max_ttl = Some(CACHE_SPAN_MAX);
    options.negative_max_ttl = Some(NOTHING_SPAN_MAX);
    options.use_hosts_file = ResolveHosts::Never;
    options.try_tcp_on_error = true;
    options
}

/// A label may hold any byte; one with a dot inside would be read as another name.
fn name_of(name: &WireName) -> Option<Name> {
    let labels: Option<Vec<&str>> =
        name.iter().map(|label| std::str::from_utf8(label).ok()).collect();
    let labels = labels.filter(|labels| !labels.iter().any(|label| label.contains('.')))?;
    Name::parse(&labels.join("."))
}

fn failed(error: NetError) -> DnsError {
    match error {
        NetError::Dns(HickoryError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => DnsError::NoSuchName,
            ResponseCode::NoError => DnsError::NoRecords,
            other => DnsError::Failed(other.to_string()),
        },
        // A proven "nothing": what is not, is not bogus.
        NetError::Dns(HickoryError::Nsec { response, proof, .. }) if proof != Proof::Bogus => {
            match response.response_code {
                ResponseCode::NXDomain => DnsError::NoSuchName,
                _ => DnsError::NoRecords,
            }
        }
        NetError::Dns(HickoryError::Nsec { .. } | HickoryError::DnssecBogus) => DnsError::Bogus,
        NetError::Timeout => DnsError::TimedOut,
        other => DnsError::Failed(other.to_string()),
    }
}
