//! What leaves is exactly one message, whatever is in it: read by the server of this crate, and by
//! a reader that takes for an end whatever any server ever took for one.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::{Address, BodyKind, Domain, Door, MessageId, ReversePath};
use proptest::prelude::*;
use smtp::client::{self, LINE_MAX, Outcome, Recipient, TlsPolicy, Transaction, Unsendable};
use smtp::server;

/// What a server kept, and what a client was told.
#[derive(Debug, Default)]
struct Told {
    kept: Vec<Vec<u8>>,
    senders: usize,
    outcomes: Vec<Outcome>,
    /// All that was said between 354 and the answer to the dot.
    wire: Vec<u8>,
}

fn server() -> server::Machine {
    server::Machine::new(server::Options {
        door: Door::Smtp,
        hostname: "mx.example.net".to_owned(),
        size_max: 1_000_000,
        header_size_max: 1_000_000,
        recipients_max: 100,
        errors_max: 20,
        tls_offered: false,
        tls_active: false,
        auth: false,
        bare_lf_repair: false,
    })
}

fn transaction() -> Transaction {
    Transaction {
        sender: ReversePath::Null,
        recipients: vec![Recipient {
            address: Address::parse("anna@example.net").expect("an address"),
            dsn: mail::RecipientDsn::default(),
        }],
        size: 100,
        body: BodyKind::EightBitMime,
        smtputf8: false,
        require_tls: false,
        dsn: mail::EnvelopeDsn::default(),
    }
}

/// The server does what it does until it wants to read.
fn serve(server: &mut server::Machine, body: &mut Vec<u8>, told: &mut Told) {
    loop {
        match server.next() {
            server::Action::Read | server::Action::Close => break,
            server::Action::Body(bytes) => body.extend_from_slice(bytes),
            server::Action::Abandon => body.clear(),
            server::Action::Ask(server::Question::Message) => {
                told.kept.push(std::mem::take(body));
                server.answer(server::Answer::Accepted(MessageId(1)));
            }
            server::Action::Ask(question) => {
                let sender = matches!(question, server::Question::Sender { .. });
                told.senders += usize::from(sender);
                server.answer(server::Answer::Allow);
            }
            server::Action::StartTls | server::Action::Note(..) | server::Action::Remark(..) => {}
        }
    }
}

/// Sends `message` twice over one connection, in pieces.
fn talk(message: &[u8], piece: usize) -> Told {
    let mut client = client::Machine::new(client::Options {
        hostname: Domain::parse("mail.example.org").expect("a domain"),
        tls: TlsPolicy::IfOffered,
        tls_active: false,
        credentials: None,
    });
    let (mut server, mut body, mut told) = (server(), Vec::new(), Told::default());
    let mut sent = 0;
    loop {
        match client.next() {
            client::Action::Read => {
                let said = std::mem::take(client.output());
                server.receive(&said);
                serve(&mut server, &mut body, &mut told);
                let answer = std::mem::take(server.output());
                assert!(!answer.is_empty(), "the server waits for more");
                client.receive(&answer);
            }
            client::Action::Ready if sent == 2 => client.quit(),
            client::Action::Ready => {
                sent += 1;
                client.begin(transaction()).expect("a server of our own takes it");
            }
            client::Action::Body => {
                assert!(client.output().is_empty(), "commands are left behind 354");
                told.wire.clear();
                let all = message.chunks(piece).all(|piece| client.body(piece).is_ok());
                if all {
                    client.end_body();
                }
                told.wire.clone_from(client.output());
            }
            client::Action::Done(outcomes) => told.outcomes.extend(outcomes),
            client::Action::StartTls => panic!("TLS was not offered"),
            client::Action::Closed(_) => break,
        }
    }
    server.eof();
    serve(&mut server, &mut body, &mut told);
    told
}

/// The message as it has to arrive, or why it must not.
fn by_hand(message: &[u8]) -> Result<Vec<u8>, Unsendable> {
    let mut text = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let nul = line.iter().position(|byte| *byte == 0).unwrap_or(usize::MAX);
        if nul <= LINE_MAX {
            return Err(Unsendable::Nul);
        } else if line.len() > LINE_MAX {
            return Err(Unsendable::LineTooLong);
        }
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
        rest = behind.strip_prefix(b"\r\n").or(behind.get(1..)).unwrap_or_default();
    }
    Ok(text)
}

/// Reads as the most careless server would: each CR and each LF ends a line, and a line that begins
/// with one dot may be an end, whatever follows. Returns how many of those there are.
fn careless_ends(wire: &[u8]) -> usize {
    let lines = wire.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.filter(|line| line.starts_with(b".") && !line.starts_with(b"..")).count()
}

fn check(message: &[u8], piece: usize) {
    let told = talk(message, piece);
    match by_hand(message) {
        Ok(expected) => {
            assert_eq!(told.kept, [expected.clone(), expected], "what arrives");
            assert_eq!(told.senders, 2, "a third transaction");
            assert_eq!(careless_ends(&told.wire), 1, "{}", told.wire.escape_ascii());
            assert!(told.wire == b".\r\n" || told.wire.ends_with(b"\r\n.\r\n"));
            let bare = String::from_utf8_lossy(&told.wire).replace("\r\n", "");
            assert!(!bare.contains(['\r', '\n', '\0']), "{}", told.wire.escape_ascii());
            let mut lines = told.wire.split(|byte| *byte == b'\n');
            assert!(lines.all(|line| line.len() <= LINE_MAX + 2), "a line is too long");
            let delivered = |outcome: &Outcome| matches!(outcome, Outcome::Delivered(_));
            assert!(told.outcomes.len() == 2 && told.outcomes.iter().all(delivered));
        }
        Err(why) => {
            assert_eq!(told.outcomes, [Outcome::Unsendable(why)]);
            assert!(told.wire.is_empty() && told.kept.is_empty(), "half a message was kept");
        }
    }
}

#[test]
fn one_message_arrives_as_one() {
    let around = ["", "\r", "\n", "\r\n", "\n\r", "\r\r", "\n\n", "\r\r\n", "\r\n\r"];
    for before in around {
        for after in around {
            for dots in [".", "..", ". ", ".\t"] {
                let message = format!(
                    "Subject: x\r\n\r\nfirst{before}{dots}{after}MAIL FROM:<a@b.example>\r\n\
                     RCPT TO:<victim@example.net>\r\nDATA\r\nsecond\r\n.\r\nQUIT\r\n"
                );
                for piece in [1, 2, 3, message.len()] {
                    check(message.as_bytes(), piece);
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_sent_never_arrives() {
    check(b"Subject: x\r\n\r\ntext\0\r\n.\r\n", 7);
    check(&[b"Subject: x\r\n\r\n".to_vec(), vec![b'x'; LINE_MAX + 1]].concat(), 500);
    check(&[b"Subject: x\r\n\r\n".to_vec(), vec![b'x'; LINE_MAX]].concat(), 500);
}

proptest! {
    #[test]
    fn any_bytes_are_one_message(
        pieces in prop::collection::vec(prop_oneof![
            4 => Just(b"\r\n".to_vec()),
            3 => Just(b".".to_vec()),
            2 => Just(b"\r".to_vec()),
            2 => Just(b"\n".to_vec()),
            3 => Just(b"text".to_vec()),
            1 => Just(b"\r\n.\r\nMAIL FROM:<a@b.example>\r\n".to_vec()),
            1 => Just(vec![b'.'; 500]),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ], 0..24),
        size in 1_usize..60,
    ) {
        check(&pieces.concat(), size);
    }

    #[test]
    fn any_bytes_at_all(message in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..60) {
        check(&message, size);
    }
}
