//! Any bytes at all against the machine: what must be true whatever a peer sends.
//!
//! Shared by the properties, the replay of the corpus and the fuzz target `pop3_machine`. The first
//! three bytes choose the options, the store's answers and the cuts; the rest is what the peer
//! sends.

use mail::scram::{self, Ask, Bindings, Salt};
use mail::{EntryId, Reason, Refusal};
use pop3::machine::{Action, Answer, Item, Machine, Options, Question};
use tests::machine::Session;

/// All that a session came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    output: Vec<u8>,
    questions: Vec<String>,
    notes: Vec<(Reason, String)>,
    removed: Vec<EntryId>,
}

const MESSAGES: [&[u8]; 3] =
    [b"Subject: x\r\n\r\n.\r\n..\r\nend\r\n", b"", b"a: b\n\n.\nno end\r.\r\n."];

/// Talks to a machine, and panics if it breaks one of its promises.
pub(crate) fn exercise(bytes: &[u8]) {
    let Some(session) = Session::new(bytes) else { return };
    let Session { options, answers, .. } = session;
    let whole = session.whole_and_cut(|pieces| talk(options, answers, pieces));
    check_output(&whole.output);
    let said_quit =
        session.sent.split(|byte| *byte == b'\n').any(|line| line.eq_ignore_ascii_case(b"QUIT\r"));
    assert!(whole.removed.is_empty() || said_quit, "something was removed without QUIT");
}

fn talk(options: u8, store: u8, pieces: &mut dyn Iterator<Item = &[u8]>) -> Told {
    let tls_active = options & 1 == 0;
    let mut machine = Machine::new(Options {
        hostname: "mail.example.org".to_owned(),
        tls_active,
        errors_max: if options & 2 == 0 { 20 } else { 3 },
        login_failures_max: 3,
    });
    let mut told = Told::default();
    let mut secured = tls_active;
    let mut sending: &[u8] = b"";
    loop {
        match machine.next() {
            Action::Read => hear(&mut machine, pieces),
            Action::Write => {}
            // What the peer sent behind STLS in the clear is there before the handshake.
            Action::StartTls => {
                hear(&mut machine, pieces);
                machine.secured();
                secured = machine.is_secured();
            }
            Action::Fetch => {
                let (window, rest) = sending.split_at(sending.len().min(3));
                sending = rest;
                machine.content(window);
            }
            Action::Ask(question) => {
                assert!(secured || matches!(question, Question::Connect), "asked in the clear");
                told.questions.push(format!("{question:?}"));
                let answer = answer(&question, store, told.questions.len());
                match (&question, &answer) {
                    (Question::Message(item), Answer::Allow) => {
                        sending = MESSAGES.get(item.uid as usize - 1).copied().unwrap_or(b"");
                    }
                    (Question::Remove(ids), Answer::Allow) => told.removed.extend(ids),
                    _ => {}
                }
                machine.answer(answer);
            }
            Action::Note(reason, detail) => told.notes.push((reason, detail)),
            Action::Close => break,
        }
    }
    assert!(matches!(machine.next(), Action::Close), "something after the end");
    told.output.append(machine.output());
    told
}

fn hear(machine: &mut Machine, pieces: &mut dyn Iterator<Item = &[u8]>) {
    match pieces.next() {
        Some(piece) => machine.receive(piece),
        None => machine.eof(),
    }
}

/// Mostly yes; which questions get another answer depends on the store's byte.
fn answer(question: &Question, store: u8, asked: usize) -> Answer {
    let turn = (usize::from(store) + asked) % 16;
    match question {
        Question::Connect => Answer::Allow,
        Question::Scram(Ask::Salt { .. }) if turn > 2 => Answer::Scram(scram::Told::Salt(Salt {
            salt: vec![1; 16],
            iterations: 4_096,
            nonce: "ours".to_owned(),
            bindings: Bindings { exporter: Some([7; 32]), end_point: None },
        })),
        Question::Scram(Ask::Proof(_)) if turn > 2 => {
            Answer::Scram(scram::Told::Signature([2; 32]))
        }
        Question::Login(_) | Question::Scram(Ask::Enter) if turn > 2 => {
            let item = |(n, text): (usize, &&[u8])| {
                let n = n as i64 + 1;
                Item { id: EntryId(100 + n), uid: n, size: text.len() as u64 }
            };
            Answer::Opened(MESSAGES.iter().enumerate().map(item).collect())
        }
        _ => match turn {
            0 => Answer::Refuse(Refusal::new(Reason::BadCredentials)),
            1 => Answer::Later(Refusal::new(Reason::MailboxInUse)),
            2 if store > 200 => Answer::RefuseAndClose(Refusal::new(Reason::AccountDisabled)),
            3 if matches!(question, Question::Message(_)) => Answer::Gone,
            _ => Answer::Allow,
        },
    }
}

/// Whole lines; outside of multi-line answers each has a mark.
fn check_output(output: &[u8]) {
    let text = output.strip_suffix(b"\r\n");
    assert!(output.is_empty() || text.is_some(), "half a line: {}", output.escape_ascii());
    for line in output.split_inclusive(|byte| *byte == b'\n') {
        assert!(line.ends_with(b"\r\n"), "a bare LF: {}", line.escape_ascii());
        let marked = line.starts_with(b"+OK ") || line.starts_with(b"-ERR ");
        assert!(!marked || line.len() <= 512, "RFC 2449 §4: {}", line.escape_ascii());
    }
}
