//! Any bytes at all against the machine: what must be true whatever a peer sends.
//!
//! Shared by the properties, the replay of the corpus and the fuzz target `smtp_machine`. The first
//! three bytes choose the options, the policy and the cuts; the rest is what the peer sends.

use mail::scram::{self, Ask, Bindings, Salt};
use mail::{Door, MessageId, Reason, Refusal};
use smtp::server::{Action, Answer, Fate, Machine, Options, Question};
use tests::machine::Session;

/// All that a session came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    output: Vec<u8>,
    questions: Vec<String>,
    notes: Vec<(Reason, String, u16)>,
    kept: Vec<Vec<u8>>,
    abandoned: usize,
}

/// Talks to a machine, and panics if it breaks one of its promises.
pub(crate) fn exercise(bytes: &[u8]) {
    let Some(session) = Session::new(bytes) else { return };
    let Session { options, answers, .. } = session;
    let whole = session.whole_and_cut(|pieces| talk(options, answers, pieces));
    check_output(&whole.output);
    let answered = whole.output.windows(8).filter(|eight| eight.starts_with(b"OK, kept")).count();
    assert_eq!(answered, whole.kept.len(), "a 250 for what was not kept");
    if options & REPAIR == 0 {
        for body in &whole.kept {
            check_body(body);
        }
    }
}

const REPAIR: u8 = 1;

/// Of those that submit, every third hands over by LMTP.
fn door(options: u8, policy: u8) -> Door {
    match (options & 2, policy % 3) {
        (0, _) => Door::Smtp,
        _ if options & (64 | 128) == 64 => Door::Local,
        (_, 0) => Door::Lmtp,
        _ => Door::Submission,
    }
}

fn talk(options: u8, policy: u8, pieces: &mut dyn Iterator<Item = &[u8]>) -> Told {
    let mut machine = Machine::new(Options {
        door: door(options, policy),
        hostname: "mail.example.org".to_owned(),
        size_max: if options & 4 == 0 { 100_000 } else { 100 },
        header_size_max: if options & 8 == 0 { 100_000 } else { 50 },
        recipients_max: if options & 16 == 0 { 1_000 } else { 2 },
        errors_max: if options & 32 == 0 { 20 } else { 3 },
        tls_offered: options & 64 == 0,
        tls_active: options & 128 != 0,
        auth: true,
        bare_lf_repair: options & REPAIR != 0,
    });
    let mut told = Told::default();
    let mut body = Vec::new();
    let mut opened = false;
    // Recipients of the transaction that were accepted.
    let mut accepted = 0;
    loop {
        match machine.next() {
            Action::Read => {
                opened = true;
                hear(&mut machine, pieces);
            }
            // What the peer sent behind STARTTLS in the clear is there before the handshake.
            Action::StartTls => {
                hear(&mut machine, pieces);
                machine.secured();
            }
            Action::Ask(question) => {
                assert_eq!(opened, !matches!(question, Question::Connect), "asked out of turn");
                told.questions.push(format!("{question:?}"));
                let answer = answer(&question, policy, told.questions.len());
                match question {
                    Question::Sender { .. } => accepted = 0,
                    Question::Recipient { .. } if matches!(answer, Answer::Allow) => accepted += 1,
                    Question::Body => body.clear(),
                    _ => {}
                }
                let is_lmtp = door(options, policy) == Door::Lmtp;
                let answer = match answer {
                    Answer::Accepted(id) if is_lmtp => Answer::Each(fates(id, accepted, policy)),
                    other => other,
                };
                match &answer {
                    Answer::Accepted(_) => told.kept.push(std::mem::take(&mut body)),
                    Answer::Each(fates) => {
                        let kept = fates.iter().filter(|fate| matches!(fate, Fate::Kept(_)));
                        told.kept.extend(kept.map(|_| body.clone()));
                    }
                    _ => {}
                }
                machine.answer(answer);
            }
            Action::Body(bytes) => {
                assert!(!bytes.is_empty(), "an empty piece of body");
                body.extend_from_slice(bytes);
            }
            Action::Abandon => {
                told.abandoned += 1;
                body.clear();
            }
            Action::Note(reason, detail, code) => told.notes.push((reason, detail, code)),
            Action::Remark(reason, detail) => told.notes.push((reason, detail.to_owned(), 0)),
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

/// Mostly yes; which questions get another answer depends on the policy's byte.
fn answer(question: &Question, policy: u8, asked: usize) -> Answer {
    let turn = (usize::from(policy) + asked) % 16;
    match question {
        Question::Connect => Answer::Allow,
        Question::Login(_) if turn.is_multiple_of(2) => {
            Answer::LoggedIn("a@example.org".to_owned())
        }
        Question::Scram(Ask::Salt { .. }) if turn > 2 => Answer::Scram(scram::Told::Salt(Salt {
            salt: vec![1; 16],
            iterations: 4_096,
            nonce: "ours".to_owned(),
            bindings: Bindings { exporter: Some([7; 32]), end_point: None },
        })),
        Question::Scram(Ask::Proof(_)) if turn > 2 => {
            Answer::Scram(scram::Told::Signature([2; 32]))
        }
        Question::Scram(Ask::Enter) if turn > 2 => Answer::LoggedIn("a@example.org".to_owned()),
        Question::Message if turn > 2 => Answer::Accepted(MessageId(asked as i64)),
        Question::OwnEntries { .. } | Question::Flush if turn > 2 => {
            Answer::Told(vec![format!("{asked}\r\n250 no line of its own"), "x".repeat(1_000)])
        }
        _ => match turn {
            0 => Answer::Refuse(Refusal::new(Reason::AccessRejected)),
            1 => Answer::Later(Refusal::new(Reason::StorageFailed)),
            2 if policy > 200 => Answer::RefuseAndClose(Refusal::new(Reason::RateExceeded)),
            _ => Answer::Allow,
        },
    }
}

/// An answer for each recipient: some are refused.
fn fates(id: MessageId, count: usize, policy: u8) -> Vec<Fate> {
    let fate = |n: usize| match (n + usize::from(policy)) % 5 {
        0 => Fate::Refused(Refusal::new(Reason::AccessRejected)),
        1 => Fate::Later(Refusal::new(Reason::MailboxFull)),
        _ => Fate::Kept(id),
    };
    (0..count).map(fate).collect()
}

/// Replies are lines of at most 512 bytes of printable ASCII, each with a code.
fn check_output(output: &[u8]) {
    for line in output.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\r\n");
        let good = text.is_some_and(|text| {
            text.iter().all(|byte| (b' '..=b'~').contains(byte))
                && text.iter().take(3).all(u8::is_ascii_digit)
                && matches!(text.get(3), Some(b' ' | b'-'))
        });
        assert!(good && line.len() <= 512, "not a reply: {}", line.escape_ascii());
    }
}

/// What is kept has whole lines that end in CRLF, and no other CR, LF or NUL.
fn check_body(body: &[u8]) {
    assert!(body.is_empty() || body.ends_with(b"\r\n"), "{}", body.escape_ascii());
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        let odd = text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        assert!(!odd, "kept {}", line.escape_ascii());
    }
}
