//! From a tree to typed settings: each value is read by its type, unknown keys are errors.
//!
//! All problems of a file are gathered, so that an administrator sees them at once.

use crate::network::bits_behind_prefix;
use crate::problem::{Problem, Severity, nearest};
use crate::tree::{Node, Value};
use ipnet::IpNet;
use mail::{Domain, Secret};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Gathers the problems while a tree is read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
}

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// What it is, for the manual: "number", "list of networks".
    fn kind() -> String;
    /// What several of it are called.
    fn plural() -> String {
        Self::kind() + "s"
    }

    /// Reads a node; a problem goes to the reader.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;

    /// How it is written in the file; empty when it is left out.
    fn show(&self) -> String;

    /// The number that a range applies to.
    fn measure(&self) -> Option<u64> {
        None
    }
}

/// A list of known keys, to be ticked off.
pub(crate) struct Table<'n> {
    /// Its name, and the node to which a missing key is told when the table is not there at all.
    name: &'static str,
    around: &'n Node,
    node: Option<&'n Node>,
    known: &'static [&'static str],
}

impl<'n> Table<'n> {
    /// The table at `node`, whose keys are `known`; others are problems.
    pub(crate) fn open(
        node: &'n Node,
        known: &'static [&'static str],
        reader: &mut Reader,
    ) -> Self {
        Self::within(node, "", Some(node), known, reader)
    }

    /// The table `name` of the one at `around`; if it is absent, all defaults hold.
    pub(crate) fn within(
        around: &'n Node,
        name: &'static str,
        node: Option<&'n Node>,
        known: &'static [&'static str],
        reader: &mut Reader,
    ) -> Self {
        let table = Self { name, around, node, known };
        let Some(node) = node else { return table };
        let Value::Table(entries) = &node.value else {
            reader.wrong(node, "a table");
            return Self { node: None, ..table };
        };
        for (name, entry) in entries {
            if !known.contains(&name.as_str()) {
                let hint = nearest(name, known.iter().copied());
                let problem = entry.key.problem(format!("there is no setting `{name}` here"));
                reader.problems.push(problem.hint(hint));
            }
        }
        table
    }

    /// The node of a key.
    pub(crate) fn node(&self, key: &str) -> Option<&'n Node> {
        debug_assert!(self.known.contains(&key));
        self.node?.child(key)
    }

    /// Reads a key; its default when it is absent (or wrong, which the reader then knows).
    pub(crate) fn value<T: Setting>(
        &self,
        key: &str,
        range: Option<RangeInclusive<u64>>,
        default: T,
        reader: &mut Reader,
    ) -> T {
        let Some(node) = self.node(key) else { return default };
        let Some(value) = T::read(node, reader) else { return default };
        if let (Some(range), Some(number)) = (range, value.measure())
            && !range.contains(&number)
        {
            let (low, high) = (range.start(), range.end());
            reader.say(node, format!("`{key}` must be from {low} to {high}, not {number}"));
        }
        value
    }

    /// Reads a key that has no default.
    pub(crate) fn required<T: Setting>(&self, key: &str, reader: &mut Reader) -> Option<T> {
        if let Some(node) = self.node(key) {
            return T::read(node, reader);
        }
        match self.node {
            Some(node) => reader.say(node, format!("`{key}` is missing")),
            None => reader.say(self.around, format!("`{}.{key}` is missing", self.name)),
        }
        None
    }
}

impl Reader {
    pub(crate) fn say(&mut self, node: &Node, message: impl Into<String>) {
        self.problems.push(node.place.problem(message));
    }

    /// Something that is taken, but does not do what it seems to.
    pub(crate) fn warn(&mut self, node: &Node, message: impl Into<String>) {
        let problem = node.place.problem(message);
        self.problems.push(Problem { severity: Severity::Warning, ..problem });
    }

    pub(crate) fn wrong(&mut self, node: &Node, expected: &str) {
        self.say(node, format!("expected {expected}, found {}", node.kind()));
    }

    /// A text that is read by `parse`, whose error is told.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        node: &Node,
        kind: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Value::Text(text) = &node.value else {
            self.wrong(node, kind);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.say(node, format!("`{text}` is not {kind}: {error}"));
                None
            }
        }
    }
}

/// A text as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn number(node: &Node, reader: &mut Reader) -> Option<u64> {
    match &node.value {
        Value::Integer(number) => match u64::try_from(*number) {
            Ok(number) => Some(number),
            Err(_) => {
                reader.say(node, "expected a number that is not negative");
                None
            }
        },
        _ => {
            reader.wrong(node, "a number");
            None
        }
    }
}

impl Setting for u64 {
    fn kind() -> String {
        "number".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        number(node, reader)
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn measure(&self) -> Option<u64> {
        Some(*self)
    }
}

impl Setting for u32 {
    fn kind() -> String {
        "number".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let number = number(node, reader)?;
        let small = u32::try_from(number).ok();
        if small.is_none() {
            reader.say(node, format!("{number} is too large"));
        }
        small
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn measure(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
}

impl Setting for usize {
    fn kind() -> String {
        "number".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        usize::try_from(number(node, reader)?).ok()
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn measure(&self) -> Option<u64> {
        u64::try_from(*self).ok()
    }
}

impl Setting for String {
    fn kind() -> String {
        "text".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a text", |text| Ok::<_, String>(text.to_owned()))
    }
    fn show(&self) -> String {
        quoted(self)
    }
}

impl Setting for Domain {
    fn kind() -> String {
        "domain".to_owned()
    }
    fn plural() -> String {
        "domains".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "a domain", Domain::parse)
    }
    fn show(&self) -> String {
        quoted(self.as_str())
    }
}

impl Setting for SocketAddr {
    fn kind() -> String {
        "address with port".to_owned()
    }
    fn plural() -> String {
        "addresses with ports".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        reader.parsed(node, "an address with a port, like 192.0.2.1:25 or [::]:25", str::parse)
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for IpNet {
    fn kind() -> String {
        "network".to_owned()
    }
    fn plural() -> String {
        "networks".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let kind = "a network, like 192.0.2.0/24 or 2001:db8::/32";
        let net = reader.parsed(node, kind, |text| match text.parse::<IpAddr>() {
            Ok(ip) => Ok(IpNet::from(ip)),
            Err(_) => text.parse::<IpNet>(),
        })?;
        if net != net.trunc() {
            reader.warn(node, bits_behind_prefix(&net.to_string(), &net));
        }
        Some(net.trunc())
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Setting for PathBuf {
    fn kind() -> String {
        "path".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let folder = node.place.folder();
        reader.parsed(node, "a path", |text| match text {
            "" => Err("it is empty"),
            text if text.contains('\0') => Err("it holds a NUL"),
            text => Ok(folder.join(text)),
        })
    }
    fn show(&self) -> String {
        quoted(&self.display().to_string())
    }
}

impl Setting for Secret<String> {
    fn kind() -> String {
        "text (secret)".to_owned()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(Secret::new(text.clone())),
            _ => {
                reader.wrong(node, "a text");
                None
            }
        }
    }
    fn show(&self) -> String {
        "\"***\"".to_owned()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn kind() -> String {
        T::kind()
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(Some)
    }
    fn show(&self) -> String {
        self.as_ref().map(Setting::show).unwrap_or_default()
    }
    fn measure(&self) -> Option<u64> {
        self.as_ref().and_then(Setting::measure)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn kind() -> String {
        format!("list of {}", T::plural())
    }
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            reader.wrong(node, &format!("a list of {}", T::plural()));
            return None;
        };
        if items.len() > LIST_MAX {
            reader.say(node, format!("a list has at most {LIST_MAX} entries"));
            return None;
        }
        Some(items.iter().filter_map(|item| T::read(item, reader)).collect())
    }
    fn show(&self) -> String {
        let items: Vec<_> = self.iter().map(Setting::show).collect();
        format!("[{}]", items.join(", "))
    }
}

/// More than this in one list of the settings belongs into a map file.
const LIST_MAX: usize = 10_000;

/// The words that a choice may be, each with its value.
pub(crate) fn choice<T: Copy>(
    node: &Node,
    words: &[(&'static str, T)],
    reader: &mut Reader,
) -> Option<T> {
    let all: BTreeMap<&str, T> = words.iter().copied().collect();
    let list = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let Value::Text(text) = &node.value else {
        reader.wrong(node, &format!("one of {list}"));
        return None;
    };
    let found = all.get(text.as_str()).copied();
    if found.is_none() {
        let hint = nearest(text, all.keys().copied());
        let problem = node.place.problem(format!("`{text}` is none of {list}"));
        reader.problems.push(problem.hint(hint));
    }
    found
}
