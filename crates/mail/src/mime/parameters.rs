//! Structured values with parameters: Content-Type and Content-Disposition (RFC 2045 §5.1,
//! RFC 2183 §2, RFC 2231).

use super::words::hex_pair;
use super::{Fault, charset, words};
use reader::Reader;

/// More parameters than any honest message has.
pub const PARAMETERS_MAX: usize = 100;

/// A value and its parameters, read leniently.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Structured {
    /// What stands before the first semicolon, lower case, without comments and blanks around it.
    pub value: String,
    /// The parameters in the order given.
    pub parameters: Vec<Parameter>,
    /// What programs could read differently, each once.
    pub faults: Vec<Fault>,
}

/// One parameter as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Lower case, with the marks of RFC 2231: `filename`, `filename*`, `filename*0*`.
    pub name: String,
    /// Without quotes and their backslashes.
    pub value: Vec<u8>,
}

/// How a parameter's name is marked (RFC 2231 §7).
enum Mark {
    Plain,
    Extended,
    Section { number: usize, extended: bool },
}

impl Structured {
    /// Reads an unfolded value.
    pub fn parse(unfolded: &[u8]) -> Self {
        let mut reader = Reader::new(unfolded);
        let value = reader.head();
        let mut parameters = Vec::new();
        while let Some(parameter) = reader.parameter() {
            if parameters.len() == PARAMETERS_MAX {
                reader.fault(Fault::TooManyParameters);
                break;
            }
            parameters.push(parameter);
        }
        parameters.retain(|parameter| !parameter.name.is_empty());
        let mut structured = Self { value, parameters, faults: reader.faults };
        structured.check();
        structured
    }

    /// The preferred reading of a parameter: extended, then continued, then plain with encoded
    /// words decoded.
    pub fn get(&self, name: &str) -> Option<String> {
        self.readings(name).into_iter().next()
    }

    /// Every reading that some program could make of a parameter, the preferred one first.
    pub fn readings(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut sections: Vec<(usize, bool, &[u8])> = Vec::new();
        let mut plain: Vec<&[u8]> = Vec::new();
        let mut twice: Vec<String> = Vec::new();
        for (parameter, mark) in self.marked(name) {
            match mark {
                Mark::Extended => {
                    let text = extended(&parameter.value, &mut |_| ());
                    // Some readers decode words wherever they find them.
                    twice.push(words::decode(text.as_bytes()));
                    found.push(text);
                }
                Mark::Plain => plain.push(&parameter.value),
                Mark::Section { number, extended } => {
                    sections.push((number, extended, &parameter.value));
                }
            }
        }
        if !sections.is_empty() {
            let as_written = joined(&sections);
            sections.sort_by_key(|(number, ..)| *number);
            found.push(joined(&sections));
            found.push(as_written);
        }
        found.extend(plain.iter().map(|value| words::decode(value)));
        found.extend(plain.iter().map(|value| charset::guess(value)));
        found.append(&mut twice);
        let mut distinct: Vec<String> = Vec::new();
        for reading in found {
            if !distinct.contains(&reading) {
                distinct.push(reading);
            }
        }
        distinct
    }

    /// The plain values of a parameter as written, in order.
    pub fn plain<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.parameters.iter().filter(move |p| p.name == name).map(|p| p.value.as_slice())
    }

    fn marked<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Parameter, Mark)> {
        self.parameters.iter().filter_map(move |p| {
            let marks = p.name.strip_prefix(name)?;
            mark(marks).map(|mark| (p, mark))
        })
    }

    fn check(&mut self) {
        let mut faults = std::mem::take(&mut self.faults);
        let mut note = |fault| {
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        };
        for (at, parameter) in self.parameters.iter().enumerate() {
            if self.parameters.iter().take(at).any(|earlier| earlier.name == parameter.name) {
                note(Fault::Doubled);
            }
            let (base, marks) = match parameter.name.find('*') {
                Some(star) => parameter.name.split_at(star),
                None => (parameter.name.as_str(), ""),
            };
            match mark(marks) {
                Some(Mark::Plain) => {
                    words::decode_noting(&parameter.value, &mut note);
                }
                Some(Mark::Extended) => {
                    extended(&parameter.value, &mut note);
                }
                Some(Mark::Section { .. }) => {
                    if self.continuation_is_odd(base) {
                        note(Fault::Continuation);
                    }
                }
                None => note(Fault::Continuation),
            }
        }
        self.faults = faults;
    }

    /// Sections must come as 0, 1, 2 ... and alone.
    fn continuation_is_odd(&self, base: &str) -> bool {
        let mut next = 0;
        self.marked(base).any(|(_, mark)| match mark {
            Mark::Section { number, .. } => {
                next += 1;
                number + 1 != next
            }
            Mark::Plain | Mark::Extended => true,
        })
    }
}

fn mark(marks: &str) -> Option<Mark> {
    if marks.is_empty() {
        return Some(Mark::Plain);
    }
    let rest = marks.strip_prefix('*')?;
    if rest.is_empty() {
        return Some(Mark::Extended);
    }
    let (digits, extended) = match rest.strip_suffix('*') {
        Some(digits) => (digits, true),
        None => (rest, false),
    };
    let canonical = digits == "0" || !digits.starts_with('0');
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    canonical.then_some(Mark::Section { number, extended })
}

/// `charset'language'percent-encoded` (RFC 2231 §4).
fn extended(value: &[u8], note: &mut dyn FnMut(Fault)) -> String {
    let (label, text) = charset_of(value);
    if label.is_none() {
        note(Fault::Percent);
    }
    let bytes = percent(text, note);
    label.and_then(|label| charset::decode(label, &bytes)).unwrap_or_else(|| {
        if label.is_some() {
            note(Fault::UnknownCharset);
        }
        charset::guess(&bytes)
    })
}

fn charset_of(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut pieces = value.splitn(3, |&b| b == b'\'');
    match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(label), Some(_), Some(text)) if !label.is_empty() => (Some(label), text),
        (Some(_), Some(_), Some(text)) => (None, text),
        _ => (None, value),
    }
}

fn percent(text: &[u8], note: &mut dyn FnMut(Fault)) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        match (b, hex_pair(tail)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                if b == b'%' || !b.is_ascii() {
                    note(Fault::Percent);
                }
                out.push(b);
            }
        }
    }
    out
}

/// Continued sections as one text: the first extended one names the charset for all.
fn joined(sections: &[(usize, bool, &[u8])]) -> String {
    let mut bytes = Vec::new();
    let mut label = None;
    for (at, (_, is_extended, value)) in sections.iter().enumerate() {
        if !is_extended {
            bytes.extend_from_slice(value);
            continue;
        }
        let mut text = *value;
        if at == 0 {
            (label, text) = charset_of(value);
        }
        bytes.extend(percent(text, &mut |_| ()));
    }
    match label {
        Some(label) => charset::decode(label, &bytes).unwrap_or_else(|| charset::guess(&bytes)),
        // Some programs put encoded words into continuations.
        None => words::decode(&bytes),
    }
}

mod reader;
#[cfg(test)]
mod tests;
