//! Which servers a destination's mail goes to: a way that the administrator named, or the domain's
//! MX (RFC 5321 §5.1, RFC 7505). The queue sends there, `callforward` asks there for a recipient.
//!
//! A way never leads back: our own name and those behind it in preference, loopback and our own
//! addresses are left out, unless the administrator named them.

use crate::trust::{self, Trust};
use config::{NextHop, SendRoute, Settings};
use mail::{Domain, Host, Reason};
use net::{DnsError, Kind, Mx, Name, Resolver};
use smtp::reply::Severity;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The port of mail between servers.
const PORT: u16 = 25;
/// Servers of a domain that are looked at, and addresses that are tried (RFC 5321 §5.1 wants two at
/// the least).
const SERVERS_MAX: usize = 6;
const ADDRESSES_MAX: usize = 10;
/// Questions that one look for a way may take. One is about the domain's MX; a server takes two for
/// its addresses and, where DNSSEC proves them, one for its TLSA records, or two behind an alias.
/// So six servers are looked at, or four where all are aliases.
const QUESTIONS_MAX: usize = 20;
/// What a server takes of them at the most: with fewer left, no other is looked at.
const SERVER_QUESTIONS_MAX: usize = 4;
/// What all look-ups for one way may take.
const LOOK_UPS_MAX: Duration = Duration::from_secs(60);

/// What the settings say of ways.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// Takes all that no route names.
    pub smarthost: Option<NextHop>,
    /// Domains with a way of their own.
    pub routes: Vec<SendRoute>,
    /// Our own name.
    pub hostname: Option<Domain>,
    /// The addresses that we listen on, as far as they are named.
    pub own: Vec<IpAddr>,
    /// Chance, by which servers of the same preference take turns (RFC 5321 §5.1).
    pub seed: u64,
}

/// A server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, or its address where nothing else is known.
    pub name: Host,
    /// Where it is.
    pub address: SocketAddr,
    /// How it has to prove who it is.
    pub trust: Trust,
    /// Whether its name is beyond doubt: proven by DNSSEC, or named by the administrator.
    pub is_certain: bool,
}

/// Why there is no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWay {
    /// The reason.
    pub reason: Reason,
    /// Whether time may cure it.
    pub severity: Severity,
    /// In words, for traces and notices.
    pub text: String,
}

impl NoWay {
    /// Whether time may cure it.
    pub fn is_temporary(&self) -> bool {
        self.severity == Severity::Temporary
    }
}

/// The servers for a destination (a domain, or an address literal in brackets), best first.
///
/// # Errors
/// There are none now, or never.
pub async fn find(
    ways: &Ways,
    resolver: &Arc<dyn Resolver>,
    destination: &str,
) -> Result<Vec<Server>, NoWay> {
    match tokio::time::timeout(LOOK_UPS_MAX, look_up(ways, resolver, destination)).await {
        Ok(found) => found,
        Err(_) => Err(later("the name servers did not answer in time")),
    }
}

async fn look_up(
    ways: &Ways,
    resolver: &Arc<dyn Resolver>,
    destination: &str,
) -> Result<Vec<Server>, NoWay> {
    if let Some(hop) = ways.named(destination) {
        return named(resolver.as_ref(), hop).await;
    }
    let bare = destination.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(ip) = bare.and_then(|text| text.parse::<IpAddr>().ok()) {
        return ways.outward(vec![literal(ip, PORT, false)], destination);
    }
    let domain = Domain::parse(destination)
        .map_err(|error| never(Reason::NoSuchDomain, format!("{destination}: {error}")))?;
    let Exchanges { hosts, is_secure } = exchanges(ways, resolver.as_ref(), &domain).await?;
    let mut servers = Vec::new();
    let mut trouble = None;
    let mut questions = 1;
    for host in hosts.into_iter().take(SERVERS_MAX) {
        if questions + SERVER_QUESTIONS_MAX > QUESTIONS_MAX {
            break;
        }
        let asked = Asked { host: &host, port: PORT, domain: Some(&domain), is_secure };
        match asked.servers(resolver.as_ref(), &mut questions).await {
            Ok(found) => servers.extend(found),
            Err(no) => trouble = trouble.or(Some(no)),
        }
    }
    match trouble {
        // There is nobody to try: whether that may change, the first trouble says.
        Some(no) if servers.is_empty() => Err(no),
        _ => ways.outward(servers, destination),
    }
}

/// A way that the administrator named: taken as it is, wherever it leads.
async fn named(resolver: &dyn Resolver, hop: &NextHop) -> Result<Vec<Server>, NoWay> {
    let host = match &hop.host {
        Host::Literal(ip) => return Ok(vec![literal(*ip, hop.port, true)]),
        Host::Domain(host) => host,
    };
    let asked = Asked { host, port: hop.port, domain: None, is_secure: true };
    // A server that the administrator named is never given up for good.
    let found = asked.servers(resolver, &mut 0).await;
    let mut found = found.map_err(|no| later(format!("the server {}", no.text)))?;
    found.truncate(ADDRESSES_MAX);
    Ok(found.into_iter().map(|server| Server { is_certain: true, ..server }).collect())
}

fn literal(ip: IpAddr, port: u16, is_certain: bool) -> Server {
    let address = SocketAddr::new(ip, port);
    Server { name: Host::Literal(ip), address, trust: Trust::Anybody, is_certain }
}

/// A host whose addresses are asked for.
struct Asked<'a> {
    host: &'a Domain,
    port: u16,
    /// The domain that it takes mail for, where that named it.
    domain: Option<&'a Domain>,
    /// Whether its name is proven; only then DANE means anything (RFC 7672 §2.2.1).
    is_secure: bool,
}

impl Asked<'_> {
    /// Adds to `questions` those that it takes.
    async fn servers(
        &self,
        resolver: &dyn Resolver,
        questions: &mut usize,
    ) -> Result<Vec<Server>, NoWay> {
        let Self { host, port, domain, is_secure } = self;
        *questions += 2;
        let found = net::dns::addresses(resolver, host).await;
        let found = found.map_err(|error| self.without_address(&error))?;
        let (trust, name) = match &found.secure {
            Some(base) if *is_secure => {
                let place = trust::Place { port: *port, base, asked: host, domain: *domain };
                let asked = trust::by_dane(resolver, &place, questions).await;
                // What cannot be known now may demand what we would not do.
                asked.map_err(|error| later(format!("the TLSA records of {host}: {error}")))?
            }
            _ => (Trust::Anybody, (*host).clone()),
        };
        let server = |ip| Server {
            name: Host::Domain(name.clone()),
            address: SocketAddr::new(ip, *port),
            trust: trust.clone(),
            is_certain: *is_secure,
        };
        Ok(found.all.into_iter().map(server).collect())
    }

    fn without_address(&self, error: &DnsError) -> NoWay {
        let Self { host, domain, .. } = self;
        match domain {
            Some(domain) if error.is_nothing() => {
                let text = format!("the domain {domain} has no mail server: {host} has no address");
                never(Reason::NoSuchDomain, text)
            }
            Some(_) => later(format!("the addresses of {host}: {error}")),
            None => later(format!("{host}: {error}")),
        }
    }
}

/// The names of a domain's servers, best first, and whether they are proven.
struct Exchanges {
    hosts: Vec<Domain>,
    is_secure: bool,
}

async fn exchanges(
    ways: &Ways,
    resolver: &dyn Resolver,
    domain: &Domain,
) -> Result<Exchanges, NoWay> {
    let asked = resolver.proven(&Name::from(domain), Kind::Mx).await;
    let asked = asked.and_then(|found| Ok((found.is_secure, found.mx()?)));
    let (is_secure, mut records) = match asked {
        Ok(found) => found,
        // The domain itself is its server then (RFC 5321 §5.1); its name needs no proof, and its
        // addresses have their own.
        Err(DnsError::NoRecords) => {
            return Ok(Exchanges { hosts: vec![domain.clone()], is_secure: true });
        }
        Err(DnsError::NoSuchName) => {
            let text = format!("the domain {domain} does not exist");
            return Err(never(Reason::NoSuchDomain, text));
        }
        Err(error) => return Err(later(format!("the mail servers of {domain}: {error}"))),
    };
    take_turns(&mut records, ways.seed);
    if records.iter().all(|mx| mx.exchange.is_none()) {
        let text = format!("the domain {domain} takes no mail (null MX)");
        return Err(never(Reason::NullMx, text));
    }
    let ours = |mx: &Mx| mx.exchange.is_some() && mx.exchange == ways.hostname;
    // Where we are one of them, only better ones are of use (RFC 5321 §5.1).
    let bound = records.iter().filter(|mx| ours(mx)).map(|mx| mx.preference).min();
    records.retain(|mx| bound.is_none_or(|bound| mx.preference < bound));
    if records.is_empty() {
        let text = format!("this server is the best mail server of {domain}, and does not know it");
        return Err(never(Reason::RouteToSelf, text));
    }
    let hosts = records.into_iter().filter_map(|mx| mx.exchange).collect();
    Ok(Exchanges { hosts, is_secure })
}

/// Best first; those of one preference in an order of chance, so that they share the load
/// (RFC 5321 §5.1).
fn take_turns(records: &mut [Mx], seed: u64) {
    records.sort();
    let mut random = seed;
    for group in records.chunk_by_mut(|one, other| one.preference == other.preference) {
        for end in (1..group.len()).rev() {
            random = mixed(random);
            let of = u64::try_from(end).unwrap_or(u64::MAX).saturating_add(1);
            let chosen = usize::try_from(random % of).unwrap_or_default();
            group.swap(end, chosen);
        }
    }
}

/// The next number of a chain that is only meant to be even (SplitMix64).
fn mixed(random: u64) -> u64 {
    let mut z = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that nobody chose; good enough to share a load by.
fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Ways {
    /// What these settings say.
    pub fn of(settings: &Settings) -> Self {
        let named = settings.listen.smtp.iter().map(|address| address.ip());
        let own: Vec<IpAddr> = named.filter(|ip| !ip.is_unspecified()).collect();
        Self {
            smarthost: settings.send.smarthost.clone(),
            routes: settings.send.routes.clone(),
            hostname: Some(settings.server.hostname.clone()),
            own,
            seed: chance(),
        }
    }

    /// What decides where a destination's mail goes: a route or the smarthost of the settings, an
    /// address literal itself, or the MX of the domain.
    pub fn basis(&self, destination: &str) -> String {
        match (self.route(destination), &self.smarthost) {
            (Some(route), _) => format!("send.routes {} = {}", route.domain, route.to),
            (None, Some(hop)) => format!("send.smarthost = {hop}"),
            (None, None) if destination.starts_with('[') => "the address itself".to_owned(),
            (None, None) => "the domain's MX".to_owned(),
        }
    }

    /// Whether the administrator named a way for a destination.
    pub fn is_named(&self, destination: &str) -> bool {
        self.named(destination).is_some()
    }

    /// The way that the administrator named for a destination.
    fn named(&self, destination: &str) -> Option<&NextHop> {
        self.route(destination).map(|route| &route.to).or(self.smarthost.as_ref())
    }

    /// The route of a destination: the narrowest that fits.
    pub fn route(&self, destination: &str) -> Option<&SendRoute> {
        let domain = Domain::parse(destination).ok()?;
        let fits = self.routes.iter().filter(|route| domain.is_within(&route.domain));
        fits.max_by_key(|route| route.domain.as_str().len())
    }

    /// Leaves out what leads back to us.
    fn outward(&self, servers: Vec<Server>, destination: &str) -> Result<Vec<Server>, NoWay> {
        let back = |ip: IpAddr| {
            ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || self.own.contains(&ip)
        };
        let outward =
            servers.into_iter().filter(|server| !back(server.address.ip().to_canonical()));
        let outward: Vec<Server> = outward.take(ADDRESSES_MAX).collect();
        if outward.is_empty() {
            let text = format!("the servers of {destination} are this machine itself");
            return Err(never(Reason::RouteToSelf, text));
        }
        Ok(outward)
    }
}

fn never(reason: Reason, text: String) -> NoWay {
    NoWay { reason, severity: Severity::Permanent, text }
}

fn later(text: impl Into<String>) -> NoWay {
    NoWay { reason: Reason::DnsFailed, severity: Severity::Temporary, text: text.into() }
}

#[cfg(test)]
mod hostile;

#[cfg(test)]
mod tests;
