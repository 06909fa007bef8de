//! Who sends what to whom: the envelope, the peer that brought it, the permit of each recipient.

use crate::{
    AccountId, Address, EnvelopeDsn, MailboxId, Reason, RecipientDsn, ReversePath, SessionId,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The local part, at the server's own name, of the address that requests for a release go to.
pub const RELEASE: &str = "release";

/// A way into the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Mail from other servers (port 25): log-in is never offered.
    Smtp,
    /// Mail from users with STARTTLS (port 587).
    Submission,
    /// Mail from users under implicit TLS (port 465).
    Submissions,
    /// Mail from a server of ours that hands it over to be kept (RFC 2033): own recipients alone,
    /// an answer for each.
    Lmtp,
    /// The local submit socket.
    Local,
    /// POP3 with STLS (port 110).
    Pop3,
    /// POP3 under implicit TLS (port 995).
    Pop3s,
    /// The web pages (port 443).
    Https,
    /// The administrator's socket.
    Admin,
}

impl Door {
    /// The word of this door in settings, trace and log.
    pub fn word(self) -> &'static str {
        match self {
            Door::Smtp => "smtp",
            Door::Submission => "submission",
            Door::Submissions => "submissions",
            Door::Lmtp => "lmtp",
            Door::Local => "local",
            Door::Pop3 => "pop3",
            Door::Pop3s => "pop3s",
            Door::Https => "https",
            Door::Admin => "admin",
        }
    }
}

/// The other side of a session, as far as it is known.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Which session this is.
    pub session: SessionId,
    /// The door it came through.
    pub door: Door,
    /// Its network address (IPv4-mapped IPv6 is turned into IPv4 by `net`).
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// What it called itself in EHLO or HELO, cleaned to printable ASCII or UTF-8, at most 255
    /// bytes.
    pub helo: Option<String>,
    /// Whether it said EHLO (ESMTP) rather than HELO.
    pub esmtp: bool,
    /// Version and cipher suite where TLS is active: `TLSv1.3 TLS_AES_256_GCM_SHA384`.
    pub tls: Option<String>,
    /// Who logged in.
    pub login: Option<Login>,
    /// Who it is, at the local submit socket: the kernel says so, and no log-in is needed.
    pub user: Option<LocalUser>,
}

/// A user of this machine, by the kernel and the system's user database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalUser {
    /// The user's number.
    pub uid: u32,
    /// The user's name.
    pub name: String,
    /// The address that is the user's own: the name at the server's host name.
    pub address: Address,
}

/// Who answers for what is sent to elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Submitter {
    /// An account that logged in.
    Account(AccountId),
    /// A user of this machine, by number.
    User(u32),
}

impl Peer {
    /// Who answers for what this peer sends; nobody where it is a stranger.
    pub fn submitter(&self) -> Option<Submitter> {
        match (&self.login, &self.user) {
            (Some(login), _) => Some(Submitter::Account(login.account)),
            (None, Some(user)) => Some(Submitter::User(user.uid)),
            (None, None) => None,
        }
    }

    /// Where the peer is, as trace and log have it: its network address, or `uid:1000`.
    pub fn place(&self) -> String {
        match &self.user {
            Some(user) => format!("uid:{}", user.uid),
            None => self.ip.to_string(),
        }
    }
}

/// A successful log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// Its main address.
    pub address: Address,
}

/// Where a message comes from, in the one sense that relaying cares about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A session with a peer.
    Session,
    /// The server's own mail: bounces, notices, digests.
    Own,
}

/// What the sender said of the body (RFC 6152).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyKind {
    /// BODY=7BIT, or nothing said.
    #[default]
    SevenBit,
    /// BODY=8BITMIME.
    EightBitMime,
}

/// What the sender wants of TLS on the way of a message (RFC 8689).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsDemand {
    /// Nothing: what the recipients' domains say decides.
    #[default]
    Usual,
    /// REQUIRETLS: from here on only to servers that prove who they are, and promise the same.
    Required,
    /// `TLS-Required: No`: that it arrives counts more than what a domain says of its TLS.
    Waived,
}

/// A message's sender and recipients, with who brought it.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The peer that brought it.
    pub peer: Peer,
    /// Session or own.
    pub origin: Origin,
    /// Whether the client is a stranger, who has to show for whom it speaks: it neither logged in
    /// nor may it send to anywhere.
    pub from_outside: bool,
    /// MAIL FROM.
    pub sender: ReversePath,
    /// RCPT TO, those that were allowed, in order.
    pub recipients: Vec<Recipient>,
    /// What BODY= said.
    pub body: BodyKind,
    /// Whether SMTPUTF8 was asked for (RFC 6531).
    pub smtputf8: bool,
    /// How much the peer may send to elsewhere in a day; `None`: nobody counts.
    pub limits: Option<SendLimits>,
    /// What MAIL said of reports (RFC 3461).
    pub dsn: EnvelopeDsn,
    /// What was asked for of TLS (RFC 8689).
    pub tls_demand: TlsDemand,
}

impl Envelope {
    /// Whether it is known that the sender is who the envelope says: nobody else is told of a
    /// success, or of a delay. A log-in owns its sender's address.
    pub fn is_sender_vouched(&self) -> bool {
        self.peer.login.is_some()
    }

    /// Whether somebody whom this server knows sends it: one of its users, or itself.
    pub fn is_ours(&self) -> bool {
        self.is_sender_vouched() || self.peer.door == Door::Local || self.origin == Origin::Own
    }
}

/// How much a submitter may send to elsewhere in a day before it is held, apart from what clean
/// days add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SendLimits {
    /// Recipients.
    pub recipients: u64,
    /// Recipients that it never wrote to before.
    pub first_time: u64,
}

/// A recipient that policy allowed.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The address as the peer gave it (source route dropped).
    pub address: Address,
    /// Why it may be accepted.
    pub permit: Permit,
    /// Where it is kept here, after aliases; empty only for recipients elsewhere.
    pub targets: Vec<Target>,
    /// Where it is sent on to: the recipient itself, or the addresses elsewhere that its aliases
    /// end in.
    pub onward: Vec<Onward>,
    /// What RCPT said of reports (RFC 3461).
    pub dsn: RecipientDsn,
}

/// A copy that is sent on to another server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Onward {
    /// Whom it is for.
    pub address: Address,
    /// The envelope's sender there, where a forward puts one in the place of the message's own.
    pub sender: Option<ReversePath>,
}

/// An account that receives a copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The account.
    pub account: AccountId,
    /// Its INBOX.
    pub inbox: MailboxId,
    /// Where its doubtful mail goes; `None` if it has no such mailbox.
    pub junk: Option<MailboxId>,
    /// The address that the alias (or the recipient itself) ended in.
    pub address: Address,
}

/// The right of a recipient to be accepted: which rule gave it, and why.
///
/// Only `policy` makes one ([`Permit::issue`]; the house rules test for it), and intake refuses a
/// recipient whose permit does not fit where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    rule: String,
    reason: Reason,
}

impl Permit {
    /// Makes a permit. Called in `policy` and nowhere else.
    pub fn issue(rule: impl Into<String>, reason: Reason) -> Self {
        Self { rule: rule.into(), reason }
    }

    /// The rule that gave it: `account anna@example.org`, `relay-domains:3`.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Why it was given.
    pub fn reason(&self) -> Reason {
        self.reason
    }
}
