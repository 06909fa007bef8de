//! One state of settings, maps and directory, by which a whole transaction is decided.
//!
//! Taking one is a few reference counts. What has to be compiled (access map, merged aliases,
//! relay rules) is compiled once for each reload and each change of what it is compiled from.

use crate::access::AccessMap;
use crate::aliases::{self, AliasMap, Book, DomainKind, Expansion, Holder, Review};
use crate::relay::{Ground, Relay, RelayRules};
use crate::relayed::RelayedList;
use crate::shared::Shared;
use config::{Maps, Settings, access, relay_domains};
use mail::{Address, Domain, Peer, Target, Timestamp};
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use store::{Account, Directory};

/// What decides of a transaction from MAIL to its end.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) settings: Arc<Settings>,
    pub(crate) maps: Arc<Maps>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) shared: Arc<Shared>,
}

/// What was compiled of maps and directory.
pub(crate) struct Tables {
    pub(crate) access: AccessMap,
    pub(crate) aliases: AliasMap,
    relay: RelayRules,
    pub(crate) relayed: RelayedList,
    /// Our domains with accounts, the one that the host's own name lies in first.
    domains: Vec<Domain>,
    /// Names of this host and those it stands for, without accounts.
    hosts: HashSet<Domain>,
    literals: Vec<IpAddr>,
}

impl Tables {
    pub(crate) fn compile(settings: &Settings, maps: &Maps, directory: &Directory) -> Self {
        let stored = directory.access().iter().filter_map(|record| {
            let key = match record.tag.as_str() {
                "" => record.key.clone(),
                tag => format!("{}:{}", tag.trim_end_matches(':'), record.key),
            };
            match access::parse_entry(&key, &record.value) {
                Ok(entry) => Some((record.id, entry, record.expires)),
                Err(why) => {
                    tracing::warn!(id = record.id, %why, "an access entry has no effect");
                    None
                }
            }
        });
        let mut records: Vec<_> = directory.aliases().collect();
        records.sort_by_key(|record| record.id);
        let stored_aliases =
            records.into_iter().map(|record| (record.name.key(), record.goals.as_slice()));
        let file = (name_of(&settings.aliases.file), maps.aliases.as_slice());
        let virtual_file =
            (name_of(&settings.aliases.virtusertable_file), maps.virtual_users.as_slice());
        let listening = [&settings.listen.smtp, &settings.listen.submission];
        Self {
            access: AccessMap::new(stored, &name_of(&settings.access.file), &maps.access),
            aliases: AliasMap::new(
                stored_aliases,
                (&file.0, file.1),
                (&virtual_file.0, virtual_file.1),
            ),
            relay: relay_rules(settings, maps),
            relayed: RelayedList::new(
                name_of(&settings.relay.recipients_file),
                &maps.relay_recipients,
            ),
            domains: domains(settings, directory),
            hosts: hosts(settings, maps, directory),
            literals: listening.into_iter().flatten().map(|at| at.ip()).collect(),
        }
    }
}

fn name_of(path: &Option<impl AsRef<Path>>) -> String {
    path.as_ref().map_or_else(String::new, |path| path.as_ref().display().to_string())
}

fn relay_rules(settings: &Settings, maps: &Maps) -> RelayRules {
    let mut rules = RelayRules::default();
    for net in &settings.relay.networks {
        rules.networks.push((*net, format!("relay.networks {net}")));
    }
    for domain in &settings.relay.domains {
        rules.domains.insert(domain.clone(), format!("relay.domains {domain}"));
    }
    let file = name_of(&settings.relay.domains_file);
    for entry in &maps.relay {
        let rule = format!("relay-domains {file}:{}", entry.line);
        match &entry.relay {
            relay_domains::Relay::Net(net) => rules.networks.push((*net, rule)),
            relay_domains::Relay::Domain(domain) => {
                rules.domains.entry(domain.clone()).or_insert(rule);
            }
        }
    }
    rules
}

fn domains(settings: &Settings, directory: &Directory) -> Vec<Domain> {
    let mut records: Vec<_> = directory.domains().collect();
    records.sort_by_key(|record| (!settings.server.hostname.is_within(&record.name), record.id));
    records.into_iter().map(|record| record.name.clone()).collect()
}

fn hosts(settings: &Settings, maps: &Maps, directory: &Directory) -> HashSet<Domain> {
    let named = maps.hosts.iter().chain([&settings.server.hostname]);
    named.filter(|name| directory.domain(name).is_none()).cloned().collect()
}

impl Snapshot {
    /// The settings in force.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The map files in force.
    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The directory.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The access map of file and store.
    pub fn access(&self) -> &AccessMap {
        &self.tables.access
    }

    /// The name of the access file, as rules have it; empty if there is none.
    pub fn access_file(&self) -> String {
        name_of(&self.settings.access.file)
    }

    /// Whether mail for this domain is kept here.
    pub fn is_own(&self, domain: &Domain) -> bool {
        self.kind(domain) != DomainKind::Elsewhere
    }

    /// Every alias with what it ends in.
    pub fn review(&self) -> Vec<Review> {
        self.with_book(aliases::review)
    }

    /// What an address, or a name without a domain, ends in; `None` if it is neither.
    pub fn show(&self, name: &str) -> Option<Expansion> {
        self.with_book(|book| aliases::show(book, name))
    }

    pub(crate) fn expand(&self, address: &Address) -> Expansion {
        self.with_book(|book| aliases::expand(book, address))
    }

    /// The domain that `Postmaster` without one means.
    pub(crate) fn first_domain(&self) -> &Domain {
        self.tables.domains.first().unwrap_or(&self.settings.server.hostname)
    }

    pub(crate) fn relay(&self, peer: &Peer, to: &Address, now: Timestamp) -> Relay {
        self.with_ground(now, |ground| crate::relay::judge(ground, peer, to))
    }

    /// Whether this client has to show for whom it speaks: it neither logged in nor may it send to
    /// anywhere.
    pub fn is_stranger(&self, peer: &Peer) -> bool {
        let now = self.shared.clock.now();
        self.with_ground(now, |ground| crate::relay::is_stranger(ground, peer))
    }

    fn with_ground<T>(&self, now: Timestamp, judge: impl FnOnce(&Ground<'_>) -> T) -> T {
        let exists = |address: &Address| {
            self.directory.account_by_key(&address.key()).is_some()
                || self.tables.aliases.has(address)
        };
        let ground = Ground {
            is_own: &|domain| self.is_own(domain),
            exists: &exists,
            literals: &self.tables.literals,
            rules: &self.tables.relay,
            access: &self.tables.access,
            now,
        };
        judge(&ground)
    }

    /// The first administrator who can receive: where role addresses go that nobody has.
    pub(crate) fn administrator(&self) -> Option<Target> {
        let admins = self.directory.accounts().filter(|a| a.admin && !a.disabled);
        admins.min_by_key(|account| account.id).map(target)
    }

    fn kind(&self, domain: &Domain) -> DomainKind {
        if self.directory.domain(domain).is_some() {
            DomainKind::Own
        } else if self.tables.hosts.contains(domain) {
            DomainKind::Host
        } else {
            DomainKind::Elsewhere
        }
    }

    fn with_book<T>(&self, ask: impl FnOnce(&Book<'_>) -> T) -> T {
        let account = |key: &str| {
            let account = self.directory.account_by_key(key)?;
            Some(Holder { target: target(account), disabled: account.disabled })
        };
        ask(&Book {
            aliases: &self.tables.aliases,
            account: &account,
            domains: &self.tables.domains,
            kind: &|domain| self.kind(domain),
            depth_max: self.settings.limits.alias_depth_max,
            ends_max: self.settings.limits.alias_fanout_max,
        })
    }
}

fn target(account: &Account) -> Target {
    let Account { id, inbox, junk, address, .. } = account;
    Target { account: *id, inbox: *inbox, junk: *junk, address: address.clone() }
}
