//! Memory: what the machine holds after each read, whatever was sent.

use super::command::LOGIN_LINE_MAX;
use super::*;
use proptest::prelude::*;

const PIECE: usize = 4_096;

fn machine() -> Machine {
    Machine::new(Options {
        door: Door::Submission,
        hostname: "mail.example.org".to_owned(),
        size_max: 1_000_000,
        header_size_max: 1_000_000,
        recipients_max: 1_000,
        errors_max: 20,
        tls_offered: true,
        tls_active: true,
        auth: true,
        bare_lf_repair: false,
    })
}

/// Feeds `bytes` again and again, and looks at what is held at every turn.
fn flood(machine: &mut Machine, bytes: &[u8], pieces: usize) {
    let mut stream = bytes.iter().copied().cycle();
    let mut left = pieces;
    loop {
        match machine.next() {
            Action::Read => {
                let held = machine.input.unread().len();
                assert!(held <= LOGIN_LINE_MAX, "{held} unread bytes are held");
                let said = machine.output.len();
                assert!(said <= 16 * PIECE, "{said} bytes of replies for one read");
                machine.output().clear();
                if left == 0 {
                    break;
                }
                left -= 1;
                let piece: Vec<u8> = stream.by_ref().take(PIECE).collect();
                machine.receive(&piece);
                assert!(machine.input.unread().len() <= LOGIN_LINE_MAX + PIECE);
            }
            Action::Ask(Question::Message) => machine.answer(Answer::Accepted(MessageId(1))),
            Action::Ask(Question::Login(_)) => {
                machine.answer(Answer::Refuse(Refusal::new(Reason::BadCredentials)));
            }
            Action::Ask(_) => machine.answer(Answer::Allow),
            Action::StartTls => machine.secured(),
            Action::Body(_) | Action::Abandon | Action::Note(..) | Action::Remark(..) => {}
            Action::Close => break,
        }
        assert!(machine.queue.len() <= 4, "actions pile up");
    }
}

#[test]
fn memory_stays_flat() {
    let floods: &[&[u8]] = &[
        b"x",
        b"\r",
        b"\0",
        b"AUTH PLAIN ",
        b"NOOP\r\n",
        b"EHLO x\r\n",
        b"MAIL FROM:<a@b>\r\nRSET\r\n",
        b"RCPT TO:<a@b>\r\n",
        b"DATA\r\n.\r\n",
        b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n.\r\n",
    ];
    let starts: &[&[u8]] = &[
        b"",
        b"EHLO x\r\n",
        b"EHLO x\r\nMAIL FROM:<a@b>\r\n",
        b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
        b"EHLO x\r\nAUTH PLAIN\r\n",
    ];
    for start in starts {
        for bytes in floods {
            let mut machine = machine();
            flood(&mut machine, b"", 0);
            machine.receive(start);
            flood(&mut machine, bytes, 60);
            assert!(machine.input.capacity() <= 2 * (LOGIN_LINE_MAX + PIECE));
        }
    }
}

#[test]
fn a_secret_does_not_stay_in_the_buffer() {
    let mut machine = machine();
    flood(&mut machine, b"", 0);
    for line in [b"EHLO x\r\n".as_slice(), b"AUTH LOGIN\r\n", b"YW5uYQ==\r\n", b"c2VjcmV0\r\n"] {
        machine.receive(line);
        while !matches!(machine.next(), Action::Read) {
            machine.answer(Answer::Allow);
        }
    }
    assert!(!machine.input.holds(b"c2VjcmV0") && !machine.input.holds(b"YW5uYQ"));
}

#[test]
fn wrong_answers_are_never_a_yes() {
    let mut machine = machine();
    machine.answer(Answer::Accepted(MessageId(1)));
    assert!(matches!(machine.next(), Action::Ask(Question::Connect)));
    machine.answer(Answer::Accepted(MessageId(1)));
    assert!(matches!(machine.next(), Action::Close));
    assert!(machine.output().starts_with(b"421 "));
}

proptest! {
    #[test]
    fn any_flood_is_held_flat(bytes in prop::collection::vec(any::<u8>(), 1..60)) {
        let mut machine = machine();
        flood(&mut machine, b"", 0);
        flood(&mut machine, &bytes, 10);
    }
}
