//! What a user logs in with: the main password of an account, or one of its app passwords.

use crate::{Door, Id};
use serde::{Deserialize, Serialize};

/// Which credential opened a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credential {
    /// The account's main password.
    Main,
    /// The app password with this number.
    App(Id),
}

impl std::fmt::Display for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credential::Main => f.write_str("main"),
            Credential::App(id) => write!(f, "app-password-{id}"),
        }
    }
}

/// What an app password may be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Sending mail, by either of the submission doors.
    Submission,
    /// Reading mail over POP3, by either of its doors.
    Pop3,
}

impl Protocol {
    /// Every protocol. IMAP joins them with its room.
    pub const ALL: [Self; 2] = [Self::Submission, Self::Pop3];

    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Submission => "submission",
            Protocol::Pop3 => "pop3",
        }
    }

    /// What is spoken at a door, if users log in there.
    pub fn at(door: Door) -> Option<Self> {
        match door {
            Door::Submission | Door::Submissions => Some(Protocol::Submission),
            Door::Pop3 | Door::Pop3s => Some(Protocol::Pop3),
            _ => None,
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|protocol| protocol.word() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|protocol| protocol.word()).collect();
            format!("`{text}` is not one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Protocol;
    use crate::Door;

    #[test]
    fn every_word_is_read_again_and_belongs_to_a_door() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.word().parse(), Ok(protocol));
        }
        assert!("imap4".parse::<Protocol>().is_err());
        assert_eq!(Protocol::at(Door::Pop3s), Some(Protocol::Pop3));
        assert_eq!(Protocol::at(Door::Smtp), None);
    }
}
