//! The leniency in one place: cuts a structured value into its head and its parameters.

use super::Parameter;
use crate::mime::{Fault, charset, comment_len};

/// Reads from the front; every call to [`Reader::parameter`] takes at least one byte.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    pub(super) faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest, faults: Vec::new() }
    }

    /// The value before the parameters.
    pub(super) fn head(&mut self) -> String {
        self.blanks(false);
        let text = self.until(b" \t\r\n;(");
        self.blanks(false);
        // Not a semicolon is often a forgotten one: the parameters begin here all the same.
        if text.is_empty() || !matches!(self.peek(), None | Some(b';')) {
            self.fault(Fault::OddValue);
        }
        if text.iter().any(u8::is_ascii_control) {
            self.fault(Fault::Control);
        }
        charset::guess(text).to_ascii_lowercase()
    }

    /// The next parameter that has a value; its name may be empty.
    pub(super) fn parameter(&mut self) -> Option<Parameter> {
        loop {
            self.blanks(true);
            if self.peek()? == b';' {
                self.skip(1);
                continue;
            }
            let name = self.until(b"=; \t\r\n(");
            if self.blanks(true) {
                self.fault(Fault::BlankInValue);
            }
            if self.peek() != Some(b'=') {
                self.fault(Fault::BareParameter);
                continue;
            }
            self.skip(1);
            if self.blanks(true) {
                self.fault(Fault::BlankInValue);
            }
            let value = if self.peek() == Some(b'"') { self.quoted() } else { self.token() };
            // A tab is what folding leaves; other control characters have no business here.
            if value.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
                self.fault(Fault::Control);
            }
            if name.is_empty() {
                self.fault(Fault::BareParameter);
            }
            let name = charset::guess(name).to_ascii_lowercase();
            return Some(Parameter { name, value });
        }
    }

    /// From an opening quote to what ends it.
    fn quoted(&mut self) -> Vec<u8> {
        self.skip(1);
        let mut value = Vec::new();
        loop {
            let Some(b) = self.take() else {
                self.fault(Fault::OddQuote);
                return value;
            };
            match b {
                b'"' => break,
                b'\\' => {
                    let Some(escaped) = self.take() else { continue };
                    if !matches!(escaped, b'"' | b'\\') {
                        self.fault(Fault::Backslash);
                    }
                    value.push(escaped);
                }
                b => value.push(b),
            }
        }
        self.blanks(true);
        if !matches!(self.peek(), None | Some(b';')) {
            self.fault(Fault::MissingSemicolon);
        }
        value
    }

    /// An unquoted value: to the semicolon, unless another parameter begins before it.
    fn token(&mut self) -> Vec<u8> {
        let start = self.rest;
        let text = self.until(b";");
        if text.contains(&b'"') {
            self.fault(Fault::OddQuote);
        }
        let mut value = text.trim_ascii();
        if let Some(open) = value.iter().position(|&b| b == b'(') {
            self.fault(Fault::Comment);
            let (before, comment) = value.split_at(open);
            if comment_len(comment) == comment.len() {
                value = before.trim_ascii();
            }
        }
        let Some(blank) = value.iter().position(|b| b.is_ascii_whitespace()) else {
            return value.to_vec();
        };
        let (first, behind) = value.split_at(blank);
        if behind.contains(&b'=') {
            self.fault(Fault::MissingSemicolon);
            // Read again from the blank on; there is none at the front, so `value` begins `start`.
            self.rest = start.get(blank..).unwrap_or_default();
            return first.to_vec();
        }
        self.fault(Fault::BlankInValue);
        value.to_vec()
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (&b, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(b)
    }

    fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    fn until(&mut self, ends: &[u8]) -> &'a [u8] {
        let len = self.rest.iter().position(|b| ends.contains(b)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(len);
        self.rest = rest;
        text
    }

    /// Blanks and comments; whether there were any.
    fn blanks(&mut self, comments_are_odd: bool) -> bool {
        let before = self.rest.len();
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.skip(1),
                Some(b'(') => {
                    if comments_are_odd {
                        self.fault(Fault::Comment);
                    }
                    self.skip(comment_len(self.rest));
                }
                _ => return self.rest.len() != before,
            }
        }
    }
}
