//! Gathers the goals of one alias, with the files that `:include:` names: only regular files whose
//! real path lies inside the settings folder, each once, to a bounded depth.

use super::goal::{Said, parse};
use super::lines::{Piece, split};
use super::{GOALS_MAX, Goal, RefusedGoal};
use crate::lines::numbered;
use crate::problem::Problem;
use std::path::{Path, PathBuf};

/// Includes in includes deeper than this are a mistake.
const DEPTH_MAX: usize = 5;
/// A list of addresses larger than this is none.
const INCLUDE_MAX: usize = 4 << 20;

/// The goals of one alias as they come.
pub(super) struct Gather<'a> {
    folder: Option<&'a Path>,
    problems: &'a mut Vec<Problem>,
    goals: Vec<Goal>,
    refused: Vec<RefusedGoal>,
    /// The files that are being read, outermost first.
    within: Vec<PathBuf>,
    /// What was read so far, whatever it was: bounds includes that multiply.
    read: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn new(folder: Option<&'a Path>, problems: &'a mut Vec<Problem>) -> Self {
        let (goals, refused, within) = (Vec::new(), Vec::new(), Vec::new());
        Self { folder, problems, goals, refused, within, read: 0 }
    }

    pub(super) fn end(self) -> (Vec<Goal>, Vec<RefusedGoal>) {
        (self.goals, self.refused)
    }

    /// Takes the goals that stand in these lines of `path`.
    pub(super) fn list(&mut self, path: &Path, pieces: &[Piece<'_>]) {
        for goal in pieces.iter().flat_map(split) {
            self.read += 1;
            if self.read > GOALS_MAX {
                if self.read == GOALS_MAX + 1 {
                    let message = format!("the alias has more than {GOALS_MAX} goals");
                    self.problems.push(Problem::error(path, goal.line, goal.column, message));
                }
                return;
            }
            match parse(goal.text) {
                Ok(Said::Goal(found)) => self.goals.push(found),
                Ok(Said::Refused(why)) => self.refuse(path, &goal, why.to_owned()),
                Ok(Said::Include(target)) => {
                    if let Err(why) = self.include(&target) {
                        self.refuse(path, &goal, why);
                    }
                }
                Err(why) => {
                    self.problems.push(Problem::error(path, goal.line, goal.column, why));
                }
            }
        }
    }

    fn refuse(&mut self, path: &Path, goal: &Piece<'_>, why: String) {
        let message = format!("`{}` is refused: {why}", goal.text);
        self.problems.push(Problem::warning(path, goal.line, goal.column, message));
        self.refused.push(RefusedGoal { text: goal.text.to_owned(), why, line: goal.line });
    }

    /// Reads the list that an include names, or says why not.
    fn include(&mut self, target: &str) -> Result<(), String> {
        let folder = self.folder.ok_or("files are included only by an aliases file")?;
        let real = |path: &Path| path.canonicalize().map_err(|e| format!("cannot be read: {e}"));
        let folder = real(folder)?;
        let path = real(&folder.join(target))?;
        if !path.starts_with(&folder) {
            return Err("it lies outside the settings folder".to_owned());
        }
        if self.within.contains(&path) {
            return Err("it includes itself".to_owned());
        }
        if self.within.len() >= DEPTH_MAX {
            return Err(format!("includes may not be deeper than {DEPTH_MAX}"));
        }
        let text = crate::file::read(&path, INCLUDE_MAX).map_err(|problem| problem.message)?;
        self.within.push(path.clone());
        let pieces: Vec<_> = numbered(&text)
            .filter(|(_, line)| !line.trim_start().starts_with('#'))
            .map(|(line, text)| Piece { text, line, column: 1 })
            .collect();
        self.list(&path, &pieces);
        self.within.pop();
        Ok(())
    }
}
