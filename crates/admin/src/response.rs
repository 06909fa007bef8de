//! What an operation answers: typed, so that every skin can show it in its own way.

use crate::records::DnsRecords;
use crate::{QuarantineResponse, ScannerResponse, Status};
use mail::{Address, EntryId, MailboxId, MessageId, Protocol, Reason, Timestamp, TraceRow};
use serde::{Deserialize, Serialize};

/// The result of a [`crate::Request`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "result", content = "value", rename_all = "snake_case")]
pub enum Response {
    /// Done; a sentence that says what.
    Done(String),
    /// The state of the server.
    Status(Box<Status>),
    /// What `fsck` found.
    Fsck(Fsck),
    /// Domains.
    Domains(Page<DomainView>),
    /// The DNS records of a domain.
    DomainDns(Box<DnsRecords>),
    /// Keys that sign what leaves.
    DkimKeys(Page<DkimKeyView>),
    /// Accounts.
    Accounts(Page<AccountView>),
    /// A new account or password; the password only if the server made it.
    Password {
        /// The account.
        address: Address,
        /// Whether the account is new.
        added: bool,
        /// Shown this once.
        password: Option<String>,
    },
    /// One account.
    Account {
        /// The account.
        account: Box<AccountView>,
        /// Its app passwords.
        app_passwords: Vec<AppPasswordView>,
    },
    /// A new app password.
    AppPassword {
        /// The account.
        address: Address,
        /// Its name.
        name: String,
        /// Shown this once.
        password: String,
    },
    /// The app passwords of an account.
    AppPasswords(Vec<AppPasswordView>),
    /// Aliases.
    Aliases(Page<AliasView>),
    /// Every alias with what it ends in.
    AliasReview(Page<AliasReview>),
    /// Access entries.
    AccessEntries(Page<AccessView>),
    /// Which entry decides; none if no entry speaks.
    AccessTest(Option<AccessView>),
    /// Subject rules.
    Subjects(Page<SubjectView>),
    /// What the subject is normalised to, and the rule it matches.
    SubjectTest {
        /// The normalised subject.
        normalised: String,
        /// The rule, if one matches.
        rule: Option<SubjectView>,
    },
    /// The mailboxes of an account.
    Mailboxes(Vec<MailboxView>),
    /// The messages of a mailbox.
    Entries(Page<EntryView>),
    /// A window of a message, base64; empty at its end.
    Window {
        /// The bytes, base64.
        bytes: String,
        /// Size of the whole.
        size: u64,
    },
    /// What waits for other servers.
    Queue(Page<QueueView>),
    /// One copy of it.
    QueueEntry(Box<QueueView>),
    /// Where mail for a domain would go.
    QueueRoute(RouteView),
    /// What an account or a domain may send a day.
    SendLimit(SendLimitView),
    /// How TLS to other servers went.
    TlsCounts(Vec<TlsCountView>),
    /// What is held.
    Quarantine(QuarantineResponse),
    /// Of scanners.
    Scanner(ScannerResponse),
    /// Rows of the trace.
    Trace(TraceView),
}

/// What an account, a domain or a user of this machine may send a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendLimitView {
    /// Whose it is.
    pub who: String,
    /// Whether it has numbers of its own; else they are its domain's or the settings'.
    pub own: bool,
    /// Recipients a day.
    pub recipients: u64,
    /// First-time recipients a day.
    pub first_time: u64,
    /// What was sent today; none for a domain.
    pub today: Option<SentView>,
}

/// What was sent today, and what may be after the clean days before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentView {
    /// Recipients elsewhere.
    pub recipients: u64,
    /// Those it never wrote to before.
    pub first_time: u64,
    /// Copies that were held.
    pub held: u64,
    /// Clean days that the limits have grown by, a tenth each.
    pub clean_days: u64,
    /// Recipients that it may write to today.
    pub recipients_max: u64,
    /// First-time recipients that it may write to today.
    pub first_time_max: u64,
}

impl From<store::SentToday> for SentView {
    fn from(sent: store::SentToday) -> Self {
        Self {
            recipients: sent.recipients,
            first_time: sent.first_time,
            held: sent.held,
            clean_days: sent.clean,
            recipients_max: sent.limits.recipients,
            first_time_max: sent.limits.first_time,
        }
    }
}

/// A copy that waits for another server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Its number.
    pub id: i64,
    /// What it is a copy of.
    pub message: MessageId,
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipient.
    pub recipient: String,
    /// Its domain, or an address literal in brackets.
    pub destination: String,
    /// `waiting`, `due`, `being sent`, `deferred` or `held`.
    pub state: String,
    /// Why it is held; empty if it is not.
    pub held: String,
    /// Bytes.
    pub size: u64,
    /// When it was accepted.
    pub queued: Timestamp,
    /// When it is tried next.
    pub next: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last one ended.
    pub last: Option<Timestamp>,
    /// The reply code that the other server gave; 0 if none.
    pub reply: u16,
    /// Why it failed, in the words of the trace.
    pub reason: String,
    /// What the other server said, or what happened.
    pub text: String,
    /// The server that was asked.
    pub host: String,
    /// What usually helps; empty where nothing is known.
    pub cure: String,
}

/// Where mail for a domain would go now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    /// The domain, or an address literal in brackets.
    pub destination: String,
    /// What decides it, as `send.smarthost = relay.example:587` or `the domain's MX`.
    pub basis: String,
    /// The servers in the order in which they are tried; none where there is no way.
    pub servers: Vec<ServerView>,
    /// The domain's policy on TLS (MTA-STS) that is kept, which narrows the servers further:
    /// `enforce` or `testing`; empty where there is none.
    pub policy: String,
    /// Why there is no way, in the words of the trace; empty where there is one.
    pub reason: String,
    /// The same for people.
    pub text: String,
    /// Whether time may cure it.
    pub is_temporary: bool,
}

/// A server that mail would go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// Its name, or its address where nothing else is known.
    pub name: String,
    /// Its address and port.
    pub address: String,
    /// What its TLS has to be: `none` (TLS if it is offered), `tls`, `dane` or `certificate`.
    pub trust: String,
}

/// Sessions with servers of one domain that went alike on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsCountView {
    /// The day's first moment (UTC).
    pub day: Timestamp,
    /// The domain.
    pub domain: String,
    /// Whose policy held: `tlsa`, `sts` or `no-policy-found` (RFC 8460 §4.4).
    pub policy: String,
    /// What failed, in the words of RFC 8460 §4.3; empty for a success.
    pub result: String,
    /// The server; empty for successes.
    pub host: String,
    /// More about a failure.
    pub detail: String,
    /// How many.
    pub sessions: u64,
}

/// A page of the trace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TraceView {
    /// The rows, newest last.
    pub rows: Vec<TraceRow>,
    /// What to give as `cursor` for the page of older rows; none at the end.
    pub next: Option<String>,
    /// Refusals that were only counted, newest first: on the first page of the whole trace.
    #[serde(default)]
    pub counted: Vec<CountedView>,
}

/// Refusals of one source and reason that were too many to be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedView {
    /// The /24 or /64 they came from.
    pub network: String,
    /// Why they were refused.
    pub reason: Reason,
    /// How many.
    pub refusals: u64,
    /// The last minute in which there were any.
    pub last: Timestamp,
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// What to give as `cursor` for the next page; none at the end.
    pub next: Option<String>,
}

/// A domain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DomainView {
    /// A-labels.
    pub domain: String,
    /// U-labels.
    pub unicode: String,
    /// How many accounts it has.
    pub accounts: u64,
    /// Who gets postmaster's mail; empty where nobody does.
    pub postmaster: Vec<String>,
    /// Who gets abuse's mail.
    pub abuse: Vec<String>,
}

/// A key that signs what leaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DkimKeyView {
    /// The domain that it signs for.
    pub domain: String,
    /// Its selector.
    pub selector: String,
    /// `rsa-sha256` or `ed25519-sha256`.
    pub algorithm: String,
    /// `published`, `active` or `retired`.
    pub state: String,
    /// Where its record belongs.
    pub name: String,
    /// Its record.
    pub record: String,
    /// Since when that is to be published.
    pub published: Timestamp,
    /// When it was first seen in the DNS.
    pub seen: Option<Timestamp>,
    /// Since when it signs.
    pub activated: Option<Timestamp>,
    /// Since when it does not any more.
    pub retired: Option<Timestamp>,
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountView {
    /// Its main address.
    pub address: Address,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Whether it administers the server.
    pub admin: bool,
    /// Bytes it may hold.
    pub quota: Option<i64>,
    /// Addresses and domains (`@example.org`) that it may send as, besides its own.
    #[serde(default)]
    pub grants: Vec<String>,
    /// How many app passwords it has.
    #[serde(default)]
    pub app_passwords: usize,
}

/// An app password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppPasswordView {
    /// Its number.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub protocols: Vec<Protocol>,
    /// From where it may be used; empty means anywhere.
    pub networks: Vec<String>,
    /// Since when it is in force.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Whether it has ended: it is listed still, but opens nothing.
    pub ended: bool,
    /// When it was used last, to the day for each place.
    pub last: Option<Timestamp>,
    /// From where: an address, or a /64 of IPv6; empty if it was never used.
    pub place: String,
}

/// An alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasView {
    /// Its name.
    pub name: String,
    /// Where it leads, as written.
    pub goals: Vec<String>,
    /// Where it is written: `store`, or file and line.
    pub origin: String,
}

/// An alias, reviewed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasReview {
    /// Its name.
    pub name: String,
    /// Where it is written.
    pub origin: String,
    /// The addresses that it ends in.
    pub ends: Vec<String>,
    /// What is odd: `dangling`, `loop`, `program`, `file`, `include`, `outside`, `disabled`,
    /// `too_large`.
    pub flags: Vec<String>,
    /// What is odd, in words; where one alias is shown, every step of the way.
    pub notes: Vec<String>,
}

/// An access entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessView {
    /// Its number, for entries of the store.
    pub id: Option<i64>,
    /// `Connect`, `From`, `To` or empty.
    pub tag: String,
    /// What it speaks of.
    pub key: String,
    /// What it says.
    pub value: String,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Whether it has ended: it is listed still, but decides nothing.
    pub ended: bool,
    /// How often it decided; none where it is written in a file, of which hits are not counted.
    pub hits: Option<i64>,
    /// Where it is written.
    pub origin: String,
}

/// A subject rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubjectView {
    /// Its number, for rules of the store.
    pub id: Option<i64>,
    /// `text`, `prefix` or `regex`.
    pub kind: String,
    /// What must match.
    pub pattern: String,
    /// The code it answers.
    pub code: u16,
    /// The text it answers; empty for the usual one.
    pub text: String,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Whether it has ended: it is listed still, but decides nothing.
    pub ended: bool,
    /// How often it decided; none where it is written in a file, of which hits are not counted.
    pub hits: Option<i64>,
}

/// A mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MailboxView {
    /// Its number.
    pub id: MailboxId,
    /// Its name.
    pub name: String,
    /// Messages in it.
    pub messages: u64,
    /// Their size in bytes.
    pub size: u64,
}

/// A message in a mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EntryView {
    /// Its number, for moving.
    pub id: EntryId,
    /// Its UID.
    pub uid: i64,
    /// The message's number, for the trace.
    pub message: MessageId,
    /// When it came.
    pub received: Timestamp,
    /// Bytes.
    pub size: u64,
    /// From, decoded.
    pub from: String,
    /// Subject, decoded.
    pub subject: String,
}

/// What `fsck` found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fsck {
    /// What is wrong, a line each; empty is well.
    pub problems: Vec<String>,
    /// What was looked at: `messages`, `entries`, `recipients`, with their numbers.
    pub counted: Vec<(String, u64)>,
}

/// Why an operation was not done.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", content = "text", rename_all = "snake_case")]
pub enum Error {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// It is there already.
    #[error("{0}")]
    Exists(String),
    /// The request is right, but cannot be carried out as things are.
    #[error("{0}")]
    Refused(String),
    /// The request is wrong; the text says how to mend it.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error("{0}")]
    Store(String),
}
