//! Documents that must be true: the paths and rooms of ARCHITECTURE.md, the page of settings.

use super::Complaint;
use super::source::Tree;
use std::path::Path;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const SETTINGS: &str = "docs/settings.md";
/// The table that the page is made from; that page and table are equal is a test of `config`.
const SETTINGS_TABLE: &str = "crates/config/src/settings.rs";

/// Checks the documents of the tree.
pub(super) fn check(root: &Path, tree: &Tree) -> Vec<Complaint> {
    let page = tree.text_of(SETTINGS).unwrap_or_default();
    let mut complaints = settings(tree.text_of(SETTINGS_TABLE).unwrap_or_default(), page);
    let Some(architecture) = tree.text_of(ARCHITECTURE) else {
        complaints.push(Complaint::new(ARCHITECTURE, 0, "documents", "is missing"));
        return complaints;
    };
    complaints.extend(paths(architecture, |path| root.join(path).exists()));
    let rooms = std::fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    let rooms = rooms.map(|entry| entry.file_name().to_string_lossy().into_owned());
    complaints.extend(rooms_named(architecture, rooms));
    complaints
}

/// Every setting of the table has its heading in the manual.
fn settings(table: &str, page: &str) -> Vec<Complaint> {
    let names = setting_names(table);
    if names.is_empty() {
        return vec![Complaint::new(SETTINGS_TABLE, 0, "documents", "no table of settings found")];
    }
    names
        .into_iter()
        .filter(|name| !page.contains(&format!("\n### `{name}`\n")))
        .map(|name| {
            let text = format!("`{name}` is not documented: UPDATE=1 cargo test -p config");
            Complaint::new(SETTINGS, 0, "documents", text)
        })
        .collect()
}

/// `section.key` of each line `key: Type = default;` inside a `section: Section {`.
fn setting_names(table: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut section = None;
    let body = table.lines().skip_while(|line| !line.starts_with("settings! {"));
    for line in body.skip(1).take_while(|line| !line.starts_with('}')) {
        let Some((word, rest)) = line.trim().split_once(": ") else { continue };
        let is_word =
            word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
        match section {
            _ if !is_word => {}
            _ if rest.ends_with(" {") => section = Some(word),
            Some(section) if rest.contains(" = ") => names.push(format!("{section}.{word}")),
            _ => {}
        }
    }
    names
}

/// Every path in backquotes exists. A path has a `/`, does not begin with one, and has no spaces,
/// stars or capitals that stand for something else.
fn paths(text: &str, exists: impl Fn(&str) -> bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut is_picture = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            is_picture = !is_picture;
        }
        if is_picture {
            continue;
        }
        for path in line.split('`').skip(1).step_by(2).filter(|word| is_path(word)) {
            if !exists(path.trim_end_matches('/')) {
                complaints.push(Complaint::new(
                    ARCHITECTURE,
                    number + 1,
                    "documents",
                    format!("there is no `{path}`"),
                ));
            }
        }
    }
    complaints
}

fn is_path(word: &str) -> bool {
    word.contains('/') && !word.starts_with('/') && !word.contains([' ', '*', '<', '{', '(', ':'])
}

/// Every room is in the table of rooms.
fn rooms_named(text: &str, rooms: impl Iterator<Item = String>) -> Vec<Complaint> {
    rooms
        .filter(|room| !text.contains(&format!("`crates/{room}`")))
        .map(|room| {
            let text = format!("the room `crates/{room}` is not in the table of rooms");
            Complaint::new(ARCHITECTURE, 0, "documents", text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{paths, rooms_named, settings};

    #[test]
    fn a_path_that_is_not_there_is_seen() {
        let text = "see `crates/a/` and\n`crates/b/src/x.rs`, `/etc/x`, `a::b`, `and/or else`";
        assert!(paths(text, |_| true).is_empty());
        let found = paths(text, |path| path == "crates/a");
        assert_eq!(found.len(), 1);
        assert_eq!(found.first().map(|c| c.line), Some(2));
        assert!(paths("```\n`x/y`\n```\n", |_| false).is_empty());
    }

    #[test]
    fn a_room_that_is_not_named_is_seen() {
        let rooms = || ["a".to_owned(), "b".to_owned()].into_iter();
        assert_eq!(rooms_named("| `crates/a` |", rooms()).len(), 1);
        assert!(rooms_named("`crates/a` `crates/b`", rooms()).is_empty());
    }

    #[test]
    fn a_setting_without_documentation_is_seen() {
        let table = "settings! {\n    /// A.\n    a: A {\n        /// B.\n        b: u64 = 1;\n\
                     \x20       c_d: Vec<u64> = [] in 1..=2;\n    }\n}\n";
        assert!(settings(table, "# x\n### `a.b`\n\n### `a.c_d`\n").is_empty());
        assert_eq!(settings(table, "# x\n### `a.b`\n").len(), 1);
        assert_eq!(settings("nothing", "").len(), 1);
    }
}
