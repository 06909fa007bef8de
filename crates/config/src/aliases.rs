//! The aliases file: sendmail's format read unchanged, except that no line of it runs a program,
//! writes a file or reads one outside the settings folder. Each such goal is refused with its
//! reason; the others of its alias stay.
//!
//! Expanding, loops and fan-out are `policy`'s business.

use crate::problem::Problem;
use mail::Address;
use std::collections::HashMap;
use std::path::Path;

/// Where an alias leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// An address, ours or elsewhere.
    Address(Address),
    /// A local name: an account or another alias.
    Local(String),
    /// A local name behind a backslash: the account itself, aliases are not looked at again.
    Final(String),
}

/// A goal that is not honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedGoal {
    /// The goal as it was written.
    pub text: String,
    /// Why it is refused, in a sentence without a full stop.
    pub why: String,
    /// The line in its file, from 1; 0 when it came from no file.
    pub line: usize,
}

/// An alias of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasEntry {
    /// The name in lower case: a local part, or an address.
    pub name: String,
    /// Where it leads, in the order of the file.
    pub goals: Vec<Goal>,
    /// What it should lead to, but does not.
    pub refused: Vec<RefusedGoal>,
    /// The line in the file, from 1.
    pub line: usize,
}

/// More goals than this, includes counted, and an alias is cut with an error.
pub const GOALS_MAX: usize = 50_000;

/// Reads a whole file known as `path`. `:include:` reads files inside `include_folder` (the
/// settings folder); without one, every include is refused.
pub fn parse_file(
    path: &Path,
    text: &str,
    include_folder: Option<&Path>,
) -> (Vec<AliasEntry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut entries: Vec<AliasEntry> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for alias in lines::logical(path, text, &mut problems) {
        let name = match name::parse(&alias) {
            Ok(name) => name,
            Err(why) => {
                problems.push(Problem::error(path, alias.line, 1, why));
                continue;
            }
        };
        if let Some(first) = seen.get(&name) {
            let message =
                format!("`{name}` is there twice; {}:{first} came first and holds", path.display());
            problems.push(Problem::warning(path, alias.line, 1, message));
            continue;
        }
        seen.insert(name.clone(), alias.line);
        let mut gather = include::Gather::new(include_folder, &mut problems);
        gather.list(path, &alias.goals);
        let (goals, refused) = gather.end();
        if goals.is_empty() && refused.is_empty() {
            let message = format!("`{name}` leads nowhere");
            problems.push(Problem::error(path, alias.line, alias.colon, message));
            continue;
        }
        entries.push(AliasEntry { name, goals, refused, line: alias.line });
    }
    (entries, problems)
}

/// Reads a list of goals that came from no file (the store, the command line); `:include:` is
/// refused in it.
pub fn parse_goals(text: &str) -> Result<(Vec<Goal>, Vec<RefusedGoal>), String> {
    if text.contains(['\n', '\r', '\0']) {
        return Err("goals are one line".to_owned());
    }
    let mut problems = Vec::new();
    let mut gather = include::Gather::new(None, &mut problems);
    gather.list(Path::new(""), &[lines::Piece { text, line: 0, column: 1 }]);
    let (goals, refused) = gather.end();
    if let Some(problem) = problems.into_iter().find(Problem::is_error) {
        return Err(problem.message);
    }
    if goals.is_empty() && refused.is_empty() {
        return Err("there is no goal".to_owned());
    }
    Ok((goals, refused))
}

mod goal;
mod include;
mod lines;
mod name;
#[cfg(test)]
mod tests;
