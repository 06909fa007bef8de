//! The conversations of `tests/sessions/pop3`, replayed against the machine (for their format see
//! `tests/src/transcript`).
//!
//! Settings (`@`): `tls` (active from the start), `errors_max`, `login_failures_max`, `messages`
//! (names from [`MESSAGES`], separated by commas). Questions (`?`): `connect`,
//! `login NAME PASSWORD`, `salt NAME`, `proof NAME [plus]`, `enter`, `message ID`, `remove ID ID`;
//! answers: `allow`, `opened`, `salt`, `signature`, `gone`, `cut` (the text breaks off),
//! `refuse REASON`, `later REASON`, `close REASON`. Where no line speaks, the password `secret` is
//! good and everything is allowed. Events (`*`): `eof`, `drain`, `cut REASON`.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::scram::{Ask, Bindings, Salt, Told};
use mail::{EntryId, Reason, Refusal};
use pop3::machine::{Action, Answer, Item, Machine, Options, Question};
use tests::transcript::{self, Conversation, Next, Script, Settings};

#[test]
fn every_conversation_is_the_same_however_it_is_cut() {
    transcript::replay::<Pop3>("pop3", 25);
}

/// What a mailbox may hold. The first has the id 101, the next 102.
const MESSAGES: &[(&str, &str)] = &[
    ("plain", "Subject: plain\r\n\r\nHello\r\n"),
    ("dots", "Subject: dots\r\n\r\n.\r\n..\r\n.one\r\ntwo.\r\n"),
    ("lines", "Subject: lines\r\nTo: a\r\n\r\none\r\n\r\nthree\r\n.four\r\n"),
    ("unended", "Subject: unended\r\n\r\nno line end"),
    ("bare", "Subject: bare\n\n.\none\n.\ntwo\n"),
    ("utf8", "Subject: gr\u{fc}n\r\n\r\n\u{fc}\r\n"),
    ("empty", ""),
    ("sevens", "A: 12\r\nB: 34\r\n\r\n56789\r\nmore\r\n"),
];
/// Bytes of a message given to the machine at once: lines are cut in odd places.
const WINDOW: usize = 7;

/// The machine, with a store that reads its answers from the script.
struct Pop3 {
    machine: Machine,
    messages: Vec<(Item, &'static str)>,
    /// What is left of the message that is being sent, and whether it breaks off.
    sending: (&'static [u8], bool),
}

impl Conversation for Pop3 {
    fn begin(settings: &Settings) -> Self {
        let options = Options {
            hostname: "mail.example.org".to_owned(),
            tls_active: settings.get("tls", true),
            errors_max: settings.get("errors_max", 20),
            login_failures_max: settings.get("login_failures_max", 3),
        };
        let names = settings.get("messages", "plain,dots,lines".to_owned());
        let item = |(index, name): (usize, &str)| {
            let found = MESSAGES.iter().find(|(known, _)| *known == name);
            let text = found.expect("a message of that name").1;
            let number = index as i64 + 1;
            let id = EntryId(100 + number);
            (Item { id, uid: number, size: text.len() as u64 }, text)
        };
        Self {
            machine: Machine::new(options),
            messages: names
                .split(',')
                .filter(|name| *name != "none")
                .enumerate()
                .map(item)
                .collect(),
            sending: (b"", false),
        }
    }

    fn next(&mut self, script: &mut Script) -> Next {
        match self.machine.next() {
            Action::Read => return Next::Read,
            Action::Close => return Next::Close,
            Action::StartTls => return Next::StartTls,
            Action::Note(reason, detail) => return Next::Did(format!("note {reason} {detail}")),
            Action::Write => {
                let written = self.machine.output().len();
                assert!(written < 20_000, "a listing is made window by window");
                return Next::Write;
            }
            Action::Fetch => self.fetch(),
            Action::Ask(question) => {
                let answer = self.ask(&question, script);
                self.machine.answer(answer);
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
        match event.split_once(' ') {
            None if event == "eof" => self.machine.eof(),
            None if event == "drain" => self.machine.drain(),
            Some(("cut", reason)) => self.machine.cut(word(reason)),
            _ => panic!("no such event: {event}"),
        }
    }

    fn kept(&mut self) -> Vec<String> {
        vec![
            self.messages.iter().map(|(item, _)| item.id.to_string()).collect::<Vec<_>>().join(" "),
        ]
    }
}

impl Pop3 {
    fn fetch(&mut self) {
        let (rest, cut) = self.sending;
        let (window, rest) = rest.split_at(rest.len().min(WINDOW));
        self.sending.0 = rest;
        if cut && rest.len() < 2 * WINDOW {
            self.machine.content_failed();
        } else {
            self.machine.content(window);
        }
    }

    fn ask(&mut self, question: &Question, script: &mut Script) -> Answer {
        let given = script.answer(&show(question)).unwrap_or_else(|| usual(question));
        let (verb, rest) = given.split_once(' ').unwrap_or((&given, ""));
        match (verb, question) {
            ("allow", Question::Login(_)) => {
                Answer::Opened(self.messages.iter().map(|(item, _)| *item).collect())
            }
            ("allow" | "cut", Question::Message(item)) => {
                let text = self.messages.iter().find(|(known, _)| known == item);
                self.sending = (text.expect("a message asked for").1.as_bytes(), verb == "cut");
                Answer::Allow
            }
            ("allow", Question::Remove(ids)) => {
                self.messages.retain(|(item, _)| !ids.contains(&item.id));
                Answer::Allow
            }
            ("opened", _) => Answer::Opened(Vec::new()),
            ("allow", Question::Connect) => Answer::Allow,
            ("allow", Question::Scram(Ask::Enter)) => {
                Answer::Opened(self.messages.iter().map(|(item, _)| *item).collect())
            }
            ("salt", _) => Answer::Scram(Told::Salt(salt_of_the_example())),
            ("signature", _) => Answer::Scram(Told::Signature([b's'; 32])),
            ("gone", _) => Answer::Gone,
            ("refuse", _) => Answer::Refuse(refusal(rest)),
            ("later", _) => Answer::Later(refusal(rest)),
            ("close", _) => Answer::RefuseAndClose(refusal(rest)),
            _ => panic!("no such answer: {given}"),
        }
    }
}

/// A question as in `?` lines.
fn show(question: &Question) -> String {
    match question {
        Question::Connect => "connect".to_owned(),
        Question::Login(credentials) => {
            format!("login {} {}", credentials.user, credentials.password.expose())
        }
        Question::Scram(Ask::Salt { user }) => format!("salt {user}"),
        Question::Scram(Ask::Proof(attempt)) => {
            let plus = if attempt.plus { " plus" } else { "" };
            format!("proof {}{plus}", attempt.user)
        }
        Question::Scram(Ask::Enter) => "enter".to_owned(),
        Question::Message(item) => format!("message {}", item.id),
        Question::Remove(ids) => {
            let ids: Vec<String> = ids.iter().map(EntryId::to_string).collect();
            format!("remove {}", ids.join(" "))
        }
    }
}

fn usual(question: &Question) -> String {
    match question {
        Question::Login(credentials) if credentials.password.expose() != "secret" => {
            "refuse bad_credentials".to_owned()
        }
        _ => "allow".to_owned(),
    }
}

/// The salt of RFC 7677 §3, and a connection that is bound by sevens and nines.
fn salt_of_the_example() -> Salt {
    Salt {
        salt: b"[m\x99h\x9d\x125\x8e\xec\xa0K\x14\x126\xfa\x81".to_vec(),
        iterations: 4_096,
        nonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned(),
        bindings: Bindings { exporter: Some([b'7'; 32]), end_point: Some(vec![b'9'; 32]) },
    }
}

fn refusal(reason: &str) -> Refusal {
    Refusal::new(word(reason)).detail("secret detail").rule("secret rule")
}

fn word(reason: &str) -> Reason {
    Reason::from_word(reason).unwrap_or_else(|| panic!("no such reason: {reason}"))
}
