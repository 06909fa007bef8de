//! The arguments of `gatepost quarantine`, and its requests.

use super::object::PageArgs;
use ::admin::{Paging, QuarantineFilter, QuarantineRequest, Request};
use clap::{Args, Subcommand};
use mail::{Address, MessageId, Reason};
use std::path::PathBuf;

#[derive(Args, Clone)]
pub(crate) struct HeldFilterArgs {
    /// Those of this recipient.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) recipient: Option<String>,
    /// Those from this sender.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sender: Option<String>,
    /// Those for this reason, in the word of the list.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Option<Reason>,
    /// Those of this message.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) message: Option<i64>,
    /// Those that somebody asked for.
    #[arg(long)]
    pub(crate) requested: bool,
    /// Also what is held no more.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List what is held, with why.
    #[command(after_help = "Examples: gatepost quarantine list\n          \
        gatepost quarantine list --recipient anna@example.org --requested")]
    List {
        #[command(flatten)]
        filter: HeldFilterArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// All that is known of one: why it is held, what the trace says, who it claims to be from.
    #[command(after_help = "Example: gatepost quarantine show 4711")]
    Show {
        /// Its number, from the list.
        id: i64,
    },
    /// Put the whole message, with what was held of it, into the mailbox of its owner. It is not
    /// looked at by the filter again, and never goes to Junk.
    #[command(after_help = "Examples: gatepost quarantine release 4711\n          \
        gatepost quarantine release 4711 --to anna@example.org")]
    Release {
        /// Its number, from the list.
        id: i64,
        /// Into the INBOX of this account instead.
        #[arg(long, value_name = "ACCOUNT")]
        to: Option<Address>,
    },
    /// Delete one; nobody is told.
    #[command(after_help = "Example: gatepost quarantine delete 4711 --yes")]
    Delete {
        /// Its number, from the list.
        id: i64,
    },
    /// Write the message as it came, to a file or to standard output. It may be dangerous to open.
    #[command(after_help = "Example: gatepost quarantine export 4711 --output held.eml")]
    Export {
        /// Its number, from the list.
        id: i64,
        /// The file; it must not be there yet.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Note that somebody wants one released.
    #[command(after_help = "Example: gatepost quarantine request 4711 --by anna@example.org")]
    Request {
        /// Its number, from the list.
        id: i64,
        /// Who wants it.
        #[arg(long, value_name = "ADDRESS")]
        by: Address,
    },
}

fn reason(word: &str) -> Result<Reason, String> {
    Reason::from_word(word).ok_or_else(|| format!("no reason is called {word}"))
}

impl QuarantineCommand {
    /// The request that the command means; an export begins with its first window.
    pub(crate) fn request(&self) -> Request {
        Request::Quarantine(match self {
            QuarantineCommand::List { filter, page } => QuarantineRequest::List {
                filter: QuarantineFilter {
                    recipient: filter.recipient.clone(),
                    sender: filter.sender.clone(),
                    reason: filter.reason,
                    message: filter.message.map(MessageId),
                    requested: filter.requested,
                    all: filter.all,
                },
                paging: Paging { limit: usize::from(page.limit), cursor: page.cursor.clone() },
            },
            QuarantineCommand::Show { id } => QuarantineRequest::Show { id: *id },
            QuarantineCommand::Release { id, to } => {
                QuarantineRequest::Release { id: *id, to: to.clone() }
            }
            QuarantineCommand::Delete { id } => QuarantineRequest::Delete { id: *id },
            QuarantineCommand::Export { id, .. } => QuarantineRequest::Read { id: *id, offset: 0 },
            QuarantineCommand::Request { id, by } => {
                QuarantineRequest::Request { id: *id, by: by.clone() }
            }
        })
    }
}
