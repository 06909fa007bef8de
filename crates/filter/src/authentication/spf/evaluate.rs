//! The algorithm of SPF (RFC 7208 §4.4 to §6): one record after the other, one term after the
//! other, with its limits.

use super::expand::{self, Values};
use super::macros::{DomainSpec, MacroString};
use super::record::{self, Hosts, Mechanism, Qualifier, Record};
use super::{
    Client, EXPLANATION_MAX, GIVEN_MAX, Identity, LOOKUPS_MAX, MX_MAX, NAMES_MAX, SpfResult,
    VOIDS_MAX,
};
use crate::authentication::inquiry::{Fact, Inquiry, Missing, cut};
use net::dns::reverse_name;
use net::{Kind, Name, Record as Answer};
use std::net::IpAddr;
use std::pin::Pin;

/// What a domain's policy says.
pub(super) struct Ruling {
    pub(super) result: SpfResult,
    /// The mechanism that matched, as written.
    pub(super) mechanism: Option<String>,
    /// Whose record it stands in.
    pub(super) domain: Name,
    /// Where that record explains itself.
    explanation: Option<DomainSpec>,
}

/// The end of an evaluation that cannot go on.
pub(super) struct Stop {
    /// Temporary or permanent error.
    pub(super) result: SpfResult,
    pub(super) problem: String,
}

impl Stop {
    fn permanent(problem: impl Into<String>) -> Self {
        Self { result: SpfResult::PermError, problem: problem.into() }
    }

    fn missing(kind: Kind, name: &Name, missing: Missing) -> Self {
        let temporary = missing == Missing::Temporary;
        let result = if temporary { SpfResult::TempError } else { SpfResult::PermError };
        Self { result, problem: format!("{} {name}: {}", kind.word(), missing.words()) }
    }
}

/// One check on its way.
pub(super) struct Evaluation<'a> {
    inquiry: Inquiry<'a>,
    client: &'a Client<'a>,
    identity: &'a Identity,
    sender_domain: String,
    /// The client's address, never IPv4 inside IPv6.
    ip: IpAddr,
    helo: String,
    lookups: usize,
    voids: usize,
    /// The term at hand asked for something that is not there.
    is_void: bool,
    /// The client's names that lead back to its address, once they were asked for.
    names: Option<Vec<Name>>,
}

/// What a record that includes others resolves to.
type Policy<'f> = Pin<Box<dyn Future<Output = Result<Option<Ruling>, Stop>> + Send + 'f>>;

impl<'a> Evaluation<'a> {
    pub(super) fn new(
        inquiry: Inquiry<'a>,
        client: &'a Client<'a>,
        identity: &'a Identity,
        sender_domain: &str,
    ) -> Self {
        Self {
            inquiry,
            client,
            identity,
            sender_domain: sender_domain.to_owned(),
            ip: client.ip.to_canonical(),
            helo: cut(client.helo, GIVEN_MAX),
            lookups: 0,
            voids: 0,
            is_void: false,
            names: None,
        }
    }

    pub(super) fn into_facts(self) -> Vec<Fact> {
        self.inquiry.into_facts()
    }

    /// What the record of `domain` says of the client; `None` if there is no record.
    ///
    /// Calls itself for `include` and `redirect`, at most [`LOOKUPS_MAX`] deep: each counts.
    pub(super) fn policy(&mut self, domain: Name) -> Policy<'_> {
        Box::pin(async move {
            let Some(record) = self.record(&domain).await? else { return Ok(None) };
            for directive in record.directives {
                if self.matches(&directive.mechanism, &domain).await? {
                    return Ok(Some(Ruling {
                        result: result(directive.qualifier),
                        mechanism: Some(directive.text),
                        domain,
                        explanation: record.explanation,
                    }));
                }
            }
            let Some(redirect) = record.redirect else {
                let (result, mechanism) = (SpfResult::Neutral, None);
                return Ok(Some(Ruling { result, mechanism, domain, explanation: None }));
            };
            self.begin_lookup()?;
            match self.target(&redirect, &domain).await? {
                // RFC 7208 §6.1: a policy was promised.
                None => Err(Stop::permanent("redirect leads to a name that cannot be")),
                Some(target) => match self.policy(target.clone()).await? {
                    None => Err(Stop::permanent(format!("redirect: {target} has no record"))),
                    ruling => Ok(ruling),
                },
            }
        })
    }

    /// The one record at `domain` (RFC 7208 §4.4, §4.5).
    async fn record(&mut self, domain: &Name) -> Result<Option<Record>, Stop> {
        let texts = match self.inquiry.texts(domain).await {
            Ok(texts) => texts,
            Err(missing) if missing.is_nothing() => return Ok(None),
            Err(missing) => return Err(Stop::missing(Kind::Txt, domain, missing)),
        };
        let mut records = texts.iter().filter(|text| record::is_record(text));
        match (records.next(), records.next()) {
            (None, _) => Ok(None),
            (Some(text), None) => match Record::parse(text) {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(Stop::permanent(format!("{domain}: {error}"))),
            },
            _ => Err(Stop::permanent(format!("{domain} has several records"))),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &Name) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => return Ok(true),
            Mechanism::Ip4(network, bits) => {
                return Ok(is_near(IpAddr::V4(*network), *bits, 0, self.ip));
            }
            Mechanism::Ip6(network, bits) => {
                return Ok(is_near(IpAddr::V6(*network), 0, *bits, self.ip));
            }
            _ => self.begin_lookup()?,
        }
        match mechanism {
            Mechanism::Include(spec) => self.include(spec, domain).await,
            Mechanism::A(hosts) => {
                let Some(target) = self.target_of(hosts.domain.as_ref(), domain).await? else {
                    return Ok(false);
                };
                self.has_client(&target, hosts).await
            }
            Mechanism::Mx(hosts) => self.mx(hosts, domain).await,
            Mechanism::Ptr(spec) => {
                let Some(target) = self.target_of(spec.as_ref(), domain).await? else {
                    return Ok(false);
                };
                Ok(self.names().await.iter().any(|name| name.is_within(&target)))
            }
            Mechanism::Exists(spec) => {
                let Some(target) = self.target(spec, domain).await? else { return Ok(false) };
                // IPv4 also for clients by IPv6 (RFC 7208 §5.7).
                Ok(!self.ask(&target, Kind::Ipv4).await?.is_empty())
            }
            Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..) => Ok(false),
        }
    }

    /// RFC 7208 §5.2: matches if the other record says pass.
    async fn include(&mut self, spec: &DomainSpec, domain: &Name) -> Result<bool, Stop> {
        let Some(target) = self.target(spec, domain).await? else {
            return Err(Stop::permanent("include leads to a name that cannot be"));
        };
        match self.policy(target.clone()).await? {
            None => Err(Stop::permanent(format!("include: {target} has no record"))),
            Some(ruling) => Ok(ruling.result == SpfResult::Pass),
        }
    }

    /// RFC 7208 §5.4; a domain without servers does not stand for its own (there is no implicit
    /// MX here).
    async fn mx(&mut self, hosts: &Hosts, domain: &Name) -> Result<bool, Stop> {
        let Some(target) = self.target_of(hosts.domain.as_ref(), domain).await? else {
            return Ok(false);
        };
        let servers = self.ask(&target, Kind::Mx).await?;
        if servers.len() > MX_MAX {
            return Err(Stop::permanent(format!("{target} has more than {MX_MAX} mail servers")));
        }
        for server in servers {
            if let Answer::Mx(_, Some(server)) = server
                && self.has_client(&server, hosts).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the client is at, or near enough to, an address of `host`.
    async fn has_client(&mut self, host: &Name, hosts: &Hosts) -> Result<bool, Stop> {
        let answers = self.ask(host, self.kind()).await?;
        let near = |ip| is_near(ip, hosts.ip4_bits, hosts.ip6_bits, self.ip);
        Ok(answers.iter().filter_map(Answer::address).any(near))
    }

    /// The kind of address that the client has.
    fn kind(&self) -> Kind {
        if self.ip.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 }
    }

    /// Counts a term that asks the DNS.
    fn begin_lookup(&mut self) -> Result<(), Stop> {
        self.is_void = false;
        self.lookups += 1;
        if self.lookups > LOOKUPS_MAX {
            return Err(Stop::permanent(format!("more than {LOOKUPS_MAX} terms ask the DNS")));
        }
        Ok(())
    }

    /// Asks for a term: where nothing is, nothing is found, but not often. The limit is one of
    /// terms, so one that finds several names without addresses counts once.
    async fn ask(&mut self, name: &Name, kind: Kind) -> Result<Vec<Answer>, Stop> {
        match self.inquiry.ask(name, kind).await {
            Ok(answers) => Ok(answers),
            Err(missing) if missing.is_nothing() => {
                if !std::mem::replace(&mut self.is_void, true) {
                    self.voids += 1;
                }
                if self.voids > VOIDS_MAX {
                    let problem = format!("more than {VOIDS_MAX} terms ask for what is not there");
                    return Err(Stop::permanent(problem));
                }
                Ok(Vec::new())
            }
            Err(missing) => Err(Stop::missing(kind, name, missing)),
        }
    }

    /// The names of the client that lead back to its address (RFC 7208 §5.5). They are the
    /// client's, not the domain's: whatever goes wrong with one, it is passed over.
    async fn names(&mut self) -> &[Name] {
        if self.names.is_none() {
            let claims = self.inquiry.ask(&reverse_name(self.ip), Kind::Ptr).await;
            let mut names = Vec::new();
            for claim in claims.unwrap_or_default().into_iter().take(NAMES_MAX) {
                let Answer::Ptr(name) = claim else { continue };
                let answers = self.inquiry.ask(&name, self.kind()).await.unwrap_or_default();
                if answers.iter().filter_map(Answer::address).any(|ip| ip == self.ip) {
                    names.push(name);
                }
            }
            self.names = Some(names);
        }
        self.names.as_deref().unwrap_or_default()
    }

    /// What `%{p}` stands for: the domain itself, a name within it, any name (RFC 7208 §7.3).
    async fn name_for(&mut self, domain: &Name) -> String {
        let names = self.names().await;
        let itself = names.iter().find(|name| *name == domain);
        let within = || names.iter().find(|name| name.is_within(domain));
        let name = itself.or_else(within).or_else(|| names.first());
        name.map_or_else(|| "unknown".to_owned(), Name::to_string)
    }

    /// The name that a term asks for, by default the domain itself.
    async fn target_of(
        &mut self,
        spec: Option<&DomainSpec>,
        domain: &Name,
    ) -> Result<Option<Name>, Stop> {
        match spec {
            None => Ok(Some(domain.clone())),
            Some(spec) => self.target(spec, domain).await,
        }
    }

    /// The name that a term asks for; `None` if there can be no such name, and so no match.
    async fn target(&mut self, spec: &DomainSpec, domain: &Name) -> Result<Option<Name>, Stop> {
        let mut validated_name = String::new();
        if spec.string().needs_names() {
            // The macro counts as if it were the mechanism (RFC 7208 §4.6.4).
            self.begin_lookup()?;
            validated_name = self.name_for(domain).await;
        }
        Ok(expand::domain(spec, &self.values(domain, &validated_name)))
    }

    fn values<'v>(&'v self, domain: &'v Name, validated_name: &'v str) -> Values<'v> {
        Values {
            local: &self.identity.local,
            sender_domain: &self.sender_domain,
            domain,
            ip: self.ip,
            helo: &self.helo,
            validated_name,
            receiver: self.client.receiver.as_str(),
            time: self.client.now.seconds(),
        }
    }

    /// What the domain says to whom it refuses (RFC 7208 §6.2); nothing if anything is wrong.
    pub(super) async fn explain(&mut self, ruling: &Ruling) -> Option<String> {
        let spec = ruling.explanation.as_ref()?;
        let needed = spec.string().needs_names();
        let name = if needed { self.name_for(&ruling.domain).await } else { String::new() };
        let target = expand::domain(spec, &self.values(&ruling.domain, &name))?;
        let texts = self.inquiry.texts(&target).await.ok()?;
        let [text] = texts.as_slice() else { return None };
        if text.len() > record::RECORD_MAX {
            return None;
        }
        let string = MacroString::explanation(text).ok()?;
        let name = if string.needs_names() { self.name_for(&ruling.domain).await } else { name };
        let text = expand::text(&string, &self.values(&ruling.domain, &name));
        // Sender and greeting may hold anything; the replies and traces they go to may not.
        let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
        Some(text.chars().map(printable).take(EXPLANATION_MAX).collect())
    }
}

fn result(qualifier: Qualifier) -> SpfResult {
    match qualifier {
        Qualifier::Pass => SpfResult::Pass,
        Qualifier::Fail => SpfResult::Fail,
        Qualifier::SoftFail => SpfResult::SoftFail,
        Qualifier::Neutral => SpfResult::Neutral,
    }
}

/// Whether two addresses of one kind agree in their first bits.
fn is_near(network: IpAddr, ip4_bits: u8, ip6_bits: u8, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(ip4_bits.into())).unwrap_or(0);
            (network.to_bits() ^ ip.to_bits()) & mask == 0
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(ip6_bits.into())).unwrap_or(0);
            (network.to_bits() ^ ip.to_bits()) & mask == 0
        }
        _ => false,
    }
}
