//! What the transcripts cannot show: replies that come too early, memory, long credentials, and
//! that calls at the wrong time do nothing.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use super::*;

fn machine(tls_active: bool, credentials: Option<Credentials>) -> Machine {
    Machine::new(Options {
        hostname: Domain::parse("mail.example.org").expect("a domain"),
        tls: TlsPolicy::IfOffered,
        tls_active,
        credentials,
    })
}

fn transaction(recipients: usize) -> Transaction {
    let recipient = Recipient {
        address: Address::parse("anna@example.net").expect("an address"),
        dsn: mail::RecipientDsn::default(),
    };
    Transaction {
        sender: ReversePath::Null,
        recipients: vec![recipient; recipients],
        size: 10,
        body: BodyKind::SevenBit,
        smtputf8: false,
        require_tls: false,
        dsn: mail::EnvelopeDsn::default(),
    }
}

/// The output is written, and this is read.
fn answer(machine: &mut Machine, bytes: &str) -> String {
    let said = String::from_utf8(std::mem::take(machine.output())).expect("text");
    machine.receive(bytes.as_bytes());
    said
}

/// A connection that is ready; what EHLO was answered besides a name.
fn ready(extensions: &str) -> Machine {
    let mut machine = machine(false, None);
    answer(&mut machine, "220 mx.example.net\r\n");
    answer(&mut machine, &format!("250-mx.example.net\r\n{extensions}250 X\r\n"));
    assert_eq!(machine.next(), Action::Ready);
    machine
}

#[test]
fn a_probe_asks_and_sends_nothing() {
    for (extensions, said, answers) in [
        ("250-PIPELINING\r\n", 3, vec!["250 ok\r\n250 ok\r\n550 5.1.1 no\r\n"]),
        ("", 1, vec!["250 ok\r\n", "250 ok\r\n", "550 5.1.1 no\r\n"]),
    ] {
        let mut machine = ready(extensions);
        let address = |name: &str| Address::parse(&format!("{name}@example.net")).expect("one");
        machine.probe(vec![address("anna"), address("x")]).expect("fit");
        let mut all = String::new();
        for answers in answers {
            all.push_str(&answer(&mut machine, answers));
        }
        assert!(all.starts_with("MAIL FROM:<>"), "{all}");
        assert!(all.lines().count() >= said && !all.contains("DATA"), "{all}");
        let Action::Done(outcomes) = machine.next() else { panic!("not done") };
        let [Outcome::Accepted(_), Outcome::Refused { command: Command::Rcpt, reply }] =
            outcomes.as_slice()
        else {
            panic!("{outcomes:?}")
        };
        assert_eq!(reply.code, 550);
        // What comes next begins anew.
        machine.begin(transaction(1)).expect("fit");
        assert!(machine.output().starts_with(b"RSET\r\n"));
    }
    let mut machine = ready("250-PIPELINING\r\n");
    machine.probe(vec![Address::parse("anna@example.net").expect("one")]).expect("fit");
    answer(&mut machine, "550 no bounces\r\n503 what\r\n");
    let refused =
        |outcome: &Outcome| matches!(outcome, Outcome::Refused { command: Command::Mail, .. });
    let Action::Done(outcomes) = machine.next() else { panic!("not done") };
    assert!(outcomes.iter().all(refused), "{outcomes:?}");
}

/// A connection that wants the message.
fn in_body() -> Machine {
    let mut machine = ready("250-PIPELINING\r\n");
    machine.begin(transaction(2)).expect("fit");
    answer(&mut machine, "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n");
    assert_eq!(machine.next(), Action::Body);
    machine
}

fn refused(code: u16, text: &str) -> Reply {
    Reply { code, enhanced: None, text: text.to_owned() }
}

fn closed(machine: &mut Machine) -> Option<Fault> {
    match machine.next() {
        Action::Closed(fault) => fault,
        other => panic!("not closed: {other:?}"),
    }
}

#[test]
fn a_reply_counts_only_for_what_was_written() {
    let mut early = machine(false, None);
    early.receive(b"220 hi\r\n250 EHLO is not said yet\r\n");
    assert_eq!(closed(&mut early), Some(Fault::Unsolicited));

    // A piece of one is as much.
    let mut early = machine(false, None);
    answer(&mut early, "220 hi\r\n");
    answer(&mut early, "250 mx.example.net\r\n2");
    assert_eq!(closed(&mut early), Some(Fault::Unsolicited));

    // More than was asked, in a group.
    let mut early = ready("250-PIPELINING\r\n");
    early.begin(transaction(1)).expect("fit");
    answer(&mut early, "250 ok\r\n550 no\r\n554 no\r\n250 more\r\n");
    let Action::Done(outcomes) = early.next() else { panic!("not done") };
    let command = Command::Rcpt;
    assert_eq!(outcomes, [Outcome::Refused { command, reply: refused(550, "no") }]);
    assert_eq!(closed(&mut early), Some(Fault::Unsolicited));

    // Not written is not said, however long ago.
    let mut early = ready("");
    early.begin(transaction(1)).expect("fit");
    early.receive(b"250 ok\r\n");
    let (command, fault) = (Command::Mail, Fault::Unsolicited);
    assert_eq!(early.next(), Action::Done(vec![Outcome::Lost { command, fault }]));
    assert_eq!(closed(&mut early), Some(Fault::Unsolicited));
    assert!(early.output().is_empty(), "something is still to be written");
}

#[test]
fn within_a_message_only_a_refusal_is_believed() {
    let first = Outcome::Refused { command: Command::Rcpt, reply: refused(550, "no") };
    let check = |bytes: &str, second: Outcome, fault: Fault| {
        for size in [1, 3, bytes.len()] {
            let mut machine = in_body();
            machine.body(b"half a line").expect("it can be sent");
            for piece in bytes.as_bytes().chunks(size) {
                assert_eq!(machine.next(), Action::Body);
                machine.receive(piece);
            }
            assert_eq!(machine.next(), Action::Done(vec![first.clone(), second.clone()]));
            assert_eq!(closed(&mut machine), Some(fault.clone()));
            assert!(machine.output().is_empty(), "the rest is still to be written");
        }
    };
    for (code, text) in [(552, "too large"), (451, "disk full"), (421, "closing")] {
        let (command, reply) = (Command::Message, refused(code, text));
        let outcome = Outcome::Refused { command, reply: reply.clone() };
        check(&format!("{code} {text}\r\n"), outcome, Fault::Refused { command, reply });
    }
    for (bytes, fault) in [
        ("250 kept\r\n", Fault::Unsolicited),
        ("354 go\r\n", Fault::Unsolicited),
        ("what?\r\n", Fault::Garbage(Garbage::NoCode)),
    ] {
        let command = Command::Message;
        check(bytes, Outcome::Lost { command, fault: fault.clone() }, fault);
    }
}

#[test]
fn the_rest_of_a_reply_is_no_answer_to_the_dot() {
    let mut machine = in_body();
    machine.receive(b"250 k");
    machine.body(b"text\r\n").expect("it can be sent");
    machine.end_body();
    assert!(machine.output().is_empty(), "the dot was said");
    let Action::Done(outcomes) = machine.next() else { panic!("not done") };
    assert!(matches!(outcomes.last(), Some(Outcome::Lost { .. })), "{outcomes:?}");
    assert_eq!(closed(&mut machine), Some(Fault::Unsolicited));
}

#[test]
fn a_connection_cut_within_the_message_is_no_delivery() {
    let ends: [fn(&mut Machine); 3] = [Machine::eof, Machine::timed_out, Machine::abandon];
    for (end, fault) in ends.into_iter().zip([Fault::Gone, Fault::TimedOut, Fault::Abandoned]) {
        let mut machine = in_body();
        machine.body(b"text\r\n").expect("it can be sent");
        end(&mut machine);
        let Action::Done(outcomes) = machine.next() else { panic!("not done") };
        let command = Command::Message;
        assert_eq!(outcomes.last(), Some(&Outcome::Lost { command, fault: fault.clone() }));
        assert_eq!(closed(&mut machine), Some(fault));
        assert!(machine.output().is_empty());
    }
}

#[test]
fn a_handshake_that_fails_ends_the_connection() {
    let mut machine = machine(false, None);
    machine.handshake_failed();
    assert_eq!(machine.next(), Action::Read, "there was no handshake");
    answer(&mut machine, "220 hi\r\n");
    answer(&mut machine, "250-hi\r\n250 STARTTLS\r\n");
    assert_eq!(answer(&mut machine, "220 go\r\n"), "STARTTLS\r\n");
    assert_eq!(machine.next(), Action::StartTls);
    machine.handshake_failed();
    assert_eq!(closed(&mut machine), Some(Fault::HandshakeFailed));
}

#[test]
fn calls_at_the_wrong_time_do_nothing() {
    let mut machine = machine(false, None);
    machine.quit();
    machine.secured();
    machine.end_body();
    assert_eq!(machine.body(b"text\0"), Ok(()));
    assert_eq!(machine.begin(transaction(1)), Err(Unfit::NotReady));
    assert_eq!(machine.next(), Action::Read);
    assert!(machine.output().is_empty() && !machine.is_secured());
    machine.eof();
    machine.receive(b"220 hi\r\n");
    machine.timed_out();
    assert_eq!(closed(&mut machine), Some(Fault::Gone));
}

#[test]
fn what_is_awaited_is_told() {
    let mut machine = machine(false, None);
    assert_eq!(machine.waiting_for(), Some(Command::Connect));
    answer(&mut machine, "220 hi\r\n");
    assert_eq!(machine.waiting_for(), Some(Command::Ehlo));
    answer(&mut machine, "250 hi\r\n");
    assert_eq!(machine.waiting_for(), None);
    machine.begin(transaction(1)).expect("fit");
    assert_eq!(machine.waiting_for(), Some(Command::Mail));
    let mut machine = in_body();
    machine.end_body();
    assert_eq!(machine.waiting_for(), Some(Command::Message));
}

#[test]
fn long_credentials_are_sent_when_they_are_asked_for() {
    let password = "p".repeat(600);
    let credentials = Credentials::new("anna".to_owned(), Secret::new(password.clone()));
    let mut machine = machine(true, credentials);
    answer(&mut machine, "220 hi\r\n");
    answer(&mut machine, "250-hi\r\n250 AUTH PLAIN\r\n");
    assert_eq!(answer(&mut machine, "334 \r\n"), "AUTH PLAIN\r\n");
    let said = answer(&mut machine, "235 ok\r\n");
    assert!(said.len() > 600 && said.ends_with("\r\n") && !said.contains("AUTH"));
    assert_eq!(machine.next(), Action::Ready);
    assert!(!format!("{:?}", machine.options).contains(&password), "a password is shown");
}

#[test]
fn credentials_have_no_nul_and_are_not_empty() {
    let made = |user: &str, password: &str| {
        Credentials::new(user.to_owned(), Secret::new(password.to_owned())).is_some()
    };
    assert!(made("anna", "secret"));
    for (user, password) in [("", "secret"), ("anna", ""), ("a\0b", "secret"), ("anna", "s\0")] {
        assert!(!made(user, password));
    }
}

#[test]
fn a_552_is_one_too_many_only_where_that_is_sure() {
    let check = |reply: &str, before: usize, next: bool| {
        let mut machine = ready("");
        machine.begin(transaction(before + 1)).expect("fit");
        answer(&mut machine, "250 ok\r\n");
        for _ in 0..before {
            answer(&mut machine, "250 ok\r\n");
        }
        answer(&mut machine, &format!("{reply}\r\n"));
        machine.timed_out();
        let Action::Done(outcomes) = machine.next() else { panic!("not done") };
        let last = outcomes.last();
        assert_eq!(matches!(last, Some(Outcome::NextTransaction(_))), next, "{reply} {before}");
    };
    check("552 too many", 99, false);
    check("552 too many", 100, true);
    check("552 5.2.2 full", 100, false);
    check("552 5.5.3 too many", 1, true);
    check("452 too many", 1, true);
    check("452 too many", 0, false);
    check("452 4.2.2 full", 100, false);
    check("450 4.5.3 too many", 1, false);
}

/// Feeds `bytes` again and again, whatever the machine wants, and looks at what it holds.
fn flood(mut machine: Machine, bytes: &[u8]) {
    let pieces = bytes.iter().copied().cycle().take(10 << 20);
    let mut piece = Vec::new();
    for byte in pieces {
        piece.push(byte);
        if piece.len() < 4_096 {
            continue;
        }
        machine.output().clear();
        machine.receive(&piece);
        piece.clear();
        assert!(machine.reader.held() <= 256 << 10, "{} bytes are held", machine.reader.held());
        assert!(machine.output.len() < 64 << 10 && machine.session.awaited.len() <= 50);
        match machine.next() {
            Action::Ready => machine.begin(transaction(100)).expect("fit"),
            Action::StartTls => machine.secured(),
            Action::Body => machine.end_body(),
            Action::Closed(_) => return,
            Action::Read | Action::Done(_) => {}
        }
    }
    // A server that answers for ever what it is asked is one that answers.
}

#[test]
fn ten_mebibytes_of_reply_are_never_held() {
    let floods: &[&[u8]] = &[
        b"2",
        b"220-\r\n",
        b"250-text and more text, and more of it still\r\n",
        b"220 hi\r\n",
        b"\0",
        b"\n",
        b"\r\n",
        b"550 no\r\n",
    ];
    for bytes in floods {
        flood(machine(false, None), bytes);
        flood(ready("250-PIPELINING\r\n"), bytes);
        flood(in_body(), bytes);
        let mut waiting = in_body();
        waiting.end_body();
        flood(waiting, bytes);
    }
}
