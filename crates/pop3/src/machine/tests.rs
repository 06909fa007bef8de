#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use super::{Action, Answer, Item, Machine, Options, Question};
use mail::{EntryId, Reason, Refusal};

fn options() -> Options {
    Options {
        hostname: "mail.example.org".to_owned(),
        tls_active: true,
        errors_max: 1_000_000,
        login_failures_max: 3,
    }
}

/// A machine that has let a client in, with so many messages of 100 bytes.
fn opened(messages: i64) -> Machine {
    let mut machine = Machine::new(options());
    machine.receive(b"USER anna\r\nPASS secret\r\n");
    let item = |n| Item { id: EntryId(n), uid: n, size: 100 };
    let items: Vec<Item> = (1..=messages).map(item).collect();
    until_read(&mut machine, &mut |_| Answer::Opened(items.clone()));
    // What came before the greeting was kept for later: it is all read now.
    assert!(machine.in_transaction());
    machine.output().clear();
    machine
}

/// Goes on until the machine wants to read or close; connecting is allowed.
fn until_read(machine: &mut Machine, answer: &mut dyn FnMut(Question) -> Answer) -> Vec<u8> {
    let mut written = Vec::new();
    loop {
        match machine.next() {
            Action::Read | Action::Close => break,
            Action::Ask(Question::Connect) => machine.answer(Answer::Allow),
            Action::Ask(question) => {
                let answer = answer(question);
                machine.answer(answer);
            }
            Action::Write => {
                assert!(machine.output().len() < 20_000, "a listing is made window by window");
                written.append(machine.output());
            }
            Action::Fetch => machine.content(b""),
            Action::StartTls | Action::Note(..) => {}
        }
    }
    written.append(machine.output());
    written
}

#[test]
fn a_listing_of_any_length_is_made_window_by_window() {
    let mut machine = opened(50_000);
    machine.receive(b"UIDL\r\nLIST\r\n");
    let text = until_read(&mut machine, &mut |_| Answer::Allow);
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 2 * 50_002);
    assert_eq!(text.lines().nth(50_000), Some("50000 50000"));
    assert!(text.ends_with("\r\n50000 100\r\n.\r\n"));
}

#[test]
fn memory_stays_flat_whatever_is_sent() {
    let mut machine = opened(0);
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..500 {
        machine.receive(&piece);
        until_read(&mut machine, &mut |_| Answer::Allow);
    }
    assert!(machine.input.capacity() <= 2 * piece.len(), "{}", machine.input.capacity());
    machine.receive(b"\r\n");
    let said = until_read(&mut machine, &mut |_| Answer::Allow);
    assert_eq!(said, b"-ERR The line is too long\r\n");
    machine.shrink();
    assert_eq!(machine.input.capacity(), 0);
}

#[test]
fn passwords_do_not_stay_in_memory() {
    for line in ["PASS topsecret\r\n", "AUTH PLAIN AGFubmEAdG9wc2VjcmV0\r\n"] {
        let mut machine = Machine::new(options());
        machine.receive(b"USER anna\r\n");
        machine.receive(line.as_bytes());
        let mut asked = 0;
        until_read(&mut machine, &mut |question| {
            assert!(!format!("{question:?}").contains("topsecret"));
            asked += 1;
            Answer::Refuse(Refusal::new(Reason::BadCredentials))
        });
        assert_eq!(asked, 1);
        assert!(!machine.input.holds(b"topsecret") && !machine.input.holds(b"dG9wc2VjcmV0"));
    }
}

#[test]
fn answers_to_other_questions_let_nobody_in() {
    for answer in [Answer::Allow, Answer::Gone] {
        let mut machine = Machine::new(options());
        machine.receive(b"USER anna\r\nPASS secret\r\nSTAT\r\n");
        let said = until_read(&mut machine, &mut |_| answer.clone());
        let said = String::from_utf8(said).unwrap();
        assert!(!machine.in_transaction() && said.contains("-ERR"), "{said}");
        assert!(!said.contains("Logged in"), "{said}");
    }
    let mut machine = opened(1);
    machine.receive(b"DELE 1\r\nQUIT\r\n");
    let said = until_read(&mut machine, &mut |_| Answer::Gone);
    assert!(String::from_utf8(said).unwrap().contains("-ERR"), "a removal that was not told");
}

#[test]
fn it_is_over_when_it_is_over() {
    let mut machine = opened(1);
    machine.receive(b"QUIT\r\nSTAT\r\n");
    assert_eq!(until_read(&mut machine, &mut |_| Answer::Allow), b"+OK Bye\r\n");
    machine.receive(b"STAT\r\n");
    machine.answer(Answer::Opened(Vec::new()));
    machine.content(b"x");
    machine.content_failed();
    machine.secured();
    machine.drain();
    machine.cut(Reason::IdleTooLong);
    assert!(matches!(machine.next(), Action::Close));
    assert!(machine.output().is_empty());
}
