//! The command line: what can be said, and where each command is carried out.

mod admin;
mod app_password;
mod authentication;
mod object;
mod quarantine;
mod queue;
mod scan;
mod scanner;

pub(crate) use authentication::{SignCommand, SignerArgs, VerifyArgs, VerifyCommand};
pub(crate) use object::{DemoArgs, InitArgs, ServeArgs};
pub(crate) use scan::ScanArgs;

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Gatepost, a mail server that is hardened from its first start.
#[derive(Parser)]
#[command(version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Try it: gatepost demo\nSet it up: gatepost init --domain example.org")]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Where the settings are if nothing else is said.
pub(crate) const CONFIG: &str = "/etc/gatepost/gatepost.toml";

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Global {
    /// The settings file.
    #[arg(long, global = true, value_name = "FILE", default_value = CONFIG)]
    #[arg(env = "GATEPOST_CONFIG")]
    pub(crate) config: PathBuf,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Do not ask before something is removed.
    #[arg(long, short = 'y', global = true)]
    pub(crate) yes: bool,
    /// Set the clock, for diagnosis: 2026-11-24T12:00:00Z.
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) now: Option<jiff::Timestamp>,
    /// Answer all DNS questions from this zone file, for diagnosis.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) zone: Option<PathBuf>,
}

impl Global {
    /// The clock that `--now` asks for.
    pub(crate) fn clock(&self) -> net::Clock {
        match self.now {
            Some(at) => net::Clock::at(mail::Timestamp(at.as_millisecond())),
            None => net::Clock::system(),
        }
    }

    /// The same without a zone file, for what a running server is asked.
    pub(crate) fn without_zone(&self) -> Self {
        Self { zone: None, ..self.clone() }
    }

    /// The resolver: the system's, or the zone file that `--zone` names.
    pub(crate) fn resolver(&self) -> Result<Arc<dyn net::Resolver>> {
        self.proving_resolver(net::Dnssec::Off)
    }

    /// The same, whose answers are proven by DNSSEC as far as `dnssec` says.
    pub(crate) fn proving_resolver(&self, dnssec: net::Dnssec) -> Result<Arc<dyn net::Resolver>> {
        if let Some(file) = &self.zone {
            return Ok(Arc::new(net::ZoneResolver::load(file)?));
        }
        let resolver = net::HickoryResolver::system(dnssec)?;
        if dnssec == net::Dnssec::Local && !resolver.proves() {
            tracing::warn!(
                "the name server is not on this machine, so DANE is not used: install a validating \
                 one (unbound), or set dns.dnssec"
            );
        }
        Ok(Arc::new(resolver))
    }
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(ServeArgs),
    /// Make settings, data folder and first account, and print the DNS records to publish.
    Init(InitArgs),
    /// Show everything: a complete server in a temporary folder that sends itself mail.
    Demo(DemoArgs),
    /// Check the settings and every map file that they name.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show how a message is read: headers, parts, ambiguities.
    #[command(after_help = "Example: gatepost parse message.eml")]
    Parse {
        /// The message; `-` reads standard input.
        file: PathBuf,
    },
    /// Show how an address is read, or why it is none.
    #[command(after_help = "Example: gatepost parse-address '\"a b\"@example.org'")]
    ParseAddress {
        /// The address.
        address: String,
    },
    /// Show what a message holds, and what would be done with it.
    #[command(after_help = "Example: gatepost scan message.eml --from anna@partner.example")]
    Scan(ScanArgs),
    /// Check who a message is from, as the DNS and signatures prove it.
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// Sign a message, and print it with the signature before it.
    #[command(subcommand)]
    Sign(SignCommand),
    /// Print a completion script.
    #[command(after_help = "Example: gatepost completions bash > /etc/bash_completion.d/gatepost")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Hand in mail from this machine, with sendmail's own options and exit codes.
    #[command(disable_help_flag = true)]
    #[command(after_help = "Example: gatepost sendmail -t < message.eml")]
    Sendmail {
        /// What sendmail takes: -t, -i, -f ADDRESS, -bs, -bp, -bv, -q, recipients.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    #[command(flatten)]
    Admin(object::AdminCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Every error with file, line and column, and a hint.
    #[command(after_help = "Example: gatepost config check --config ./gatepost.toml")]
    Check,
}

/// The arguments, with what the program's name says: called `mailq`, it lists the queue (for who is
/// not root, what is the caller's own); called `sendmail`, it takes sendmail's options.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>, is_root: bool) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.into_iter().collect();
    let name = given.first().map(PathBuf::from);
    let name = name.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
    let said: &[&str] = match name {
        Some("mailq") if is_root => &["queue", "list"],
        Some("mailq") => &["sendmail", "--", "-bp"],
        Some("sendmail") => &["sendmail", "--"],
        Some("newaliases") => &["sendmail", "--", "-bi"],
        // None of its letters is one of ours.
        _ if given.get(1).is_some_and(|word| word == "sendmail") => {
            given.insert(2, "--".into());
            &[]
        }
        _ => &[],
    };
    given.splice(1..1, said.iter().map(OsString::from));
    given
}

impl Cli {
    /// Whether JSON is to be printed, errors included.
    pub(crate) fn json(&self) -> bool {
        self.global.json
    }

    /// Carries the command out. Exit 0: done; 1: a finding or a refusal; 2: wrong usage.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        match &self.command {
            Command::Serve(args) => crate::serve::run(&self.global, args),
            Command::Init(args) => crate::init::run(&self.global, args),
            Command::Demo(args) => crate::demo::run(&self.global, args),
            Command::Config(ConfigCommand::Check) => crate::offline::check(&self.global),
            Command::Parse { file } => crate::parse::message(&self.global, file),
            Command::ParseAddress { address } => crate::parse::address(&self.global, address),
            Command::Scan(args) => crate::scan::run(&self.global, args),
            Command::Verify(command) => crate::verify::run(&self.global, command),
            Command::Sign(command) => crate::sign::run(&self.global, command),
            Command::Sendmail { arguments } => crate::sendmail::run(&self.global, arguments),
            Command::Completions { shell } => {
                let (mut command, mut script) = (Cli::command(), Vec::new());
                clap_complete::generate(*shell, &mut command, "gatepost", &mut script);
                crate::output::raw(String::from_utf8_lossy(&script).trim_end())?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Admin(command) => admin::run(&self.global, command),
        }
    }
}

#[cfg(test)]
mod tests;
