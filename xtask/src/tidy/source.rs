//! The files that rules look at, and which of their lines are production code.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Folders below the root that hold our text.
const FOLDERS: &[&str] =
    &["crates", "tests", "xtask", "fuzz", "docs", "packaging", ".ci", ".cargo"];
/// Kinds of files that are text of ours. `eml` and such are samples: they may hold anything.
const ENDINGS: &[&str] = &["rs", "toml", "md", "sql", "py", "sh", "service", "socket"];

/// A text file of the tree.
pub(super) struct Source {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// Everything that is checked.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) sources: Vec<Source>,
}

impl Tree {
    /// Reads the text files of a checkout.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for folder in FOLDERS {
            let path = root.join(folder);
            if path.is_dir() {
                tree.descend(&path, folder)?;
            }
        }
        tree.files_of(root, "")?;
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn descend(&mut self, folder: &Path, name: &str) -> Result<()> {
        self.files_of(folder, name)?;
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let below = entry.file_name().to_string_lossy().into_owned();
            let is_ours = !matches!(below.as_str(), "target" | "corpus" | "artifacts");
            if entry.file_type()?.is_dir() && is_ours {
                self.descend(&entry.path(), &format!("{name}/{below}"))?;
            }
        }
        Ok(())
    }

    fn files_of(&mut self, folder: &Path, name: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_text = file.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end));
            if entry.file_type()?.is_file() && (is_text || name == ".ci") {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| entry.path().display().to_string())?;
                let path = if name.is_empty() { file } else { format!("{name}/{file}") };
                self.sources.push(Source { path, text });
            }
        }
        Ok(())
    }

    pub(super) fn text_of(&self, path: &str) -> Option<&str> {
        self.sources.iter().find(|s| s.path == path).map(|s| s.text.as_str())
    }
}

impl Source {
    #[cfg(test)]
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The crate below `crates/` that it belongs to.
    pub(super) fn room(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Lines with their numbers from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(n, line)| (n + 1, line))
    }

    /// The lines of code that are part of the product: no tests, no comments.
    ///
    /// A test module is the last thing in its file, or a file of its own.
    pub(super) fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        let in_tests = ["/tests/", "/tests.rs", "/examples/", "/testing.rs", "/conformance"]
            .iter()
            .any(|part| self.path.contains(part));
        let begin = self.text.find("\n#[cfg(test)]\nmod ").map(|at| &self.text[at..]);
        let whole_module = begin.is_some_and(|rest| {
            rest.lines().nth(2).is_some_and(|line| line.trim_end().ends_with('{'))
        });
        let end = match begin {
            Some(rest) if whole_module => self.text.len() - rest.len(),
            _ => self.text.len(),
        };
        let code = if in_tests { "" } else { &self.text[..end] };
        code.lines()
            .enumerate()
            .map(|(n, line)| (n + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn production_code_ends_where_the_tests_begin() {
        let text = "use x;\n// Why.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        let lines: Vec<usize> = source.production().map(|(n, _)| n).collect();
        assert_eq!(lines, [1, 3]);
        let apart = Source::new("crates/x/src/lib.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests;\n");
        assert_eq!(apart.production().count(), 4);
        let tests = Source::new("crates/x/src/a/tests.rs", text);
        assert_eq!(tests.production().count(), 0);
    }
}
