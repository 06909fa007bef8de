//! The walk from an address to what it ends in.

use super::{Alias, Book, DomainKind, Expansion, Flag, Holder, Virtual};
use config::aliases::{Goal, RefusedGoal};
use config::virtusertable::VirtualGoal;
use mail::{Address, Domain};

/// Steps that are told of one walk: more than anyone reads.
const STEPS_TOLD: usize = 1_000;
/// Aliases looked at in one walk, for each end that may result: bounds the time of a walk through
/// aliases that lead to nothing.
const STEPS_PER_END: usize = 4;

struct Walk<'b, 'a> {
    book: &'b Book<'a>,
    out: Expansion,
    /// Names of the aliases that are being expanded, outermost first.
    path: Vec<String>,
    steps: usize,
    /// Whether the steps are to be told. A session does not want them.
    telling: bool,
}

/// What an address is found to be.
enum Found<'a> {
    Virtual(&'a str, &'a Virtual),
    Alias(String, &'a Alias),
    Account(Holder),
    Nobody,
}

pub(super) fn expand(book: &Book<'_>, address: &Address) -> Expansion {
    let mut walk = Walk::new(book);
    walk.address(address, true);
    walk.out
}

/// The same, with the steps told.
pub(super) fn explain(book: &Book<'_>, address: &Address) -> Expansion {
    let mut walk = Walk { telling: true, ..Walk::new(book) };
    walk.address(address, true);
    walk.out
}

pub(super) fn expand_catch_all(book: &Book<'_>, domain: &Domain, known: &Virtual) -> Expansion {
    let mut walk = Walk::new(book);
    if let VirtualGoal::SameUserAt(to) = &known.goal {
        // Each user goes to their own address there: there is no single end to show.
        walk.out.notes.push(format!("every user at {domain} to the same user at {to}"));
        if (book.kind)(to) == DomainKind::Elsewhere {
            walk.out.flags.insert(Flag::Outside);
        }
        return walk.out;
    }
    if let Ok(anybody) = Address::at("anybody", domain) {
        walk.virtual_user(&format!("@{domain}"), known, &anybody);
    }
    walk.out
}

impl<'b, 'a> Walk<'b, 'a> {
    fn new(book: &'b Book<'a>) -> Self {
        Self { book, out: Expansion::default(), path: Vec::new(), steps: 0, telling: false }
    }

    /// An address at any domain; `virtually`: whether `virtusertable` is asked too.
    fn address(&mut self, address: &Address, virtually: bool) {
        let Some(domain) = address.domain() else { return self.outside(address) };
        let kind = (self.book.kind)(domain);
        if kind == DomainKind::Elsewhere {
            return self.outside(address);
        }
        self.steps += 1;
        if self.steps > self.book.ends_max.saturating_mul(STEPS_PER_END) {
            let most = self.book.ends_max;
            return self.too_large(format!(
                "more than {STEPS_PER_END} aliases on the way for each end of \
                 limits.alias_fanout_max = {most}"
            ));
        }
        match self.find(address, domain, virtually) {
            Found::Virtual(name, known) => self.virtual_user(name, known, address),
            Found::Alias(name, alias) => self.alias(&name, alias, address, domain),
            Found::Account(holder) => self.account(holder),
            Found::Nobody if kind == DomainKind::Host => self.local(&address.local.key(), domain),
            Found::Nobody => self.odd(Flag::Dangling, format!("nobody has {address}")),
        }
    }

    fn find(&self, address: &Address, domain: &Domain, virtually: bool) -> Found<'a> {
        let aliases = self.book.aliases;
        let local = address.local.key();
        for name in crate::access::spellings(&local) {
            let key = format!("{name}@{domain}");
            if virtually && let Some((name, known)) = aliases.virtual_users.get_key_value(&key) {
                return Found::Virtual(name, known);
            }
            if let Some(alias) = aliases.named.get(&key) {
                return Found::Alias(key, alias);
            }
            if let Some(alias) = aliases.named.get(&name) {
                return Found::Alias(name, alias);
            }
            if let Some(holder) = (self.book.account)(&key) {
                return Found::Account(holder);
            }
        }
        match aliases.catch_alls.get(domain) {
            Some(known) if virtually => Found::Virtual("", known),
            _ => Found::Nobody,
        }
    }

    fn virtual_user(&mut self, name: &str, known: &Virtual, address: &Address) {
        let name = if name.is_empty() { format!("@{}", address.host) } else { name.to_owned() };
        if !self.enter(format!("{name} (virtual)"), &known.origin, address) {
            return;
        }
        match &known.goal {
            VirtualGoal::Address(to) => self.address(to, true),
            VirtualGoal::Local(user) => {
                if let Some(domain) = address.domain() {
                    self.local(user, domain);
                }
            }
            VirtualGoal::SameUserAt(domain) => {
                let to = Address {
                    local: address.local.clone(),
                    host: mail::Host::Domain(domain.clone()),
                };
                self.address(&to, true);
            }
            VirtualGoal::Error(reply) => {
                let answered = format!("{name}: answered {} {}", reply.code, reply.text);
                self.step(|| answered.clone());
                self.out.notes.push(answered);
                self.out.error.get_or_insert((reply.clone(), known.origin.clone()));
            }
        }
        self.path.pop();
    }

    fn alias(&mut self, name: &str, alias: &Alias, address: &Address, domain: &Domain) {
        if !self.enter(name.to_owned(), &alias.origin, address) {
            return;
        }
        for refused in &alias.refused {
            let note = format!("{name}: `{}` refused: {}", refused.text, refused.why);
            self.odd(refused_flag(refused), note);
        }
        if alias.goals.is_empty() && alias.refused.is_empty() {
            self.odd(Flag::Dangling, format!("{name} leads nowhere"));
        }
        for goal in &alias.goals {
            if self.out.flags.contains(&Flag::TooLarge) {
                break;
            }
            match goal {
                Goal::Address(to) => self.address(to, true),
                Goal::Local(user) => self.local(user, domain),
                Goal::Final(user) => self.mailbox(user, domain),
            }
        }
        self.path.pop();
    }

    /// A name without a domain leads on.
    fn local(&mut self, user: &str, domain: &Domain) {
        let known = |address: &Address, home: &Domain| {
            !matches!(self.find(address, home, false), Found::Nobody)
        };
        match self.home(user, domain, known) {
            Ok(address) => self.address(&address, false),
            Err(why) => self.odd(Flag::Dangling, why),
        }
    }

    /// `\user`: the mailbox itself, whatever aliases there are.
    fn mailbox(&mut self, user: &str, domain: &Domain) {
        match self.holder(user, domain) {
            Ok(holder) => self.account(holder),
            Err(why) => self.odd(Flag::Dangling, why),
        }
    }

    fn holder(&self, user: &str, domain: &Domain) -> Result<Holder, String> {
        let known = |address: &Address, _: &Domain| (self.book.account)(&address.key()).is_some();
        let address = self.home(user, domain, known)?;
        (self.book.account)(&address.key()).ok_or_else(|| format!("nobody is called {user}"))
    }

    /// Where a name without a domain is at home: at the domain where it was met or one above it,
    /// else at our first, else at the only other one that knows it. Never guesses between two.
    fn home(
        &self,
        user: &str,
        domain: &Domain,
        known: impl Fn(&Address, &Domain) -> bool,
    ) -> Result<Address, String> {
        let at = |home: &Domain| Address::at(user, home).ok().filter(|a| known(a, home));
        let above = domain
            .ancestors()
            .filter_map(|name| Domain::parse(name).ok())
            .filter(|name| (self.book.kind)(name) == DomainKind::Own)
            .find_map(|name| at(&name));
        if let Some(address) = above.or_else(|| self.book.domains.first().and_then(at)) {
            return Ok(address);
        }
        let mut others = self.book.domains.iter().filter_map(at);
        match (others.next(), others.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(format!("nobody is called {user}")),
            _ => Err(format!("{user} is known at several domains: name one")),
        }
    }

    fn account(&mut self, holder: Holder) {
        if holder.disabled {
            let address = holder.target.address;
            self.odd(Flag::Disabled, format!("{address} is disabled"));
            if !self.out.disabled.contains(&address) {
                self.out.disabled.push(address);
            }
            return;
        }
        self.step(|| holder.target.address.to_string());
        if !self.out.targets.iter().any(|t| t.account == holder.target.account) {
            self.out.targets.push(holder.target);
            self.count_ends();
        }
    }

    fn outside(&mut self, address: &Address) {
        self.odd(Flag::Outside, format!("{address} is elsewhere"));
        if !self.out.outside.contains(address) {
            self.out.outside.push(address.clone());
            self.count_ends();
        }
    }

    fn count_ends(&mut self) {
        if self.out.targets.len() + self.out.outside.len() > self.book.ends_max {
            let most = self.book.ends_max;
            self.too_large(format!("more ends than limits.alias_fanout_max = {most}"));
        }
    }

    /// Goes into an alias; `false` if it is on the way already or too deep.
    fn enter(&mut self, name: String, origin: &str, address: &Address) -> bool {
        if self.path.contains(&name) {
            self.again(&name, address);
            return false;
        }
        if self.path.len() >= self.book.depth_max {
            let most = self.book.depth_max;
            self.too_large(format!("aliases lead deeper than limits.alias_depth_max = {most}"));
            return false;
        }
        self.out.alias.get_or_insert_with(|| (name.clone(), origin.to_owned()));
        self.step(|| format!("{name} ({origin}) leads to"));
        self.path.push(name);
        true
    }

    /// An alias that is met inside itself means its own mailbox, as in `anna: anna, bert`; it is
    /// a loop if there is none, or if other aliases lie between.
    fn again(&mut self, name: &str, address: &Address) {
        let holder = match address.domain() {
            Some(domain) if !name.contains('@') => self.holder(name, domain).ok(),
            _ => (self.book.account)(&address.key()),
        };
        if self.path.last().is_none_or(|last| last != name) || holder.is_none() {
            self.odd(Flag::Loop, format!("{name} leads back to itself"));
        }
        if let Some(holder) = holder {
            self.account(holder);
        }
    }

    /// Names the limit first of all: a trace row has room for few notes, a large alias has many.
    fn too_large(&mut self, limit: String) {
        if self.out.flags.insert(Flag::TooLarge) {
            self.step(|| format!("{}: {limit}", Flag::TooLarge.word()));
            self.out.notes.insert(0, limit);
        }
    }

    fn odd(&mut self, flag: Flag, note: String) {
        self.out.flags.insert(flag);
        self.step(|| format!("{}: {note}", flag.word()));
        // A review of a hopeless alias need not list every fault of it.
        if self.out.notes.len() < 100 {
            self.out.notes.push(note);
        }
    }

    /// Tells a step, indented by how deep it is.
    fn step(&mut self, what: impl FnOnce() -> String) {
        if self.telling && self.out.steps.len() < STEPS_TOLD {
            self.out.steps.push(format!("{}{}", "  ".repeat(self.path.len()), what()));
        }
    }
}

fn refused_flag(refused: &RefusedGoal) -> Flag {
    let text = refused.text.trim_start_matches(['"', ' ', '\\']);
    match text.chars().next() {
        Some('|') => Flag::Program,
        Some('/') => Flag::File,
        Some(':') => Flag::Include,
        _ => Flag::Dangling,
    }
}
