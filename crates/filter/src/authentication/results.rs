//! The field that tells what was verified (RFC 8601): building ours, and reading whose a foreign
//! one claims to be.
//!
//! Values come from strangers: an address, a greeting, a domain. Whatever they hold, the field
//! stays one field, and no word of theirs becomes a result, a property, or a comment.

mod read;

use super::inquiry::cut;
use super::{arc, dkim, dmarc, iprev, spf};
use mail::Domain;
pub use read::authserv_id;
use serde::Serialize;

/// Results that one field tells; a message with more signatures is meant to be a burden.
pub const RESULTS_MAX: usize = 32;
/// Bytes of one value, before quoting.
pub const VALUE_MAX: usize = 255;
/// RFC 5322 §2.1.1: where a line is folded if it can be.
const LINE_MAX: usize = 78;
/// Version of the standard (RFC 8601 §2.2).
const VERSION: &str = "1";

/// How something was verified (RFC 8601 §2.7, RFC 8617 §4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The right of a client to send for a domain.
    Spf,
    /// Signatures.
    Dkim,
    /// The author's domain.
    Dmarc,
    /// A chain of servers that vouch.
    Arc,
    /// The client's name.
    Iprev,
}

impl Method {
    fn word(self) -> &'static str {
        match self {
            Method::Spf => "spf",
            Method::Dkim => "dkim",
            Method::Dmarc => "dmarc",
            Method::Arc => "arc",
            Method::Iprev => "iprev",
        }
    }
}

/// One result with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodResult {
    method: Method,
    result: &'static str,
    reason: Option<String>,
    properties: Vec<(&'static str, String)>,
}

impl MethodResult {
    /// A result by its word: `pass`, `fail`, `none`.
    pub fn new(method: Method, result: &'static str) -> Self {
        Self { method, result, reason: None, properties: Vec::new() }
    }

    /// With a property, `header.d` or the like, whose value may be anything.
    #[must_use]
    pub fn with(mut self, property: &'static str, value: impl Into<String>) -> Self {
        self.properties.push((property, value.into()));
        self
    }

    /// With a reason in words, which may be anything.
    #[must_use]
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Its words: what may stand on a line of its own.
    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("{}={}", self.method.word(), self.result)];
        words.extend(self.reason.iter().map(|reason| format!("reason={}", value(reason))));
        let properties = self.properties.iter();
        words.extend(properties.map(|(name, text)| format!("{name}={}", value(text))));
        words
    }
}

impl From<&spf::Outcome> for MethodResult {
    fn from(outcome: &spf::Outcome) -> Self {
        let property = match outcome.scope {
            spf::Scope::MailFrom => "smtp.mailfrom",
            spf::Scope::Helo => "smtp.helo",
        };
        let is_error =
            matches!(outcome.result, spf::SpfResult::TempError | spf::SpfResult::PermError);
        Self::new(Method::Spf, outcome.result.word())
            .because(outcome.problem.clone().filter(|_| is_error))
            .with(property, outcome.identity.clone())
    }
}

impl From<&dmarc::Outcome> for MethodResult {
    fn from(outcome: &dmarc::Outcome) -> Self {
        use dmarc::DmarcResult::{PermError, TempError};
        let is_error = matches!(outcome.result, TempError | PermError);
        let told = Self::new(Method::Dmarc, outcome.result.word())
            .because(outcome.problem.clone().filter(|_| is_error))
            .with("header.from", outcome.author.as_str());
        match outcome.result {
            dmarc::DmarcResult::Fail => told.with("policy.dmarc", outcome.disposition.word()),
            _ => told,
        }
    }
}

impl From<&iprev::Outcome> for MethodResult {
    fn from(outcome: &iprev::Outcome) -> Self {
        Self::new(Method::Iprev, outcome.result.word()).with("policy.iprev", outcome.ip.to_string())
    }
}

impl From<&dkim::SignatureResult> for MethodResult {
    fn from(signature: &dkim::SignatureResult) -> Self {
        let given = [
            ("header.d", signature.domain.as_ref().map(ToString::to_string)),
            ("header.s", signature.selector.as_ref().map(ToString::to_string)),
            ("header.a", signature.algorithm.map(|algorithm| algorithm.word().to_owned())),
            // RFC 6008: tells signatures of one domain apart.
            ("header.b", signature.start.clone()),
        ];
        let mut told = Self::new(Method::Dkim, signature.result.word())
            .because(Some(signature.reason.clone()).filter(|reason| !reason.is_empty()));
        for (property, value) in given {
            if let Some(value) = value {
                told = told.with(property, value);
            }
        }
        told
    }
}

impl From<&arc::Chain> for MethodResult {
    fn from(chain: &arc::Chain) -> Self {
        let told = Self::new(Method::Arc, chain.result.word())
            .because(Some(chain.reason.clone()).filter(|reason| !reason.is_empty()));
        match chain.oldest_pass {
            // RFC 8617 §5.2.
            Some(oldest) => told.with("header.oldest-pass", oldest.to_string()),
            None => told,
        }
    }
}

/// The whole field in our name, with its line ends: one result a line, folded below 78 columns
/// where blanks allow it, never above 998. At most [`RESULTS_MAX`] results are told.
pub fn field(authserv_id: &Domain, results: &[MethodResult]) -> String {
    let mut field = format!("Authentication-Results: {authserv_id} {VERSION};");
    if results.is_empty() {
        return field + " none\r\n";
    }
    let mut results = results.iter().take(RESULTS_MAX).peekable();
    while let Some(result) = results.next() {
        field.push_str("\r\n\t");
        let mut column = 1;
        for (i, word) in result.words().iter().enumerate() {
            // The blank before it, and a semicolon that may follow.
            if i > 0 && column + 1 + word.len() + 1 > LINE_MAX {
                field.push_str("\r\n\t");
                column = 1;
            } else if i > 0 {
                field.push(' ');
                column += 1;
            }
            field.push_str(word);
            column += word.len();
        }
        if results.peek().is_some() {
            field.push(';');
        }
    }
    field + "\r\n"
}

/// A value as the field may hold it (RFC 8601 §2.2): a token or an address of tokens as it is,
/// anything else in quotes. What is not printable ASCII becomes a question mark.
fn value(text: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let text: String = cut(text, VALUE_MAX).chars().map(printable).collect();
    let plain = match text.split_once('@') {
        Some((local, domain)) => is_token(local) && is_token(domain),
        None => is_token(&text),
    };
    if plain {
        return text;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// RFC 2045 §5.1.
fn is_token(text: &str) -> bool {
    let proper = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b);
    !text.is_empty() && text.bytes().all(proper)
}

#[cfg(test)]
mod tests;
