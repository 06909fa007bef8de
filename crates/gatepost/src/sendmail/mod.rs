//! `gatepost sendmail`, also when the binary is called `sendmail`: programs of this machine hand in
//! their mail, over the submit socket of the server that runs here.
//!
//! The kernel tells the server who calls; nothing here needs a right that the caller has not.
//! Nothing is kept on this side either: without a server it ends with EX_TEMPFAIL, and says so.

mod exit;
mod message;
mod options;
mod pipe;
mod queue;
mod session;

use crate::cli::{CONFIG, Global};
use crate::output;
use anyhow::Result;
use exit::{Exit, Failure};
use mail::{Address, BodyKind, Domain, EnvelopeDsn, EnvelopeId, RecipientDsn, ReversePath};
use message::{Author, Message, Unfit};
use nix::unistd::{User, geteuid};
use options::{Mode, Options};
use session::{Questions, Session};
use smtp::client::{Outcome, Recipient, Transaction};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Names the socket, for tests and for several servers on one machine.
const SOCKET_VARIABLE: &str = "GATEPOST_SUBMIT_SOCKET";
/// Largest message that is read: several times what servers take.
const INPUT_MAX: u64 = 256 * 1024 * 1024;

/// Carries a call out. Its exit codes are those of sysexits.h, not the other commands'.
pub(crate) fn run(global: &Global, arguments: &[OsString]) -> Result<ExitCode> {
    let exit = match carry_out(global, arguments) {
        Ok(exit) => exit,
        Err(failure) => {
            output::complain(&failure.text);
            failure.exit
        }
    };
    Ok(ExitCode::from(exit as u8))
}

fn carry_out(global: &Global, arguments: &[OsString]) -> Result<Exit, Failure> {
    let text = |argument: &OsString| argument.to_str().map(str::to_owned);
    let arguments: Option<Vec<String>> = arguments.iter().map(text).collect();
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let arguments = arguments.ok_or_else(|| usage("an argument is not UTF-8".to_owned()))?;
    let options = options::parse(&arguments).map_err(usage)?;
    if options.mode == Mode::Aliases {
        output::complain("nothing to rebuild: `gatepost reload` reads the aliases");
        return Ok(Exit::Ok);
    }
    let socket = socket(global, options.settings.as_deref())?;
    // Before the server is asked: a program may take hours to say what it has to say.
    let input = match options.mode {
        Mode::Send => Some(read_input(&options)?),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::TempFail, error.to_string()))?;
    runtime.block_on(async {
        match (options.mode, input) {
            (Mode::Send, Some(message)) => send(&options, &socket, message).await,
            (Mode::Smtp, _) => pipe::run(&socket).await,
            (Mode::List, _) => queue::list(&socket).await,
            (Mode::Flush, _) => queue::flush(&socket).await,
            (Mode::Verify, _) => verify(&options, &socket).await,
            (Mode::Send | Mode::Aliases, _) => Ok(Exit::Ok),
        }
    })
}

/// Where the server listens: what the environment says, what the settings say if this user may read
/// them, else where the package has it.
fn socket(global: &Global, settings: Option<&str>) -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(SOCKET_VARIABLE) {
        return Ok(path.into());
    }
    let run = Path::new(config::settings::RUN_FOLDER);
    let usual = run.join("submit.sock");
    let file = settings.map_or_else(|| global.config.clone(), PathBuf::from);
    match config::load(&file) {
        Ok(settings) => {
            // The server has it in the data folder where the usual folder is not its own.
            let fallback = settings.submit_socket(None);
            let is_there = fallback.symlink_metadata().is_ok();
            let is_named = settings.server.submit_socket.is_some();
            Ok(if is_named || is_there { fallback } else { usual })
        }
        // Ordinary users may not read them, and need not.
        Err(_) if file == Path::new(CONFIG) => Ok(usual),
        Err(problems) => {
            Err(Failure::new(Exit::Config, crate::offline::problems(problems).to_string()))
        }
    }
}

fn read_input(options: &Options) -> Result<Message, Failure> {
    if options.recipients.is_empty() && !options.from_header {
        return Err(Failure::new(Exit::Usage, "no recipients: name them, or say -t"));
    }
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(INPUT_MAX + 1).read_to_end(&mut input);
    read.map_err(|error| Failure::new(Exit::Io, format!("standard input: {error}")))?;
    if input.len() as u64 > INPUT_MAX {
        let text = format!("the message is larger than {INPUT_MAX} bytes");
        return Err(Failure::new(Exit::Data, text));
    }
    Message::read(&input, options.ignore_dots).map_err(Failure::from)
}

/// Who calls, by the system's user database.
fn author(options: &Options, hostname: &Domain) -> Result<Author, Failure> {
    let uid = geteuid();
    let user = User::from_uid(uid).ok().flatten();
    // The server refuses whom nobody knows; until then a number is as good a name as any.
    let name = user.as_ref().map_or_else(|| uid.to_string(), |user| user.name.clone());
    let own = Address::at(&name, hostname)
        .map_err(|error| Failure::new(Exit::NoPermission, format!("user {name}: {error}")))?;
    let sender = match options.sender.as_deref() {
        None => ReversePath::Address(own.clone()),
        Some("" | "<>") => ReversePath::Null,
        Some(text) => ReversePath::Address(message::address(text, hostname)?),
    };
    let full_name = options.full_name.clone().or_else(|| {
        let gecos = user?.gecos.into_string().ok()?;
        // A system user is called there what it is called anyway.
        gecos.split(',').next().filter(|full| *full != name).map(str::to_owned)
    });
    Ok(Author { hostname: hostname.clone(), sender, own, full_name, is_root: uid.is_root() })
}

async fn send(options: &Options, socket: &Path, message: Message) -> Result<Exit, Failure> {
    let mut session = Session::open(socket).await?;
    let author = author(options, &session.hostname)?;
    let mut addresses = named(options, &author.hostname)?;
    if options.from_header {
        addresses.extend(message.recipients(&author.hostname)?);
    }
    let mut known = std::collections::HashSet::new();
    addresses.retain(|address| known.insert(address.key()));
    if addresses.is_empty() {
        return Err(Failure::new(Exit::Data, "no recipients in To, Cc or Bcc"));
    }
    let sender = author.sender.clone();
    let bytes = message.finish(&author)?;
    let outcomes = deliver(&mut session, options, sender, &addresses, &bytes).await?;
    session.close().await;
    Ok(tell(options, &addresses, &outcomes))
}

/// In transactions of as many as the machine takes at once.
async fn deliver(
    session: &mut Session,
    options: &Options,
    sender: ReversePath,
    addresses: &[Address],
    bytes: &[u8],
) -> Result<Vec<Outcome>, Failure> {
    let recipient = |address: &Address| Recipient {
        address: address.clone(),
        dsn: RecipientDsn { notify: options.notify, original: None },
    };
    let mut outcomes = Vec::with_capacity(addresses.len());
    for some in addresses.chunks(smtp::client::RECIPIENTS_MAX) {
        let transaction = Transaction {
            sender: sender.clone(),
            recipients: some.iter().map(recipient).collect(),
            size: bytes.len() as u64,
            body: if bytes.is_ascii() { BodyKind::SevenBit } else { BodyKind::EightBitMime },
            smtputf8: false,
            require_tls: false,
            dsn: EnvelopeDsn {
                ret: options.wanted_back,
                id: options.envelope_id.as_deref().and_then(EnvelopeId::of),
            },
        };
        outcomes.extend(session.send(transaction, bytes).await?);
    }
    Ok(outcomes)
}

/// The recipients of the command line; one argument may hold several, separated by commas.
fn named(options: &Options, hostname: &Domain) -> Result<Vec<Address>, Failure> {
    let mut addresses = Vec::new();
    for argument in &options.recipients {
        let list = mail::address_list::AddressList::parse(argument.as_bytes());
        if list.mailboxes.len() > 1 {
            for mailbox in &list.mailboxes {
                addresses.push(message::address(&mailbox.text, hostname)?);
            }
        } else {
            addresses.push(message::address(argument, hostname)?);
        }
    }
    Ok(addresses)
}

/// Says for whom it failed, and of how it went the one code.
fn tell(options: &Options, addresses: &[Address], outcomes: &[Outcome]) -> Exit {
    let exits: Vec<Exit> = outcomes.iter().map(exit::of_outcome).collect();
    let failed = exits.iter().any(|exit| *exit != Exit::Ok);
    for ((address, outcome), exit) in addresses.iter().zip(outcomes).zip(&exits) {
        // Where not all failed, it matters who has got it.
        if *exit != Exit::Ok || failed || options.verbose {
            output::complain(&format!("{address}: {}", exit::words(outcome)));
        }
    }
    exit::worst(exits)
}

/// Whether each recipient would be taken, without sending anything: what policy says to RCPT.
async fn verify(options: &Options, socket: &Path) -> Result<Exit, Failure> {
    let mut questions = Questions::open(socket).await?;
    let author = author(options, &questions.hostname)?;
    let addresses = named(options, &author.hostname)?;
    if addresses.is_empty() {
        return Err(Failure::new(Exit::Usage, "whom? name the recipients"));
    }
    let path = author.sender.address().map(ToString::to_string).unwrap_or_default();
    let said = questions.ask(&format!("MAIL FROM:<{path}> SMTPUTF8")).await?;
    if said.code != 250 {
        let exit = exit::of_reply(smtp::client::Command::Mail, &said.reply());
        return Err(Failure::new(exit, said.text()));
    }
    let mut exits = Vec::with_capacity(addresses.len());
    for address in addresses {
        let said = questions.ask(&format!("RCPT TO:<{address}>")).await?;
        let exit = exit::of_reply(smtp::client::Command::Rcpt, &said.reply());
        exits.push(exit);
        let words = if exit == Exit::Ok { "deliverable".to_owned() } else { said.text() };
        printed(output::print(&format!("{address}: {words}")))?;
    }
    questions.ask("QUIT").await?;
    Ok(exit::worst(exits))
}

/// Standard output that cannot be written has a code of its own.
fn printed(written: Result<()>) -> Result<(), Failure> {
    written.map_err(|error| Failure::new(Exit::Io, format!("{error:#}")))
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Failure::new(Exit::Data, unfit.0)
    }
}
