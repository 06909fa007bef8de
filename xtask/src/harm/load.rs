//! Load: sessions that send marked messages and remember which got 250.

use super::random::Random;
use super::server::Server;
use anyhow::Result;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// No answer within this: the peer is gone. Longer than the server's own deadline for the filter.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// A message that was sent, or begun to be.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) marker: String,
    /// Where it must be.
    pub(super) mailboxes: Vec<String>,
    /// SHA-256 of its bytes.
    pub(super) digest: String,
    pub(super) acknowledged: bool,
    /// The number that its 250 gave it.
    pub(super) kept_as: Option<i64>,
    /// The answer that was not a 250, if one came.
    pub(super) answer: Option<String>,
}

/// How much a load sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) sessions: usize,
    /// For each session; it may be cut short.
    pub(super) messages: usize,
    /// The share of messages above 256 KiB, whose bodies are files, in percent.
    pub(super) large_percent: u64,
}

/// A load on its way.
pub(super) struct Load {
    sessions: Vec<JoinHandle<Vec<Sent>>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Starts the sessions. `name` keeps the markers of several loads apart.
    pub(super) fn start(
        server: &Server,
        name: &str,
        plan: Plan,
        random: &mut Random,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let to = server.smtp()?;
        let users: Vec<String> = server.facts.users.iter().map(|u| u.address.clone()).collect();
        let sessions = (0..plan.sessions)
            .map(|n| {
                let session = Session {
                    name: format!("{name}-{n}"),
                    to,
                    users: users.clone(),
                    alias: server.facts.alias.clone(),
                    plan,
                    random: random.split(),
                    stop: Arc::clone(&stop),
                };
                std::thread::spawn(move || session.run())
            })
            .collect();
        Ok(Self { sessions, stop })
    }

    /// Lets every session end after the message it is at, or finds it ended.
    pub(super) fn finish(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        self.wait()
    }

    /// Waits until every session has sent what it was to, or has lost its peer.
    pub(super) fn wait(self) -> Vec<Sent> {
        // A session that panicked is a fault of this program: its messages are not proved.
        self.sessions.into_iter().flat_map(|session| session.join().unwrap_or_default()).collect()
    }
}

struct Session {
    name: String,
    to: SocketAddr,
    users: Vec<String>,
    alias: String,
    plan: Plan,
    random: Random,
    stop: Arc<AtomicBool>,
}

impl Session {
    fn run(mut self) -> Vec<Sent> {
        let mut sent = Vec::new();
        // A lost peer is what these runs are about; what was sent until then counts.
        let _ = self.talk(&mut sent);
        sent
    }

    fn talk(&mut self, sent: &mut Vec<Sent>) -> std::io::Result<()> {
        let mut peer = Peer::connect(self.to)?;
        peer.answer()?;
        peer.command("EHLO load.example\r\n")?;
        for n in 0..self.plan.messages {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let (recipients, mailboxes) = self.recipients();
            let marker = format!("{}-{n}", self.name);
            let body = self.body(&marker);
            let digest = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
            sent.push(Sent {
                marker,
                mailboxes,
                digest,
                acknowledged: false,
                kept_as: None,
                answer: None,
            });
            let answer = peer.message(&recipients, &body)?;
            if let Some(last) = sent.last_mut() {
                last.acknowledged = answer.starts_with("250");
                last.kept_as = super::powercut::kept(answer.as_bytes()).first().copied();
                last.answer = (!last.acknowledged).then_some(answer);
            }
        }
        peer.command("QUIT\r\n").map(drop)
    }

    /// Envelope recipients, and the mailboxes where the message must be.
    fn recipients(&mut self) -> (Vec<String>, Vec<String>) {
        match self.random.below(4) {
            0 => (vec![self.alias.clone()], self.users.clone()),
            1 => (self.users.clone(), self.users.clone()),
            n => {
                let user = self.users.get(n as usize % self.users.len().max(1));
                let one: Vec<String> = user.cloned().into_iter().collect();
                (one.clone(), one)
            }
        }
    }

    /// A message that shows a missing, doubled or foreign piece by its digest.
    fn body(&mut self, marker: &str) -> Vec<u8> {
        let size = match self.random.below(100) {
            n if n < self.plan.large_percent => 270_000 + self.random.below(200_000),
            n if n < self.plan.large_percent + 3 => 60_000 + self.random.below(200_000),
            n if n < 40 => 4_000 + self.random.below(40_000),
            _ => 200 + self.random.below(2_000),
        };
        let mut text = format!(
            "X-Marker: {marker}\r\nFrom: Load <load@load.example>\r\nSubject: {marker}\r\n\
             Message-ID: <{marker}@load.example>\r\n\r\n"
        );
        while (text.len() as u64) < size {
            // Now and then a line that begins with a dot.
            let dot = if self.random.below(20) == 0 { "." } else { "" };
            let (one, two) = (self.random.next(), self.random.next());
            text.push_str(&format!("{dot}{one:016x} {two:016x} {one:016x} {marker}\r\n"));
        }
        text.into_bytes()
    }
}

/// Our end of an SMTP session.
pub(crate) struct Peer {
    input: BufReader<TcpStream>,
}

impl Peer {
    /// Connects; the greeting is the first answer.
    pub(crate) fn connect(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(10))?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        stream.set_nodelay(true)?;
        Ok(Self { input: BufReader::new(stream) })
    }

    /// One reply; its last line.
    pub(crate) fn answer(&mut self) -> std::io::Result<String> {
        loop {
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    }

    /// Says a command; the answer's last line.
    pub(crate) fn command(&mut self, command: &str) -> std::io::Result<String> {
        self.input.get_mut().write_all(command.as_bytes())?;
        self.answer()
    }

    /// One transaction: the answer to the end of its data, or the first refusal.
    pub(crate) fn message(
        &mut self,
        recipients: &[String],
        body: &[u8],
    ) -> std::io::Result<String> {
        let mut answer = self.command("MAIL FROM:<load@load.example>\r\n")?;
        for recipient in recipients {
            if answer.starts_with('2') {
                answer = self.command(&format!("RCPT TO:<{recipient}>\r\n"))?;
            }
        }
        if answer.starts_with('2') {
            answer = self.command("DATA\r\n")?;
        }
        if !answer.starts_with('3') {
            self.command("RSET\r\n")?;
            return Ok(answer);
        }
        self.input.get_mut().write_all(&stuffed(body))?;
        self.answer()
    }
}

/// With dots doubled at the begin of lines (RFC 5321 §4.5.2), and the end of the data.
fn stuffed(body: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(body.len() + 16);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    use super::stuffed;

    #[test]
    fn dots_are_doubled_at_the_begin_of_lines_alone() {
        assert_eq!(stuffed(b"a.\r\n.b\r\n..\r\n"), b"a.\r\n..b\r\n...\r\n.\r\n");
    }
}
