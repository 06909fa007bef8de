//! The conversations of `tests/sessions/smtp-client`, replayed against the client's machine (for
//! their format see `tests/src/transcript`).
//!
//! Settings (`@`): `tls` (`never`, `if_offered`, `required`), `tls_active`, `login`
//! (`name:password`). Questions (`?`): `ready`, answered by `quit` or by `send TO ...` with the
//! words of [`transaction`], and without a line by waiting; `body`, answered by its text with `\r`,
//! `\n`, `\0` and `\x` (a byte above 127), or by `give up`, and without a line by a short message.
//! Events (`*`): `eof`, `timeout`, `give up`, `quit`, and `secured`, which only tells turns apart.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::{
    Address, BodyKind, Domain, EnvelopeDsn, EnvelopeId, Notify, OriginalRecipient, RecipientDsn,
    Return, ReversePath, Secret,
};
use smtp::client::{
    Action, Credentials, Machine, Options, Outcome, Recipient, TlsPolicy, Transaction,
};
use smtp::reply::Severity;
use std::collections::VecDeque;
use tests::transcript::{self, Conversation, Marks, Next, Script, Settings};

#[test]
fn every_conversation_is_the_same_however_it_is_cut() {
    transcript::replay::<Client>("smtp-client", 40);
}

/// The machine, with a shell that does what the script says.
struct Client {
    machine: Machine,
    recipients: Vec<String>,
    did: VecDeque<String>,
    closed: bool,
}

impl Conversation for Client {
    const MARKS: Marks = Marks::CLIENT;

    fn begin(settings: &Settings) -> Self {
        let login = settings.get("login", String::new());
        let credentials = login.split_once(':').and_then(|(user, password)| {
            Credentials::new(user.to_owned(), Secret::new(password.to_owned()))
        });
        let tls = match settings.get("tls", "if_offered".to_owned()).as_str() {
            "never" => TlsPolicy::Never,
            "required" => TlsPolicy::Required,
            _ => TlsPolicy::IfOffered,
        };
        let machine = Machine::new(Options {
            hostname: Domain::parse("mail.example.org").expect("a domain"),
            tls,
            tls_active: settings.get("tls_active", false),
            credentials,
        });
        Self { machine, recipients: Vec::new(), did: VecDeque::new(), closed: false }
    }

    fn next(&mut self, script: &mut Script) -> Next {
        if let Some(did) = self.did.pop_front() {
            return Next::Did(did);
        }
        match self.machine.next() {
            Action::Read => return Next::Read,
            Action::StartTls => return Next::StartTls,
            Action::Ready => match script.answer("ready").as_deref() {
                None => return Next::Read,
                Some("quit") => self.machine.quit(),
                Some(words) => self.send(words),
            },
            Action::Body => {
                match script.answer("body").as_deref() {
                    Some("give up") => self.machine.abandon(),
                    Some(text) => self.body(&unescape(text)),
                    None => self.body(b"Subject: x\r\n\r\ntext\r\n"),
                }
                return Next::Write;
            }
            Action::Done(outcomes) => {
                assert_eq!(outcomes.len(), self.recipients.len(), "one outcome for each");
                let both = self.recipients.iter().zip(&outcomes);
                self.did = both.map(|(to, outcome)| format!("{to}: {}", show(outcome))).collect();
            }
            Action::Closed(fault) => {
                if let (Some(fault), false) = (fault, self.closed) {
                    self.closed = true;
                    let severity = word(fault.severity());
                    return Next::Did(format!("fault ({severity}): {fault}"));
                }
                return Next::Close;
            }
        }
        Next::GoOn
    }

    fn output(&mut self) -> &mut Vec<u8> {
        self.machine.output()
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.machine.receive(bytes);
    }

    fn secured(&mut self) {
        self.machine.secured();
    }

    fn event(&mut self, event: &str) {
        match event {
            "eof" => self.machine.eof(),
            "timeout" => self.machine.timed_out(),
            // The handshake is done as the turn begins.
            "secured" => {}
            "give up" => self.machine.abandon(),
            "quit" => self.machine.quit(),
            _ => panic!("no such event: {event}"),
        }
    }

    fn kept(&mut self) -> Vec<String> {
        Vec::new()
    }
}

impl Client {
    fn send(&mut self, words: &str) {
        let transaction = transaction(words);
        let recipients: Vec<String> =
            transaction.recipients.iter().map(|one| one.address.to_string()).collect();
        match self.machine.begin(transaction) {
            Ok(()) => self.recipients = recipients,
            Err(unfit) => self.did.push_back(format!("unfit: {unfit}")),
        }
    }

    fn body(&mut self, text: &[u8]) {
        match self.machine.body(text) {
            Ok(()) => self.machine.end_body(),
            Err(why) => self.did.push_back(format!("unsendable: {why}")),
        }
    }
}

/// `send TO ...`, with `from=`, `size=`, `8bitmime`, `smtputf8`, `requiretls`, `ret=`, `envid=`,
/// and `notify=` and `orcpt` for each recipient; `200*x` is short for 200 recipients.
fn transaction(words: &str) -> Transaction {
    let words = words.strip_prefix("send ").expect("`send` or `quit`");
    let mut made = Transaction {
        sender: ReversePath::Address(address("from@example.org")),
        recipients: Vec::new(),
        size: 18,
        body: BodyKind::SevenBit,
        smtputf8: false,
        require_tls: false,
        dsn: EnvelopeDsn::default(),
    };
    let (mut notify, mut orcpt) = (None, false);
    for word in words.split(' ') {
        match word.split_once('=').unwrap_or((word, "")) {
            ("from", path) => made.sender = ReversePath::parse(path).expect("a path"),
            ("size", size) => made.size = size.parse().expect("a number"),
            ("ret", value) => {
                made.dsn.ret = Some(if value == "full" { Return::Full } else { Return::Headers });
            }
            ("envid", text) => made.dsn.id = EnvelopeId::of(text),
            ("notify", text) => {
                let has = |what| text.contains(what);
                let (success, failure) = (has("success"), has("failure"));
                notify = Some(Notify { success, failure, delay: has("delay") });
            }
            ("orcpt", _) => orcpt = true,
            ("8bitmime", _) => made.body = BodyKind::EightBitMime,
            ("smtputf8", _) => made.smtputf8 = true,
            ("requiretls", _) => made.require_tls = true,
            (to, _) => {
                let (times, to) = to.split_once('*').unwrap_or(("1", to));
                let recipient = Recipient { address: address(to), dsn: RecipientDsn::default() };
                let times = times.parse().expect("a number");
                made.recipients.extend(std::iter::repeat_n(recipient, times));
            }
        }
    }
    for recipient in &mut made.recipients {
        recipient.dsn.notify = notify;
        recipient.dsn.original = orcpt.then(|| OriginalRecipient::of(&recipient.address)).flatten();
    }
    made
}

fn address(text: &str) -> Address {
    let text = if text.contains('@') { text.to_owned() } else { format!("{text}@example.net") };
    Address::parse(&text).expect("an address")
}

fn show(outcome: &Outcome) -> String {
    let severity = outcome.severity().map_or("done", word);
    match outcome {
        Outcome::Delivered(reply) => format!("delivered: {reply}"),
        Outcome::Accepted(reply) => format!("accepted: {reply}"),
        Outcome::Refused { command, reply } => {
            format!("refused at {command} ({severity}): {reply}")
        }
        Outcome::NextTransaction(reply) => format!("next transaction ({severity}): {reply}"),
        Outcome::Lost { command, fault } => format!("lost at {command} ({severity}): {fault}"),
        Outcome::Unknown(fault) => format!("unknown ({severity}): {fault}"),
        Outcome::Unsendable(why) => format!("unsendable ({severity}): {why}"),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Permanent => "permanent",
        Severity::Temporary => "temporary",
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let plain = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0");
    let mut bytes = Vec::new();
    for (index, piece) in plain.split("\\x").enumerate() {
        if index > 0 {
            bytes.push(0xe4);
        }
        bytes.extend_from_slice(piece.as_bytes());
    }
    // `1000*` in front: so many bytes of a line before the text.
    match String::from_utf8_lossy(&bytes).split_once('*') {
        Some((times, rest)) => {
            let times = times.parse().expect("a number");
            [b"x".repeat(times), rest.as_bytes().to_vec()].concat()
        }
        None => bytes,
    }
}
