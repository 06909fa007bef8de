//! From the text of a settings file, or of two, to settings: all that is wrong is told at once.

use super::{Settings, check};
use crate::problem::Problem;
use crate::reader::{Reader, Setting as _};
use crate::tree::Node;
use mail::Secret;
use std::path::{Path, PathBuf};

impl Settings {
    /// Checks the text of a settings file known as `path`; relative paths in it start from the
    /// folder of `path`.
    pub fn from_str(text: &str, path: &Path) -> Result<Self, Vec<Problem>> {
        Self::from_tree(&Node::parse(path, text)?)
    }

    /// Checks `base` with `overlay` laid on it: a setting that the overlay has wins, the others
    /// stay. Each text comes with the path it is known as.
    pub fn with_overlay(base: (&str, &Path), overlay: (&str, &Path)) -> Result<Self, Vec<Problem>> {
        let over = Node::parse(overlay.1, overlay.0)?;
        Self::from_tree(&Node::parse(base.1, base.0)?.overlay(over))
    }

    /// The text of one file that says what [`Settings::with_overlay`] reads from two, wherever it
    /// stands. What is a secret in them is in it.
    pub fn overlaid(
        base: (&str, &Path),
        overlay: (&str, &Path),
    ) -> Result<Secret<String>, Vec<Problem>> {
        let over = Node::parse(overlay.1, overlay.0)?;
        let sections = Self::describe();
        let is_path = |section: &str, key: &str| {
            let section = sections.iter().find(|known| known.name == section);
            let key = section.and_then(|known| known.keys.iter().find(|known| known.name == key));
            key.is_some_and(|known| known.kind == PathBuf::kind())
        };
        Ok(Secret::new(Node::parse(base.1, base.0)?.overlay(over).to_toml(is_path)))
    }

    fn from_tree(root: &Node) -> Result<Self, Vec<Problem>> {
        let (settings, problems) = Self::gather(root);
        match settings {
            Some(settings) if !problems.iter().any(Problem::is_error) => Ok(settings),
            _ => Err(problems),
        }
    }

    /// The settings as far as they can be read, and all that is wrong with them.
    pub(crate) fn gather(root: &Node) -> (Option<Self>, Vec<Problem>) {
        let mut reader = Reader::default();
        let settings = Self::read(root, &mut reader).or_else(|| Self::nameless(root));
        let settings = settings.map(|mut settings| {
            settings.name_rules();
            check::check(&settings, root, &mut reader);
            settings
        });
        reader.problems.sort_by(Problem::by_place);
        (settings, reader.problems)
    }

    /// The others of settings that lack a proper host name, the only one that has to be there.
    fn nameless(root: &Node) -> Option<Self> {
        let stand_in = "[server]\nhostname = \"localhost\"\n";
        let stand_in = Node::parse(root.place.file(), stand_in).ok()?;
        Self::read(&root.clone().overlay(stand_in), &mut Reader::default())
    }

    /// A rule without a name is known by its place in the list.
    fn name_rules(&mut self) {
        for (rule, number) in self.subject.rules.iter_mut().zip(1..) {
            if rule.name.is_empty() {
                rule.name = format!("rule {number}");
            }
        }
        for (rule, number) in self.attachment.rules.iter_mut().zip(1..) {
            if rule.name.is_empty() {
                rule.name = format!("rule {number}");
            }
        }
    }
}
