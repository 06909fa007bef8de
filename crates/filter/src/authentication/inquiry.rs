//! Asking the DNS on behalf of one check: so many questions, until then and no longer, each once,
//! and everything that was heard kept for the trace.
//!
//! Whose records are asked for is a stranger's choice, so nothing but this module asks.

use net::{DnsError, Kind, Name, Record, Resolver};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;

/// What is kept of an answer for the trace: the longest sound SPF record and most others.
const ANSWER_MAX: usize = 512;

/// A question that was asked and what was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Kind and name: `TXT _dmarc.example.org`.
    pub question: String,
    /// The records, by commas, or why there are none; cut after 512 bytes.
    pub answer: String,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The name does not exist.
    NoSuchName,
    /// The name exists, without such records.
    NoRecords,
    /// The name servers failed or took too long, or the time for the whole check is over.
    Temporary,
    /// The answer is beyond the limits of the resolver.
    Unusable,
    /// The check has asked all it may ask.
    TooMany,
}

impl Missing {
    /// Whether it is certain that there is nothing.
    pub(crate) fn is_nothing(self) -> bool {
        matches!(self, Missing::NoSuchName | Missing::NoRecords)
    }

    /// For problems and traces.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Missing::NoSuchName => "the name does not exist",
            Missing::NoRecords => "the name has no such records",
            Missing::Temporary => "the DNS did not answer",
            Missing::Unusable => "the answer cannot be used",
            Missing::TooMany => "too many questions to the DNS",
        }
    }
}

/// The questions of one check.
pub(crate) struct Inquiry<'a> {
    resolver: &'a dyn Resolver,
    deadline: Instant,
    left: usize,
    known: HashMap<(Name, Kind), Result<Vec<Record>, Missing>>,
    facts: Vec<Fact>,
}

impl<'a> Inquiry<'a> {
    /// At most `questions_max` questions, none of which waits beyond `deadline`.
    pub(crate) fn new(resolver: &'a dyn Resolver, questions_max: usize, deadline: Instant) -> Self {
        Self { resolver, deadline, left: questions_max, known: HashMap::new(), facts: Vec::new() }
    }

    /// The records of one kind at a name, never none. What was asked before is not asked again.
    pub(crate) async fn ask(&mut self, name: &Name, kind: Kind) -> Result<Vec<Record>, Missing> {
        let key = (name.clone(), kind);
        if let Some(answer) = self.known.get(&key) {
            return answer.clone();
        }
        self.left = self.left.checked_sub(1).ok_or(Missing::TooMany)?;
        let asked = self.resolver.records(name, kind);
        let answer = tokio::time::timeout_at(self.deadline.into(), asked).await;
        let answer = answer.unwrap_or(Err(DnsError::TimedOut));
        let question = format!("{} {name}", kind.word());
        self.facts.push(Fact { question, answer: told(&answer) });
        let answer = answer.map_err(|error| match error {
            DnsError::NoSuchName => Missing::NoSuchName,
            DnsError::NoRecords => Missing::NoRecords,
            DnsError::TimedOut | DnsError::Failed(_) | DnsError::Bogus => Missing::Temporary,
            DnsError::Unusable(_) => Missing::Unusable,
        });
        self.known.insert(key, answer.clone());
        answer
    }

    /// The texts at a name.
    pub(crate) async fn texts(&mut self, name: &Name) -> Result<Vec<String>, Missing> {
        let text = |record| match record {
            Record::Txt(text) => Some(text),
            _ => None,
        };
        Ok(self.ask(name, Kind::Txt).await?.into_iter().filter_map(text).collect())
    }

    /// What was asked and heard, in order.
    pub(crate) fn into_facts(self) -> Vec<Fact> {
        self.facts
    }
}

fn told(answer: &Result<Vec<Record>, DnsError>) -> String {
    match answer {
        Err(error) => cut(&error.to_string(), ANSWER_MAX),
        Ok(records) => {
            let mut told = String::new();
            for record in records {
                if told.len() > ANSWER_MAX {
                    break;
                }
                let comma = if told.is_empty() { "" } else { ", " };
                // One text may be larger than all that is kept.
                told = told + comma + &cut(&record.to_string(), ANSWER_MAX);
            }
            cut(&told, ANSWER_MAX)
        }
    }
}

/// At most `max` bytes of a text, with `...` where more was.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned() + "..."
}
