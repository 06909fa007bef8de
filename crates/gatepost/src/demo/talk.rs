//! A client's side of a conversation, for the demo: real sockets, one line at a time.

use anyhow::{Context, Result, bail};
use net::Stream;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long the demo waits for one answer: the slowest is a refused log-in.
const LIMIT: Duration = Duration::from_secs(30);
/// A line longer than this is no answer of ours.
const LINE_MAX: usize = 64 * 1024;

/// A connection to one of the server's doors.
pub(crate) struct Talk {
    stream: Stream,
    heard: Vec<u8>,
}

impl Talk {
    /// Connects, from a chosen address of this machine if one is given.
    pub(crate) async fn connect(to: SocketAddr, from: Option<IpAddr>) -> Result<Self> {
        let stream = net::client::connect(to, from, LIMIT).await;
        let stream = stream.with_context(|| format!("cannot connect to {to}"))?;
        Ok(Self { stream, heard: Vec::new() })
    }

    /// Turns the connection into a TLS one that trusts the demo's own certificate.
    pub(crate) async fn secure(self, name: &str, certificate: &Path) -> Result<Self> {
        let stream = net::client::start_tls(self.stream, name, certificate, LIMIT).await;
        Ok(Self { stream: stream.context("the TLS handshake failed")?, heard: Vec::new() })
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(LIMIT, write).await.context("the server reads nothing")??;
        Ok(())
    }

    /// The next line, without its end.
    pub(crate) async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.heard.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.heard.len() > LINE_MAX {
                bail!("the server sent a line of over {LINE_MAX} bytes");
            }
            let read = self.stream.read_buf(&mut self.heard);
            if tokio::time::timeout(LIMIT, read).await.context("the server is silent")?? == 0 {
                bail!("the server closed the connection");
            }
        }
    }

    /// One SMTP reply; of several lines the last.
    pub(crate) async fn reply(&mut self) -> Result<String> {
        loop {
            let line = self.line().await?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    }

    /// Sends an SMTP command and takes its reply.
    pub(crate) async fn smtp(&mut self, command: &str) -> Result<String> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Sends a POP3 command and takes its status line.
    pub(crate) async fn pop3(&mut self, command: &str) -> Result<String> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.line().await
    }

    /// The lines of a POP3 answer up to the dot, dot-stuffing removed.
    pub(crate) async fn lines(&mut self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(lines);
            }
            lines.push(line.strip_prefix('.').map(str::to_owned).unwrap_or(line));
        }
    }
}
