//! Identifiers: 63-bit numbers from blocks that the store hands each process, never from a clock.

use serde::{Deserialize, Serialize};

/// Any identifier, for code that hands them out.
pub type Id = i64;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Id);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A person's or a role's account.
    AccountId
);
id!(
    /// A mailbox (a folder of an account).
    MailboxId
);
id!(
    /// A message as received; also the name of its blob.
    MessageId
);
id!(
    /// One entry of a mailbox; POP3's unique-id for ever (RFC 1939 §7).
    EntryId
);
id!(
    /// One connection of a peer, from greeting to close.
    SessionId
);
