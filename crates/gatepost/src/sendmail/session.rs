//! The conversation with the server, over the submit socket.

use super::exit::{Exit, Failure};
use mail::Domain;
use net::{Heard, Stream, Wire};
use smtp::client::{Action, Fault, Machine, Options, Outcome, Reply, TlsPolicy, Transaction};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the server may take to answer: judging a message is its longest work.
const ANSWER_MAX: Duration = Duration::from_secs(600);
/// What it may take to read what we say.
const WRITE_MAX: Duration = Duration::from_secs(180);
/// Bytes of the message that are written at once.
const WINDOW: usize = 64 * 1024;
/// Bytes of one answer that are held: the server's own, of at most 200 lines.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Connects to the server that runs on this machine.
pub(crate) async fn connect(path: &Path) -> Result<Wire, Failure> {
    let connected = net::unix::connect(path).await;
    let stream = connected.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => Failure::new(
            Exit::NoPermission,
            format!("this user may not open {}: see server.submit_socket", path.display()),
        ),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure::new(
            Exit::TempFail,
            format!("no mail server is running: nobody listens at {}", path.display()),
        ),
        _ => Failure::new(Exit::TempFail, format!("{}: {error}", path.display())),
    })?;
    Ok(Wire::new(Stream::Local(stream)))
}

/// A connection on which messages are sent.
pub(crate) struct Session {
    machine: Machine,
    wire: Wire,
    /// What the server calls itself in its greeting.
    pub(crate) hostname: Domain,
}

impl Session {
    /// Connects, and says EHLO.
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        let hostname = localhost()?;
        let options = Options {
            hostname: hostname.clone(),
            tls: TlsPolicy::Never,
            tls_active: false,
            credentials: None,
        };
        let wire = connect(path).await?;
        let mut session = Self { machine: Machine::new(options), wire, hostname };
        // The first bytes are the greeting, which names the server.
        if let Action::Read = session.machine.next() {
            session.read().await;
            session.hostname = greeted(session.wire.bytes()).unwrap_or(session.hostname);
        }
        match session.turn(&[]).await {
            Turn::Ready => Ok(session),
            Turn::Closed(Some(fault)) => Err(Failure::of_fault(&fault)),
            Turn::Done(_) | Turn::Closed(None) => Err(Failure::of_fault(&Fault::Gone)),
        }
    }

    /// Sends a message; one outcome for each recipient, in their order.
    pub(crate) async fn send(
        &mut self,
        mut transaction: Transaction,
        message: &[u8],
    ) -> Result<Vec<Outcome>, Failure> {
        let mut outcomes = Vec::with_capacity(transaction.recipients.len());
        loop {
            let unfit = |why: smtp::client::Unfit| Failure::new(Exit::Unavailable, why.to_string());
            self.machine.begin(transaction.clone()).map_err(unfit)?;
            let Turn::Done(found) = self.turn(message).await else {
                return Err(Failure::of_fault(&Fault::Gone));
            };
            // The server takes so many at a time: the rest is another transaction, now.
            let is_next = |outcome: &Outcome| matches!(outcome, Outcome::NextTransaction(_));
            let taken = found.iter().position(is_next).unwrap_or(found.len());
            outcomes.extend(found.into_iter().take(taken));
            transaction.recipients.drain(..taken.min(transaction.recipients.len()));
            if transaction.recipients.is_empty() || taken == 0 {
                return Ok(outcomes);
            }
            if !matches!(self.turn(&[]).await, Turn::Ready) {
                return Err(Failure::of_fault(&Fault::Gone));
            }
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        self.machine.quit();
        while let Action::Read = self.machine.next() {
            self.read().await;
        }
        self.wire.close(Instant::now() + Duration::from_secs(1)).await;
    }

    /// Does what the machine says until there is something to decide.
    async fn turn(&mut self, message: &[u8]) -> Turn {
        let mut windows = message.chunks(WINDOW);
        loop {
            match self.machine.next() {
                Action::Ready => return Turn::Ready,
                Action::Done(outcomes) => return Turn::Done(outcomes),
                Action::Closed(fault) => {
                    self.write().await;
                    return Turn::Closed(fault);
                }
                // Not reached: TLS is not asked for.
                Action::StartTls => self.machine.handshake_failed(),
                Action::Body => {
                    match windows.next() {
                        // What cannot be sent ends the machine, which says so by itself.
                        Some(window) => drop(self.machine.body(window)),
                        None => self.machine.end_body(),
                    }
                    if !self.write().await {
                        self.machine.eof();
                    }
                }
                Action::Read => self.read().await,
            }
        }
    }

    async fn write(&mut self) -> bool {
        self.wire.say(self.machine.output(), Instant::now() + WRITE_MAX).await
    }

    async fn read(&mut self) {
        if !self.write().await {
            return self.machine.eof();
        }
        match self.wire.hear(Instant::now() + ANSWER_MAX, false, None).await {
            Heard::Bytes => self.machine.receive(self.wire.bytes()),
            Heard::End => self.machine.eof(),
            Heard::Late | Heard::Drain => self.machine.timed_out(),
        }
    }
}

/// What the machine waits for us to decide.
enum Turn {
    Ready,
    Done(Vec<Outcome>),
    Closed(Option<Fault>),
}

/// One question after the other, for what is not a message: each answer is awaited.
pub(crate) struct Questions {
    wire: Wire,
    pub(crate) hostname: Domain,
}

/// An answer: its code, and its lines without it.
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) lines: Vec<String>,
}

impl Questions {
    /// Connects, and says EHLO.
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        let mut questions = Self { wire: connect(path).await?, hostname: localhost()? };
        let greeting = questions.answer().await?;
        if greeting.code != 220 {
            let exit = if greeting.code < 500 { Exit::TempFail } else { Exit::NoPermission };
            return Err(Failure::new(exit, greeting.text()));
        }
        let name = greeting.lines.first().and_then(|line| line.split(' ').next());
        let name = name.and_then(|name| Domain::parse(name).ok());
        questions.hostname = name.unwrap_or(questions.hostname);
        questions.ask("EHLO localhost").await?;
        Ok(questions)
    }

    /// Says a line and waits for its answer.
    pub(crate) async fn ask(&mut self, line: &str) -> Result<Answer, Failure> {
        let mut line = format!("{line}\r\n").into_bytes();
        if !self.wire.say(&mut line, Instant::now() + WRITE_MAX).await {
            return Err(Failure::of_fault(&Fault::Gone));
        }
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer, Failure> {
        let mut text = Vec::new();
        loop {
            match self.wire.hear(Instant::now() + ANSWER_MAX, false, None).await {
                Heard::Bytes => text.extend_from_slice(self.wire.bytes()),
                Heard::End | Heard::Drain => return Err(Failure::of_fault(&Fault::Gone)),
                Heard::Late => return Err(Failure::of_fault(&Fault::TimedOut)),
            }
            if let Some(answer) = whole(&text) {
                return Ok(answer);
            }
            if text.len() > ANSWER_BYTES_MAX {
                let text = "the server's answer does not end";
                return Err(Failure::new(Exit::TempFail, text));
            }
        }
    }
}

impl Answer {
    /// The same as the machine has it.
    pub(crate) fn reply(&self) -> Reply {
        let text = self.lines.join(" ");
        let enhanced = text.split(' ').next().and_then(|first| {
            let numbers = first.split('.').map(str::parse::<u16>);
            let numbers: Vec<u16> = numbers.collect::<Result<_, _>>().ok()?;
            match numbers.as_slice() {
                [class, subject, detail] => Some((u8::try_from(*class).ok()?, *subject, *detail)),
                _ => None,
            }
        });
        Reply { code: self.code, enhanced, text }
    }

    /// All of it in one line.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.code, self.lines.join(" "))
    }
}

/// The answer, if its last line is there.
fn whole(text: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix("\r\n")?;
    let mut lines = Vec::new();
    let mut last = None;
    for line in text.split("\r\n") {
        let (code, rest) = line.split_at_checked(3)?;
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        last = (!rest.starts_with('-')).then_some(code);
    }
    Some(Answer { code: last?.parse().ok()?, lines })
}

fn localhost() -> Result<Domain, Failure> {
    let unnamed = |error: mail::domain::DomainError| Failure::new(Exit::Config, error.to_string());
    Domain::parse("localhost").map_err(unnamed)
}

/// The name in `220 mail.example.org ESMTP`.
fn greeted(bytes: &[u8]) -> Option<Domain> {
    let line = std::str::from_utf8(bytes).ok()?.strip_prefix("220")?.get(1..)?;
    Domain::parse(line.split_whitespace().next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{greeted, whole};

    #[test]
    fn answers_end_with_their_last_line() {
        let lines = |text: &str| whole(text.as_bytes()).map(|answer| (answer.code, answer.lines));
        let expected = |code, lines: &[&str]| {
            Some((code, lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()))
        };
        assert_eq!(lines("250 ok\r\n"), expected(250, &["ok"]));
        assert_eq!(lines("250-a\r\n250 b\r\n"), expected(250, &["a", "b"]));
        for part in ["", "250", "250 ok", "250-a\r\n", "25\r\n"] {
            assert_eq!(lines(part), None, "{part:?}");
        }
    }

    #[test]
    fn the_greeting_names_the_server() {
        let name = |text: &[u8]| greeted(text).map(|name| name.to_string());
        assert_eq!(name(b"220 mail.example.org ESMTP\r\n").as_deref(), Some("mail.example.org"));
        assert_eq!(name(b"421 busy\r\n"), None);
    }
}
