//! The administrator's lists of hashes and patterns: read with the settings, used here for texts
//! and sent to the workers for all else.

use crate::worker::REQUEST_MAX;
use config::Problem;
use config::attachment::list_file;
use config::settings::Attachment;
use content::Lists;
use content::lists::request::{self, List};
use content::lists::{Builder, Fault};
use std::path::{Path, PathBuf};

/// The lists in force.
#[derive(Debug, Default)]
pub struct InUse {
    /// Ready to be used.
    pub(crate) lists: Lists,
    /// As a worker gets them.
    request: Vec<u8>,
}

impl InUse {
    /// What a worker is asked with.
    pub fn request(&self) -> &[u8] {
        &self.request
    }
}

/// Reads the files that the settings name.
///
/// # Errors
/// Everything that is wrong with them, with file and line.
pub fn read(settings: &Attachment) -> Result<InUse, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut builder = Builder::default();
    let hashes = texts(&settings.hashes, &mut problems);
    let patterns = texts(&settings.patterns, &mut problems);
    let wrong = |path: &Path, fault: Fault| Problem::error(path, fault.line, 1, fault.what);
    for (path, text) in &hashes {
        problems.extend(builder.hashes(text).err().map(|fault| wrong(path, fault)));
    }
    for (path, text) in &patterns {
        problems.extend(builder.patterns(text).err().map(|fault| wrong(path, fault)));
    }
    let hashes = hashes.iter().map(|(_, text)| List::Hashes(text));
    let all: Vec<List<'_>> =
        hashes.chain(patterns.iter().map(|(_, text)| List::Patterns(text))).collect();
    let request = request::encode(&all);
    // What concerns all of them together is told of the last.
    let last = settings.patterns.last().or(settings.hashes.last());
    if let Some(last) = last
        && request.len() > REQUEST_MAX
    {
        let what = format!("all lists together have more than {REQUEST_MAX} bytes");
        problems.push(Problem::error(last, 0, 0, what));
    }
    match builder.build() {
        Ok(lists) if problems.is_empty() => return Ok(InUse { lists, request }),
        Ok(_) => {}
        Err(what) => {
            let last = last.map_or(Path::new(""), PathBuf::as_path);
            problems.push(Problem::error(last, 0, 0, what));
        }
    }
    Err(problems)
}

fn texts<'p>(paths: &'p [PathBuf], problems: &mut Vec<Problem>) -> Vec<(&'p Path, String)> {
    let mut all = Vec::new();
    for path in paths {
        match list_file(path) {
            Ok(text) => all.push((path.as_path(), text)),
            Err(problem) => problems.push(problem),
        }
    }
    all
}
