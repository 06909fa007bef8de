//! The sending side of SMTP (RFC 5321) as a machine: the server's bytes go in, actions come out.
//!
//! The shell does what [`Machine::next`] says, over and over. It writes all of [`Machine::output`]
//! before it reads, starts TLS or closes; it gives a transaction when the machine is ready for one,
//! and the body when that is wanted. The machine decides what the protocol decides: what to say
//! next, what an answer means for which recipient, and when a server cannot be believed any more.
//! It knows no route, no schedule and no clock.
//!
//! Whatever the server sends, however it is cut into segments: bounded memory, one [`Outcome`] for
//! each recipient, and no more bytes of the message than its own, as one message. **A reply counts
//! only as the answer to a command that was written before it came**: what comes without one ends
//! the connection, since from there on nobody knows which reply answers what.
//!
//! | file | what |
//! |---|---|
//! | `reply.rs` | bytes → one reply |
//! | `extensions.rs` | what EHLO's answer offers |
//! | `command.rs` | what is said, in wire form |
//! | `state.rs` | where a connection stands |
//! | `opening.rs`, `login.rs` | from the greeting to being ready: EHLO, STARTTLS, AUTH |
//! | `transaction.rs` | a message, its recipients, what became of each |
//! | `envelope.rs` | MAIL, RCPT, DATA, in groups where the server allows it |
//! | `data.rs`, `body.rs` | the message as lines of the wire; the state around it |
//! | `fault.rs` | why a connection ends before it was to |
//!
//! CHUNKING is not used. LMTP, should it be wanted, differs in `opening.rs` (LHLO) and in having
//! one answer a recipient to the final dot.

use mail::{Address, BodyKind, Domain, EnvelopeDsn, RecipientDsn, ReversePath, Secret};

use reply::{Heard, Reader};
use state::{Session, State};
use transaction::Delivery;

/// How a connection is used, fixed when it begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Our name in EHLO.
    pub hostname: Domain,
    /// What is done about STARTTLS.
    pub tls: TlsPolicy,
    /// Whether the connection began under TLS: STARTTLS does not come up then.
    pub tls_active: bool,
    /// What to log in with, which is a must if it is given, and never done without TLS.
    pub credentials: Option<Credentials>,
}

/// What is done about STARTTLS (RFC 3207).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPolicy {
    /// It is not used.
    Never,
    /// It is used if the server offers it; where the server then refuses it, mail goes in the
    /// clear. (Where the handshake fails, that is the caller's decision, on a new connection.)
    IfOffered,
    /// Without it there is no mail.
    Required,
}

/// A name and a password for a smarthost.
#[derive(Debug, Clone)]
pub struct Credentials {
    user: String,
    password: Secret<String>,
}

impl Credentials {
    /// Takes a name and a password, both not empty and without NUL (RFC 4616 §2).
    pub fn new(user: String, password: Secret<String>) -> Option<Self> {
        let good = |text: &str| !text.is_empty() && !text.contains('\0');
        (good(&user) && good(password.expose())).then_some(Self { user, password })
    }
}

/// What the shell has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write the output, read, and give what came to [`Machine::receive`] or [`Machine::eof`].
    /// [`Machine::waiting_for`] tells what is awaited: each command has a deadline of its own.
    Read,
    /// Write the output, do the handshake, call [`Machine::secured`] or
    /// [`Machine::handshake_failed`]. What was read beyond the server's answer goes to
    /// [`Machine::receive`] first.
    StartTls,
    /// Give more of the message to [`Machine::body`] or end it with [`Machine::end_body`], write
    /// the output, ask again. Nothing has to be read; what was read goes to [`Machine::receive`].
    /// Where writing fails, the server may have said why: read until its end before
    /// [`Machine::eof`].
    Body,
    /// The server is ready for a transaction: [`Machine::begin`], or [`Machine::quit`]. While a
    /// connection is kept for later, whatever is read goes to [`Machine::receive`].
    Ready,
    /// The transaction is over: one outcome for each recipient, in their order. What comes next
    /// tells whether the connection can be used on.
    Done(Vec<Outcome>),
    /// Write the output and close; a fault if the connection ends before it was to. Repeated for
    /// ever.
    Closed(Option<Fault>),
}

/// One connection.
pub struct Machine {
    options: Options,
    output: Vec<u8>,
    reader: Reader,
    /// Replies that may come: those to commands that were written, as far as the shell told us by
    /// emptying the output.
    answerable: usize,
    session: Session,
    state: State,
    /// The transaction in progress.
    delivery: Option<Delivery>,
    /// What became of it, until the shell has heard.
    done: Option<Vec<Outcome>>,
}

impl Machine {
    /// A connection that has just been made; nothing has been read or written.
    pub fn new(options: Options) -> Self {
        let session = Session::new(options.tls_active);
        Self {
            options,
            output: Vec::new(),
            reader: Reader::default(),
            answerable: 0,
            session,
            state: State::Opening,
            delivery: None,
            done: None,
        }
    }

    /// Takes bytes from the server. All of the output must have been written by then: what the
    /// server has not been told, it cannot have answered.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.output.is_empty() {
            self.answerable = self.session.awaited.len();
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.state {
                State::Closed(_) => return,
                State::Handshake => return self.end(Fault::DataBeforeHandshake),
                // A refusal may come before the end.
                State::Body(_) => {}
                _ if self.answerable == 0 => return self.end(Fault::Unsolicited),
                _ => {}
            }
            let (used, found) = self.reader.read(rest);
            rest = rest.get(used..).unwrap_or_default();
            match found {
                Some(Ok(heard)) => self.hear(&heard),
                Some(Err(garbage)) => self.end(Fault::Garbage(garbage)),
                None => {}
            }
        }
    }

    /// The server has closed its side.
    pub fn eof(&mut self) {
        self.end(Fault::Gone);
    }

    /// A deadline has passed.
    pub fn timed_out(&mut self) {
        self.end(Fault::TimedOut);
    }

    /// Our own side gives up: the message cannot be read, or we are shutting down. A message that
    /// is being sent is never ended with a dot.
    pub fn abandon(&mut self) {
        self.end(Fault::Abandoned);
    }

    /// The handshake is done: everything begins anew (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.session.secured();
            self.say_hello(true);
        }
    }

    /// The handshake failed.
    pub fn handshake_failed(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.end(Fault::HandshakeFailed);
        }
    }

    /// What to do now.
    #[expect(clippy::should_implement_trait, reason = "as the server's machine; it never ends")]
    pub fn next(&mut self) -> Action {
        if let Some(outcomes) = self.done.take() {
            return Action::Done(outcomes);
        }
        match &self.state {
            State::Handshake => Action::StartTls,
            State::Body(_) => Action::Body,
            State::Ready => Action::Ready,
            State::Closed(fault) => Action::Closed(fault.clone()),
            State::Opening
            | State::Login(_)
            | State::Envelope
            | State::Message
            | State::Quit(_) => Action::Read,
        }
    }

    /// What has to be written to the server; the shell empties it when it is written. It may hold
    /// credentials.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether this message could be sent over this connection, if it is ready.
    ///
    /// # Errors
    /// What the server's extensions lack: known before anything is said.
    pub fn check(&self, transaction: &Transaction) -> Result<(), Unfit> {
        match self.state {
            State::Ready => transaction.check(&self.session.extensions, self.session.tls),
            _ => Err(Unfit::NotReady),
        }
    }

    /// Begins a transaction, after [`Action::Ready`]; [`Action::Done`] ends it.
    ///
    /// # Errors
    /// As of [`Machine::check`]: nothing was said, and the connection is as ready as it was.
    pub fn begin(&mut self, transaction: Transaction) -> Result<(), Unfit> {
        self.check(&transaction)?;
        let reset = std::mem::take(&mut self.session.half_open);
        self.delivery = Some(Delivery::new(transaction, reset));
        self.state = State::Envelope;
        self.say_envelope();
        Ok(())
    }

    /// Asks, after [`Action::Ready`], whether the server would take a bounce for these recipients;
    /// [`Action::Done`] answers, with [`Outcome::Accepted`] for those it would.
    ///
    /// # Errors
    /// As of [`Machine::check`].
    pub fn probe(&mut self, recipients: Vec<Address>) -> Result<(), Unfit> {
        let plain = |address| Recipient { address, dsn: RecipientDsn::default() };
        let transaction = Transaction {
            sender: ReversePath::Null,
            recipients: recipients.into_iter().map(plain).collect(),
            size: 0,
            body: BodyKind::SevenBit,
            smtputf8: false,
            require_tls: false,
            dsn: EnvelopeDsn::default(),
        };
        self.check(&transaction)?;
        let reset = std::mem::take(&mut self.session.half_open);
        self.delivery = Some(Delivery::probe(transaction, reset));
        self.state = State::Envelope;
        self.say_envelope();
        Ok(())
    }

    /// Says QUIT, after [`Action::Ready`]; at any other moment it does nothing. The connection is
    /// closed when that is answered.
    pub fn quit(&mut self) {
        if matches!(self.state, State::Ready) {
            self.leave(None);
        }
    }

    /// What the server offers, by its last answer to EHLO; under HELO nothing.
    pub fn extensions(&self) -> &Extensions {
        &self.session.extensions
    }

    /// Whether TLS is active.
    pub fn is_secured(&self) -> bool {
        self.session.tls
    }

    /// The command whose answer is awaited: for the deadlines of RFC 5321 §4.5.3.2.
    pub fn waiting_for(&self) -> Option<Command> {
        self.session.awaited.front().copied()
    }

    /// Whether a reply has begun and is not whole: bytes of it are no reason to wait on.
    pub fn is_mid_reply(&self) -> bool {
        self.reader.has_begun()
    }

    /// Says a line that one reply will answer.
    fn say(&mut self, command: Command, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.session.awaited.push_back(command);
    }

    /// A whole reply has come.
    fn hear(&mut self, heard: &Heard) {
        let Some(command) = self.session.awaited.pop_front() else {
            return self.early_answer(heard.reply());
        };
        self.answerable = self.answerable.saturating_sub(1);
        let reply = heard.reply();
        if let State::Quit(_) = self.state {
            return self.end(Fault::Gone);
        }
        if reply.is_last() {
            return self.dismissed(command, reply);
        }
        match command {
            Command::Connect => self.greeted(reply),
            Command::Ehlo | Command::Helo => self.known(command, heard),
            Command::StartTls => self.start_tls(reply),
            Command::Auth => self.login_answer(&reply),
            Command::Rset | Command::Mail | Command::Rcpt | Command::Data => {
                self.envelope_answer(command, reply);
            }
            Command::Message => self.message_answer(reply),
            // Not reached: only `State::Quit` awaits it.
            Command::Quit => {}
        }
    }

    /// The server closes the connection, with this answer (RFC 5321 §3.8).
    fn dismissed(&mut self, command: Command, reply: Reply) {
        if matches!(command, Command::Mail | Command::Rcpt | Command::Data | Command::Message) {
            self.finish(&Outcome::Refused { command, reply: reply.clone() });
        }
        self.end(Fault::Refused { command, reply });
    }

    /// The connection is of no use any more: it is closed without a further word.
    fn end(&mut self, fault: Fault) {
        let fault = match &mut self.state {
            State::Closed(_) => return,
            // What was to be known is known.
            State::Quit(fault) => fault.take(),
            State::Message => {
                self.finish(&Outcome::Unknown(fault.clone()));
                Some(fault)
            }
            _ => {
                let lost = |command| Outcome::Lost { command, fault: fault.clone() };
                let rest = match &fault {
                    Fault::Unsendable(why) => Outcome::Unsendable(*why),
                    Fault::Refused { command, .. } | Fault::Unexpected { command, .. } => {
                        lost(*command)
                    }
                    _ => lost(self.waiting_for().unwrap_or(Command::Message)),
                };
                self.finish(&rest);
                Some(fault)
            }
        };
        self.output.clear();
        self.session.awaited.clear();
        self.reader = Reader::default();
        self.state = State::Closed(fault);
    }

    /// Says QUIT and waits for its answer, which is what servers want also where they refused us
    /// (RFC 5321 §3.1, §4.1.1.10).
    fn leave(&mut self, fault: Option<Fault>) {
        self.state = State::Quit(fault);
        self.say(Command::Quit, "QUIT\r\n");
    }

    /// The transaction is over; `rest` is for the recipients that have no outcome yet.
    fn finish(&mut self, rest: &Outcome) {
        if let Some(delivery) = self.delivery.take() {
            self.done = Some(delivery.outcomes(rest));
            self.state = State::Ready;
        }
    }
}

mod body;
mod command;
mod data;
mod envelope;
mod extensions;
mod fault;
mod login;
mod opening;
mod reply;
mod state;
#[cfg(test)]
mod tests;
mod transaction;

pub use command::Command;
pub use data::{LINE_MAX, Unsendable};
pub use extensions::Extensions;
pub use fault::Fault;
pub use reply::{Garbage, Reply, TEXT_MAX};
pub use transaction::{Outcome, RECIPIENTS_MAX, Recipient, Transaction, Unfit};
