//! All durable state: schema, directory, mailboxes, ledger, trace and blobs.
//!
//! [`Store`] is what the other rooms use; [`Database`] is what stands behind it, in two engines:
//! SQLite ([`sqlite`]) and PostgreSQL (`store-cluster`). Only these two crates know SQL.

mod accept;
mod blobs;
mod columns;
pub mod conformance;
pub mod database;
mod directory;
mod disk;
mod error;
mod folder;
mod fsck;
mod housekeeper;
mod ids;
mod in_flight;
mod incoming;
mod job;
mod mailbox;
mod naming;
mod place;
mod quarantine;
pub mod schema;
mod sending;
mod spool;
pub mod sqlite;
mod store;
mod sts;
mod tls_session;
mod trace;

pub use accept::Acceptance;
pub use database::{
    Bell, BoxFuture, Database, DatabaseStats, Expect, Row, Statement, Value, Write,
};
pub use directory::{
    APP_PASSWORDS_MAX, AccessRecord, Account, AliasRecord, AppPassword, Directory, DkimKey,
    DomainRecord, KeySecret, KeyStage, KeyStep, LimitOf, LimitRecord, NewAccount, NewAppPassword,
    NewDkimKey, NewSubject, PasswordHash, SubjectRecord, Verifier,
};
pub use error::Error;
pub use folder::DataLock;
pub use fsck::FsckReport;
pub use incoming::{Body, Incoming};
pub use job::JobLease;
pub use mailbox::{Entry, INBOX, Mailbox, RemovedBy, Rendered};
pub use naming::{NamedFolder, NewName};
pub use place::PLACE_MILLIS;
pub use quarantine::{Actor, Held, HeldFilter, HeldKind, HeldState, Listener, Released};
pub use sending::{SendHold, SentToday};
pub use spool::{
    Attempt, DUE_AT_ONCE, Due, Fate, Lease, Needs, Settlement, SpoolChange, SpoolFilter, Spooled,
};
pub use store::{Store, StoreOptions, StoreStatus};
pub use sts::StsPolicy;
pub use tls_session::{TlsCount, TlsDay, TlsSession};
pub use trace::{About, Counted, TracePage, TraceQuery};
