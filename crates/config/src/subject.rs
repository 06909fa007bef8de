//! Subject rules: prohibited subjects, from the settings file or made at run time.

use crate::choices::{kind_of, show_choice};
use crate::reader::{Reader, Setting, Table, choice, quoted};
use crate::reply::parse_reply;
use crate::tree::{Node, Value};
use mail::{ReplyText, Timestamp};

/// How a pattern is compared with the normalised subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole subject is the pattern, letters compared without case.
    Text,
    /// The subject begins with the pattern, letters compared without case.
    Prefix,
    /// The pattern is a regular expression that matches somewhere, in linear time.
    Regex,
}

/// A prohibited subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRule {
    /// What the trace calls it; if none was given, `rule N` by its place in the list.
    pub name: String,
    /// How it is compared.
    pub kind: Match,
    /// What is compared.
    pub pattern: String,
    /// What the peer is answered; absent: 553 with the reason's own text.
    pub reply: Option<ReplyText>,
    /// Until when the rule holds.
    pub expires: Option<Timestamp>,
}

const MATCHES: &[(&str, Match)] =
    &[("text", Match::Text), ("prefix", Match::Prefix), ("regex", Match::Regex)];
/// A subject longer than this is none that people write.
const PATTERN_MAX: usize = 1_000;
/// What one compiled expression may take.
const REGEX_SIZE_MAX: usize = 1 << 20;

impl Match {
    /// The word for it.
    pub fn word(self) -> &'static str {
        MATCHES.iter().find(|(_, m)| *m == self).map_or("", |(word, _)| word)
    }

    /// The kind of match that has this word.
    pub fn from_word(word: &str) -> Option<Self> {
        MATCHES.iter().find(|(w, _)| *w == word).map(|(_, m)| *m)
    }
}

/// Checks that a pattern can be used: not empty, not too long, and as an expression that compiles.
pub fn check_pattern(kind: Match, pattern: &str) -> Result<(), String> {
    if pattern.trim().is_empty() {
        return Err("the pattern is empty: it would match every subject".to_owned());
    }
    if pattern.len() > PATTERN_MAX {
        return Err(format!("the pattern is longer than {PATTERN_MAX} bytes"));
    }
    if kind != Match::Regex {
        return Ok(());
    }
    let expression = compile(pattern)?;
    if expression.is_match("") {
        return Err("the expression matches the empty subject, so it matches all".to_owned());
    }
    Ok(())
}

/// The compiled expression of a rule: without case, bounded in size.
pub fn compile(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_SIZE_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            error => last_line(&error.to_string()),
        })
}

/// regex draws the place in several lines; its last one says what is wrong.
fn last_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl Setting for Match {
    fn kind() -> String {
        kind_of(MATCHES)
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        choice(node, MATCHES, reader)
    }
    fn show(&self) -> String {
        show_choice(MATCHES, self)
    }
}

impl Setting for ReplyText {
    fn kind() -> String {
        "reply".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a reply, like 553 5.7.1 text", parse_reply)
    }
    fn show(&self) -> String {
        let enhanced = self.enhanced.map(|(c, s, d)| format!("{c}.{s}.{d} ")).unwrap_or_default();
        quoted(&format!("{} {enhanced}{}", self.code, self.text))
    }
}

impl Setting for Timestamp {
    fn kind() -> String {
        "time".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let (Value::Time(text) | Value::Text(text)) = &node.value else {
            reader.wrong(node, "a time, like 2026-12-31T00:00:00Z");
            return None;
        };
        let time = parse_time(text);
        if time.is_none() {
            reader.say(node, format!("`{text}` is not a time like 2026-12-31T00:00:00Z"));
        }
        time
    }
    fn show(&self) -> String {
        self.rfc3339()
    }
}

/// A date (its midnight in UTC) or a time with its offset (RFC 3339).
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time: jiff::Timestamp = whole.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

impl Setting for SubjectRule {
    fn kind() -> String {
        "subject rule".to_owned()
    }
    fn plural() -> String {
        "tables with `pattern`, `match` (`\"text\"`, `\"prefix\"` or `\"regex\"`), `name`, `reply` \
         and `expires`"
            .to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let keys = &["name", "match", "pattern", "reply", "expires"];
        let table = Table::open(node, keys, reader);
        let kind = table.value("match", None, Match::Text, reader);
        let pattern: String = table.required("pattern", reader)?;
        if let Err(why) = check_pattern(kind, &pattern) {
            reader.say(table.node("pattern").unwrap_or(node), why);
            return None;
        }
        let name = table.value("name", None, String::new(), reader);
        let reply = table.value("reply", None, None, reader);
        let expires = table.value("expires", None, None, reader);
        Some(Self { name, kind, pattern, reply, expires })
    }
    fn show(&self) -> String {
        format!("{{ match = {}, pattern = {} }}", self.kind.show(), quoted(&self.pattern))
    }
}
