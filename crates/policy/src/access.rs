//! The access map at work: which entry of the file or the store speaks of a client, a sender or a
//! recipient, with sendmail's order of lookup.
//!
//! The most specific key wins; at each key the entry with the tag goes before the one without,
//! and an entry of the store before one of the file. Addresses: `user+detail@host`,
//! `user+*@host`, `user@host`; then the user (`user+detail@`, `user+*@`, `user@`; of recipients
//! only at our own domains); then the host and every domain above it. Clients: the name, if known,
//! and every domain above it; then the address from the longest prefix to the shortest.
//!
//! Compiled once for each version of maps and directory, then only read. Decides nothing by
//! itself: `session`, `recipient` and `relay` ask it.

use config::access::{Action, Entry, Key, Tag};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use mail::{Address, Decision, Domain, Finding, Host, Reason, Refusal, Suggestion, Timestamp};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// The compiled map.
#[derive(Debug, Clone, Default)]
pub struct AccessMap {
    /// By the text of address, `user@` or domain, as sendmail's map has it.
    texts: HashMap<String, Vec<Rule>>,
    networks: HashMap<IpNet, Vec<Rule>>,
    /// The prefix lengths that occur, so that a lookup tries no others.
    lengths_v4: BTreeSet<u8>,
    lengths_v6: BTreeSet<u8>,
    /// Whether a client's name can matter.
    has_names: bool,
}

/// An entry, as a decision names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it speaks of.
    pub tag: Tag,
    /// What it says.
    pub action: Action,
    /// `access /etc/mail/access:12` or `access entry 4711`.
    pub name: String,
    /// The key as it was written, with its tag.
    pub key: String,
    /// Its number in the store, for which hits are counted.
    pub stored: Option<i64>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// What an entry is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// A client, by address, and by name where one is known to be true.
    Client(IpAddr, Option<&'a Domain>),
    /// An envelope sender, or an address in the header's From.
    Sender(&'a Address),
    /// A recipient; `own` where its domain is ours.
    Recipient(&'a Address, bool),
    /// The domain of a recipient, for the right to relay to it.
    RecipientDomain(&'a Domain),
}

impl AccessMap {
    /// Compiles the entries of the store, then those of the file called `file`.
    pub fn new(
        stored: impl IntoIterator<Item = (i64, Entry, Option<Timestamp>)>,
        file: &str,
        entries: &[Entry],
    ) -> Self {
        let mut map = Self::default();
        for (id, entry, expires) in stored {
            let name = format!("access entry {id}");
            map.insert(&entry, Rule::new(&entry, name, Some(id), expires));
        }
        for entry in entries {
            let name = format!("access {file}:{}", entry.line);
            map.insert(entry, Rule::new(entry, name, None, None));
        }
        map
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.texts.len() + self.networks.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry that speaks, if one does.
    pub fn find(&self, question: Question<'_>, now: Timestamp) -> Option<&Rule> {
        if self.is_empty() {
            return None;
        }
        match question {
            Question::Client(ip, name) => name
                .and_then(|name| self.domain(name, Tag::Connect, now))
                .or_else(|| self.network(ip, Tag::Connect, now)),
            Question::Sender(address) => self
                .address(address, Tag::From, now)
                .or_else(|| self.user(address, Tag::From, now))
                .or_else(|| self.host(&address.host, Tag::From, now)),
            Question::Recipient(address, own) => self
                .address(address, Tag::To, now)
                .or_else(|| own.then(|| self.user(address, Tag::To, now)).flatten())
                .or_else(|| self.host(&address.host, Tag::To, now)),
            Question::RecipientDomain(domain) => self.domain(domain, Tag::To, now),
        }
    }

    /// Whether an entry speaks of clients by name, so that it is worth to learn them.
    pub fn speaks_of_names(&self) -> bool {
        self.has_names
    }

    /// Every entry, ended ones included, in no order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.texts.values().chain(self.networks.values()).flatten()
    }

    fn insert(&mut self, entry: &Entry, rule: Rule) {
        match &entry.key {
            Key::Address(address) => self.texts.entry(address.key()).or_default().push(rule),
            Key::User(user) => self.texts.entry(format!("{user}@")).or_default().push(rule),
            Key::Domain(domain) => {
                self.has_names |= matches!(entry.tag, Tag::Connect | Tag::Any);
                self.texts.entry(domain.to_string()).or_default().push(rule);
            }
            Key::Net(net) => {
                let net = net.trunc();
                match net {
                    IpNet::V4(net) => self.lengths_v4.insert(net.prefix_len()),
                    IpNet::V6(net) => self.lengths_v6.insert(net.prefix_len()),
                };
                self.networks.entry(net).or_default().push(rule);
            }
        }
    }

    fn address(&self, address: &Address, tag: Tag, now: Timestamp) -> Option<&Rule> {
        let local = address.local.key();
        // The keys are written as `Address::key` writes them.
        spellings(&local)
            .find_map(|local| self.text(&format!("{local}@{}", address.host), tag, now))
    }

    fn user(&self, address: &Address, tag: Tag, now: Timestamp) -> Option<&Rule> {
        let local = address.local.key();
        spellings(&local).find_map(|user| self.text(&format!("{user}@"), tag, now))
    }

    fn host(&self, host: &Host, tag: Tag, now: Timestamp) -> Option<&Rule> {
        match host {
            Host::Domain(domain) => self.domain(domain, tag, now),
            Host::Literal(ip) => self.network(*ip, tag, now),
        }
    }

    fn domain(&self, domain: &Domain, tag: Tag, now: Timestamp) -> Option<&Rule> {
        domain.ancestors().find_map(|name| self.text(name, tag, now))
    }

    fn network(&self, ip: IpAddr, tag: Tag, now: Timestamp) -> Option<&Rule> {
        let lengths = match ip {
            IpAddr::V4(_) => &self.lengths_v4,
            IpAddr::V6(_) => &self.lengths_v6,
        };
        lengths.iter().rev().find_map(|&length| {
            let net = match ip {
                IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new(ip, length).ok()?),
                IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new(ip, length).ok()?),
            };
            pick(self.networks.get(&net.trunc())?, tag, now)
        })
    }

    fn text(&self, key: &str, tag: Tag, now: Timestamp) -> Option<&Rule> {
        pick(self.texts.get(key)?, tag, now)
    }
}

impl Rule {
    fn new(entry: &Entry, name: String, stored: Option<i64>, expires: Option<Timestamp>) -> Self {
        let (tag, action, key) = (entry.tag, entry.action.clone(), entry.text.clone());
        Self { tag, action, name, key, stored, expires }
    }

    /// What it says, as a file would have it.
    pub fn value(&self) -> String {
        match &self.action {
            Action::Ok => "OK".to_owned(),
            Action::Relay => "RELAY".to_owned(),
            Action::Reject => "REJECT".to_owned(),
            Action::Discard => "DISCARD".to_owned(),
            Action::Quarantine(reason) => format!("QUARANTINE:{reason}"),
            Action::Error(text) => match text.enhanced {
                Some((class, subject, detail)) => {
                    format!("ERROR:{class}.{subject}.{detail}:{} {}", text.code, text.text)
                }
                None => format!("{} {}", text.code, text.text),
            },
        }
    }

    /// What it means for what was asked. `Allow` for OK and RELAY alike: the right to relay is
    /// asked for by `relay` in its own way. For QUARANTINE too: the mail is accepted, and
    /// [`Rule::hold`] says that it is held.
    pub fn decision(&self) -> Decision<()> {
        let refusal = |reason| {
            Refusal::new(reason).rule(self.name.clone()).detail(format!("key={}", self.key))
        };
        match &self.action {
            Action::Ok | Action::Relay | Action::Quarantine(_) => Decision::Allow(()),
            Action::Reject => Decision::Refuse(refusal(Reason::AccessRejected)),
            Action::Discard => Decision::Discard(refusal(Reason::AccessDiscarded)),
            Action::Error(text) if text.code < 500 => {
                Decision::Later(refusal(Reason::AccessRejected).text(text.clone()))
            }
            Action::Error(text) => {
                Decision::Refuse(refusal(Reason::AccessRejected).text(text.clone()))
            }
        }
    }
}

impl Rule {
    /// The finding that has mail held, if that is what it says; `of` is a fact for the trace.
    pub fn hold(&self, of: &str) -> Option<Finding> {
        let Action::Quarantine(reason) = &self.action else { return None };
        Some(Finding {
            stage: "access",
            rule: self.name.clone(),
            reason: Reason::AccessQuarantined,
            score: 0.0,
            detail: format!("{of} key={} says={reason:?}", self.key),
            suggestion: Suggestion::Quarantine,
        })
    }
}

/// `user+detail`, `user+*`, `user`; without a detail only the one.
pub(crate) fn spellings(local: &str) -> impl Iterator<Item = String> + use<'_> {
    let plus = local.split_once('+').filter(|(user, _)| !user.is_empty());
    let wider = plus.into_iter().flat_map(|(user, _)| [format!("{user}+*"), user.to_owned()]);
    std::iter::once(local.to_owned()).chain(wider)
}

/// The entry of one key: with the tag before without, in the order of insertion, none that ended.
fn pick(rules: &[Rule], tag: Tag, now: Timestamp) -> Option<&Rule> {
    let live = |rule: &&Rule| rule.expires.is_none_or(|end| now < end);
    let with = |wanted: Tag| rules.iter().filter(live).find(|rule| rule.tag == wanted);
    with(tag).or_else(|| with(Tag::Any))
}

/// What `gatepost access test` asks: which entry decides of `value`, an address, a domain or a
/// network address, under `tag` (`Connect`, `From`, `To`).
pub fn test<'m>(
    map: &'m AccessMap,
    tag: &str,
    value: &str,
    is_own: impl Fn(&Domain) -> bool,
    now: Timestamp,
) -> Result<Option<&'m Rule>, String> {
    let tag = tag.trim().trim_end_matches(':').to_ascii_lowercase();
    let value = value.trim();
    match tag.as_str() {
        "connect" => match value.trim_start_matches("IPv6:").parse::<IpAddr>() {
            Ok(ip) => Ok(map.find(Question::Client(ip.to_canonical(), None), now)),
            Err(_) => {
                let name = Domain::parse(value).map_err(|e| format!("`{value}`: {e}"))?;
                Ok(map.domain(&name, Tag::Connect, now))
            }
        },
        "from" | "to" => {
            let tag = if tag == "from" { Tag::From } else { Tag::To };
            if !value.contains('@') {
                let domain = Domain::parse(value).map_err(|e| format!("`{value}`: {e}"))?;
                return Ok(map.domain(&domain, tag, now));
            }
            let address = Address::parse(value).map_err(|e| format!("`{value}`: {e}"))?;
            let own = address.domain().is_some_and(is_own);
            let question = match tag {
                Tag::From => Question::Sender(&address),
                _ => Question::Recipient(&address, own),
            };
            Ok(map.find(question, now))
        }
        _ => Err(format!("`{tag}` is none of Connect, From, To")),
    }
}

#[cfg(test)]
mod tests;
