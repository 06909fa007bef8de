//! Another server, for the demo to send to: takes mail for everybody but `refused`, and keeps none.

use anyhow::{Context, Result};
use net::{Accepted, Admission, Drain, DrainHandle, Limits, Listener};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::task::JoinHandle;

/// The domain that it stands for.
pub(super) const DOMAIN: &str = "far.example";
/// Connections at one time; the demo sends few messages.
const LIMITS: Limits = Limits { per_address: 20, total: 20 };
/// How long one of them may last.
const SESSION_MAX: Duration = Duration::from_secs(60);

/// Where the demo's mail for elsewhere goes.
pub(super) struct Ways {
    smarthost: Option<SocketAddr>,
    elsewhere: Option<SocketAddr>,
}

impl Ways {
    /// A smarthost as it was named, or the other server.
    ///
    /// # Errors
    /// The smarthost is no `HOST:PORT`, or has no address.
    pub(super) fn new(smarthost: Option<&str>, elsewhere: Option<&Elsewhere>) -> Result<Self> {
        let smarthost = smarthost.map(|name| {
            let mut found = name.to_socket_addrs().with_context(|| {
                format!("--smarthost {name}: it needs a host and a port, as in 127.0.0.1:2525")
            })?;
            found.next().with_context(|| format!("--smarthost {name} has no address"))
        });
        let elsewhere = elsewhere.map(|other| other.address);
        Ok(Self { smarthost: smarthost.transpose()?, elsewhere })
    }

    /// The piece of the settings that says so.
    pub(super) fn settings(&self) -> String {
        match (self.smarthost, self.elsewhere) {
            (Some(smarthost), _) => format!("[send]\nsmarthost = \"{smarthost}\"\n"),
            (None, Some(other)) => {
                format!("[[send.routes]]\ndomain = \"{DOMAIN}\"\nto = \"{other}\"\n")
            }
            (None, None) => String::new(),
        }
    }
}

/// The other server, while it runs.
pub(super) struct Elsewhere {
    /// Where it listens.
    pub(super) address: SocketAddr,
    drain: DrainHandle,
    serving: JoinHandle<()>,
}

impl Elsewhere {
    /// Starts it at a free port of this machine.
    pub(super) fn start() -> Result<Self> {
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), 16);
        let listener = listener.context("the other server of the demo cannot listen")?;
        let address = listener.local_addr()?;
        let (drain, drained) = Drain::new();
        let admission = Arc::new(Admission::new(LIMITS));
        let serving = tokio::spawn(listener.serve(admission, drained, |accepted| async {
            // A session that is cut shows in what our own server tells of it.
            let _ = tokio::time::timeout(SESSION_MAX, talk(accepted)).await;
        }));
        Ok(Self { address, drain, serving })
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        self.drain.start_within(Duration::ZERO);
        let _ = self.serving.await;
    }
}

async fn talk(accepted: Accepted) -> std::io::Result<()> {
    let mut stream = BufReader::new(accepted.stream);
    stream.write_all(b"220 mx.far.example ESMTP\r\n").await?;
    let mut line = String::new();
    let mut in_message = false;
    while stream.read_line(&mut line).await? > 0 {
        let command = line.trim_end().to_ascii_uppercase();
        line.clear();
        let reply = match command.as_str() {
            "." if in_message => {
                in_message = false;
                "250 2.0.0 taken"
            }
            _ if in_message => continue,
            "DATA" => {
                in_message = true;
                "354 go on"
            }
            "QUIT" => {
                stream.write_all(b"221 2.0.0 bye\r\n").await?;
                break;
            }
            _ if command.starts_with("EHLO") => "250-mx.far.example\r\n250 PIPELINING",
            _ if command.starts_with("RCPT TO:<REFUSED@") => "550 5.1.1 nobody of that name here",
            _ => "250 2.0.0 well",
        };
        stream.write_all(reply.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
    }
    Ok(())
}
