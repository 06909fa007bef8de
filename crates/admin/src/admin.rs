//! What operations work on.

use crate::{DoorView, Error, LogLine, Sessions, Workers};
use filter::Filter;
use mail::{AccountId, Credential, Timestamp};
use net::{Clock, Resolver, ServerTls};
use policy::Policy;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use store::Store;

/// A future that some hook gives.
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Everything that operations work on; one for the whole server.
pub struct Admin {
    pub(crate) store: Arc<Store>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) clock: Clock,
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) running: Option<Running>,
}

/// What an [`Admin`] is made of.
pub struct AdminParts {
    /// Where everything is kept.
    pub store: Arc<Store>,
    /// The maps in force.
    pub policy: Arc<Policy>,
    /// The subject rules in force.
    pub filter: Arc<Filter>,
    /// The time.
    pub clock: Clock,
    /// Whom the DNS is asked of; none where there is nobody to ask.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// The certificate that the doors show, if there is one.
    pub tls: Option<ServerTls>,
    /// The running server, or none where an operation works on the store alone.
    pub running: Option<Running>,
}

/// What operations want of a running server.
pub struct Running {
    /// Reads settings, maps and certificate anew; answers what was done, or why nothing was.
    pub reload: Box<dyn Fn() -> BoxFuture<Result<String, String>> + Send + Sync>,
    /// Ends the open sessions of an account at once: those that this credential opened, or all.
    /// Answers how many there were.
    pub end_sessions: Box<dyn Fn(AccountId, Option<Credential>) -> usize + Send + Sync>,
    /// What only the running server knows.
    pub facts: Box<dyn Fn() -> Facts + Send + Sync>,
}

/// What only a running server knows of itself.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Each door with its sessions.
    pub doors: Vec<DoorView>,
    /// Open sessions at all doors, and how many there may be.
    pub sessions: Sessions,
    /// When the certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// The newest warnings and errors of the log, newest last.
    pub log: Vec<LogLine>,
    /// The workers that look into mail.
    pub workers: Workers,
    /// When the server started.
    pub started: Option<Timestamp>,
}

impl Admin {
    /// Puts the parts together.
    pub fn new(parts: AdminParts) -> Self {
        let AdminParts { store, policy, filter, clock, resolver, tls, running } = parts;
        Self { store, policy, filter, clock, resolver, tls, running }
    }

    /// Flushes and closes the store; for whoever worked on it without a server.
    pub async fn close(&self) {
        self.policy.flush();
        self.store.close().await;
    }

    pub(crate) fn running(&self) -> Result<&Running, Error> {
        self.running.as_ref().ok_or_else(|| Error::Refused("no server is running".to_owned()))
    }
}
