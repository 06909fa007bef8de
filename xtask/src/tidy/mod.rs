//! `cargo xtask tidy`: the house rules that a program can check.
//!
//! Each check takes text and gives complaints, so that each is tested with what it must find. What
//! a rule cannot fit is an exception with its reason in `xtask/tidy.toml`; there are few, and
//! their number only falls.

mod documents;
mod forms;
mod layers;
mod numbers;
mod rooms;
mod source;

use anyhow::{Result, bail};
use source::Tree;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Something that breaks a house rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    rule: &'static str,
    text: String,
}

/// Checks the checkout and prints what is wrong.
pub(crate) fn run() -> Result<ExitCode> {
    check(Path::new("."))?;
    println!("tidy: all well");
    Ok(ExitCode::SUCCESS)
}

/// Checks a tree.
///
/// # Errors
/// Every complaint that is not an exception.
pub(crate) fn check(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let mut complaints = Vec::new();
    complaints.extend(layers::check(&tree));
    for source in &tree.sources {
        complaints.extend(rooms::check(source));
        complaints.extend(forms::check(source));
    }
    complaints.extend(documents::check(root, &tree));
    complaints.sort();
    let complaints = numbers::check(root, complaints)?;
    if complaints.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    bail!("{} house rules are broken:\n{}", lines.len(), lines.join("\n"))
}

impl Complaint {
    fn new(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {} [{}]", self.path, self.text, self.rule);
        }
        write!(f, "{}:{}: {} [{}]", self.path, self.line, self.text, self.rule)
    }
}

#[cfg(test)]
mod tests {
    /// The house itself: what `cargo test` alone would not notice.
    #[test]
    fn the_house_is_tidy() {
        let root = crate::root();
        if let Err(complaints) = super::check(&root) {
            panic!("{complaints}");
        }
    }
}
