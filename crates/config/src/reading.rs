//! The settings file and every map file that it names, read together, with all that is wrong with
//! any of them.

use crate::maps::{Maps, read_maps};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::tree::Node;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Settings files are small; what is larger was named by mistake.
pub(crate) const FILE_MAX: usize = 4 << 20;

/// What could be read.
///
/// An administrator who mends one fault should not meet the next one only then: so the maps are
/// read too when the settings are wrong, as far as these can be read.
#[derive(Debug)]
pub struct Reading {
    /// The settings; none if the file cannot be read, or is no TOML.
    pub settings: Option<Settings>,
    /// The maps that the settings name.
    pub maps: Maps,
    /// Everything that is wrong: of the settings file first, each file by its lines.
    pub problems: Vec<Problem>,
}

impl Reading {
    /// Reads the settings file at `path` and its map files.
    pub fn new(path: &Path) -> Self {
        let (settings, mut problems) = read(path);
        let (maps, more) = settings.as_ref().map(read_maps).unwrap_or_default();
        problems.extend(more);
        let mut reading = Self { settings, maps, problems };
        reading.sort(path);
        reading
    }

    /// Adds what the reader of these files found out elsewhere.
    pub fn add(&mut self, path: &Path, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
        self.sort(path);
    }

    fn sort(&mut self, path: &Path) {
        self.problems
            .sort_by(|a, b| (a.file != path).cmp(&(b.file != path)).then_with(|| a.by_place(b)));
    }

    /// Whether what was read must not be taken.
    pub fn is_refused(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// Settings and maps with the warnings.
    ///
    /// # Errors
    /// All problems, if one of them is an error.
    pub fn finish(self) -> Result<(Settings, Maps, Vec<Problem>), Vec<Problem>> {
        match (self.is_refused(), self.settings) {
            (false, Some(settings)) => Ok((settings, self.maps, self.problems)),
            _ => Err(self.problems),
        }
    }
}

/// Reads and checks the settings file at `path` without the maps; all problems at once.
///
/// # Errors
/// All problems, if one of them is an error.
pub fn load(path: &Path) -> Result<Settings, Vec<Problem>> {
    let (settings, problems) = read(path);
    match (problems.iter().any(Problem::is_error), settings) {
        (false, Some(settings)) => Ok(settings),
        _ => Err(problems),
    }
}

fn read(path: &Path) -> (Option<Settings>, Vec<Problem>) {
    let parsed = crate::file::read(path, FILE_MAX)
        .map_err(|problem| vec![problem])
        .and_then(|text| Node::parse(path, &text));
    let root = match parsed {
        Ok(root) => root,
        Err(problems) => return (None, problems),
    };
    let (settings, mut problems) = Settings::gather(&root);
    problems.extend(settings.as_ref().and_then(|settings| open_secret(path, settings)));
    problems.sort_by(Problem::by_place);
    (settings, problems)
}

/// What is wrong if everybody on the machine may read a password in the settings.
fn open_secret(path: &Path, settings: &Settings) -> Option<Problem> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let database = settings.storage.database.as_ref();
    let send = &settings.send;
    let secrets = [
        ("storage.database", database.is_some_and(|url| has_password(url.expose()))),
        ("send.smarthost_password", send.smarthost_password.is_some()),
        ("send.routes", send.routes.iter().any(|route| route.password.is_some())),
    ];
    let (place, _) = secrets.into_iter().find(|(_, is_there)| *is_there)?;
    if mode & 0o004 == 0 {
        return None;
    }
    let message = "holds a password, and everybody on this machine may read this file";
    let hint = format!("chmod 0640 {}, and chgrp to the server's group", path.display());
    Some(settings.problem_at(place, message).hint(Some(hint)))
}

/// Whether the address of a database has a password, in either form that PostgreSQL knows:
/// `postgres://user:password@host/name` and `host=... password=...`.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
        || url.split(['?', '&', ' ']).any(|word| word.trim_start().starts_with("password"))
}

#[cfg(test)]
mod tests;
