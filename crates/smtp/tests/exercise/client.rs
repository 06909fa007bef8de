//! Any bytes at all against the client's machine: what must be true whatever a server sends.
//!
//! Shared by the properties, the replay of the corpus and the fuzz target `smtp_client`. The first
//! three bytes choose the options, what the shell does, and the cuts; the rest is what the server
//! sends. A byte of 1 ends a turn of the server's: what comes behind it is sent when the machine
//! has said something or waits on.

use mail::{
    Address, BodyKind, Domain, EnvelopeDsn, EnvelopeId, Notify, OriginalRecipient, RecipientDsn,
    Return, ReversePath, Secret,
};
use smtp::client::{
    Action, Credentials, Machine, Options, Outcome, Recipient, TEXT_MAX, TlsPolicy, Transaction,
};
use tests::machine::Session;

/// All that a connection came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// What was said in the clear, then what was said under TLS, without messages.
    clear: Vec<u8>,
    secured: Vec<u8>,
    messages: Vec<Vec<u8>>,
    outcomes: Vec<Vec<Outcome>>,
    begun: usize,
    fault: String,
}

/// Messages to send, and whether they can be.
const MESSAGES: &[(&[u8], bool)] = &[
    (b"Subject: x\r\n\r\ntext\r\n", true),
    (b"", true),
    (b"a\n.\nb\r.\r\r\n.\r\nMAIL FROM:<x@example.net>", true),
    (b"a\0b", false),
];

/// Transactions that one connection is used for.
const TRANSACTIONS: usize = 3;

/// Talks to a machine, and panics if it breaks one of its promises; returns how many transactions
/// came to a message that was sent whole and answered.
pub(crate) fn exercise(bytes: &[u8]) -> usize {
    let Some(session) = Session::new(bytes) else { return 0 };
    let Session { options, answers, .. } = session;
    let told = session.whole_and_cut(|pieces| talk(options, answers, Turns { pieces, rest: &[] }));
    check_commands(&told.clear);
    check_commands(&told.secured);
    assert_eq!(told.outcomes.len(), told.begun, "a transaction without an end");
    let holds = |text: &[u8], word: &str| text.windows(word.len()).any(|w| w == word.as_bytes());
    assert!(!holds(&told.clear, "AUTH "), "credentials in the clear");
    if policy(options) == TlsPolicy::Required {
        assert!(!holds(&told.clear, "MAIL FROM"), "mail in the clear");
    }
    for message in &told.messages {
        let lines = message.split(|byte| matches!(byte, b'\r' | b'\n'));
        let ends = lines.filter(|line| line.starts_with(b".") && !line.starts_with(b".."));
        assert_eq!(ends.count(), 1, "{}", message.escape_ascii());
        assert!(message.ends_with(b".\r\n"), "{}", message.escape_ascii());
    }
    let outcomes = told.outcomes.iter();
    let carried = outcomes.filter(|outcomes| outcomes.iter().any(was_carried)).count();
    assert!(carried <= told.messages.len(), "delivered without a message");
    carried
}

fn policy(options: u8) -> TlsPolicy {
    match options & 3 {
        0 => TlsPolicy::Never,
        1 => TlsPolicy::Required,
        _ => TlsPolicy::IfOffered,
    }
}

/// Whether the whole message was sent for it.
fn was_carried(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered(_) | Outcome::Unknown(_))
}

fn talk(options: u8, answers: u8, mut turns: Turns<'_, '_>) -> Told {
    let credentials = Credentials::new("anna".to_owned(), Secret::new("secret".to_owned()))
        .filter(|_| options & 8 != 0);
    let mut machine = Machine::new(Options {
        hostname: domain(),
        tls: policy(options),
        tls_active: options & 4 != 0,
        credentials,
    });
    let mut told = Told::default();
    let (message, can_be_sent) = MESSAGES[usize::from(answers >> 1) % MESSAGES.len()];
    for step in 0.. {
        assert!(step < 100_000, "it does not end");
        match machine.next() {
            Action::Read => {
                say(&mut machine, &mut told);
                if !turns.hear(&mut machine) {
                    if answers & 1 == 0 { machine.eof() } else { machine.timed_out() }
                }
            }
            Action::StartTls => {
                say(&mut machine, &mut told);
                if answers & 128 == 0 { machine.secured() } else { machine.handshake_failed() }
            }
            Action::Ready if told.begun == TRANSACTIONS => machine.quit(),
            Action::Ready => match machine.begin(transaction(options, told.begun)) {
                Ok(()) => told.begun += 1,
                Err(_) => machine.quit(),
            },
            Action::Body => {
                assert!(machine.output().is_empty(), "commands are left behind 354");
                let sent = message.chunks(5).all(|piece| machine.body(piece).is_ok());
                if sent && answers & 64 == 0 {
                    assert!(can_be_sent, "it cannot be sent, and it was");
                    machine.end_body();
                    let said = std::mem::take(machine.output());
                    // A reply that has begun too early: nothing is said then.
                    if !said.is_empty() {
                        told.messages.push(said);
                    }
                } else {
                    machine.abandon();
                    assert!(machine.output().is_empty(), "half a message may still be ended");
                }
            }
            Action::Done(outcomes) => {
                let begun = transaction(options, told.begun - 1).recipients.len();
                assert_eq!(outcomes.len(), begun, "one outcome for each recipient");
                outcomes.iter().for_each(check_outcome);
                told.outcomes.push(outcomes);
            }
            Action::Closed(fault) => {
                told.fault = format!("{fault:?}");
                break;
            }
        }
    }
    machine.receive(b"250 more\r\n");
    assert!(matches!(machine.next(), Action::Closed(_)), "something after the end");
    say(&mut machine, &mut told);
    told
}

fn say(machine: &mut Machine, told: &mut Told) {
    let secured = machine.is_secured();
    let said = if secured { &mut told.secured } else { &mut told.clear };
    // A lone dot is the end of no message, and no command.
    let lone = machine.output().as_slice() == b".\r\n";
    if !lone {
        said.extend_from_slice(machine.output());
    }
    machine.output().clear();
}

/// What the server sends, turn by turn, however it is cut.
struct Turns<'a, 'p> {
    pieces: &'p mut dyn Iterator<Item = &'a [u8]>,
    rest: &'a [u8],
}

impl Turns<'_, '_> {
    /// The machine hears all of the next turn, if there is one.
    fn hear(&mut self, machine: &mut Machine) -> bool {
        let mut any = false;
        loop {
            if self.rest.is_empty() {
                let Some(piece) = self.pieces.next() else { return any };
                self.rest = piece;
            }
            any = true;
            let end = self.rest.iter().position(|byte| *byte == 1);
            let (piece, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            machine.receive(piece);
            self.rest = rest.get(1..).unwrap_or_default();
            if end.is_some() {
                return true;
            }
        }
    }
}

fn transaction(options: u8, nth: usize) -> Transaction {
    let many = if options & 16 == 0 { 3 } else { 120 };
    let local = if options & 32 == 0 { "anna" } else { "\u{e4}nna" };
    let address = Address::parse(&format!("{local}@example.net")).expect("an address");
    let recipient = Recipient {
        dsn: RecipientDsn {
            notify: (nth == 1).then_some(Notify { delay: true, ..Notify::default() }),
            original: OriginalRecipient::of(&address),
        },
        address,
    };
    Transaction {
        sender: ReversePath::Null,
        recipients: vec![recipient; many],
        size: 1_000,
        body: if options & 64 == 0 { BodyKind::SevenBit } else { BodyKind::EightBitMime },
        smtputf8: false,
        require_tls: options & 128 != 0,
        dsn: EnvelopeDsn { ret: Some(Return::Headers), id: EnvelopeId::of("id+1") },
    }
}

fn domain() -> Domain {
    Domain::parse("mail.example.org").expect("a domain")
}

/// Commands are lines of text that end in CRLF, none longer than the standard allows with all its
/// extensions, and none of a server's making.
fn check_commands(said: &[u8]) {
    const VERBS: &[&str] =
        &["EHLO", "HELO", "STARTTLS", "AUTH", "RSET", "MAIL", "RCPT", "DATA", "QUIT"];
    for line in said.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\r\n").and_then(|text| std::str::from_utf8(text).ok());
        let verb = text.and_then(|text| text.split(' ').next()).unwrap_or_default();
        // LOGIN's name and password.
        let known = VERBS.contains(&verb) || matches!(verb, "YW5uYQ==" | "c2VjcmV0");
        let clean = text.is_some_and(|text| !text.chars().any(char::is_control));
        assert!(known && clean && line.len() <= 1_200, "not a command: {}", line.escape_ascii());
    }
}

/// What is kept of a server's words is short and printable.
fn check_outcome(outcome: &Outcome) {
    let reply = match outcome {
        Outcome::Delivered(reply) | Outcome::Accepted(reply) => {
            assert!((200..300).contains(&reply.code), "{reply} is no yes");
            reply
        }
        Outcome::NextTransaction(reply) => reply,
        Outcome::Refused { reply, .. } => {
            assert!((400..600).contains(&reply.code), "{reply} is no refusal");
            reply
        }
        Outcome::Lost { .. } | Outcome::Unknown(_) | Outcome::Unsendable(_) => return,
    };
    let clean = reply.text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!(clean && reply.text.len() <= TEXT_MAX, "kept {:?}", reply.text);
}
