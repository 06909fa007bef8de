//! The conversations of `tests/sessions/smtp`, replayed against the machine (for their format see
//! `tests/src/transcript`).
//!
//! Settings (`@`): `door`, `tls` (active from the start), `starttls`, `auth`, `size_max`,
//! `header_size_max`, `recipients_max`, `errors_max`, `repair`. Questions (`?`): see [`question`];
//! answers: `allow`, `login ADDRESS`, `salt`, `signature`, `kept NUMBER`, `told LINE/LINE`,
//! `refuse REASON`, `later REASON`, `close REASON`, over LMTP `each` and several of them with `|`
//! between, each refusal with an administrator's `CODE D.S.N text` behind it or without.
//! Events (`*`): `eof`, `drain`, `timeout REASON`, `body_fails REASON`.

#![expect(clippy::expect_used, reason = "a test may stop where it stands")]

use mail::scram::{Ask, Bindings, Salt, Told};
use mail::{BodyKind, Door, ForwardPath, MessageId, Reason, Refusal, ReplyText, ReversePath};
use smtp::server::{Action, Answer, Fate, Machine, Options, Question};
use tests::transcript::{self, Conversation, Next, Script, Settings};

#[test]
fn every_conversation_is_the_same_however_it_is_cut() {
    transcript::replay::<Smtp>("smtp", 35);
}

/// The machine, with a policy that reads its answers from the script.
struct Smtp {
    machine: Machine,
    envelope: String,
    body: Vec<u8>,
    fail_body: Option<Reason>,
    kept: Vec<String>,
}

impl Conversation for Smtp {
    fn begin(settings: &Settings) -> Self {
        let door = match settings.get("door", "smtp".to_owned()).as_str() {
            "submission" => Door::Submission,
            "submissions" => Door::Submissions,
            "local" => Door::Local,
            "lmtp" => Door::Lmtp,
            _ => Door::Smtp,
        };
        let options = Options {
            door,
            hostname: "mail.example.org".to_owned(),
            size_max: settings.get("size_max", 100_000),
            header_size_max: settings.get("header_size_max", 100_000),
            recipients_max: settings.get("recipients_max", 100),
            errors_max: settings.get("errors_max", 20),
            tls_offered: settings.get("starttls", true),
            tls_active: settings.get("tls", false),
            auth: settings.get("auth", true),
            bare_lf_repair: settings.get("repair", false),
        };
        Self {
            machine: Machine::new(options),
            envelope: String::new(),
            body: Vec::new(),
            fail_body: None,
            kept: Vec::new(),
        }
    }

    fn next(&mut self, script: &mut Script) -> Next {
        match self.machine.next() {
            Action::Read => return Next::Read,
            Action::Close => return Next::Close,
            Action::StartTls => return Next::StartTls,
            Action::Note(reason, detail, code) => {
                return Next::Did(format!("note {reason} {code} {detail}"));
            }
            Action::Remark(reason, detail) => {
                return Next::Did(format!("remark {reason} {detail}"));
            }
            Action::Abandon => {
                self.body.clear();
                return Next::Did("abandon".to_owned());
            }
            Action::Body(bytes) => {
                self.body.extend_from_slice(bytes);
                if let Some(reason) = self.fail_body.take() {
                    self.machine.fail_body(Refusal::new(reason));
                }
            }
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
            Some(("timeout", reason)) => self.machine.timed_out(word(reason)),
            Some(("body_fails", reason)) => self.fail_body = Some(word(reason)),
            _ => panic!("no such event: {event}"),
        }
    }

    fn kept(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kept)
    }
}

impl Smtp {
    fn ask(&mut self, question: &Question, script: &mut Script) -> Answer {
        let text = show(question);
        let given = script.answer(&text);
        let answer = match given {
            Some(given) => read_answer(&given),
            None => self.usual(question),
        };
        match (question, &answer) {
            (Question::Sender { .. }, Answer::Allow) => self.envelope = text,
            (Question::Recipient { .. }, Answer::Allow) => {
                self.envelope.push_str(", ");
                self.envelope.push_str(&text);
            }
            (Question::Body, _) => self.body.clear(),
            (Question::Message, Answer::Accepted(id)) => self.keep(*id),
            (Question::Message, Answer::Each(fates)) => {
                let kept = fates.iter().find_map(|fate| match fate {
                    Fate::Kept(id) => Some(*id),
                    _ => None,
                });
                kept.into_iter().for_each(|id| self.keep(id));
            }
            _ => {}
        }
        answer
    }

    fn keep(&mut self, id: MessageId) {
        let size = self.body.len();
        self.kept.push(format!("{id}: {}, {size} bytes", self.envelope));
        self.kept.extend(
            self.body.split_inclusive(|b| *b == b'\n').map(|line| format!("| {}", shown(line))),
        );
    }

    /// Policy allows what no line speaks of, but no log-in.
    fn usual(&self, question: &Question) -> Answer {
        match question {
            Question::Message => {
                let kept = self.kept.iter().filter(|line| !line.starts_with('|')).count();
                Answer::Accepted(MessageId(kept as i64 + 1))
            }
            Question::Login(_) | Question::Scram(_) => {
                Answer::Refuse(Refusal::new(Reason::BadCredentials))
            }
            _ => Answer::Allow,
        }
    }
}

/// A question as in `?` lines.
fn show(question: &Question) -> String {
    match question {
        Question::Connect => "connect".to_owned(),
        Question::Helo { name, esmtp: true } => format!("ehlo {name}"),
        Question::Helo { name, esmtp: false } => format!("helo {name}"),
        Question::Login(credentials) => {
            let (user, password) = (&credentials.user, credentials.password.expose());
            format!("login {:?} {user} {password}", credentials.mechanism).to_lowercase()
        }
        Question::Scram(Ask::Salt { user }) => format!("salt {user}"),
        Question::Scram(Ask::Proof(attempt)) => {
            let plus = if attempt.plus { " plus" } else { "" };
            format!("proof {}{plus}", attempt.user)
        }
        Question::Scram(Ask::Enter) => "enter".to_owned(),
        Question::Sender { path, size, body, smtputf8, require_tls, dsn } => {
            let mut text = match path {
                ReversePath::Null => "from <>".to_owned(),
                ReversePath::Address(address) => format!("from <{address}>"),
            };
            if let Some(size) = size {
                text.push_str(&format!(" size={size}"));
            }
            if *body == BodyKind::EightBitMime {
                text.push_str(" 8bitmime");
            }
            if *smtputf8 {
                text.push_str(" smtputf8");
            }
            if *require_tls {
                text.push_str(" requiretls");
            }
            if let Some(ret) = dsn.ret {
                text.push_str(&format!(" ret={}", ret.word()));
            }
            if let Some(id) = &dsn.id {
                text.push_str(&format!(" envid={:?}", id.text()));
            }
            text
        }
        Question::Recipient { path, dsn } => {
            let mut text = match path {
                ForwardPath::Postmaster => "to <Postmaster>".to_owned(),
                ForwardPath::Address { address, source_route } => {
                    let route = if source_route.is_empty() { "" } else { " routed" };
                    format!("to <{address}>{route}")
                }
            };
            if let Some(notify) = dsn.notify {
                text.push_str(&format!(" notify={notify}"));
            }
            if let Some(original) = &dsn.original {
                text.push_str(&format!(" orcpt={:?}", original.field()));
            }
            text
        }
        Question::Body => "body".to_owned(),
        Question::Message => "message".to_owned(),
        Question::OwnEntries { after } => format!("own_entries {after}"),
        Question::Flush => "flush".to_owned(),
    }
}

fn read_answer(text: &str) -> Answer {
    if text.starts_with("each ") {
        let fates = text.trim_start_matches("each ").split(" | ");
        return Answer::Each(fates.map(|text| fate(read_answer(text))).collect());
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match verb {
        "allow" => Answer::Allow,
        "told" => Answer::Told(rest.split('/').map(str::to_owned).collect()),
        "login" => Answer::LoggedIn(rest.to_owned()),
        "salt" => Answer::Scram(Told::Salt(salt_of_the_example())),
        "signature" => Answer::Scram(Told::Signature([b's'; 32])),
        "kept" => Answer::Accepted(MessageId(rest.parse().expect("a number"))),
        "refuse" => Answer::Refuse(read_refusal(rest)),
        "later" => Answer::Later(read_refusal(rest)),
        "close" => Answer::RefuseAndClose(read_refusal(rest)),
        _ => panic!("no such answer: {text}"),
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

fn fate(answer: Answer) -> Fate {
    match answer {
        Answer::Accepted(message) => Fate::Kept(message),
        Answer::Refuse(refusal) => Fate::Refused(refusal),
        Answer::Later(refusal) => Fate::Later(refusal),
        other => panic!("no fate: {other:?}"),
    }
}

fn read_refusal(text: &str) -> Refusal {
    let (reason, words) = text.split_once(' ').unwrap_or((text, ""));
    let refusal = Refusal::new(word(reason)).detail("secret detail").rule("secret rule");
    if words.is_empty() {
        return refusal;
    }
    let mut parts = words.splitn(3, ' ');
    let code = parts.next().and_then(|code| code.parse().ok()).expect("a code");
    let enhanced = parts.next().expect("an enhanced code").split('.');
    let enhanced: Vec<u16> = enhanced.filter_map(|number| number.parse().ok()).collect();
    let enhanced = match enhanced.as_slice() {
        [class, subject, detail] => Some((*class as u8, *subject, *detail)),
        _ => None,
    };
    let text = parts.next().unwrap_or_default().to_owned();
    refusal.text(ReplyText { code, enhanced, text })
}

fn word(reason: &str) -> Reason {
    Reason::from_word(reason).unwrap_or_else(|| panic!("no such reason: {reason}"))
}

/// A line of a body; long ones by their length.
fn shown(line: &[u8]) -> String {
    if line.len() > 200 {
        return format!("({} bytes)", line.len());
    }
    let text = line.strip_suffix(b"\r\n").unwrap_or(line);
    text.escape_ascii().to_string()
}
