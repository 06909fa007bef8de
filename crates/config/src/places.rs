//! Where each setting stands, for what turns out to be wrong with it once the file is read.
//!
//! Lines and columns alone: the text of the file may hold a password.

use crate::problem::Problem;
use crate::tree::{Node, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The places of the settings that a file has.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    file: PathBuf,
    /// By `section.key`.
    spots: BTreeMap<String, (PathBuf, usize, usize)>,
}

impl Places {
    /// The places of all values in the known sections of a settings file.
    pub(crate) fn of(root: &Node, sections: &[&str]) -> Self {
        let mut spots = BTreeMap::new();
        for section in sections {
            let Some(Value::Table(keys)) = root.child(section).map(|node| &node.value) else {
                continue;
            };
            // A file of nonsense may have very many keys; settings have few.
            for (key, entry) in keys.iter().take(KEYS_MAX) {
                spots.insert(format!("{section}.{key}"), entry.node.place.spot());
            }
        }
        Self { file: root.place.file().to_owned(), spots }
    }

    /// An error in the value of `section.key`; in the file as a whole, if that is left out.
    pub(crate) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        match self.spots.get(key) {
            Some((file, line, column)) => Problem::error(file, *line, *column, message),
            None => Problem::error(&self.file, 0, 0, message),
        }
    }
}

/// More than any section has.
const KEYS_MAX: usize = 100;
