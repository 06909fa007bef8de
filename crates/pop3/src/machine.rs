//! POP3's server side (RFC 1939) as a machine: the peer's bytes go in, actions come out.
//!
//! The shell ([`crate::connection`]) does what [`Machine::next`] says, over and over. The machine
//! decides what the protocol decides, and nothing else: it knows no account, no store, no clock.
//! Whatever the peer sends, however it is cut into segments: the same actions in the same order,
//! and bounded memory. Nothing is removed before QUIT.
//!
//! Spoken besides RFC 1939: CAPA and response codes (RFC 2449, RFC 3206), STLS (RFC 2595), AUTH
//! with PLAIN and SCRAM (RFC 5034, RFC 7677), UTF8 (RFC 6856). Not spoken: APOP, which needs
//! passwords kept in the clear.
//!
//! A deviation: a message with UTF-8 in its header is sent as it is, also to a client that did not
//! say UTF8 (RFC 6856 §5 would have it refused or changed). Such headers come from careless
//! senders every day, and a message that cannot be fetched blocks a mailbox for good.
//!
//! | file | what |
//! |---|---|
//! | `command.rs` | one line → one command |
//! | `verbs.rs` | what each command does in each state |
//! | `login.rs` | USER, PASS and AUTH |
//! | `maildrop.rs` | the messages, and their listings |
//! | `content.rs` | a message on its way out |

mod command;
mod content;
mod login;
mod maildrop;
mod verbs;

pub use maildrop::Item;

use crate::reply::{self, Severity};
use content::Content;
use login::Exchange;
use mail::input::Input;
use mail::scram::{self, Ask, Told};
use mail::{EntryId, Reason, Refusal, Secret};
use maildrop::{Listing, Maildrop};
use std::collections::VecDeque;

/// Output that is written before more of a listing is made.
const LISTING_WINDOW: usize = 16 * 1024;

/// What a session may do, fixed when it begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Our name in the greeting.
    pub hostname: String,
    /// Whether the connection began under TLS; else STLS is offered and nothing works before it.
    pub tls_active: bool,
    /// How many commands may be wrong before the session is closed.
    pub errors_max: usize,
    /// How many log-ins may fail before the session is closed.
    pub login_failures_max: usize,
}

/// What a client logs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name, not empty.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// A decision or a deed that the shell has to fetch, and to give to [`Machine::answer`].
#[derive(Debug, Clone)]
pub enum Question {
    /// May it connect? Asked once, before the greeting.
    Connect,
    /// Are these good, and is the mailbox free? Answered by [`Answer::Opened`].
    Login(Credentials),
    /// A step of a log-in by SCRAM: answered by [`Answer::Scram`], and [`Ask::Enter`] by
    /// [`Answer::Opened`].
    Scram(Ask),
    /// Is the message there? After [`Answer::Allow`] it is fetched by [`Action::Fetch`].
    Message(Item),
    /// Remove these (QUIT); [`Answer::Allow`] when it is on stable storage.
    Remove(Vec<EntryId>),
}

/// The answer to a [`Question`].
#[derive(Debug, Clone)]
pub enum Answer {
    /// Yes; done. Not an answer to `Login`.
    Allow,
    /// The credentials are good and the mailbox is this session's: its messages, oldest first.
    Opened(Vec<Item>),
    /// What SCRAM asked for.
    Scram(Told),
    /// The message was removed by somebody else meanwhile.
    Gone,
    /// No.
    Refuse(Refusal),
    /// Not now.
    Later(Refusal),
    /// No, and the session ends.
    RefuseAndClose(Refusal),
}

/// What the shell has to do next.
#[derive(Debug)]
pub enum Action {
    /// Write the output, read, and give what came to [`Machine::receive`] or [`Machine::eof`].
    Read,
    /// Write the output; there is more to come.
    Write,
    /// Fetch a decision and give it to [`Machine::answer`].
    Ask(Question),
    /// Write the output, read the next bytes of the message asked for last, and give them to
    /// [`Machine::content`], nothing at its end; or [`Machine::content_failed`].
    Fetch,
    /// Write the output, do the handshake, call [`Machine::secured`]. Where it fails, close.
    StartTls,
    /// A decision of the machine itself, for the trace: why, and facts.
    Note(Reason, String),
    /// Write the output and close. Repeated for ever.
    Close,
}

/// One session.
pub struct Machine {
    options: Options,
    input: Input,
    output: Vec<u8>,
    /// Actions already decided, in order; nothing new is looked at before they are done.
    queue: VecDeque<Action>,
    tls: bool,
    errors: usize,
    login_failures: usize,
    state: State,
}

/// Where a session stands.
enum State {
    /// Nothing has been said.
    Connecting,
    /// Whether it may connect is being asked.
    Asked,
    /// AUTHORIZATION, with the name that USER gave.
    Authorization(Option<String>),
    /// The next line is the client's part of AUTH.
    Exchange(Exchange),
    /// Credentials are being asked about.
    LoggingIn,
    /// The same, step by step.
    Scram(scram::Exchange),
    /// TLS begins.
    Handshake,
    /// TRANSACTION.
    Transaction(Maildrop),
    /// A listing is being written.
    Listing(Maildrop, Listing),
    /// A message is being asked about: what to say before it, and how much of it is wanted.
    Opening(Maildrop, String, Content),
    /// A message is being sent.
    Sending(Maildrop, Content),
    /// UPDATE.
    Removing,
    /// Over.
    Closed,
}

impl Machine {
    /// A session that has just been accepted; nothing has been read or written.
    pub fn new(options: Options) -> Self {
        Self {
            tls: options.tls_active,
            options,
            input: Input::default(),
            output: Vec::new(),
            queue: VecDeque::new(),
            errors: 0,
            login_failures: 0,
            state: State::Connecting,
        }
    }

    /// Takes bytes from the peer, after [`Action::Read`]. Bytes that were there between
    /// [`Action::StartTls`] and [`Machine::secured`] end the session.
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.state {
            _ if bytes.is_empty() => {}
            State::Handshake => self.data_before_handshake(),
            State::Closed => {}
            _ => self.input.receive(bytes),
        }
    }

    /// The peer has closed its side: nothing is removed (RFC 1939 §3).
    pub fn eof(&mut self) {
        self.close();
    }

    /// What to do now.
    #[expect(clippy::should_implement_trait, reason = "it never ends: Close is repeated")]
    pub fn next(&mut self) -> Action {
        loop {
            if let Some(action) = self.queue.pop_front() {
                return action;
            }
            if let Some(action) = self.step() {
                return action;
            }
        }
    }

    /// Takes the answer to the question asked last.
    pub fn answer(&mut self, answer: Answer) {
        match (std::mem::replace(&mut self.state, State::Closed), answer) {
            (_, Answer::RefuseAndClose(refusal)) => {
                self.refuse(Severity::Permanent, &refusal);
                self.close();
            }
            (State::Asked, Answer::Allow) => {
                self.ok(&format!("{} POP3 ready", self.options.hostname));
                self.state = State::Authorization(None);
            }
            (State::Asked, answer) => {
                self.not_done(answer);
                self.close();
            }
            (State::LoggingIn, Answer::Opened(items)) => self.logged_in(items),
            (State::Scram(exchange), answer) => self.scram_told(exchange, answer),
            (State::LoggingIn, answer) => self.login_failed(answer),
            (State::Opening(maildrop, text, content), Answer::Allow) => {
                self.ok(&text);
                self.state = State::Sending(maildrop, content);
            }
            (State::Opening(maildrop, ..), answer) => {
                self.not_done(answer);
                self.state = State::Transaction(maildrop);
            }
            (State::Removing, Answer::Allow) => {
                self.ok("Bye");
                self.close();
            }
            (State::Removing, _) => {
                self.error("[SYS/TEMP] Some deleted messages are not removed");
                self.close();
            }
            (state, _) => self.state = state,
        }
    }

    /// Takes the next bytes of the message that is being sent; none: that was all.
    pub fn content(&mut self, bytes: &[u8]) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Sending(maildrop, mut content) => {
                let enough = content.push(bytes, &mut self.output);
                self.state = if enough || bytes.is_empty() {
                    content.finish(&mut self.output);
                    State::Transaction(maildrop)
                } else {
                    State::Sending(maildrop, content)
                };
            }
            state => self.state = state,
        }
    }

    /// The rest of the message cannot be read. All that is left is to close without the final dot:
    /// the client must not take what it has for the message.
    pub fn content_failed(&mut self) {
        if matches!(self.state, State::Sending(..)) {
            self.note(Reason::StorageFailed, "message=cut");
            self.close();
        }
    }

    /// The handshake is done.
    pub fn secured(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.tls = true;
            self.state = State::Authorization(None);
        }
    }

    /// The session ends without a word: a deadline has passed, or an administrator wants it so.
    /// Nothing is removed (RFC 1939 §3).
    pub fn cut(&mut self, reason: Reason) {
        if !matches!(self.state, State::Closed) {
            self.note(reason, "");
            self.close();
        }
    }

    /// The server is shutting down: who has not logged in is told so; who has may go on until the
    /// shell has enough of it.
    pub fn drain(&mut self) {
        if matches!(self.state, State::Authorization(_) | State::Exchange(_)) {
            self.error(&reply::for_reason(Reason::ShuttingDown));
            self.note(Reason::ShuttingDown, "");
            self.close();
        }
    }

    /// What has to be written to the peer; the shell empties it.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether the client has logged in and its mailbox is open.
    pub fn in_transaction(&self) -> bool {
        matches!(
            self.state,
            State::Transaction(_)
                | State::Listing(..)
                | State::Opening(..)
                | State::Sending(..)
                | State::Removing
        )
    }

    /// Whether TLS is active.
    pub fn is_secured(&self) -> bool {
        self.tls
    }

    /// Gives unused memory back: for a shell whose peer has been silent for a while.
    pub fn shrink(&mut self) {
        self.input.shrink();
        self.output.shrink_to_fit();
    }

    fn step(&mut self) -> Option<Action> {
        match &mut self.state {
            State::Connecting => {
                self.state = State::Asked;
                Some(Action::Ask(Question::Connect))
            }
            State::Authorization(_) | State::Transaction(_) => self.command_step(),
            State::Exchange(_) => self.exchange_step(),
            State::Listing(maildrop, listing) => {
                if maildrop.list(listing, LISTING_WINDOW, &mut self.output) {
                    self.end_listing();
                    None
                } else {
                    Some(Action::Write)
                }
            }
            State::Sending(..) => Some(Action::Fetch),
            // The shell owes an answer or a handshake; reading on does no harm.
            State::Asked
            | State::LoggingIn
            | State::Scram(_)
            | State::Opening(..)
            | State::Removing => Some(Action::Read),
            State::Handshake => Some(Action::Read),
            State::Closed => Some(Action::Close),
        }
    }

    fn end_listing(&mut self) {
        if let State::Listing(maildrop, _) = std::mem::replace(&mut self.state, State::Closed) {
            self.state = State::Transaction(maildrop);
        }
    }

    fn ok(&mut self, text: &str) {
        self.line("+OK ", text);
    }

    fn error(&mut self, text: &str) {
        self.line("-ERR ", text);
    }

    fn line(&mut self, mark: &str, text: &str) {
        for part in [mark, text, "\r\n"] {
            self.output.extend_from_slice(part.as_bytes());
        }
    }

    fn refuse(&mut self, severity: Severity, refusal: &Refusal) {
        self.error(&reply::for_refusal(severity, refusal));
    }

    /// Says that something was not done.
    fn not_done(&mut self, answer: Answer) {
        match answer {
            Answer::Refuse(refusal) | Answer::RefuseAndClose(refusal) => {
                self.refuse(Severity::Permanent, &refusal);
            }
            Answer::Later(refusal) => self.refuse(Severity::Temporary, &refusal),
            Answer::Gone => self.error("The message is not there any more"),
            // An answer to another question: a fault of ours.
            Answer::Allow | Answer::Opened(_) | Answer::Scram(_) => {
                self.error(&reply::for_reason(Reason::InternalError));
            }
        }
    }

    fn note(&mut self, reason: Reason, detail: &str) {
        self.queue.push_back(Action::Note(reason, detail.to_owned()));
    }

    /// Answers a fault of the client's, and counts it.
    fn fault(&mut self, reason: Reason, text: &str) {
        self.error(text);
        self.note(reason, text);
        self.count();
    }

    /// Counts an error; too many end the session.
    fn count(&mut self) {
        self.errors += 1;
        if self.errors >= self.options.errors_max {
            self.error("Too many errors");
            self.note(Reason::TooManyErrors, "");
            self.close();
        }
    }

    fn close(&mut self) {
        self.queue.retain(|action| matches!(action, Action::Note(..)));
        self.state = State::Closed;
        self.input.clear();
    }

    fn data_before_handshake(&mut self) {
        self.note(Reason::DataBeforeHandshake, "");
        self.close();
    }
}

#[cfg(test)]
mod tests;
