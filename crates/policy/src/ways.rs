//! Which servers a destination's mail goes to: a way that the administrator named, or the domain's
//! MX (RFC 5321 §5.1, RFC 7505). The queue sends there, `callforward` asks there for a recipient.
//!
//! A way never leads back: our own name and those behind it in preference, loopback and our own
//! addresses are left out, unless the administrator named them.

use config::{NextHop, SendRoute, Settings};
use mail::{Domain, Host, Reason};
use net::{DnsError, Mx, Resolver};
use smtp::reply::Severity;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The port of mail between servers.
const PORT: u16 = 25;
/// Servers of a domain that are looked at, and addresses that are tried (RFC 5321 §5.1 wants two at
/// the least). A look at one may take three questions: with that for the domain's MX, twenty at the
/// most.
const SERVERS_MAX: usize = 6;
const ADDRESSES_MAX: usize = 10;
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
}

/// A server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, or its address where nothing else is known.
    pub name: Host,
    /// Where it is.
    pub address: SocketAddr,
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
        return named(resolver, hop).await;
    }
    let bare = destination.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(ip) = bare.and_then(|text| text.parse::<IpAddr>().ok()) {
        let server = Server { name: Host::Literal(ip), address: SocketAddr::new(ip, PORT) };
        return ways.outward(vec![server], destination);
    }
    let domain = Domain::parse(destination)
        .map_err(|error| never(Reason::NoSuchDomain, format!("{destination}: {error}")))?;
    let hosts = exchanges(ways, resolver, &domain).await?;
    let mut servers = Vec::new();
    let mut trouble = None;
    for host in hosts.into_iter().take(SERVERS_MAX) {
        match resolver.addresses(&host).await {
            Ok(addresses) => servers.extend(addresses.into_iter().map(|ip| Server {
                name: Host::Domain(host.clone()),
                address: SocketAddr::new(ip, PORT),
            })),
            Err(error) => trouble = trouble.or(Some((host, error))),
        }
    }
    match trouble {
        // Nobody has an address: whether that may change, the first trouble says.
        Some((host, error)) if servers.is_empty() => Err(without_address(&domain, &host, &error)),
        _ => ways.outward(servers, destination),
    }
}

/// A way that the administrator named: taken as it is, wherever it leads.
async fn named(resolver: &Arc<dyn Resolver>, hop: &NextHop) -> Result<Vec<Server>, NoWay> {
    let host = match &hop.host {
        Host::Literal(ip) => {
            let address = SocketAddr::new(*ip, hop.port);
            return Ok(vec![Server { name: hop.host.clone(), address }]);
        }
        Host::Domain(host) => host,
    };
    // A server that the administrator named is never given up for good.
    let addresses = resolver.addresses(host).await;
    let addresses = addresses.map_err(|error| later(format!("the server {host}: {error}")))?;
    let server = |ip| Server { name: hop.host.clone(), address: SocketAddr::new(ip, hop.port) };
    Ok(addresses.into_iter().take(ADDRESSES_MAX).map(server).collect())
}

/// The names of the domain's servers, best first.
async fn exchanges(
    ways: &Ways,
    resolver: &Arc<dyn Resolver>,
    domain: &Domain,
) -> Result<Vec<Domain>, NoWay> {
    let mut records = match resolver.mx(domain).await {
        Ok(records) => records,
        // The domain itself is its server then (RFC 5321 §5.1).
        Err(DnsError::NoRecords) => return Ok(vec![domain.clone()]),
        Err(DnsError::NoSuchName) => {
            let text = format!("the domain {domain} does not exist");
            return Err(never(Reason::NoSuchDomain, text));
        }
        Err(error) => return Err(later(format!("the mail servers of {domain}: {error}"))),
    };
    records.sort();
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
    Ok(records.into_iter().filter_map(|mx| mx.exchange).collect())
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

    /// The way that the administrator named for a destination.
    fn named(&self, destination: &str) -> Option<&NextHop> {
        self.route(destination).map(|route| &route.to).or(self.smarthost.as_ref())
    }

    /// The narrowest route that fits.
    fn route(&self, destination: &str) -> Option<&SendRoute> {
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

fn without_address(domain: &Domain, host: &Domain, error: &DnsError) -> NoWay {
    if error.is_nothing() {
        let text = format!("the domain {domain} has no mail server: {host} has no address");
        return never(Reason::NoSuchDomain, text);
    }
    later(format!("the addresses of {host}: {error}"))
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::{Ways, find};
    use config::SendRoute;
    use net::{Resolver, ZoneResolver};
    use std::path::Path;
    use std::sync::Arc;

    const ZONE: &str = "\
two.example. MX 20 b.two.example.
two.example. MX 10 a.two.example.
a.two.example. A 198.51.100.1
a.two.example. AAAA 2001:db8::1
b.two.example. A 198.51.100.2
bare.example. A 198.51.100.3
text.example. TXT \"no address\"
null.example. MX 0 .
back.example. MX 10 localhost.back.example.
localhost.back.example. A 127.0.0.1
us.example. MX 10 mx.ours.example.
us.example. MX 20 b.two.example.
backup.example. MX 10 b.two.example.
backup.example. MX 20 mx.ours.example.
mx.ours.example. A 192.0.2.1
own.example. A 192.0.2.1
lost.example. MX 10 nowhere.example.
";

    async fn check(ways: &Ways, destination: &str, expected: &str) {
        let zone = ZoneResolver::parse(ZONE, Path::new("zone")).unwrap();
        let resolver: Arc<dyn Resolver> = Arc::new(zone);
        let found = match find(ways, &resolver, destination).await {
            Ok(servers) => {
                let shown: Vec<String> = servers.iter().map(|s| s.address.to_string()).collect();
                shown.join(" ")
            }
            Err(no) => format!("{} {:?}", no.reason, no.severity),
        };
        assert_eq!(found, expected, "{destination}");
    }

    #[tokio::test]
    async fn mail_goes_where_the_domain_says_and_never_back() {
        let ways = Ways {
            hostname: Some("mx.ours.example".parse().unwrap()),
            own: vec!["192.0.2.1".parse().unwrap()],
            ..Ways::default()
        };
        for (destination, expected) in [
            ("two.example", "[2001:db8::1]:25 198.51.100.1:25 198.51.100.2:25"),
            ("bare.example", "198.51.100.3:25"),
            ("text.example", "no_such_domain Permanent"),
            ("none.example", "no_such_domain Permanent"),
            ("lost.example", "no_such_domain Permanent"),
            ("null.example", "null_mx Permanent"),
            ("back.example", "route_to_self Permanent"),
            ("us.example", "route_to_self Permanent"),
            ("backup.example", "198.51.100.2:25"),
            ("own.example", "route_to_self Permanent"),
            ("[198.51.100.9]", "198.51.100.9:25"),
            ("[127.0.0.1]", "route_to_self Permanent"),
            ("[::ffff:127.0.0.1]", "route_to_self Permanent"),
            ("[192.0.2.1]", "route_to_self Permanent"),
        ] {
            check(&ways, destination, expected).await;
        }
    }

    #[tokio::test]
    async fn what_the_administrator_names_goes_before() {
        let route = |domain: &str, to: &str| SendRoute {
            domain: domain.parse().unwrap(),
            to: to.parse().unwrap(),
        };
        let ways = Ways {
            smarthost: Some("127.0.0.1:2525".parse().unwrap()),
            routes: vec![
                route("two.example", "a.two.example:26"),
                route("inner.two.example", "192.0.2.9"),
                route("broken.example", "nowhere.example"),
            ],
            ..Ways::default()
        };
        for (destination, expected) in [
            ("two.example", "[2001:db8::1]:26 198.51.100.1:26"),
            ("x.two.example", "[2001:db8::1]:26 198.51.100.1:26"),
            ("x.inner.two.example", "192.0.2.9:25"),
            ("broken.example", "dns_failed Temporary"),
            ("null.example", "127.0.0.1:2525"),
            ("[198.51.100.9]", "127.0.0.1:2525"),
        ] {
            check(&ways, destination, expected).await;
        }
        for (destination, expected) in [
            ("x.inner.two.example", "send.routes inner.two.example = 192.0.2.9:25"),
            ("null.example", "send.smarthost = 127.0.0.1:2525"),
            ("[198.51.100.9]", "send.smarthost = 127.0.0.1:2525"),
        ] {
            assert_eq!(ways.basis(destination), expected);
        }
        assert_eq!(Ways::default().basis("two.example"), "the domain's MX");
        assert_eq!(Ways::default().basis("[198.51.100.9]"), "the address itself");
    }
}
