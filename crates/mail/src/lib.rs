//! The vocabulary of the house: what every other room speaks in.
//!
//! Addresses, domains, envelopes, the index of a message, renditions, findings, judgements,
//! reasons and events; and the input that every protocol's machine cuts its lines from. Layer 0:
//! this crate does no I/O, reads no clock and spawns nothing.
//! Values are made by parsing and exist only in valid form; nobody checks them again.

pub mod address;
pub mod address_list;
pub mod credential;
pub mod danger;
pub mod decision;
pub mod domain;
pub mod dsn;
pub mod envelope;
pub mod finding;
pub mod grant;
pub mod id;
pub mod index;
pub mod input;
pub mod judgement;
pub mod mime;
pub mod reason;
pub mod rendition;
pub mod scram;
pub mod secret;
pub mod srs;
pub mod time;
pub mod trace;
pub mod union;

pub use address::{Address, AddressError, ForwardPath, Host, LocalPart, ReversePath};
pub use credential::{Credential, Protocol};
pub use decision::{Decision, Refusal, ReplyText};
pub use domain::Domain;
pub use dsn::{EnvelopeDsn, EnvelopeId, Notify, OriginalRecipient, RecipientDsn, Return};
pub use envelope::{
    BodyKind, Door, Envelope, LocalUser, Login, Onward, Origin, Peer, Permit, RELEASE, Recipient,
    SendLimits, Submitter, Target, TlsDemand,
};
pub use finding::{Finding, Suggestion};
pub use grant::SenderGrant;
pub use id::{AccountId, EntryId, Id, MailboxId, MessageId, SessionId};
pub use judgement::{HeldPart, Judgement, Placement, Verdict};
pub use reason::Reason;
pub use rendition::{Piece, Rendition};
pub use secret::Secret;
pub use time::Timestamp;
pub use trace::{Event, TraceRow};
