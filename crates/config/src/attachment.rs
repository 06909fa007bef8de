//! Rules about attachments: what is done with what was found in a part, for whom.

use crate::choices::{kind_of, show_choice};
use crate::problem::Problem;
use crate::reader::{Reader, Setting, Table, choice, quoted};
use crate::tree::Node;
use mail::danger::Class;
use mail::{Address, Domain};
use std::path::Path;

/// What is done with a part, or with its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// It passes.
    Allow,
    /// It passes, with a warning before it.
    Warn,
    /// It passes under a name that nothing opens.
    Rename,
    /// It is taken out, and the rest is delivered.
    Remove,
    /// The whole message is put into quarantine.
    Quarantine,
    /// The message is refused in the session.
    Refuse,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From strangers.
    In,
    /// From users and machines of ours.
    Out,
}

/// What is done with a message that two programs could read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmbiguousChoice {
    /// It is written anew so that there is one reading, if all are harmless; else quarantined.
    Rebuild,
    /// It is put into quarantine.
    Quarantine,
    /// It is refused (550 5.6.0).
    Refuse,
}

/// What is done with a message that could not be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedChoice {
    /// The sender's server is asked to come again (451).
    Later,
    /// It is put into quarantine.
    Quarantine,
}

/// Whether contents are looked into at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterChoice {
    /// They are.
    On,
    /// Nothing is found and nothing is done.
    Off,
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Party {
    /// One address.
    Address(Address),
    /// A domain and all below it.
    Domain(Domain),
}

/// One rule: `[[attachment.rules]]`. What it leaves out is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRule {
    /// What the trace calls it; if none was given, `rule N` by its place in the list.
    pub name: String,
    /// The kinds of danger that it is about.
    pub classes: Vec<Class>,
    /// Names, as people see them, with `*` and `?`; compared without case.
    pub files: Vec<String>,
    /// Declared types, with `*` and `?`.
    pub types: Vec<String>,
    /// The way of the message.
    pub direction: Option<Direction>,
    /// Who sends it: the envelope's sender.
    pub senders: Vec<Party>,
    /// Whom it is for.
    pub recipients: Vec<Party>,
    /// What is done.
    pub action: Action,
}

const ACTIONS: &[(&str, Action)] = &[
    ("allow", Action::Allow),
    ("warn", Action::Warn),
    ("rename", Action::Rename),
    ("remove", Action::Remove),
    ("quarantine", Action::Quarantine),
    ("refuse", Action::Refuse),
];
const DIRECTIONS: &[(&str, Direction)] = &[("in", Direction::In), ("out", Direction::Out)];
const AMBIGUOUS: &[(&str, AmbiguousChoice)] = &[
    ("rebuild", AmbiguousChoice::Rebuild),
    ("quarantine", AmbiguousChoice::Quarantine),
    ("refuse", AmbiguousChoice::Refuse),
];
const FAILED: &[(&str, FailedChoice)] =
    &[("later", FailedChoice::Later), ("quarantine", FailedChoice::Quarantine)];
const FILTER: &[(&str, FilterChoice)] = &[("on", FilterChoice::On), ("off", FilterChoice::Off)];

/// Longest pattern of a name or type; names of files are at most 255 bytes.
const PATTERN_MAX: usize = 255;

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        ACTIONS.iter().find(|(_, action)| *action == self).map_or("", |(word, _)| word)
    }
}

impl Party {
    /// Whether this address is meant.
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Party::Address(own) => own.key() == address.key(),
            Party::Domain(own) => address.domain().is_some_and(|domain| domain.is_within(own)),
        }
    }
}

macro_rules! words {
    ($($Choice:ty, $words:expr;)+) => { $(
        impl Setting for $Choice {
            fn kind() -> String {
                kind_of($words)
            }
            fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
                choice(node, $words, reader)
            }
            fn show(&self) -> String {
                show_choice($words, self)
            }
        }
    )+ };
}

words! {
    Action, ACTIONS;
    Direction, DIRECTIONS;
    AmbiguousChoice, AMBIGUOUS;
    FailedChoice, FAILED;
    FilterChoice, FILTER;
}

impl Setting for Class {
    fn kind() -> String {
        let words: Vec<_> = Class::ALL.iter().map(|class| format!("`\"{class}\"`")).collect();
        words.join(" or ")
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let words: Vec<_> = Class::ALL.iter().map(|class| (class.word(), *class)).collect();
        choice(node, &words, reader)
    }
    fn show(&self) -> String {
        quoted(self.word())
    }
}

impl Setting for Party {
    fn kind() -> String {
        "address or domain".to_owned()
    }
    fn plural() -> String {
        "addresses or domains".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "an address or a domain", |text| match text.contains('@') {
            true => Address::parse(text).map(Party::Address).map_err(|error| error.to_string()),
            false => Domain::parse(text).map(Party::Domain).map_err(|error| error.to_string()),
        })
    }
    fn show(&self) -> String {
        match self {
            Party::Address(address) => quoted(&address.to_string()),
            Party::Domain(domain) => quoted(domain.as_str()),
        }
    }
}

impl Setting for AttachmentRule {
    fn kind() -> String {
        "attachment rule".to_owned()
    }
    fn plural() -> String {
        "tables with `action` (`\"allow\"`, `\"warn\"`, `\"rename\"`, `\"remove\"`, \
         `\"quarantine\"` or `\"refuse\"`) and what has to fit: `class` (a list of the words on the \
         page about attachments), `file` and `type` (lists of names with `*` and `?`), `direction` \
         (`\"in\"` or `\"out\"`), `sender` and `recipient` (lists of addresses and domains), and \
         `name` for the trace"
            .to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        const KEYS: &[&str] =
            &["name", "class", "file", "type", "direction", "sender", "recipient", "action"];
        let table = Table::open(node, KEYS, reader);
        let rule = Self {
            name: table.value("name", None, String::new(), reader),
            classes: table.value("class", None, Vec::new(), reader),
            files: table.value("file", None, Vec::new(), reader),
            types: table.value("type", None, Vec::new(), reader),
            direction: table.value("direction", None, None, reader),
            senders: table.value("sender", None, Vec::new(), reader),
            recipients: table.value("recipient", None, Vec::new(), reader),
            action: table.required("action", reader)?,
        };
        let wrong = |pattern: &&String| pattern.trim().is_empty() || pattern.len() > PATTERN_MAX;
        if rule.files.iter().chain(&rule.types).any(|pattern| wrong(&pattern)) {
            reader.say(node, format!("a pattern is empty or longer than {PATTERN_MAX} bytes"));
            return None;
        }
        let speaks = !(rule.classes.is_empty() && rule.files.is_empty() && rule.types.is_empty());
        if !speaks {
            reader
                .say(node, "the rule names no `class`, `file` or `type`: it would fit every part");
            return None;
        }
        Some(rule)
    }
    fn show(&self) -> String {
        format!("{{ class = {}, action = {} }}", self.classes.show(), self.action.show())
    }
}

/// Largest file of hashes or patterns: all of them together go to every worker.
const LIST_FILE_MAX: usize = 8 << 20;

/// The text of a file of hashes or patterns. What its lines say is for who uses them to check.
///
/// # Errors
/// It cannot be read, is larger than 8 MiB, or is not UTF-8.
pub fn list_file(path: &Path) -> Result<String, Problem> {
    crate::file::read(path, LIST_FILE_MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::{Action, Direction};
    use crate::Settings;
    use mail::Address;
    use mail::danger::Class;
    use std::path::Path;

    fn settings(text: &str) -> Result<Settings, String> {
        let text = format!("[server]\nhostname = \"mx.example.org\"\n{text}");
        Settings::from_str(&text, Path::new("x.toml")).map_err(|problems| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn rules_are_read() {
        let text = "[[attachment.rules]]\nclass = [\"macro\", \"program\"]\ndirection = \"in\"\n\
                    sender = [\"partner.example\", \"x@y.example\"]\naction = \"allow\"\n\
                    [[attachment.rules]]\nname = \"fonts\"\nfile = [\"*.ttf\"]\naction = \"refuse\"\n";
        let settings = settings(text).unwrap();
        let rules = &settings.attachment.rules;
        assert_eq!(rules[0].name, "rule 1");
        assert_eq!(rules[0].classes, [Class::Macro, Class::Program]);
        assert_eq!(rules[0].direction, Some(Direction::In));
        let meant = |text: &str| {
            let address = Address::parse(text).unwrap();
            rules[0].senders.iter().any(|party| party.covers(&address))
        };
        assert!(meant("a@mx.partner.example") && meant("X@y.example") && !meant("a@y.example"));
        assert_eq!((rules[1].name.as_str(), rules[1].action), ("fonts", Action::Refuse));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, expected) in [
            ("class = [\"macro\"]", "`action` is missing"),
            ("action = \"remove\"", "it would fit every part"),
            ("class = [\"makro\"]\naction = \"remove\"", "`makro` is none of"),
            ("file = [\"\"]\naction = \"remove\"", "a pattern is empty"),
            ("class = [\"macro\"]\naction = \"drop\"", "`drop` is none of"),
            ("class = [\"macro\"]\nsender = [\"a b\"]\naction = \"allow\"", "a domain"),
        ] {
            let told = settings(&format!("[[attachment.rules]]\n{text}\n")).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
