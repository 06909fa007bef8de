//! The directory: domains, accounts, aliases and rules in force, held in memory.
//!
//! A [`Directory`] is a snapshot that never changes; the store puts a new one in its place after
//! every change, its own or (heard by the bell, seen in the log of changes) another node's. The new
//! one shares with the old what has not changed.

mod catch_up;
mod change;
mod credentials;
mod dkim;
mod limits;
mod load;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub use change::NewAccount;
pub use credentials::{APP_PASSWORDS_MAX, AppPassword, NewAppPassword, Verifier};
pub(crate) use credentials::{key, keys};
pub use dkim::{DkimKey, KeySecret, KeyStage, KeyStep, NewDkimKey};
pub use rules::NewSubject;

use mail::{AccountId, Address, Domain, MailboxId, SenderGrant, Timestamp};
use std::sync::Arc;
use table::{Record, Table};

/// All that the directory holds at one version.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Directory {
    /// The version, which every change raises.
    pub version: i64,
    domains: Table<DomainRecord>,
    accounts: Table<Account>,
    aliases: Table<AliasRecord>,
    /// Both in the order of their numbers. A change copies all of its kind: rules are few, and
    /// whoever decides by them compiles all of them anew anyway.
    access: Arc<Vec<AccessRecord>>,
    subjects: Arc<Vec<SubjectRecord>>,
    /// In the order of their domains and numbers; shared one by one, for a copy of all is made
    /// with every change.
    dkim_keys: Arc<Vec<Arc<DkimKey>>>,
    limits: Arc<Vec<LimitRecord>>,
}

/// A domain whose mail is kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRecord {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub organisation: i64,
    /// The domain.
    pub name: Domain,
    /// Since when it is in force.
    pub since: Timestamp,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Whose it is.
    pub organisation: i64,
    /// Its main address, as it was given.
    pub address: Address,
    /// Its INBOX.
    pub inbox: MailboxId,
    /// Its mailbox for doubtful mail (RFC 6154 §2), unless it has none.
    pub junk: Option<MailboxId>,
    /// The stored form of its password; never printed, never traced.
    pub password_hash: PasswordHash,
    /// Whether it may neither log in nor receive.
    pub disabled: bool,
    /// Whether it administers the server.
    pub admin: bool,
    /// Bytes that it may hold; `None` is no bound.
    pub quota: Option<i64>,
    /// Its app passwords, in the order they were made; those that have expired are among them until
    /// somebody ends them.
    pub app_passwords: Arc<[AppPassword]>,
    /// What it may send as, besides its own addresses.
    pub grants: Arc<[SenderGrant]>,
}

/// A stored password: readable only where it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// An alias made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasRecord {
    /// Its number.
    pub id: i64,
    /// Its name, as it was given.
    pub name: Address,
    /// Where it leads, as written.
    pub goals: Vec<String>,
}

/// An access entry made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Its number.
    pub id: i64,
    /// `Connect`, `From`, `To` or empty.
    pub tag: String,
    /// What it speaks of.
    pub key: String,
    /// What it says.
    pub value: String,
    /// Why, for the next administrator.
    pub reason: String,
    /// When it ends by itself. The directory lists it until somebody ends it; who decides looks.
    pub expires: Option<Timestamp>,
    /// How often it had decided when the directory was loaded.
    pub hits: i64,
}

/// A subject rule made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRecord {
    /// Its number.
    pub id: i64,
    /// `text`, `prefix` or `regex`.
    pub kind: String,
    /// What the normalised subject must match.
    pub pattern: String,
    /// Reply code; 0 is the default.
    pub code: u16,
    /// Enhanced code as `5.7.1`; empty is the default.
    pub enhanced: String,
    /// Reply text; empty is the default.
    pub text: String,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// How often it had decided when the directory was loaded.
    pub hits: i64,
}

/// Limits of sending for one account or domain, in place of the settings'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRecord {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub of: LimitOf,
    /// Recipients a day; `None`: as the next wider says.
    pub recipients: Option<u64>,
    /// First-time recipients a day; `None`: as the next wider says.
    pub first_time: Option<u64>,
}

/// Whose limits they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOf {
    /// One account's.
    Account(AccountId),
    /// Those of every account in a domain, by its number.
    Domain(i64),
}

impl Directory {
    /// The limits of an account or a domain, if it has any of its own. There are few of them.
    pub fn send_limit(&self, of: LimitOf) -> Option<&LimitRecord> {
        self.limits.iter().find(|limit| limit.of == of)
    }

    /// A domain in force.
    pub fn domain(&self, name: &Domain) -> Option<&DomainRecord> {
        self.domains.by_key(name.as_str())
    }

    /// The account with this main address, by [`Address::key`].
    pub fn account_by_key(&self, key: &str) -> Option<&Account> {
        self.accounts.by_key(key)
    }

    /// The account with this number.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.by_id(id.0)
    }

    /// The alias with this name, by [`Address::key`].
    pub fn alias(&self, key: &str) -> Option<&AliasRecord> {
        self.aliases.by_key(key)
    }

    /// Every access entry, in the order they were made.
    pub fn access(&self) -> &[AccessRecord] {
        &self.access
    }

    /// Every subject rule, in the order they were made.
    pub fn subjects(&self) -> &[SubjectRecord] {
        &self.subjects
    }

    /// Every key that signs, is to sign, or has signed until lately, by domain and age.
    pub fn dkim_keys(&self) -> &[Arc<DkimKey>] {
        &self.dkim_keys
    }

    /// Those of one domain, oldest first.
    pub fn dkim_keys_of(&self, domain: &Domain) -> &[Arc<DkimKey>] {
        let from = self.dkim_keys.partition_point(|key| key.domain < *domain);
        let rest = self.dkim_keys.get(from..).unwrap_or_default();
        let end = rest.partition_point(|key| key.domain == *domain);
        rest.get(..end).unwrap_or_default()
    }

    /// Whether what maps are compiled from (domains, aliases, access entries) is the same in both:
    /// with thousands of people, most changes are of accounts. May say no where nothing differs.
    pub fn has_maps_of(&self, other: &Self) -> bool {
        self.domains.is_shared_with(&other.domains)
            && self.aliases.is_shared_with(&other.aliases)
            && Arc::ptr_eq(&self.access, &other.access)
    }

    /// Every domain, in no order.
    pub fn domains(&self) -> impl Iterator<Item = &DomainRecord> {
        self.domains.iter()
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// Every alias, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &AliasRecord> {
        self.aliases.iter()
    }
}

impl Record for DomainRecord {
    fn id(&self) -> i64 {
        self.id
    }

    fn key(&self) -> String {
        self.name.as_str().to_owned()
    }
}

impl Record for Account {
    fn id(&self) -> i64 {
        self.id.0
    }

    fn key(&self) -> String {
        self.address.key()
    }
}

impl Record for AliasRecord {
    fn id(&self) -> i64 {
        self.id
    }

    fn key(&self) -> String {
        self.name.key()
    }
}

impl PasswordHash {
    /// The stored form, for verifying.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for PasswordHash {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
