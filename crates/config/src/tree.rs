//! A TOML text as a tree that remembers where each value stands, and the overlay of one on another.
//!
//! The tree is read by [`crate::reader`]; nothing else looks at TOML.

use crate::problem::{Problem, position};
use crate::reader::quoted;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::{DeTable, DeValue};

/// A text and the name it is known by.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Where something stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    source: Rc<Source>,
    offset: usize,
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Table(BTreeMap<String, Entry>),
    Array(Vec<Node>),
    Text(String),
    Integer(i64),
    Bool,
    /// A date or time, as TOML writes it.
    Time(String),
    /// Something that no setting is: a fraction, a number beyond 63 bits.
    Other(&'static str),
}

/// A key with its place, and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) node: Node,
}

impl Place {
    pub(crate) fn problem(&self, message: impl Into<String>) -> Problem {
        let (line, column) = position(&self.source.text, self.offset);
        Problem::error(&self.source.path, line, column, message)
    }

    /// The file, with line and column from 1.
    pub(crate) fn spot(&self) -> (PathBuf, usize, usize) {
        let (line, column) = position(&self.source.text, self.offset);
        (self.source.path.clone(), line, column)
    }

    /// The file that this stands in.
    pub(crate) fn file(&self) -> &Path {
        &self.source.path
    }

    /// The folder of the file: what relative paths start from.
    pub(crate) fn folder(&self) -> &Path {
        self.source.path.parent().unwrap_or(Path::new(""))
    }
}

impl Node {
    /// Reads a TOML text; all of its syntax errors at once.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Node, Vec<Problem>> {
        let source = Rc::new(Source { path: path.into(), text: text.into() });
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let place = Place { source: source.clone(), offset: 0 };
            return Ok(Node { place, value: convert_table(&source, table.get_ref()) });
        }
        let problem = |error: &toml::de::Error| {
            let offset = error.span().map_or(0, |span| span.start);
            let place = Place { source: source.clone(), offset };
            place.problem(error.message().replace('\n', ", "))
        };
        Err(errors.iter().map(problem).collect())
    }

    /// This tree with `over` laid on it: tables are merged, anything else is replaced.
    pub(crate) fn overlay(self, over: Node) -> Node {
        match (self.value, over.value) {
            (Value::Table(mut base), Value::Table(over_table)) => {
                for (name, entry) in over_table {
                    let merged = match base.remove(&name) {
                        Some(old) => Entry { key: entry.key, node: old.node.overlay(entry.node) },
                        None => entry,
                    };
                    base.insert(name, merged);
                }
                Node { place: self.place, value: Value::Table(base) }
            }
            (_, value) => Node { place: over.place, value },
        }
    }

    /// These sections as TOML that says the same wherever it stands: a value that `is_path`, asked
    /// by section and key, takes for a path no longer starts from the folder of its file.
    pub(crate) fn to_toml(&self, is_path: impl Fn(&str, &str) -> bool) -> String {
        let mut text = String::new();
        let Value::Table(sections) = &self.value else { return text };
        for (section, entry) in sections {
            let Value::Table(keys) = &entry.node.value else { continue };
            text.push_str(&format!("[{section}]\n"));
            for (key, Entry { node, .. }) in keys {
                let value = match &node.value {
                    Value::Text(path) if is_path(section, key) => {
                        quoted(&node.place.folder().join(path).to_string_lossy())
                    }
                    value => value.to_toml(),
                };
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        text
    }

    /// What a table has under this key.
    pub(crate) fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries.get(key).map(|entry| &entry.node),
            _ => None,
        }
    }

    /// What this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Table(_) => "a table",
            Value::Array(_) => "a list",
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Bool => "true or false",
            Value::Time(_) => "a time",
            Value::Other(kind) => kind,
        }
    }
}

impl Value {
    /// In one line; what no setting is becomes empty.
    fn to_toml(&self) -> String {
        match self {
            Value::Table(entries) => {
                let pair = |(key, entry): (&String, &Entry)| {
                    format!("{} = {}", quoted(key), entry.node.value.to_toml())
                };
                format!("{{ {} }}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| item.value.to_toml()).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Text(text) => quoted(text),
            Value::Integer(number) => number.to_string(),
            Value::Time(time) => time.clone(),
            Value::Bool | Value::Other(_) => String::new(),
        }
    }
}

fn convert_table(source: &Rc<Source>, table: &DeTable<'_>) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let place = Place { source: source.clone(), offset: key.span().start };
        let node = convert(source, value.span().start, value.get_ref());
        (key.get_ref().to_string(), Entry { key: place, node })
    });
    Value::Table(entries.collect())
}

/// The depth is bounded by the TOML parser itself (80 levels).
fn convert(source: &Rc<Source>, offset: usize, value: &DeValue<'_>) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number beyond 63 bits"),
        },
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Boolean(_) => Value::Bool,
        DeValue::Datetime(time) => Value::Time(time.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|v| convert(source, v.span().start, v.get_ref()));
            Value::Array(items.collect())
        }
        DeValue::Table(table) => convert_table(source, table),
    };
    Node { place: Place { source: source.clone(), offset }, value }
}
