//! The settings file: every setting once, with its type, default, range and documentation.
//!
//! `settings!` makes from this table the types that the other rooms read, the reader with its
//! messages, and the page `docs/settings.md` ([`crate::reference`]). To add a setting, add its
//! entry here, and use it where it belongs; nothing else has to be changed.

use crate::attachment::{AmbiguousChoice, AttachmentRule, FailedChoice, FilterChoice};
use crate::choices::{DkimActivation, DnssecChoice, Language, LogFormat, SmtpNetwork, TlsReports};
use crate::local::LocalGrant;
use crate::places::Places;
use crate::problem::Problem;
use crate::reader::{Reader, Setting, Table};
use crate::route::{NextHop, SendRoute};
use crate::scanner::{ScannerPlace, SpamChoice, VirusChoice};
use crate::subject::SubjectRule;
use crate::table::{KeyDoc, SectionDoc, range, settings};
use crate::tree::Node;
use crate::web::WebUrl;
use ipnet::IpNet;
use mail::{Domain, Secret};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

mod answers;
mod check;
mod form;

/// The system user whom the package makes for the server.
pub const USER: &str = "gatepost";

/// The folder of sockets, which the system makes anew at each start for [`USER`].
pub const RUN_FOLDER: &str = "/run/gatepost";

settings! {
    /// Who this server is, and as whom it runs.
    server: Server {
        /// The server's own name, as it greets, signs trace fields and is looked up: the name
        /// that its MX record and the PTR record of its address have.
        hostname: Domain = required;
        /// The system user that `serve` becomes when it was started as root. It never stays root.
        user: String = (USER.to_owned());
        /// The socket by which the `gatepost` command talks to the running server; only root and
        /// the server's own user may open it. Left out: `admin.sock` in the data folder.
        admin_socket: Option<PathBuf> = None;
        /// The socket by which programs of this machine submit mail (`gatepost sendmail`):
        /// everybody may open it, so its folder must let everybody through. Left out:
        /// `/run/gatepost/submit.sock` where that folder is the server's, else `submit.sock` in the
        /// data folder, which only root and the server's own user reach.
        submit_socket: Option<PathBuf> = None;
        /// How log lines are written to standard error: `text` (key=value) or `json`.
        log_format: LogFormat = (LogFormat::Text);
        /// How long sessions may go on after SIGTERM before they are cut.
        drain_grace_secs: u64 = 30 in 0..=3_600;
    }

    /// The doors: addresses and ports that are listened on. Port 0 takes a free one.
    listen: Listen {
        /// Mail from other servers, STARTTLS offered, no log-in (RFC 5321).
        smtp: Vec<SocketAddr> = (everywhere(25));
        /// Mail from own users, STARTTLS and a log-in required (RFC 6409).
        submission: Vec<SocketAddr> = (Vec::new());
        /// The same with TLS from the first byte (RFC 8314).
        submissions: Vec<SocketAddr> = (Vec::new());
        /// Mail that another server of yours hands over to be kept here (LMTP, RFC 2033): own
        /// recipients alone, an answer for each; only for the networks of `lmtp.networks`.
        lmtp: Vec<SocketAddr> = (Vec::new());
        /// The same over a local socket, for whom its permissions (0660, the server's own user and
        /// group) let in.
        lmtp_socket: Option<PathBuf> = None;
        /// Mailboxes over POP3; nothing but CAPA, STLS and QUIT before TLS (RFC 2595).
        pop3: Vec<SocketAddr> = (Vec::new());
        /// Mailboxes over POP3 with TLS from the first byte (RFC 8314).
        pop3s: Vec<SocketAddr> = (everywhere(995));
        /// The web pages, under TLS: the release page of the quarantine.
        https: Vec<SocketAddr> = (Vec::new());
        /// How many connections the kernel keeps waiting at each door.
        backlog: u32 = 1_024 in 16..=65_535;
    }

    /// Proxies before the doors (HAProxy's PROXY protocol, versions 1 and 2).
    proxy: Proxy {
        /// Their networks. From these a PROXY header is required, at every door, and whom it
        /// announces counts for all limits and rules; from others none is read.
        networks: Vec<IpNet> = (Vec::new());
    }

    /// The certificate of all doors. TLS 1.2 and 1.3 only.
    tls: Tls {
        /// File with the certificate chain (PEM). It is read again when it changes. Left out: a
        /// self-signed one in the data folder, which `gatepost serve` makes when it is missing.
        certificate: Option<PathBuf> = None;
        /// File with its private key (PEM); only the server's user should be able to read it.
        key: Option<PathBuf> = None;
        /// File with the authorities (PEM) that vouch for other servers, where mail is sent to them
        /// under a policy (MTA-STS) or with a log-in. Left out: those of the system.
        authorities: Option<PathBuf> = None;
        /// How long before the certificate ends the log begins to warn.
        warn_before_days: u64 = 14 in 1..=90;
    }

    /// Where mail and everything else that lasts is kept.
    storage: Storage {
        /// The data folder (mode 0700): database, large bodies, the lock.
        data: PathBuf = (PathBuf::from("/var/lib/gatepost"));
        /// A PostgreSQL database, `postgres://user:password@host:port/name`. Left out: SQLite in
        /// the data folder. With a password in it, the settings file must not be world-readable:
        /// that is an error.
        database: Option<Secret<String>> = None;
        /// How long the trace of decisions is kept.
        trace_retention_days: u64 = 30 in 1..=3_650;
        /// Free space on the data folder's disk below which mail is answered 452; the larger of
        /// this and `disk_free_min_percent` counts.
        disk_free_min_bytes: u64 = 1_073_741_824 in 0..=1_125_899_906_842_624;
        /// The same as a share of the disk.
        disk_free_min_percent: u64 = 5 in 0..=50;
    }

    /// Mail that was accepted and is held until somebody releases it.
    quarantine: Quarantine {
        /// How long something is held before it is deleted; 0 holds it for ever.
        retention_days: u64 = 30 in 0..=3_650;
        /// Bytes of all messages of which something is held; above that the oldest go first.
        size_max: u64 = 5_368_709_120 in 1_048_576..=1_125_899_906_842_624;
        /// How often recipients and the administrator are told by a digest what is newly held, in
        /// hours; 0: never.
        digest_hours: u64 = 24 in 0..=168;
    }

    /// What one peer, session or message may take. Every limit has a default that suits a small
    /// or middle-sized organisation.
    limits: Limits {
        /// Largest message, at every door; a 25 MiB file has this size once it is encoded.
        message_size_max: u64 = 36_700_160 in 65_536..=2_147_483_648;
        /// Largest message header.
        header_size_max: usize = 262_144 in 4_096..=4_194_304;
        /// Most recipients in one transaction from another server.
        recipients_max: usize = 1_000 in 100..=50_000;
        /// Most recipients in one transaction of a user who logged in.
        submission_recipients_max: usize = 100 in 1..=50_000;
        /// Most connections at one time from one IPv4 address or IPv6 /64, all doors together.
        connections_per_address: usize = 30 in 1..=100_000;
        /// Most connections at one time from all, all doors together.
        connections_max: usize = 1_200 in 1..=100_000;
        /// Errors after which a session is closed.
        errors_max: usize = 20 in 1..=1_000;
        /// `Received` fields beyond which a message is taken to go in a circle.
        hops_max: usize = 30 in 5..=1_000;
        /// How long a peer may take from a reply to the end of its next command. Who logged in over
        /// POP3 has at least ten minutes (RFC 1939 §3).
        idle_timeout_secs: u64 = 300 in 5..=3_600;
        /// How long a client that never brought wanted mail waits for its greeting at the port-25
        /// door, in milliseconds: who talks before it is greeted is a program that does not care
        /// for answers, and is sent away. 0: greet at once.
        greeting_pause_ms: u64 = 300 in 0..=10_000;
        /// How long a message body, or a command that has begun, may take before its speed
        /// (`data_rate_min_bytes`) is looked at.
        command_timeout_secs: u64 = 60 in 5..=3_600;
        /// Bytes a second below which a message body is cut.
        data_rate_min_bytes: u64 = 100 in 1..=1_000_000;
        /// How deep aliases may lead to other aliases.
        alias_depth_max: usize = 10 in 1..=100;
        /// Most addresses that one alias may end in.
        alias_fanout_max: usize = 1_000 in 1..=50_000;
        /// How long looking at a message's content may take before the answer is 451.
        filter_timeout_secs: u64 = 60 in 1..=600;
    }

    /// The processes that look into what mail contains: locked down, without files and network,
    /// each with one message at a time, 64 MiB beside it, and a second of CPU for each 16 MiB.
    worker: Worker {
        /// How many there are at most. 0: as many as processors, and at least two.
        count: usize = 0 in 0..=64;
    }

    /// Budgets for guessing passwords. They never lock an owner out from where they have been.
    login: Login {
        /// How long the answer to a failed log-in is held back.
        failure_delay_secs: u64 = 5 in 0..=60;
        /// Failed log-ins after which a connection is closed.
        failures_per_connection_max: usize = 3 in 1..=20;
        /// Failed log-ins from one address within the span.
        failures_per_address_max: usize = 10 in 1..=1_000_000;
        /// Failed log-ins from one network (IPv4 /24, IPv6 /48) within the span.
        failures_per_network_max: usize = 50 in 1..=1_000_000;
        /// Failed log-ins to one account, from wherever, within the span.
        failures_per_account_max: usize = 50 in 1..=1_000_000;
        /// The span in which failures are counted.
        failure_span_secs: u64 = 3_600 in 1..=604_800;
        /// Password hashes computed at one time; each takes about 20 MiB.
        hashes_at_once_max: usize = 2 in 1..=64;
    }

    /// The budget for asking after recipients that do not exist. Failed log-ins with an unknown
    /// name draw on it too.
    recipient: UnknownRecipient {
        /// Unknown recipients from one address within the span after which answers are delayed.
        unknown_before_delay: usize = 5 in 0..=1_000_000;
        /// How long they are then held back.
        unknown_delay_secs: u64 = 5 in 0..=60;
        /// Unknown recipients from one address within the span after which it is refused.
        unknown_before_block: usize = 50 in 1..=1_000_000;
        /// The span in which they are counted.
        unknown_span_secs: u64 = 3_600 in 1..=604_800;
    }

    /// How much one address may send; above it the answer is 4xx.
    rate: Rate {
        /// Connections a minute from one IPv4 address or IPv6 /64.
        connections_per_minute_max: usize = 600 in 1..=10_000_000;
        /// Messages a minute from one IPv4 address or IPv6 /64.
        messages_per_minute_max: usize = 1_200 in 1..=10_000_000;
    }

    /// Who may send mail through this server to elsewhere, besides users who log in: nobody,
    /// unless named here. Recipients of the domains here are asked for at the next server before
    /// they are accepted, unless a list knows them.
    relay: Relay {
        /// Client networks that may send to anywhere. Loopback is not among them by itself:
        /// behind a proxy or in a container strangers look local.
        networks: Vec<IpNet> = (Vec::new());
        /// Domains that mail is taken for on its way elsewhere; each covers its hosts.
        domains: Vec<Domain> = (Vec::new());
        /// A file with more of both, in the format of sendmail's `relay-domains`.
        domains_file: Option<PathBuf> = None;
        /// A file that says who exists at these domains: an address a line, or `@domain` for
        /// everybody there. For a domain in it, the next server is not asked.
        recipients_file: Option<PathBuf> = None;
    }

    /// How names are looked up.
    dns: Dns {
        /// Whose word counts for that an answer is what its zone signed (DNSSEC), on which DANE
        /// stands: `local` that of a name server on this machine, `trust-ad` that of any that is
        /// asked, `validate` nobody's (each answer is checked here), `off`: nothing is.
        dnssec: DnssecChoice = (DnssecChoice::Local);
    }

    /// What is fetched over HTTPS: policies of other domains (MTA-STS).
    fetch: Fetch {
        /// Private addresses that may be called all the same, each at its port: a server of your
        /// own network that other names lead to. Nothing else that is private is ever called.
        private: Vec<SocketAddr> = (Vec::new());
    }

    /// Mail on its way to other servers.
    send: Send {
        /// A server that takes all mail for elsewhere. Left out: each domain's own servers, by
        /// their MX records.
        smarthost: Option<NextHop> = None;
        /// Whom to log in as at the smarthost: only under TLS, and only where it proves by a
        /// certificate (or its TLSA records) that it is the right one.
        smarthost_user: Option<String> = None;
        /// The password for it. With one, the settings file must not be world-readable: that is an
        /// error.
        smarthost_password: Option<Secret<String>> = None;
        /// Domains whose mail goes another way than by their MX or the smarthost: one
        /// `[[send.routes]]` for each. Only a server named here or as the smarthost may be on this
        /// machine.
        routes: Vec<SendRoute> = (Vec::new());
        /// Most connections to other servers at one time.
        connections_max: usize = 100 in 1..=10_000;
        /// Most of them to one destination.
        connections_per_destination_max: usize = 20 in 1..=1_000;
        /// How long mail that cannot be delivered is tried again before it is given up.
        lifetime_hours: u64 = 96 in 1..=720;
        /// Recipients elsewhere that one account, or one user of this machine, may write to in a
        /// day. What goes beyond is held in the queue until it is released. It grows by a tenth
        /// with each clean day, up to four times; `account limit` and `domain limit` say
        /// otherwise for some.
        recipients_per_day_max: u64 = 500 in 0..=100_000_000;
        /// The same for recipients that it never wrote to before.
        first_time_per_day_max: u64 = 100 in 0..=100_000_000;
        /// After how long a user who sent it hears that it is late.
        warn_after_hours: u64 = 4 in 1..=720;
        /// Whether other domains that ask for it are told daily how TLS to their servers went
        /// (RFC 8460): `send` or `off`.
        tls_reports: TlsReports = (TlsReports::Send);
    }

    /// Who mail is from: SPF, DKIM, DMARC and ARC of all that strangers send. Mail that its
    /// author's domain disowns is refused or goes to Junk, and nobody from outside writes our own
    /// domains into From; the names here are the exceptions.
    authentication: Authentication {
        /// Domains whose ARC seals are believed: mail that they changed on its way is taken if they
        /// say that it was authentic before. Each covers its hosts.
        trusted_sealers: Vec<Domain> = (Vec::new());
        /// Domains of mailing lists that change mail and do not seal it: what bears a `List-Id`,
        /// and SPF or DKIM shows to be theirs, is taken whatever the author's domain wishes. Each
        /// covers its hosts.
        mailing_lists: Vec<Domain> = (Vec::new());
    }

    /// Signatures of what users and the server itself send to elsewhere (DKIM). Each domain has two
    /// keys, RSA and Ed25519, which are made without asking; see the manual's page on DNS records.
    dkim: Dkim {
        /// When a new key begins to sign: `seen`, once the DNS shows its record, or `always`, when
        /// its time has come. Receivers take a signature without a record for none.
        activate: DkimActivation = (DkimActivation::Seen);
        /// How long a key signs until one that is to follow it is made, whose record is then to be
        /// published. The old one signs until the new one does. 0: never without being asked.
        rotate_after_days: u64 = 180 in 0..=3_650;
        /// How long the record of a key that follows another is shown, at least, before it signs:
        /// until nobody remembers that it was not there.
        publish_days: u64 = 3 in 0..=365;
        /// How long the record of a key that signs no more has to stay, for mail that is still on
        /// its way.
        retire_days: u64 = 14 in 5..=365;
    }

    /// The access map: who is refused, allowed, discarded.
    access: Access {
        /// A file in the format of sendmail's `access`. Entries made at run time live in the store.
        file: Option<PathBuf> = None;
    }

    /// Other names for mailboxes.
    aliases: Aliases {
        /// A file in the format of sendmail's `aliases`. Entries made at run time live in the
        /// store.
        file: Option<PathBuf> = None;
        /// A file in the format of sendmail's `virtusertable`.
        virtusertable_file: Option<PathBuf> = None;
    }

    /// This machine: which domains are its own, besides those in the store, and what its users may
    /// send at the submit socket.
    local: Local {
        /// A file in the format of sendmail's `local-host-names`.
        hosts_file: Option<PathBuf> = None;
        /// Users of this machine that may send as other addresses than their name at `hostname`,
        /// or more than others: one `[[local.users]]` for each. Root may send as every address
        /// of this server.
        users: Vec<LocalGrant> = (Vec::new());
        /// Most sessions of one user at one time.
        sessions_per_user_max: usize = 20 in 1..=1_000;
        /// Messages a minute of one user; above it the answer is 4xx.
        messages_per_minute_max: usize = 120 in 1..=1_000_000;
    }

    /// Exceptions of the SMTP protocol for named networks.
    smtp: Smtp {
        /// One `[[smtp.networks]]` for each network.
        networks: Vec<SmtpNetwork> = (Vec::new());
    }

    /// Mail that another server hands over.
    lmtp: Lmtp {
        /// Networks that may use the LMTP door.
        networks: Vec<IpNet> = (Vec::new());
    }

    /// Prohibited subjects. Rules made at run time live in the store.
    subject: Subject {
        /// One `[[subject.rules]]` for each rule; the first that matches decides.
        rules: Vec<SubjectRule> = (Vec::new());
    }

    /// What parts of a message hold: programs, scripts, archives, documents. The page about
    /// attachments has the kinds of danger, and what is done with each by default.
    attachment: Attachment {
        /// Whether parts are looked into: `on` or `off`. With `off` nothing is found, and whatever
        /// is attached reaches its recipient.
        filter: FilterChoice = (FilterChoice::On);
        /// What is done with a message that two programs could read differently: `rebuild` writes
        /// it anew if every reading is harmless, and else puts it into quarantine; `quarantine`
        /// puts it there whatever it holds; `refuse` refuses it.
        ambiguous: AmbiguousChoice = (AmbiguousChoice::Rebuild);
        /// What is done with a message that could not be looked into, because a part of the server
        /// failed: `later` asks the sender's server to come again, `quarantine` keeps it aside.
        failed: FailedChoice = (FailedChoice::Later);
        /// Files with SHA-256 hashes of what must not be in any part, a line `HASH NAME` each.
        hashes: Vec<PathBuf> = (Vec::new());
        /// Files with patterns of viruses, a line `NAME hex DIGITS` or `NAME text WORDS` each; the
        /// page about attachments tells their form.
        patterns: Vec<PathBuf> = (Vec::new());
        /// One `[[attachment.rules]]` for each rule, before the default table; of those that fit a
        /// part, the first decides.
        rules: Vec<AttachmentRule> = (Vec::new());
    }

    /// The web pages.
    web: Web {
        /// Where people reach them, as links in notices have it: `https://mail.example.org:8443`.
        /// Left out: the host name and the port of `listen.https`; without that there are no links.
        url: Option<WebUrl> = None;
    }

    /// Scanners that are not part of this server: they see the whole message as it came, in and
    /// out, beside the lists that are built in. None by default.
    scanner: Scanner {
        /// Where ClamAV's clamd listens: local sockets, or servers with their ports. They are asked
        /// in turn until one answers.
        clamd: Vec<ScannerPlace> = (Vec::new());
        /// The same of SpamAssassin's spamd.
        spamd: Vec<ScannerPlace> = (Vec::new());
        /// A program, with its arguments, that gets the message on its standard input and ends with
        /// 0 if it is clean, 1 if not (its first line names the virus); all else is a failure. It
        /// runs as the server's user, without a shell.
        command: Vec<String> = (Vec::new());
        /// How long one scanner may take for one message.
        timeout_secs: u64 = 20 in 1..=600;
        /// Longest message for clamd and the command: no more than clamd's own `StreamMaxLength`.
        /// A longer one could not be scanned, as `on_failure` has it.
        size_max: u64 = 104_857_600 in 65_536..=4_294_967_295;
        /// Longest message for spamd. A longer one has no score, and is noted.
        spamd_size_max: u64 = 524_288 in 4_096..=268_435_456;
        /// Messages that are scanned at one time; the others wait.
        at_once_max: usize = 16 in 1..=1_000;
        /// What is done with a virus: `quarantine` or `refuse`. What own users send is refused.
        on_virus: VirusChoice = (VirusChoice::Quarantine);
        /// What is done with a message that a scanner could not scan: `later` asks the sender's
        /// server to come again, `quarantine` keeps it aside. It is never taken for clean.
        on_failure: FailedChoice = (FailedChoice::Later);
        /// What is done with what spamd calls spam, if a stranger sends it: `note`, `junk`,
        /// `quarantine` or `refuse`.
        on_spam: SpamChoice = (SpamChoice::Note);
        /// Days after which clamd's signatures are too old, which is an alarm. 0: they never are.
        signature_age_max_days: u64 = 7 in 0..=3_650;
        /// How often the server sends itself a harmless test virus through its own port 25 and
        /// sounds the alarm if that passes, in hours. 0: never by itself.
        self_test_hours: u64 = 24 in 0..=720;
    }

    /// What this server writes to people: notices, and texts in the place of what it took out.
    texts: Texts {
        /// The language: `en` or `de`.
        language: Language = (Language::En);
        /// A folder with texts of your own, file by file in place of the server's: `removed.txt`,
        /// `warning.txt` and the others that the manual lists.
        folder: Option<PathBuf> = None;
    }
}

/// A port on all addresses, IPv4 and IPv6.
fn everywhere(port: u16) -> Vec<SocketAddr> {
    vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()]
}

impl Settings {
    /// An error in the value of `section.key`, where the file has it.
    pub fn problem_at(&self, key: &str, message: impl Into<String>) -> Problem {
        self.places.problem(key, message)
    }
}

/// Networks wider than any organisation's own: they would let strangers in.
pub(crate) fn too_wide(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() < 8,
        IpNet::V6(net) => net.prefix_len() < 19,
    }
}

#[cfg(test)]
mod tests;
