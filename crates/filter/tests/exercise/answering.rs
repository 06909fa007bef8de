//! A DNS whose texts are the lines of an input: each name has one of them, always the same.

use net::dns::Answer;
use net::{DnsError, Kind, Name, Record, Resolver};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Runtime;

pub(crate) struct Lines<'t> {
    lines: Vec<&'t str>,
    asked: AtomicUsize,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { lines: text.split('\n').collect(), asked: AtomicUsize::new(0) }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Resolver for Lines<'_> {
    fn records<'a>(&'a self, name: &'a Name, kind: Kind) -> Answer<'a, Record> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let hash = name.as_str().bytes().fold(7_usize, |n, b| n * 31 % 65_521 + usize::from(b));
        let many = |record: fn(u8) -> Record| match (hash % 13) as u8 {
            0 => Err(DnsError::NoSuchName),
            count => Ok((0..count).map(record).collect()),
        };
        // The first name that is asked for is `example.org`, and its text the first line.
        let first = name.as_str().ends_with("example.org");
        let line = if first { 0 } else { hash % self.lines.len() };
        Box::pin(std::future::ready(match kind {
            Kind::Txt => Ok(vec![Record::Txt(self.lines[line].to_owned())]),
            Kind::Mx => many(|n| Record::Mx(n.into(), Name::parse(&format!("m{n}.example")))),
            Kind::Ptr => many(|n| Record::Ptr(Name::parse(&format!("p{n}.example")).unwrap())),
            Kind::Ipv4 => many(|n| Record::Ipv4([192, 0, 2, n].into())),
            Kind::Ipv6 | Kind::Srv | Kind::Tlsa => Err(DnsError::NoRecords),
        }))
    }
}

/// Runs what asks only [`Lines`].
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    RUNTIME.get_or_init(build).block_on(future)
}
