//! The receiving side of SMTP (RFC 5321) as a machine: the peer's bytes go in, actions come out.
//!
//! The shell (`inbound::connection`) does what [`Machine::next`] says, over and over: it reads when
//! told to, asks policy the questions, stores the body, and writes [`Machine::output`] before it
//! reads, starts TLS or closes. The machine decides what the protocol decides, and nothing else: it
//! knows no account, no map and no clock.
//!
//! Whatever the peer sends, however it is cut into segments: the same actions in the same order,
//! bounded memory, and every reply a valid line. Only [`Answer::Accepted`], or [`Fate::Kept`] in
//! LMTP, makes a 250 after DATA.
//!
//! | file | what |
//! |---|---|
//! | `command.rs` | one line → one command |
//! | `fault.rs` | what can be wrong with a command |
//! | `state.rs` | where a session stands |
//! | `verbs.rs` | what each command does in each state |
//! | `login.rs` | AUTH |
//! | `local.rs` | what users of this machine may ask besides |
//! | `answers.rs` | what each answer leads to |
//! | `data.rs`, `body.rs` | the end of a body and its text; the state around them |
//!
//! LMTP (RFC 2033) is the door [`Door::Lmtp`]: greeted by LHLO, and the `Message` question has an
//! answer for each recipient. The PROXY header is read by `net` before a machine exists.

use mail::input::Input;
use mail::scram::{Ask, Told};
use mail::{
    BodyKind, Door, EnvelopeDsn, ForwardPath, MessageId, Reason, RecipientDsn, Refusal,
    ReversePath, Secret,
};
use std::collections::VecDeque;

use crate::reply::{self, Reply, Severity, words};
use fault::Fault;
use state::{Pending, Session, Stage, State};

/// What a session may do, fixed when it begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// The door it came through: AUTH exists on the submission doors alone.
    pub door: Door,
    /// Our name in the greeting.
    pub hostname: String,
    /// Largest message in bytes, as announced by SIZE (RFC 1870).
    pub size_max: u64,
    /// Most recipients of one transaction; more are answered 452 (RFC 5321 §4.5.3.1.10).
    pub recipients_max: usize,
    /// How many commands may be answered with 5yz before the session is closed with 421. A kept
    /// message sets the count back to zero.
    pub errors_max: usize,
    /// Whether STARTTLS is offered.
    pub tls_offered: bool,
    /// Whether the connection began under TLS.
    pub tls_active: bool,
    /// Whether log-in is possible: even then only under TLS, and never on [`Door::Smtp`].
    pub auth: bool,
    /// Whether the peer's network may end lines in bare LF (see `data.rs` for what that means).
    pub bare_lf_repair: bool,
    /// Largest message header in bytes, up to and with the first empty line.
    pub header_size_max: usize,
}

/// How a client logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// The older exchange of name and password; still what some clients use first.
    Login,
}

/// What a client logs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// How they came.
    pub mechanism: Mechanism,
    /// The name, not empty.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// A decision that the shell has to fetch, and to give to [`Machine::answer`].
#[derive(Debug, Clone)]
pub enum Question {
    /// May it connect? Asked once, before the greeting.
    Connect,
    /// May it call itself so?
    Helo {
        /// The name given: printable, at most 255 bytes.
        name: String,
        /// Whether it was EHLO.
        esmtp: bool,
    },
    /// Are these good?
    Login(Credentials),
    /// A step of a log-in by SCRAM: answered by [`Answer::Scram`], and [`Ask::Enter`] by
    /// [`Answer::LoggedIn`].
    Scram(Ask),
    /// May it send mail from there?
    Sender {
        /// MAIL FROM.
        path: ReversePath,
        /// SIZE=, if it was given: not above the limit.
        size: Option<u64>,
        /// BODY=.
        body: BodyKind,
        /// Whether SMTPUTF8 was asked for.
        smtputf8: bool,
        /// Whether it may only travel under TLS from here on (RFC 8689).
        require_tls: bool,
        /// RET= and ENVID=.
        dsn: EnvelopeDsn,
    },
    /// May it send mail to there?
    Recipient {
        /// RCPT TO.
        path: ForwardPath,
        /// NOTIFY= and ORCPT=.
        dsn: RecipientDsn,
    },
    /// May the body begin (DATA)? At least one recipient was accepted.
    Body,
    /// All of the message is there: judge it and keep it.
    Message,
    /// What of the queue is the peer's own? Only on [`Door::Local`].
    OwnEntries {
        /// Those with higher numbers than this, in the order of their numbers.
        after: i64,
    },
    /// Have that tried again now. Only on [`Door::Local`].
    Flush,
}

/// The answer to a [`Question`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// Yes; not an answer to `Login`, `Message`, `OwnEntries` and `Flush`.
    Allow,
    /// What was asked for by `OwnEntries` or `Flush`, at least one line.
    Told(Vec<String>),
    /// The credentials are good; the account's address.
    LoggedIn(String),
    /// What SCRAM asked for.
    Scram(Told),
    /// No.
    Refuse(Refusal),
    /// Not now.
    Later(Refusal),
    /// No, and the session ends: with 421 where time may cure the reason, else with 5yz.
    RefuseAndClose(Refusal),
    /// The message is on stable storage (or was discarded by a rule, with its trace): the one
    /// answer that a 250 after DATA can come from.
    Accepted(MessageId),
    /// The same over LMTP: what became of it for each recipient whose RCPT was accepted, in their
    /// order; one address twice is answered twice.
    Each(Vec<Fate>),
}

/// What became of a message for one recipient.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It is on stable storage for this recipient (or was discarded by a rule, with its trace).
    Kept(MessageId),
    /// It is not kept.
    Refused(Refusal),
    /// Not now.
    Later(Refusal),
}

/// What the shell has to do next.
#[derive(Debug)]
pub enum Action<'m> {
    /// Write the output, read, and give what came to [`Machine::receive`] or [`Machine::eof`].
    Read,
    /// Fetch a decision and give it to [`Machine::answer`].
    Ask(Question),
    /// Write the output, do the handshake, call [`Machine::secured`]; forget the peer's name and
    /// everything else it said (RFC 3207 §4.2). Where the handshake fails, close.
    StartTls,
    /// Store these bytes of the message, in order. Dots are unstuffed; the last line has its CRLF.
    Body(&'m [u8]),
    /// The message in progress is refused, or its peer is gone: drop what was stored of it.
    Abandon,
    /// A decision of the machine itself, for the trace: why, facts, and the code that the peer got
    /// (0 where none).
    Note(Reason, String, u16),
    /// A fact about the message that is complete now: one of its findings. Comes right before
    /// [`Question::Message`].
    Remark(Reason, &'static str),
    /// Write the output and close. Repeated for ever.
    Close,
}

/// One session.
pub struct Machine {
    options: Options,
    input: Input,
    output: Vec<u8>,
    /// Actions already decided, in order: never more than a few, since nothing new is looked at
    /// before they are done.
    queue: VecDeque<Queued>,
    session: Session,
    state: State,
}

/// An action without borrowed bytes.
#[derive(Debug)]
enum Queued {
    Ask(Question),
    StartTls,
    Abandon,
    Note(Reason, String, u16),
    Remark(Reason, &'static str),
}

/// What one step of the machine came to.
enum Step {
    Again,
    Read,
    Body(std::ops::Range<usize>),
    LineEnd,
    Close,
}

impl Machine {
    /// A session that has just been accepted; nothing has been read or written.
    pub fn new(options: Options) -> Self {
        let session = Session { tls: options.tls_active, ..Session::default() };
        Self {
            options,
            input: Input::default(),
            output: Vec::new(),
            queue: VecDeque::new(),
            session,
            state: State::Connecting { early: false },
        }
    }

    /// Takes bytes from the peer: after [`Action::Read`], and what was already there at two other
    /// moments, where it ends the session: before the greeting, and between [`Action::StartTls`]
    /// and [`Machine::secured`].
    pub fn receive(&mut self, bytes: &[u8]) {
        match &mut self.state {
            _ if bytes.is_empty() => {}
            State::Connecting { early } | State::Asked(Pending::Connect { early }) => *early = true,
            State::Handshake => self.data_before_handshake(),
            State::Closed => {}
            _ => self.input.receive(bytes),
        }
    }

    /// The peer has closed its side.
    pub fn eof(&mut self) {
        self.abandon();
        self.close();
    }

    /// What to do now.
    #[expect(clippy::should_implement_trait, reason = "actions borrow from the machine")]
    pub fn next(&mut self) -> Action<'_> {
        loop {
            match self.queue.pop_front() {
                Some(Queued::Ask(question)) => return Action::Ask(question),
                Some(Queued::StartTls) => return Action::StartTls,
                Some(Queued::Abandon) => return Action::Abandon,
                Some(Queued::Note(reason, detail, code)) => {
                    return Action::Note(reason, detail, code);
                }
                Some(Queued::Remark(reason, detail)) => return Action::Remark(reason, detail),
                None => {}
            }
            match self.step() {
                Step::Again => {}
                Step::Read => return Action::Read,
                Step::Body(at) => return Action::Body(self.input.slice(at)),
                Step::LineEnd => return Action::Body(b"\r\n"),
                Step::Close => return Action::Close,
            }
        }
    }

    /// What has to be written to the peer; the shell empties it.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The handshake is done: everything begins anew (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.session.tls = true;
            self.state = State::Command(Stage::Fresh);
        }
    }

    /// The shell cannot store the body (or wants no more of it): the rest is swallowed and
    /// `refusal` is the answer at its end, as lasting as its reason usually is. The shell has
    /// dropped what was stored, and writes the trace. Only while a body is being received.
    pub fn fail_body(&mut self, refusal: Refusal) {
        self.refuse_body(body::Refused::by_shell(&refusal));
    }

    /// A deadline has passed: 421 and close.
    pub fn timed_out(&mut self, reason: Reason) {
        self.close_with(reason, String::new());
    }

    /// The server is shutting down: 421 as soon as no transaction is open.
    pub fn drain(&mut self) {
        self.session.draining = true;
    }

    /// Whether a sender was accepted and its message has not been answered yet.
    pub fn in_transaction(&self) -> bool {
        match &self.state {
            State::Command(stage) => matches!(stage, Stage::Mail(_)),
            State::Asked(pending) => {
                matches!(pending, Pending::Recipient(_) | Pending::Body | Pending::Message)
            }
            State::Data(_) => true,
            _ => false,
        }
    }

    /// Whether the peer is expected to send a body: the deadlines of DATA apply.
    pub fn in_body(&self) -> bool {
        matches!(self.state, State::Data(_))
    }

    /// Whether TLS is active.
    pub fn is_secured(&self) -> bool {
        self.session.tls
    }

    /// The address that logged in, if one did.
    pub fn login(&self) -> Option<&str> {
        self.session.login.as_deref()
    }

    /// Gives unused memory back: for a shell whose peer has been silent for a while.
    pub fn shrink(&mut self) {
        self.input.shrink();
        self.output.shrink_to_fit();
    }

    fn step(&mut self) -> Step {
        match &mut self.state {
            State::Connecting { early } => {
                self.state = State::Asked(Pending::Connect { early: *early });
                self.queue.push_back(Queued::Ask(Question::Connect));
                Step::Again
            }
            // The shell owes an answer or a handshake; reading on does no harm.
            State::Asked(_) | State::Handshake => Step::Read,
            State::Command(_) => self.command_step(),
            State::Login(..) => self.login_step(),
            State::Data(_) => self.body_step(),
            State::Closed => Step::Close,
        }
    }

    fn say(&mut self, reply: &Reply) {
        reply.write(&mut self.output);
    }

    fn note(&mut self, reason: Reason, detail: impl Into<String>, code: u16) {
        self.queue.push_back(Queued::Note(reason, detail.into(), code));
    }

    /// Answers a fault of the client's, and counts it.
    fn fault(&mut self, fault: Fault) {
        let reply = words::for_fault(fault);
        self.say(&reply);
        self.note(fault.reason(), fault.detail(), reply.code);
        if fault.closes() {
            self.close();
        } else {
            self.count(&reply);
        }
    }

    /// Counts a reply if it is an error; too many end the session, as a 421 of an administrator's
    /// own words does (RFC 5321 §3.8).
    fn count(&mut self, reply: &Reply) {
        if reply.code == 421 {
            self.close();
        } else if reply.is_permanent() {
            self.session.errors += 1;
            if self.session.errors >= self.options.errors_max {
                self.close_with(Reason::TooManyErrors, format!("errors={}", self.session.errors));
            }
        }
    }

    /// Says why in a 421, and closes.
    fn close_with(&mut self, reason: Reason, detail: String) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.abandon();
        let mut reply = reply::for_reason(Severity::Temporary, reason);
        reply.code = 421;
        self.say(&reply);
        self.note(reason, detail, 421);
        self.close();
    }

    fn close(&mut self) {
        self.queue.retain(|queued| !matches!(queued, Queued::Ask(_) | Queued::StartTls));
        self.state = State::Closed;
        self.input.clear();
    }

    /// A body that is being received will not be finished.
    fn abandon(&mut self) {
        if matches!(&self.state, State::Data(receiving) if !receiving.is_refused()) {
            self.queue.push_back(Queued::Abandon);
        }
    }

    fn data_before_handshake(&mut self) {
        self.note(Reason::DataBeforeHandshake, "", 0);
        self.close();
    }
}

mod answers;
mod body;
mod command;
mod data;
pub(crate) mod fault;
mod local;
mod login;
mod state;
#[cfg(test)]
mod tests;
mod verbs;
