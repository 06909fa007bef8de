//! One message for some recipients, and what became of each of them.

use super::command::Command;
use super::{Extensions, Fault, Reply, Unsendable};
use crate::reply::Severity;
use mail::{Address, BodyKind, EnvelopeDsn, RecipientDsn, ReversePath};

/// Most recipients of one transaction: what a server has to take is 100 (RFC 5321 §4.5.3.1.8), and
/// what is above its limit is left for the next. Bounds what is held of its replies.
pub const RECIPIENTS_MAX: usize = 1_000;
/// So many recipients a server has to take (RFC 5321 §4.5.3.1.8).
const RECIPIENTS_LEAST: usize = 100;

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// MAIL FROM.
    pub sender: ReversePath,
    /// RCPT TO, in this order; 1 to [`RECIPIENTS_MAX`].
    pub recipients: Vec<Recipient>,
    /// The size of the message in bytes, with CRLF at each line's end.
    pub size: u64,
    /// Whether bytes above 127 are in it. (Not looked at again: what a caller calls 7-bit goes out
    /// as it is.)
    pub body: BodyKind,
    /// Whether its header needs SMTPUTF8; an address that does counts by itself.
    pub smtputf8: bool,
    /// Whether it may only travel under TLS (RFC 8689).
    pub require_tls: bool,
    /// RET= and ENVID=, for a server that offers DSN.
    pub dsn: EnvelopeDsn,
}

/// One of the recipients.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// RCPT TO.
    pub address: Address,
    /// NOTIFY= and ORCPT=, for a server that offers DSN.
    pub dsn: RecipientDsn,
}

/// Why a message cannot be sent over this connection; nothing of it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is larger than the server takes (RFC 1870 §4).
    #[error("the message is larger than the {limit} bytes that the server takes")]
    TooLarge {
        /// The limit that the server named, in bytes.
        limit: u64,
    },
    /// It has bytes above 127 and the server does not offer 8BITMIME: convert it, or fail.
    #[error("the server does not offer 8BITMIME")]
    EightBit,
    /// Header or addresses need SMTPUTF8 and the server does not offer it (RFC 6531 §3.2).
    #[error("the server does not offer SMTPUTF8")]
    Smtputf8,
    /// It may only travel under TLS, and there is none or the server does not offer REQUIRETLS.
    #[error("the server does not offer REQUIRETLS under TLS")]
    RequireTls,
    /// There are no recipients, or more than [`RECIPIENTS_MAX`].
    #[error("there are no recipients, or too many")]
    Recipients,
    /// The machine is not ready for a transaction.
    #[error("the connection is not ready")]
    NotReady,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken the message for it: its answer to the final dot.
    Delivered(Reply),
    /// The server refused: 4yz for now, 5yz for good.
    Refused {
        /// What it refused: the sender, this recipient, DATA or the message.
        command: Command,
        /// Its words.
        reply: Reply,
    },
    /// One recipient too many for this transaction: it belongs into the next one, now (RFC 5321
    /// §4.5.3.1.10). At least one other was accepted before it.
    NextTransaction(Reply),
    /// The connection ended before an answer, and before all of the message was sent: it was not
    /// delivered.
    Lost {
        /// What was not answered.
        command: Command,
        /// What ended the connection.
        fault: Fault,
    },
    /// The connection ended behind the final dot: the server may have taken the message or not. It
    /// has to be sent again, perhaps twice (RFC 5321 §4.5.4.1, RFC 1047).
    Unknown(Fault),
    /// The message cannot be sent in this form.
    Unsendable(Unsendable),
    /// The server would take mail for it: its answer to RCPT, where nothing more was asked
    /// ([`super::Machine::probe`]).
    Accepted(Reply),
}

impl Outcome {
    /// Whether time may cure it: `None` where there is nothing to cure.
    pub fn severity(&self) -> Option<Severity> {
        match self {
            Outcome::Delivered(_) | Outcome::Accepted(_) => None,
            Outcome::Refused { reply, .. } => reply.severity(),
            Outcome::NextTransaction(_) | Outcome::Lost { .. } | Outcome::Unknown(_) => {
                Some(Severity::Temporary)
            }
            Outcome::Unsendable(_) => Some(Severity::Permanent),
        }
    }
}

impl Transaction {
    pub(super) fn needs_smtputf8(&self) -> bool {
        self.smtputf8
            || self.sender.address().is_some_and(Address::needs_smtputf8)
            || self.recipients.iter().any(|recipient| recipient.address.needs_smtputf8())
    }

    /// Whether a server that offers this can be given it.
    pub(super) fn check(&self, extensions: &Extensions, tls: bool) -> Result<(), Unfit> {
        if !(1..=RECIPIENTS_MAX).contains(&self.recipients.len()) {
            Err(Unfit::Recipients)
        } else if self.require_tls && !(tls && extensions.require_tls) {
            Err(Unfit::RequireTls)
        } else if self.needs_smtputf8() && !extensions.smtputf8 {
            Err(Unfit::Smtputf8)
        } else if self.body == BodyKind::EightBitMime && !extensions.eight_bit_mime {
            Err(Unfit::EightBit)
        } else if extensions.is_too_large(self.size) {
            Err(Unfit::TooLarge { limit: extensions.size.unwrap_or_default() })
        } else {
            Ok(())
        }
    }
}

/// A transaction on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) transaction: Transaction,
    /// Whether it ends before DATA: only what the server says of the recipients is wanted.
    is_probe: bool,
    /// One for each recipient.
    standings: Vec<Standing>,
    next: Next,
    /// RCPTs that were answered.
    answered: usize,
    /// MAIL was refused: what follows it means nothing.
    pub(super) sender_refused: bool,
    /// A recipient was accepted nevertheless.
    pub(super) confused: bool,
}

/// Where a recipient stands.
#[derive(Debug, Clone)]
enum Standing {
    /// Not answered.
    Open,
    /// RCPT was accepted.
    Accepted,
    /// It is over.
    Settled(Outcome),
}

/// What is to be said next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Rset,
    Mail,
    /// RCPT for this recipient, or DATA behind the last.
    Rcpt(usize),
    Nothing,
}

impl Delivery {
    /// A transaction of which nothing was said; `reset` if one before it may be half open.
    pub(super) fn new(transaction: Transaction, reset: bool) -> Self {
        let standings = vec![Standing::Open; transaction.recipients.len()];
        let next = if reset { Next::Rset } else { Next::Mail };
        let (sender_refused, confused) = (false, false);
        let is_probe = false;
        Self { transaction, is_probe, standings, next, answered: 0, sender_refused, confused }
    }

    /// The same, ended before DATA.
    pub(super) fn probe(transaction: Transaction, reset: bool) -> Self {
        Self { is_probe: true, ..Self::new(transaction, reset) }
    }

    /// The next command and, for RCPT, its recipient; `None` where nothing is to be said now. DATA
    /// is not said where it is known already that nobody is accepted; where answers are yet to
    /// come, it is (RFC 2920 §3.1).
    pub(super) fn next_command(&mut self) -> Option<(Command, usize)> {
        let all = self.standings.len();
        let (command, next) = match self.next {
            Next::Rset => ((Command::Rset, 0), Next::Mail),
            Next::Mail => ((Command::Mail, 0), Next::Rcpt(0)),
            Next::Nothing => return None,
            Next::Rcpt(_) if self.sender_refused => return None,
            Next::Rcpt(index) if index < all => ((Command::Rcpt, index), Next::Rcpt(index + 1)),
            Next::Rcpt(_) if self.is_probe => return None,
            Next::Rcpt(_) if self.answered == all && self.accepted() == 0 => return None,
            Next::Rcpt(_) => ((Command::Data, 0), Next::Nothing),
        };
        self.next = next;
        Some(command)
    }

    /// Recipients that were accepted and have no outcome yet.
    pub(super) fn accepted(&self) -> usize {
        self.standings.iter().filter(|one| matches!(one, Standing::Accepted)).count()
    }

    /// The answer to the next RCPT; one that is neither yes nor no was seen before.
    pub(super) fn recipient(&mut self, reply: Reply) {
        let accepted = self.accepted();
        self.confused |= self.sender_refused && reply.severity().is_none();
        let standing = match reply.severity() {
            None if self.is_probe => Standing::Settled(Outcome::Accepted(reply)),
            None => Standing::Accepted,
            Some(_) if is_one_too_many(&reply, accepted) => {
                Standing::Settled(Outcome::NextTransaction(reply))
            }
            Some(_) => Standing::Settled(Outcome::Refused { command: Command::Rcpt, reply }),
        };
        if let Some(open @ Standing::Open) = self.standings.get_mut(self.answered) {
            *open = standing;
        }
        self.answered += 1;
    }

    /// The same outcome for all that have none.
    pub(super) fn settle(&mut self, outcome: &Outcome) {
        for standing in &mut self.standings {
            if !matches!(standing, Standing::Settled(_)) {
                *standing = Standing::Settled(outcome.clone());
            }
        }
    }

    /// One outcome for each recipient, in their order. `rest` is for those that have none: none
    /// that was settled.
    pub(super) fn outcomes(mut self, rest: &Outcome) -> Vec<Outcome> {
        self.settle(rest);
        let settled = |standing| match standing {
            Standing::Settled(outcome) => outcome,
            Standing::Open | Standing::Accepted => rest.clone(),
        };
        self.standings.into_iter().map(settled).collect()
    }
}

/// Whether the server takes no more recipients, rather than not this one. Some say 552 where 452 is
/// meant (RFC 5321 §4.5.3.1.10); without an enhanced code that is believed only beyond the number
/// that each server has to take, since it may also be a full mailbox.
fn is_one_too_many(reply: &Reply, accepted: usize) -> bool {
    let told = reply.enhanced.map(|(_, subject, detail)| (subject, detail));
    match (reply.code, told) {
        _ if accepted == 0 => false,
        (452 | 552, Some(told)) => told == (5, 3),
        (452, None) => true,
        (552, None) => accepted >= RECIPIENTS_LEAST,
        _ => false,
    }
}
