//! The commands' arguments, by object.

use super::app_password::AppPasswordCommand;
use super::quarantine::QuarantineCommand;
use super::queue::QueueCommand;
use super::scanner::ScannerCommand;
use clap::{Args, Subcommand};
use mail::{Address, Domain, SenderGrant};
use std::net::IpAddr;
use std::path::PathBuf;

/// `gatepost serve`
#[derive(Args)]
#[command(after_help = "Example: gatepost serve --config /etc/gatepost/gatepost.toml")]
pub(crate) struct ServeArgs {
    /// Write the doors' addresses as one JSON line to this file descriptor once they are open.
    #[arg(long, value_name = "N")]
    pub(crate) ready_fd: Option<i32>,
}

/// `gatepost init`
#[derive(Args)]
#[command(after_help = "Example: gatepost init --domain example.org")]
pub(crate) struct InitArgs {
    /// The domain to receive mail for.
    #[arg(long)]
    pub(crate) domain: Domain,
    /// The name of this host; mail.DOMAIN by default.
    #[arg(long)]
    pub(crate) hostname: Option<Domain>,
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/gatepost")]
    pub(crate) data: PathBuf,
    /// The first account's name; it administers the server and gets postmaster's mail.
    #[arg(long, default_value = "admin")]
    pub(crate) account: String,
    /// The system user that the server runs as; started by root, it becomes this one.
    #[arg(long, value_name = "NAME", default_value = config::settings::USER)]
    pub(crate) user: String,
}

/// `gatepost demo`
#[derive(Args)]
#[command(after_help = "Example: gatepost demo --once")]
pub(crate) struct DemoArgs {
    /// End after the table; exit 0 only if every line came out as it must.
    #[arg(long)]
    pub(crate) once: bool,
    /// Send nothing: print one JSON object when the server is ready, and run.
    #[arg(long, requires = "json")]
    pub(crate) quiet: bool,
    /// Keep everything in this folder; without it, a temporary one is removed at the end.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A settings file that is laid over the demo's own.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Send all mail for elsewhere to this server; without it, the demo brings another server of
    /// its own.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) smarthost: Option<String>,
}

/// Commands that go to the running server, or directly to its store when none runs.
#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Doors, sessions, commits, disk, last errors.
    #[command(after_help = "Example: gatepost status --json")]
    Status,
    /// Have the running server read its settings and maps anew.
    #[command(after_help = "Example: gatepost reload")]
    Reload,
    /// Prove that every message and every recipient is where it must be.
    #[command(after_help = "Example: gatepost fsck")]
    Fsck,
    /// Domains that mail is received for.
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Aliases.
    #[command(subcommand)]
    Alias(AliasCommand),
    /// The access map: who is refused, allowed, relayed.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Prohibited subjects.
    #[command(subcommand)]
    Subject(SubjectCommand),
    /// Mailboxes and their messages.
    #[command(subcommand)]
    Mailbox(MailboxCommand),
    /// Mail that waits for other servers.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Mail that was accepted and is held until somebody releases it.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Programs that look for viruses and spam.
    #[command(subcommand)]
    Scanner(ScannerCommand),
    /// Send a harmless test virus through the server's own port 25; exit 1 unless it is caught.
    #[command(after_help = "Example: gatepost self-test --json")]
    SelfTest,
    /// What happened to a message, a session or an address, and why: the newest rows, in the order
    /// in which they happened; `--cursor` goes back to older ones.
    #[command(after_help = "Examples: gatepost trace 4711\n          \
        gatepost trace --session 4712\n          gatepost trace anna@example.org")]
    Trace {
        /// A message's number, or an address as sender or recipient; without it, everything.
        about: Option<String>,
        /// The number is a session's.
        #[arg(long, requires = "about")]
        session: bool,
        #[command(flatten)]
        page: PageArgs,
    },
}

/// Which page of a list.
#[derive(Args, Clone)]
pub(crate) struct PageArgs {
    /// Rows on a page, 1 to 1,000.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
    /// The cursor that the page before gave.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum DomainCommand {
    /// Add a domain.
    #[command(after_help = "Example: gatepost domain add example.net")]
    Add {
        /// The domain.
        domain: Domain,
    },
    /// List the domains.
    #[command(after_help = "Example: gatepost domain list")]
    List(PageArgs),
    /// The DNS records to publish, as a piece of a zone file; with --check, whether they are right:
    /// exit 1 if something is missing or wrong.
    #[command(after_help = "Examples: gatepost domain dns example.org\n          \
        gatepost domain dns example.org --check")]
    Dns(DnsArgs),
    /// The keys that sign what leaves.
    #[command(subcommand)]
    Dkim(DkimCommand),
    /// What each account of a domain may send to other servers in a day: shown, or set.
    #[command(after_help = "Example: gatepost domain limit example.org --recipients 1000")]
    Limit {
        /// The domain.
        domain: Domain,
        #[command(flatten)]
        limit: LimitArgs,
    },
    /// Remove a domain that has no accounts any more.
    #[command(after_help = "Example: gatepost domain remove example.net")]
    Remove {
        /// The domain.
        domain: Domain,
    },
}

#[derive(Args)]
pub(crate) struct DnsArgs {
    /// The domain.
    pub(crate) domain: Domain,
    /// Compare with what the DNS says (or the file that --zone names).
    #[arg(long)]
    pub(crate) check: bool,
    /// A table instead of a zone file.
    #[arg(long, conflicts_with = "check")]
    pub(crate) table: bool,
    /// An address that mail leaves from, beside those that the server's name has.
    #[arg(long, value_name = "ADDRESS", requires = "check")]
    pub(crate) ip: Vec<IpAddr>,
}

#[derive(Subcommand)]
pub(crate) enum DkimCommand {
    /// List the keys: which sign, which wait for their record, which have retired.
    #[command(after_help = "Example: gatepost domain dkim list example.org")]
    List {
        /// The domain; without it, all.
        domain: Option<Domain>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Make keys to follow those that sign; they do so once their records are published and seen.
    #[command(after_help = "Example: gatepost domain dkim rotate example.org")]
    Rotate {
        /// The domain.
        domain: Domain,
    },
    /// Have the keys that wait sign now, if the DNS shows their records.
    #[command(after_help = "Example: gatepost domain dkim activate example.org")]
    Activate {
        /// The domain.
        domain: Domain,
        /// Also where the DNS does not show them: what is signed then cannot be verified.
        #[arg(long)]
        unseen: bool,
    },
    /// Withdraw a key at once, because others may know it; another one is made.
    #[command(after_help = "Example: gatepost domain dkim retire example.org gp2026a-rsa --yes")]
    Retire {
        /// The domain.
        domain: Domain,
        /// The key's selector, from the list.
        selector: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account; its password is made and printed once unless one is given.
    #[command(after_help = "Example: gatepost account add anna@example.org")]
    Add {
        /// The account's address.
        address: Address,
        /// Read the password from standard input.
        #[arg(long, conflicts_with = "hash")]
        password_stdin: bool,
        /// A stored form from elsewhere: crypt, bcrypt, or one of Dovecot's ({SSHA}...).
        #[arg(long)]
        hash: Option<String>,
        /// Bytes it may hold; without this, as much as the disk.
        #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(i64).range(1..))]
        quota: Option<i64>,
        /// It administers the server.
        #[arg(long)]
        admin: bool,
    },
    /// List the accounts.
    #[command(after_help = "Example: gatepost account list --limit 1000 --json")]
    List(PageArgs),
    /// Give an account a new password; it is made and printed once unless one is given.
    #[command(after_help = "Example: gatepost account password anna@example.org")]
    Password {
        /// The account's address.
        address: Address,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Disable an account and end its sessions at once.
    #[command(after_help = "Example: gatepost account disable anna@example.org")]
    Disable {
        /// The account's address.
        address: Address,
    },
    /// Enable an account again.
    #[command(after_help = "Example: gatepost account enable anna@example.org")]
    Enable {
        /// The account's address.
        address: Address,
    },
    /// Show an account: what it may send as, and its app passwords.
    #[command(after_help = "Example: gatepost account show anna@example.org")]
    Show {
        /// The account's address.
        address: Address,
    },
    /// Passwords for single programs and devices, beside the main one.
    #[command(subcommand)]
    AppPassword(AppPasswordCommand),
    /// Let an account send as another address, or as all of a domain.
    #[command(
        after_help = "Examples: gatepost account grant anna@example.org info@example.org\n          \
        gatepost account grant anna@example.org @example.net"
    )]
    Grant {
        /// The account's address.
        address: Address,
        /// An address, or `@example.net` for all of a domain.
        grant: SenderGrant,
    },
    /// End what was granted.
    #[command(after_help = "Example: gatepost account revoke anna@example.org info@example.org")]
    Revoke {
        /// The account's address.
        address: Address,
        /// As it was granted.
        grant: SenderGrant,
    },
    /// What an account may send to other servers in a day: shown, set, or counted anew.
    #[command(after_help = "Examples: gatepost account limit anna@example.org\n          \
        gatepost account limit anna@example.org --recipients 2000 --first-time 500\n          \
        gatepost account limit anna@example.org --reset")]
    Limit {
        /// The account's address; `uid:1000` for a user of this machine.
        who: String,
        #[command(flatten)]
        limit: LimitArgs,
        /// Count what it sent today anew from nothing.
        #[arg(long, conflicts_with_all = ["recipients", "first_time", "default"])]
        reset: bool,
    },
    /// Remove an account with all its mail.
    #[command(after_help = "Example: gatepost account remove anna@example.org --yes")]
    Remove {
        /// The account's address.
        address: Address,
    },
}

/// Other numbers for a limit; without any it is shown.
#[derive(Args, Clone, Copy)]
pub(crate) struct LimitArgs {
    /// Recipients a day.
    #[arg(long, value_name = "N")]
    pub(crate) recipients: Option<u64>,
    /// Recipients a day that were never written to before.
    #[arg(long, value_name = "N")]
    pub(crate) first_time: Option<u64>,
    /// No numbers of its own any more.
    #[arg(long, conflicts_with_all = ["recipients", "first_time"])]
    pub(crate) default: bool,
}

#[derive(Subcommand)]
pub(crate) enum AliasCommand {
    /// Add an alias.
    #[command(
        after_help = "Example: gatepost alias add team@example.org anna@example.org ben@example.org"
    )]
    Add {
        /// The alias.
        name: Address,
        /// Where it leads.
        #[arg(required = true)]
        goals: Vec<String>,
    },
    /// List the aliases.
    #[command(after_help = "Example: gatepost alias list")]
    List(PageArgs),
    /// Every alias with what it ends in, and what is wrong with it; exit 1 if something is.
    #[command(after_help = "Example: gatepost alias review")]
    Review(PageArgs),
    /// What an alias expands to.
    #[command(after_help = "Example: gatepost alias show team@example.org")]
    Show {
        /// The alias.
        name: String,
    },
    /// Remove an alias.
    #[command(after_help = "Example: gatepost alias remove team@example.org")]
    Remove {
        /// The alias.
        name: Address,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccessCommand {
    /// Add an entry, in the words of sendmail's access file.
    #[command(after_help = "Examples: gatepost access add From:spammer.example REJECT\n          \
        gatepost access add Connect:192.0.2.0/24 'ERROR:5.7.1:550 go away'")]
    Add {
        /// `[Connect:|From:|To:]` and an address, `user@`, domain or network.
        key: String,
        /// REJECT, OK, RELAY, DISCARD, `ERROR:d.s.n:code text`, `5nn text`.
        value: String,
        /// Why, for the next administrator.
        #[arg(long, default_value = "")]
        reason: String,
        /// When it ends by itself: 2026-12-31T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires: Option<jiff::Timestamp>,
    },
    /// List the entries.
    #[command(after_help = "Example: gatepost access list")]
    List(PageArgs),
    /// Remove an entry by its number.
    #[command(after_help = "Example: gatepost access remove 4711")]
    Remove {
        /// The number that the list shows.
        id: i64,
    },
    /// Which entry would decide; exit 1 if it refuses.
    #[command(after_help = "Example: gatepost access test From:anna@spammer.example")]
    Test {
        /// `Connect:`, `From:` or `To:` and the value.
        value: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum SubjectCommand {
    /// Prohibit a subject.
    #[command(after_help = "Example: gatepost subject add 'Re: Details'")]
    Add {
        /// What the subject must match.
        pattern: String,
        /// It is matched as a whole (text), at its beginning (prefix), or as an expression (regex).
        #[arg(long, value_parser = ["text", "prefix", "regex"], default_value = "text")]
        kind: String,
        /// The code to answer.
        #[arg(long, value_parser = clap::value_parser!(u16).range(400..600), default_value_t = 553)]
        code: u16,
        /// The text to answer.
        #[arg(long)]
        text: Option<String>,
        /// When it ends by itself.
        #[arg(long, value_name = "TIME")]
        expires: Option<jiff::Timestamp>,
    },
    /// List the rules.
    #[command(after_help = "Example: gatepost subject list")]
    List(PageArgs),
    /// Remove a rule by its number.
    #[command(after_help = "Example: gatepost subject remove 4711")]
    Remove {
        /// The number that the list shows.
        id: i64,
    },
    /// Which rule a subject would match; exit 1 if one does.
    #[command(after_help = "Example: gatepost subject test 'Fwd: Re: Details'")]
    Test {
        /// The subject.
        subject: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum MailboxCommand {
    /// List an account's mailboxes.
    #[command(after_help = "Example: gatepost mailbox list anna@example.org")]
    List {
        /// The account's address.
        address: Address,
    },
    /// List a mailbox's messages.
    #[command(after_help = "Example: gatepost mailbox show anna@example.org INBOX")]
    Show {
        /// The account's address.
        address: Address,
        /// The mailbox.
        #[arg(default_value = "INBOX")]
        mailbox: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Move messages to another mailbox of the account.
    #[command(after_help = "Example: gatepost mailbox move anna@example.org INBOX Junk 4711")]
    Move {
        /// The account's address.
        address: Address,
        /// From this mailbox.
        from: String,
        /// To that one.
        to: String,
        /// The entries' numbers; without any, all.
        entries: Vec<i64>,
    },
    /// Write a mailbox's messages as files into a folder.
    #[command(after_help = "Example: gatepost mailbox export anna@example.org INBOX ./anna")]
    Export {
        /// The account's address.
        address: Address,
        /// The mailbox.
        mailbox: String,
        /// The folder; made if missing.
        folder: PathBuf,
    },
}
