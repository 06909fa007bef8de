//! How each filter is asked about a message, by its own protocol: one connection a thread where it
//! keeps connections, else one a message, as mail servers ask it.

use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What an answer may take; a filter that is stuck should not hold the benchmark up.
const LIMIT: Duration = Duration::from_secs(120);

/// The next queue id.
static NEXT_ID: AtomicU64 = AtomicU64::new(0xA000_0000);

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// rspamd's HTTP, kept alive.
    Rspamd,
    /// SpamAssassin's, a connection a message.
    Spamc,
    /// A whole milter transaction, a connection a message.
    Milter,
}

/// A client of one filter.
pub(super) struct Client {
    protocol: Protocol,
    to: SocketAddr,
    kept: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(super) fn new(protocol: Protocol, to: SocketAddr) -> Self {
        Self { protocol, to, kept: None }
    }

    /// Has the filter look at a message; an error if it does not answer as it should.
    pub(super) fn check(&mut self, message: &[u8]) -> Result<()> {
        match self.protocol {
            Protocol::Rspamd => self.rspamd(message),
            Protocol::Spamc => self.spamc(message),
            Protocol::Milter => Milter::new(self.connect()?).check(message),
        }
    }

    fn connect(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    fn rspamd(&mut self, message: &[u8]) -> Result<()> {
        let mut stream = match self.kept.take() {
            Some(stream) => stream,
            None => BufReader::new(self.connect()?),
        };
        let head = format!(
            "POST /checkv2 HTTP/1.1\r\nHost: filter\r\nFrom: p@example.org\r\nRcpt: u@bench.test\r\n\
             IP: 203.0.113.5\r\nHelo: mail.example.org\r\nContent-Length: {}\r\n\r\n",
            message.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), message].concat())?;
        let (mut line, mut length, mut closes) = (String::new(), 0, false);
        stream.read_line(&mut line)?;
        ensure!(line.contains(" 200 "), "rspamd: {line}");
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let lower = line.trim().to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().context("rspamd's length")?;
            }
            closes |= lower == "connection: close";
            if lower.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        ensure!(answer.windows(8).any(|w| w == b"\"action\""), "rspamd gave no verdict");
        self.kept = (!closes).then_some(stream);
        Ok(())
    }

    fn spamc(&self, message: &[u8]) -> Result<()> {
        let mut stream = self.connect()?;
        let head =
            format!("CHECK SPAMC/1.2\r\nContent-length: {}\r\nUser: bench\r\n\r\n", message.len());
        stream.write_all(&[head.as_bytes(), message].concat())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.contains("EX_OK"), "spamd: {answer}");
        Ok(())
    }
}

/// One milter transaction. A step is left out if the filter asked for that (the low flags), and its
/// answer not waited for if it said that it gives none.
struct Milter {
    stream: TcpStream,
    flags: u32,
}

impl Milter {
    fn new(stream: TcpStream) -> Self {
        Self { stream, flags: 0 }
    }

    fn check(mut self, message: &[u8]) -> Result<()> {
        let offer: Vec<u8> = [6_u32, 0x1FF, 0x7F].iter().flat_map(|n| n.to_be_bytes()).collect();
        let answer = self.step(b'O', &offer, true)?;
        let flags = answer.get(9..13).context("the milter's flags")?;
        self.flags = u32::from_be_bytes(flags.try_into()?);
        let host =
            [b"mail.example.org\x004".as_slice(), &40_000_u16.to_be_bytes(), b"203.0.113.5\0"];
        self.asked(1, 0x1000, b'C', &host.concat())?;
        self.asked(2, 0x2000, b'H', b"mail.example.org\0")?;
        // A queue id, by which the filter names its folder: no two at one time are alike.
        let id = format!("Mi\0{:X}\0", NEXT_ID.fetch_add(1, Ordering::Relaxed));
        self.step(b'D', id.as_bytes(), false)?;
        self.asked(4, 0x4000, b'M', b"<p@example.org>\0")?;
        self.asked(8, 0x8000, b'R', b"<u@bench.test>\0")?;
        let end = message.windows(4).position(|w| w == b"\r\n\r\n").context("no header")?;
        let (header, body) = message.split_at(end);
        self.fields(header)?;
        self.asked(0x40, 0x4_0000, b'N', b"")?;
        for chunk in body.get(4..).unwrap_or_default().chunks(65_535) {
            self.asked(0x10, 0x8_0000, b'B', chunk)?;
        }
        self.step(b'E', b"", true).map(drop)
    }

    fn fields(&mut self, header: &[u8]) -> Result<()> {
        let text =
            String::from_utf8_lossy(header).replace("\r\n ", "\n ").replace("\r\n\t", "\n\t");
        for line in text.split("\r\n") {
            if let Some((name, value)) = line.split_once(':') {
                self.asked(0x20, 0x80, b'L', format!("{name}\0{}\0", value.trim()).as_bytes())?;
            }
        }
        Ok(())
    }

    fn asked(&mut self, skip: u32, silent: u32, command: u8, data: &[u8]) -> Result<()> {
        if self.flags & skip == 0 {
            let waits = self.flags & silent == 0;
            self.step(command, data, waits)?;
        }
        Ok(())
    }

    /// Sends a packet and takes what is answered: a verdict, or the negotiation's.
    fn step(&mut self, command: u8, data: &[u8], waits: bool) -> Result<Vec<u8>> {
        let head = (data.len() as u32 + 1).to_be_bytes();
        self.stream.write_all(&[&head, [command].as_slice(), data].concat())?;
        if !waits {
            return Ok(Vec::new());
        }
        loop {
            let mut len = [0; 4];
            self.stream.read_exact(&mut len)?;
            let mut packet = vec![0; u32::from_be_bytes(len).min(1 << 20) as usize];
            self.stream.read_exact(&mut packet)?;
            if packet.first().is_some_and(|kind| b"cartdysOA".contains(kind)) {
                return Ok(packet);
            }
        }
    }
}
