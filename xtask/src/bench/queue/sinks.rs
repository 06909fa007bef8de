//! The other servers: an smtp-sink for each destination, on an address of its own.

use crate::bench::{peers, process};
use anyhow::{Context, Result};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// Each at 127.0.1.N: to Postfix a destination is an address, to us a domain.
const PORT: u16 = 24_510;
/// Bytes at the end of a sink's log that hold its last count.
const TAIL: u64 = 64;

/// Running sinks; ended when dropped.
pub(super) struct Sinks(Vec<Sink>);

struct Sink {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Sinks {
    /// Starts so many.
    pub(super) fn start(number: u8, folder: &Path) -> Result<Self> {
        let mut sinks = Self(Vec::new());
        for n in 1..=number {
            let address = SocketAddr::from((Ipv4Addr::new(127, 0, 1, n), PORT));
            let folder = folder.join(format!("sink-{n}"));
            std::fs::create_dir_all(&folder)?;
            let child = peers::sink(address, &folder)?;
            sinks.0.push(Sink { child, address, log: folder.join("log") });
        }
        let begun = Instant::now();
        for sink in &sinks.0 {
            while TcpStream::connect(sink.address).is_err() {
                anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "no smtp-sink");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(sinks)
    }

    /// Each destination's domain and its server.
    pub(super) fn ways(&self) -> Vec<(String, SocketAddr)> {
        self.0.iter().enumerate().map(|(n, sink)| (domain(n), sink.address)).collect()
    }

    /// Messages that they have taken, all together.
    pub(super) fn messages(&self) -> Result<usize> {
        self.0.iter().map(|sink| count(&sink.log)).sum()
    }
}

impl Drop for Sinks {
    fn drop(&mut self) {
        for sink in &mut self.0 {
            process::end(&mut sink.child);
        }
    }
}

/// The destination that is the `n`th from zero.
pub(super) fn domain(n: usize) -> String {
    format!("d{n}.example")
}

/// What smtp-sink said last: `sess=3 quit=2 mesg=7`, each time behind a carriage return.
fn count(log: &Path) -> Result<usize> {
    let mut file = std::fs::File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = String::new();
    file.read_to_string(&mut tail)?;
    last_count(&tail).with_context(|| format!("{}: {tail:?}", log.display()))
}

fn last_count(tail: &str) -> Option<usize> {
    if tail.is_empty() {
        return Some(0);
    }
    let (_, last) = tail.rsplit_once("mesg=")?;
    last.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::last_count;

    #[test]
    fn the_last_count_is_what_counts() {
        for (tail, expected) in [
            ("", Some(0)),
            ("sess=1 quit=0 mesg=1\r", Some(1)),
            ("t=7 mesg=9\rsess=12 quit=8 mesg=11\r", Some(11)),
            ("smtp-sink: fatal: bind", None),
        ] {
            assert_eq!(last_count(tail), expected, "{tail:?}");
        }
    }
}
