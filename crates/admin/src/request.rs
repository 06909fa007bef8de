//! What an administrator can ask for: one variant an operation, the same for CLI, API and pages.

use crate::{Error, QuarantineRequest, ScannerRequest};
use mail::{Address, Domain, EntryId, MessageId, Protocol, ReplyText, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

/// What to say of a cursor that no page gave.
pub(crate) const CURSOR_WRONG: &str = "the cursor is not one that a page of this list gave";

/// An operation, as it travels over the administrator's socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Doors, sessions, commits, disk, last errors.
    Status,
    /// Read settings and maps anew.
    Reload,
    /// Prove the ledger and the mailboxes.
    Fsck,
    /// List domains.
    DomainList(Paging),
    /// Add a domain.
    DomainAdd {
        /// The domain.
        domain: Domain,
    },
    /// End a domain; refused while it has accounts.
    DomainRemove {
        /// The domain.
        domain: Domain,
    },
    /// The DNS records to publish for a domain.
    DomainDns {
        /// The domain.
        domain: Domain,
    },
    /// List the keys that sign what leaves.
    DkimList {
        /// Of this domain; none means all.
        domain: Option<Domain>,
        /// Which page.
        #[serde(flatten)]
        paging: Paging,
    },
    /// Change the keys of a domain.
    DkimChange {
        /// The domain.
        domain: Domain,
        /// What is to be done.
        what: DkimWhat,
    },
    /// List accounts.
    AccountList(Paging),
    /// Add an account. Without password and hash a password is made and answered once.
    AccountAdd {
        /// Its main address, at a domain of this server.
        address: Address,
        /// The password, in clear.
        password: Option<String>,
        /// A stored form from elsewhere: crypt, bcrypt, or one of Dovecot's.
        hash: Option<String>,
        /// Bytes the account may hold; none means no bound.
        quota: Option<i64>,
        /// Whether it administers the server.
        admin: bool,
    },
    /// Give an account a new password; without one it is made and answered once.
    AccountPassword {
        /// The account.
        address: Address,
        /// The password, in clear.
        password: Option<String>,
    },
    /// Disable (ends open sessions at once) or enable an account.
    AccountDisable {
        /// The account.
        address: Address,
        /// `false` enables it again.
        disabled: bool,
    },
    /// What an account, or a user of this machine, may send a day.
    AccountLimit {
        /// The account's address, or `uid:1000`.
        who: String,
        /// What is done about it.
        change: LimitChange,
    },
    /// What every account in a domain may send a day.
    DomainLimit {
        /// The domain.
        domain: Domain,
        /// What is done about it; its day cannot be counted anew.
        change: LimitChange,
    },
    /// Remove an account with its mail.
    AccountRemove {
        /// The account.
        address: Address,
    },
    /// All that is known of an account.
    AccountShow {
        /// The account.
        address: Address,
    },
    /// Let an account send as an address, or as all of a domain.
    AccountGrant {
        /// The account.
        address: Address,
        /// `info@example.org`, or `@example.org` for all of it.
        grant: String,
    },
    /// End what was granted.
    AccountRevoke {
        /// The account.
        address: Address,
        /// As it was granted.
        grant: String,
    },
    /// Make an app password; it is answered once.
    AppPasswordAdd {
        /// The account.
        address: Address,
        /// What its owner calls it.
        name: String,
        /// What it is good for, at least one.
        protocols: Vec<Protocol>,
        /// From where it may be used: addresses and networks; none means anywhere.
        networks: Vec<String>,
        /// When it ends by itself.
        expires: Option<Timestamp>,
    },
    /// List the app passwords of an account.
    AppPasswordList {
        /// The account.
        address: Address,
    },
    /// Remove an app password (ends its open sessions at once).
    AppPasswordRemove {
        /// The account.
        address: Address,
        /// Its name.
        name: String,
    },
    /// List aliases, of the store and of the files.
    AliasList(Paging),
    /// Add an alias.
    AliasAdd {
        /// The alias.
        name: Address,
        /// Where it leads.
        goals: Vec<String>,
    },
    /// End an alias of the store.
    AliasRemove {
        /// The alias.
        name: Address,
    },
    /// Every alias with what it ends in and what is wrong with it.
    AliasReview(Paging),
    /// What one alias expands to.
    AliasShow {
        /// The alias, with or without a domain.
        name: String,
    },
    /// List access entries, of the store and of the file.
    AccessList(Paging),
    /// Add an access entry.
    AccessAdd {
        /// `Connect`, `From`, `To` or empty.
        tag: String,
        /// Address, `user@`, domain, network.
        key: String,
        /// `REJECT`, `OK`, `RELAY`, `DISCARD`, `ERROR:5.7.1:550 text`.
        value: String,
        /// Why, for the next administrator.
        reason: String,
        /// When it ends by itself.
        expires: Option<Timestamp>,
    },
    /// End an access entry of the store.
    AccessRemove {
        /// Its number, from the list.
        id: i64,
    },
    /// Which entry would decide.
    AccessTest {
        /// `Connect`, `From` or `To`.
        tag: String,
        /// An address, domain or network address.
        value: String,
    },
    /// List subject rules, of the store and of the settings.
    SubjectList(Paging),
    /// Add a subject rule.
    SubjectAdd {
        /// `text`, `prefix` or `regex`.
        kind: String,
        /// What the normalised subject must match.
        pattern: String,
        /// The reply; 553 by default.
        reply: Option<ReplyText>,
        /// When it ends by itself.
        expires: Option<Timestamp>,
    },
    /// End a subject rule of the store.
    SubjectRemove {
        /// Its number, from the list.
        id: i64,
    },
    /// Which rule a subject would match.
    SubjectTest {
        /// The subject, as a header field's value.
        subject: String,
    },
    /// List the mailboxes of an account.
    MailboxList {
        /// The account.
        address: Address,
    },
    /// List the messages of a mailbox.
    MailboxShow {
        /// The account.
        address: Address,
        /// The mailbox's name.
        mailbox: String,
        /// Which page.
        #[serde(flatten)]
        paging: Paging,
    },
    /// Move messages between two mailboxes of an account.
    MailboxMove {
        /// The account.
        address: Address,
        /// From this mailbox.
        from: String,
        /// To that one.
        to: String,
        /// Which entries; empty means all.
        entries: Vec<EntryId>,
    },
    /// A window of a message as its mailbox shows it.
    MessageRead {
        /// The account.
        address: Address,
        /// The mailbox's name.
        mailbox: String,
        /// The message's UID there.
        uid: i64,
        /// Where the window begins.
        offset: u64,
    },
    /// List what waits for other servers.
    QueueList {
        /// Which copies.
        filter: QueueFilter,
        /// Which page.
        #[serde(flatten)]
        paging: Paging,
    },
    /// All that is known of one copy.
    QueueShow {
        /// Its number, from the list.
        id: i64,
    },
    /// Which servers mail for a domain would go to now, and why these.
    QueueRoute {
        /// A domain, an address at it, or an address literal in brackets.
        destination: String,
    },
    /// How TLS to other servers went, counted; at most 1,000 rows, the newest days first.
    QueueTls {
        /// Of this domain alone.
        domain: Option<Domain>,
        /// Of so many days, today among them.
        days: u32,
    },
    /// Hold, release, retry or remove copies.
    QueueChange {
        /// What is done.
        what: QueueWhat,
        /// To these.
        ids: Vec<i64>,
        /// And to all of these.
        filter: Option<QueueFilter>,
    },
    /// What is held, and what is done about it.
    Quarantine(QuarantineRequest),
    /// Something about scanners.
    Scanner(ScannerRequest),
    /// What happened and why.
    Trace {
        /// Whose rows.
        about: TraceAbout,
        /// Which page.
        #[serde(flatten)]
        paging: Paging,
    },
}

/// Which rows of the trace are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceAbout {
    /// Of a message.
    Message(MessageId),
    /// Of a session.
    Session(SessionId),
    /// Of an address, as sender or recipient.
    Address(String),
    /// Of anything.
    Everything,
}

/// Which copies of the queue are meant; what is left out means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueFilter {
    /// This destination.
    pub destination: Option<String>,
    /// This sender.
    pub sender: Option<String>,
    /// This message.
    pub message: Option<MessageId>,
    /// What this account sent, by its address, or this user of the server's machine, as `uid:1000`.
    #[serde(default)]
    pub account: Option<String>,
    /// Only what is held.
    #[serde(default)]
    pub held: bool,
}

/// What is done about a limit of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitChange {
    /// Nothing: it is shown.
    Show,
    /// Other numbers; what is left out stays as it is.
    Set {
        /// Recipients a day.
        recipients: Option<u64>,
        /// First-time recipients a day.
        first_time: Option<u64>,
    },
    /// No own ones any more.
    Default,
    /// What was sent today is counted anew from nothing.
    Reset,
}

/// What is done to copies of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueWhat {
    /// They stay until they are released.
    Hold,
    /// They are held no more, and due now.
    Release,
    /// They are due now.
    Retry,
    /// They are removed, and nobody is told.
    Remove,
}

impl QueueWhat {
    /// The sentence's end that says it is done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            QueueWhat::Hold => "held",
            QueueWhat::Release => "released",
            QueueWhat::Retry => "tried again now",
            QueueWhat::Remove => "removed",
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Paging {
    /// Rows on the page, 1 to 1,000.
    #[serde(default = "Paging::limit_default")]
    pub limit: usize,
    /// What the page before gave as `next`; none for the first.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// What an administrator does with the keys of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DkimWhat {
    /// Make keys to follow those that sign.
    Rotate,
    /// Have keys that wait sign now.
    Activate {
        /// Also where the DNS does not show their records.
        unseen: bool,
    },
    /// A key signs no more; its secret is wiped.
    Retire {
        /// Which.
        selector: String,
    },
}

impl Paging {
    /// The largest page.
    pub const LIMIT_MAX: usize = 1_000;

    fn limit_default() -> usize {
        100
    }

    /// How many rows the page has.
    pub(crate) fn rows(&self) -> Result<usize, Error> {
        let fitting = (1..=Self::LIMIT_MAX).contains(&self.limit);
        fitting.then_some(self.limit).ok_or_else(|| {
            Error::Invalid(format!("a page has 1 to {} rows, not {}", Self::LIMIT_MAX, self.limit))
        })
    }

    /// The cursor of a list that goes by numbers.
    pub(crate) fn number(&self) -> Result<Option<i64>, Error> {
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        cursor.map_err(|_| Error::Invalid(CURSOR_WRONG.to_owned()))
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: Self::limit_default(), cursor: None }
    }
}
