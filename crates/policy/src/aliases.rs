//! Aliases of the files and the store, merged, and what an address ends in.
//!
//! Names are looked up as sendmail does: `virtusertable` before aliases, aliases before accounts,
//! `user+detail` before `user+*` before `user`, and a domain's catch-all last. One deviation: an
//! account goes before a catch-all, so that adding an account is enough for it to receive.
//! Programs, files and foreign includes were refused when the file was read and are only told.
//!
//! Depth and number of ends are bounded, loops are found. The map is compiled once for each
//! version of maps and directory. Used by `recipient`, and by `admin` for `alias review|show`.

use config::aliases::{AliasEntry, Goal, RefusedGoal};
use config::virtusertable::{Entry as VirtualEntry, Key as VirtualKey, VirtualGoal};
use mail::{Address, Domain, ReplyText, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};

mod expand;

/// All aliases, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct AliasMap {
    /// By local part alone (in every own domain) or by whole address, both in lower case.
    named: HashMap<String, Alias>,
    /// By whole address.
    virtual_users: HashMap<String, Virtual>,
    /// By domain: where everything goes that nobody else has.
    catch_alls: HashMap<Domain, Virtual>,
}

#[derive(Debug, Clone)]
struct Alias {
    goals: Vec<Goal>,
    refused: Vec<RefusedGoal>,
    origin: String,
}

#[derive(Debug, Clone)]
struct Virtual {
    goal: VirtualGoal,
    origin: String,
}

/// What expanding needs to know besides the aliases.
#[derive(Clone, Copy)]
pub struct Book<'a> {
    /// The aliases.
    pub aliases: &'a AliasMap,
    /// Finds an account by [`Address::key`].
    pub account: &'a dyn Fn(&str) -> Option<Holder>,
    /// Our domains that have accounts. A name without a domain is sought at its own, in one above
    /// it, in the first, then in the only other one that knows it.
    pub domains: &'a [Domain],
    /// What kind of domain this is.
    pub kind: &'a dyn Fn(&Domain) -> DomainKind,
    /// How deep aliases may lead to aliases.
    pub depth_max: usize,
    /// In how many ends one may result.
    pub ends_max: usize,
}

/// Whose a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainKind {
    /// Ours, with accounts.
    Own,
    /// A name of this host or of another that it stands for (`local-host-names`), without
    /// accounts of its own: its users are those of our domains.
    Host,
    /// Somebody else's.
    Elsewhere,
}

/// An account as expansion sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Where its copy goes.
    pub target: Target,
    /// Whether nothing is delivered to it.
    pub disabled: bool,
}

/// What is odd about an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// It leads to a name that nobody has.
    Dangling,
    /// It leads back to itself.
    Loop,
    /// It wants to start a program; refused.
    Program,
    /// It wants to write to a file; refused.
    File,
    /// It wants to include a file from elsewhere; refused.
    Include,
    /// It leads out of our own domains.
    Outside,
    /// It leads to a disabled account.
    Disabled,
    /// It leads too deep or to too many.
    TooLarge,
}

/// What an address ends in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// Accounts that can receive, each once, in order.
    pub targets: Vec<Target>,
    /// Accounts that are disabled.
    pub disabled: Vec<Address>,
    /// Addresses elsewhere.
    pub outside: Vec<Address>,
    /// The first alias on the way, as `name` and where it is written; none for an account itself.
    pub alias: Option<(String, String)>,
    /// What `virtusertable` answers instead of delivering, and where it says so.
    pub error: Option<(ReplyText, String)>,
    /// What is odd.
    pub flags: BTreeSet<Flag>,
    /// The oddities in words, in order, for the review and the trace.
    pub notes: Vec<String>,
    /// The whole walk in words, indented by depth, with the oddities; only where it is to be shown.
    pub steps: Vec<String>,
}

/// An alias with what it ends in, for `alias review`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its name.
    pub name: String,
    /// Where it is written: `store`, or file and line.
    pub origin: String,
    /// Where it leads, as written.
    pub goals: Vec<String>,
    /// The addresses it ends in.
    pub ends: Vec<Address>,
    /// What is odd about it.
    pub flags: Vec<Flag>,
    /// Why, in words.
    pub notes: Vec<String>,
}

impl Flag {
    /// The word of it in lists.
    pub fn word(self) -> &'static str {
        match self {
            Flag::Dangling => "dangling",
            Flag::Loop => "loop",
            Flag::Program => "program",
            Flag::File => "file",
            Flag::Include => "include",
            Flag::Outside => "outside",
            Flag::Disabled => "disabled",
            Flag::TooLarge => "too_large",
        }
    }
}

impl AliasMap {
    /// Merges the aliases of the store (name and goals as written) with those of the files, each
    /// with the file's name. The store goes before a file.
    pub fn new<'s>(
        stored: impl IntoIterator<Item = (String, &'s [String])>,
        file: (&str, &[AliasEntry]),
        virtual_file: (&str, &[VirtualEntry]),
    ) -> Self {
        let mut map = Self::default();
        for (name, goals) in stored {
            map.named.entry(name.to_lowercase()).or_insert_with(|| Alias::stored(goals));
        }
        for entry in file.1 {
            let origin = format!("{}:{}", file.0, entry.line);
            let (goals, refused) = (entry.goals.clone(), entry.refused.clone());
            map.named.entry(entry.name.to_lowercase()).or_insert(Alias { goals, refused, origin });
        }
        for entry in virtual_file.1 {
            let origin = format!("{}:{}", virtual_file.0, entry.line);
            let known = Virtual { goal: entry.goal.clone(), origin };
            match &entry.key {
                VirtualKey::Address(address) => {
                    map.virtual_users.entry(address.key()).or_insert(known);
                }
                VirtualKey::Domain(domain) => {
                    map.catch_alls.entry(domain.clone()).or_insert(known);
                }
            }
        }
        map
    }

    /// Whether exactly this address is an alias, without details and catch-alls.
    pub fn has(&self, address: &Address) -> bool {
        let key = address.key();
        self.virtual_users.contains_key(&key)
            || self.named.contains_key(&key)
            || self.named.contains_key(&address.local.key())
    }
}

impl Alias {
    fn stored(texts: &[String]) -> Self {
        let mut alias = Self { goals: vec![], refused: vec![], origin: "store".to_owned() };
        for text in texts {
            match config::aliases::parse_goals(text) {
                Ok((goals, refused)) => {
                    alias.goals.extend(goals);
                    alias.refused.extend(refused);
                }
                // The store refuses such a goal when it is added.
                Err(why) => alias.refused.push(RefusedGoal { text: text.clone(), why, line: 0 }),
            }
        }
        alias
    }
}

/// Expands an address at one of our domains.
pub fn expand(book: &Book<'_>, address: &Address) -> Expansion {
    expand::expand(book, address)
}

/// Expands what `gatepost alias show` is given, with the steps: an address, or a name without a
/// domain.
pub fn show(book: &Book<'_>, name: &str) -> Option<Expansion> {
    let address = match Address::parse(name) {
        Ok(address) => address,
        Err(_) => Address::at(name, book.domains.first()?).ok()?,
    };
    Some(expand::explain(book, &address))
}

/// Every alias with what it ends in, sorted by name.
pub fn review(book: &Book<'_>) -> Vec<Review> {
    let mut reviews = BTreeMap::new();
    for (name, alias) in &book.aliases.named {
        let goals = alias.goals.iter().map(goal_text);
        let goals = goals.chain(alias.refused.iter().map(|goal| goal.text.clone())).collect();
        let expansion = show(book, name).unwrap_or_default();
        reviews.insert(name.clone(), reviewed(name, &alias.origin, goals, expansion));
    }
    for (name, known) in &book.aliases.virtual_users {
        let expansion = show(book, name).unwrap_or_default();
        let goals = vec![virtual_text(&known.goal)];
        reviews
            .insert(format!("{name} (virtual)"), reviewed(name, &known.origin, goals, expansion));
    }
    for (domain, known) in &book.aliases.catch_alls {
        let name = format!("@{domain}");
        let expansion = expand::expand_catch_all(book, domain, known);
        let goals = vec![virtual_text(&known.goal)];
        reviews.insert(name.clone(), reviewed(&name, &known.origin, goals, expansion));
    }
    reviews.into_values().collect()
}

fn reviewed(name: &str, origin: &str, goals: Vec<String>, expansion: Expansion) -> Review {
    let Expansion { targets, disabled, outside, flags, notes, .. } = expansion;
    let here = targets.into_iter().map(|target| target.address);
    Review {
        name: name.to_owned(),
        origin: origin.to_owned(),
        goals,
        ends: here.chain(disabled).chain(outside).collect(),
        flags: flags.into_iter().collect(),
        notes,
    }
}

fn goal_text(goal: &Goal) -> String {
    match goal {
        Goal::Address(address) => address.to_string(),
        Goal::Local(name) => name.clone(),
        Goal::Final(name) => format!("\\{name}"),
    }
}

fn virtual_text(goal: &VirtualGoal) -> String {
    match goal {
        VirtualGoal::Address(address) => address.to_string(),
        VirtualGoal::Local(name) => name.clone(),
        VirtualGoal::SameUserAt(domain) => format!("%1@{domain}"),
        VirtualGoal::Error(reply) => format!("error: {} {}", reply.code, reply.text),
    }
}

#[cfg(test)]
mod tests;
