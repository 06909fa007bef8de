//! Reading and writing transcript files.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::str::FromStr;

/// The `@` lines.
#[derive(Debug, Default, Clone)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of `key`, or `usual` where the transcript does not say.
    pub fn get<T: FromStr>(&self, key: &str, usual: T) -> T {
        match self.0.get(key) {
            None => usual,
            Some(value) => {
                value.parse().unwrap_or_else(|_| panic!("`@ {key}={value}` cannot be read"))
            }
        }
    }
}

/// The `?` lines of one turn.
#[derive(Debug, Default)]
pub struct Script(VecDeque<(String, String)>);

impl Script {
    /// The answer to `question`, if the next `?` line is about it.
    pub fn answer(&mut self, question: &str) -> Option<String> {
        let (expected, _) = self.0.front()?;
        if expected != question {
            return None;
        }
        self.0.pop_front().map(|(_, answer)| answer)
    }

    /// Questions that were not asked.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(question, _)| question.as_str())
    }
}

/// How the lines of the two sides begin.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// What is sent to the machine.
    pub peer: &'static str,
    /// What the machine says.
    pub own: &'static str,
}

impl Marks {
    /// A machine that serves.
    pub const SERVER: Self = Self { peer: "C:", own: "S:" };
    /// A machine that is a client.
    pub const CLIENT: Self = Self { peer: "S:", own: "C:" };
}

impl Default for Marks {
    fn default() -> Self {
        Self::SERVER
    }
}

/// One turn: what the client does, and what comes of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Turn {
    /// Remarks and empty lines before it.
    remarks: Vec<String>,
    /// The client's lines, as written.
    client: Vec<String>,
    /// A `*` line instead of client's lines.
    pub(super) event: Option<String>,
    /// `?` lines.
    questions: Vec<String>,
    /// `S:` lines.
    pub(super) said: Vec<String>,
    /// `!` lines.
    pub(super) did: Vec<String>,
}

/// A whole file.
#[derive(Debug, Default, Clone)]
pub(super) struct Transcript {
    /// The first lines: what it proves, and settings; as written.
    head: Vec<String>,
    pub(super) settings: Settings,
    /// The first turn is the opening.
    pub(super) turns: Vec<Turn>,
    /// `=` lines.
    pub(super) kept: Vec<String>,
    /// Remarks behind the last turn.
    tail: Vec<String>,
    marks: Marks,
}

impl Transcript {
    pub(super) fn parse(text: &str, marks: Marks) -> Result<Self, String> {
        let mut all = Transcript { turns: vec![Turn::default()], marks, ..Self::default() };
        // Remarks and empty lines, which go with the turn that follows.
        let mut remarks = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let fault = |what: &str| format!("line {}: {what}: {line}", index + 1);
            let (mark, rest) = match line {
                "" => ("#", line),
                _ if index == 0 => ("@", ""),
                line => line.split_once(' ').unwrap_or((line, "")),
            };
            let opening = all.turns.len() == 1 && all.turns.iter().all(Turn::is_empty);
            let last = all.turns.last_mut().ok_or("no turn")?;
            match mark {
                "@" => {
                    all.set(rest).ok_or_else(|| fault("not key=value"))?;
                    all.head.append(&mut remarks);
                    all.head.push(line.to_owned());
                }
                "#" => remarks.push(line.to_owned()),
                peer if peer == marks.peer
                    && (opening || (last.takes_client() && remarks.is_empty())) =>
                {
                    last.client.push(rest.to_owned());
                }
                _ if mark == marks.peer || mark == "*" => {
                    let mut turn =
                        Turn { remarks: std::mem::take(&mut remarks), ..Turn::default() };
                    match mark {
                        "*" => turn.event = Some(rest.to_owned()),
                        _ => turn.client.push(rest.to_owned()),
                    }
                    all.turns.push(turn);
                }
                "?" => last.questions.push(rest.to_owned()),
                own if own == marks.own => last.said.push(rest.to_owned()),
                "!" => last.did.push(rest.to_owned()),
                "=" => all.kept.push(rest.to_owned()),
                _ => return Err(fault("not a line of a transcript")),
            }
        }
        all.tail = remarks;
        Ok(all)
    }

    fn set(&mut self, pairs: &str) -> Option<()> {
        for pair in pairs.split_whitespace() {
            let (key, value) = pair.split_once('=')?;
            self.settings.0.insert(key.to_owned(), value.to_owned());
        }
        Some(())
    }

    pub(super) fn write(&self) -> String {
        let mut text = String::new();
        let mut put = |mark: &str, lines: &[String]| {
            for line in lines {
                let _ = writeln!(text, "{}", format!("{mark}{line}").trim_end());
            }
        };
        put("", &self.head);
        for turn in &self.turns {
            put("", &turn.remarks);
            put("* ", turn.event.as_slice());
            put(&format!("{} ", self.marks.peer), &turn.client);
            put("? ", &turn.questions);
            put(&format!("{} ", self.marks.own), &turn.said);
            put("! ", &turn.did);
        }
        put("", &self.tail);
        put("= ", &self.kept);
        text
    }
}

impl Turn {
    fn is_empty(&self) -> bool {
        self.client.is_empty() && self.event.is_none() && self.takes_client()
    }

    /// Whether nothing came after the client's lines yet.
    fn takes_client(&self) -> bool {
        self.event.is_none()
            && self.questions.is_empty()
            && self.said.is_empty()
            && self.did.is_empty()
    }

    pub(super) fn script(&self) -> Result<Script, String> {
        let pairs = self.questions.iter().map(|line| {
            let (question, answer) =
                line.split_once(" -> ").ok_or_else(|| format!("no answer: ? {line}"))?;
            Ok((question.to_owned(), answer.to_owned()))
        });
        pairs.collect::<Result<_, String>>().map(Script)
    }

    /// What the client sends, in bytes.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for line in &self.client {
            let line_end = match line.strip_suffix("\\c") {
                Some(text) => {
                    unescape(text, &mut bytes)?;
                    ""
                }
                None => {
                    unescape(line, &mut bytes)?;
                    "\r\n"
                }
            };
            bytes.extend_from_slice(line_end.as_bytes());
        }
        Ok(bytes)
    }
}

fn unescape(text: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let fault = || format!("not an escape: {text}");
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (kind, after) = escape.split_at_checked(1).ok_or_else(fault)?;
        rest = after;
        match kind {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (hex, after) = rest.split_at_checked(2).ok_or_else(fault)?;
                bytes.push(u8::from_str_radix(hex, 16).map_err(|_| fault())?);
                rest = after;
            }
            "{" => {
                let (inner, after) = rest.split_once('}').ok_or_else(fault)?;
                let (times, what) = inner.split_once('*').ok_or_else(fault)?;
                let mut once = Vec::new();
                unescape(what, &mut once)?;
                bytes.extend(once.repeat(times.parse().map_err(|_| fault())?));
                rest = after;
            }
            _ => return Err(fault()),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(())
}

/// Bytes as one readable line.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let text = "Proves something.\n# remark\n@ a=1 b=x\nS: 220 hi\nC: EHLO x\n\
                    C: \\x41\\{3*b}\\c\n? helo x -> allow\nS: 250 x\n! note 1\n\n# bye\n* eof\n! close\n= kept\n";
        let parsed = Transcript::parse(text, Marks::SERVER).expect("a transcript");
        assert_eq!(parsed.write(), text);
        assert_eq!(parsed.settings.get("a", 0), 1);
        assert_eq!(parsed.turns.len(), 3);
        assert_eq!(parsed.turns.get(1).map(Turn::bytes), Some(Ok(b"EHLO x\r\nAbbb".to_vec())));
    }

    #[test]
    fn the_marks_of_a_client_are_the_other_way_round() {
        let text = "Proves something.\nS: 220 hi\nC: EHLO x\nS: 250 x\nC: QUIT\n";
        let parsed = Transcript::parse(text, Marks::CLIENT).expect("a transcript");
        assert_eq!(parsed.write(), text);
        assert_eq!(parsed.turns.len(), 2);
        assert_eq!(parsed.turns.get(1).map(|turn| turn.said.clone()), Some(vec!["QUIT".into()]));
    }

    #[test]
    fn lines_that_mean_nothing_are_refused() {
        assert!(Transcript::parse("x\nQ: what\n", Marks::SERVER).is_err());
        assert!(unescape("\\q", &mut Vec::new()).is_err());
        assert!(unescape("\\{x}", &mut Vec::new()).is_err());
    }
}
