//! The arguments of `gatepost queue`.

use super::object::PageArgs;
use clap::{Args, Subcommand};

/// Which copies of the queue are meant.
#[derive(Args, Clone, Default)]
pub(crate) struct QueueFilterArgs {
    /// Those for this domain.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) destination: Option<String>,
    /// Those from this sender.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sender: Option<String>,
    /// Those of this message.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) message: Option<i64>,
    /// Those that this account sent; `uid:1000` for a user of this machine.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// Those that are held.
    #[arg(long)]
    pub(crate) held: bool,
}

/// Which copies something is done to.
#[derive(Args, Clone)]
pub(crate) struct QueueMeantArgs {
    /// Their numbers, from the list.
    pub(crate) ids: Vec<i64>,
    #[command(flatten)]
    pub(crate) filter: QueueFilterArgs,
    /// All of them.
    #[arg(long, conflicts_with_all = ["ids", "destination", "sender", "message", "account", "held"])]
    pub(crate) all: bool,
}

#[derive(Subcommand)]
pub(crate) enum QueueCommand {
    /// List what waits, with why it waits.
    #[command(after_help = "Example: gatepost queue list --destination far.example")]
    List {
        #[command(flatten)]
        filter: QueueFilterArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// All that is known of one, and what usually helps.
    #[command(after_help = "Example: gatepost queue show 4711")]
    Show {
        /// Its number, from the list.
        id: i64,
    },
    /// Show which servers mail for a domain would go to now, and why these.
    ///
    /// To send it another way, name a server in send.routes or send.smarthost.
    #[command(after_help = "Example: gatepost queue route far.example")]
    Route {
        /// The domain, or an address at it.
        destination: String,
    },
    /// How TLS to other servers went, by day and domain.
    #[command(after_help = "Example: gatepost queue tls far.example --days 7")]
    Tls {
        /// Of this domain alone.
        domain: Option<mail::Domain>,
        /// Of so many days, today among them.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=31))]
        days: u32,
    },
    /// Try again now, also where the destination is left alone for a while.
    #[command(after_help = "Example: gatepost queue retry --destination far.example")]
    Retry(QueueMeantArgs),
    /// Keep from being sent until it is released.
    #[command(after_help = "Example: gatepost queue hold --sender anna@example.org")]
    Hold(QueueMeantArgs),
    /// Hold no more, and send now.
    #[command(after_help = "Example: gatepost queue release --account anna@example.org")]
    Release(QueueMeantArgs),
    /// Remove; nobody is told.
    #[command(after_help = "Example: gatepost queue remove 4711 --yes")]
    Remove(QueueMeantArgs),
}
