//! Public keys from the DNS: every name is asked for once, all of them at the same time.

use super::dkim::KeyRecord;
use mail::Domain;
use net::{DnsError, Resolver};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

/// Names that are asked for on behalf of one message: ten signatures, and a chain that as many
/// others sealed, whose message signatures have the same keys.
const NAMES_MAX: usize = 20;
/// Records of one name that are tried; there should be one (RFC 6376 §3.6.2.2).
const RECORDS_MAX: usize = 4;

/// What is known of the key of a name.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The records there are, at least one; `None` for one that is no usable key.
    Records(Vec<Result<KeyRecord, &'static str>>),
    /// There is none.
    Nothing,
    /// Asking later may help.
    Trouble,
    /// The answer cannot be used.
    Unusable(&'static str),
}

/// The keys of one message.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<Domain, Answer>);

impl Keys {
    /// Asks for the keys of these names. What is not answered by the deadline is trouble; without
    /// one, the caller has its own.
    pub(crate) async fn fetch(
        resolver: &dyn Resolver,
        names: impl IntoIterator<Item = &Domain>,
        deadline: Option<Instant>,
    ) -> Self {
        let mut wanted: Vec<&Domain> = Vec::new();
        for name in names {
            if wanted.len() < NAMES_MAX && !wanted.contains(&name) {
                wanted.push(name);
            }
        }
        let mut open: Vec<_> = wanted.into_iter().map(|name| (name, resolver.txt(name))).collect();
        let mut keys = BTreeMap::new();
        let all = poll_fn(|context| {
            open.retain_mut(|(name, question)| match question.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(answer) => {
                    keys.insert((*name).clone(), Answer::of(answer));
                    false
                }
            });
            if open.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        match deadline {
            None => all.await,
            // What is still open is told below.
            Some(deadline) => drop(tokio::time::timeout_at(deadline.into(), all).await),
        }
        keys.extend(open.into_iter().map(|(name, _)| (name.clone(), Answer::Trouble)));
        Self(keys)
    }

    /// What was answered for a name; `None` if it was one name too many.
    pub(crate) fn find(&self, name: &Domain) -> Option<&Answer> {
        self.0.get(name)
    }
}

impl Answer {
    fn of(answer: Result<Vec<String>, DnsError>) -> Self {
        match answer {
            Ok(texts) if texts.len() > RECORDS_MAX => {
                Self::Unusable("the selector has more than four records")
            }
            Ok(texts) => Self::Records(texts.iter().map(|text| KeyRecord::parse(text)).collect()),
            Err(error) if error.is_temporary() => Self::Trouble,
            Err(error) if error.is_nothing() => Self::Nothing,
            Err(_) => Self::Unusable("the answer for the key is too large"),
        }
    }
}
