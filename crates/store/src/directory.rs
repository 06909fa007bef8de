//! The directory: domains, accounts, aliases and rules in force, held in memory.
//!
//! A [`Directory`] is a snapshot that never changes; the store puts a new one in its place after
//! every change, its own or (heard by the bell, seen by the version) another node's.

mod change;
mod load;
pub(crate) use load::current_version;

pub use change::{NewAccount, NewSubject};

use mail::{AccountId, Address, Domain, MailboxId, Timestamp};
use std::collections::HashMap;

/// All that the directory holds at one version.
#[derive(Debug, Default)]
pub struct Directory {
    /// The version, which every change raises.
    pub version: i64,
    domains: HashMap<Domain, DomainRecord>,
    accounts: HashMap<AccountId, Account>,
    by_key: HashMap<String, AccountId>,
    aliases: HashMap<String, AliasRecord>,
    access: Vec<AccessRecord>,
    subjects: Vec<SubjectRecord>,
}

/// A domain whose mail is kept here.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Whose it is.
    pub organisation: i64,
    /// Its main address, as it was given.
    pub address: Address,
    /// Its INBOX.
    pub inbox: MailboxId,
    /// The stored form of its password; never printed, never traced.
    pub password_hash: PasswordHash,
    /// Whether it may neither log in nor receive.
    pub disabled: bool,
    /// Whether it administers the server.
    pub admin: bool,
    /// Bytes that it may hold; `None` is no bound.
    pub quota: Option<i64>,
}

/// A stored password: readable only where it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// An alias made at run time.
#[derive(Debug, Clone)]
pub struct AliasRecord {
    /// Its number.
    pub id: i64,
    /// Its name, as it was given.
    pub name: Address,
    /// Where it leads, as written.
    pub goals: Vec<String>,
}

/// An access entry made at run time.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
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

impl Directory {
    /// A domain in force.
    pub fn domain(&self, name: &Domain) -> Option<&DomainRecord> {
        self.domains.get(name)
    }

    /// The account with this main address, by [`Address::key`].
    pub fn account_by_key(&self, key: &str) -> Option<&Account> {
        self.by_key.get(key).and_then(|id| self.accounts.get(id))
    }

    /// The account with this number.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The alias with this name, by [`Address::key`].
    pub fn alias(&self, key: &str) -> Option<&AliasRecord> {
        self.aliases.get(key)
    }

    /// Every access entry, in the order they were made.
    pub fn access(&self) -> &[AccessRecord] {
        &self.access
    }

    /// Every subject rule, in the order they were made.
    pub fn subjects(&self) -> &[SubjectRecord] {
        &self.subjects
    }

    /// Every domain, in no order.
    pub fn domains(&self) -> impl Iterator<Item = &DomainRecord> {
        self.domains.values()
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Every alias, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &AliasRecord> {
        self.aliases.values()
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
