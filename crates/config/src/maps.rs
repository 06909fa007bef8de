//! All map files that the settings name, read together.

use crate::lines::FILE_MAX;
use crate::problem::{Problem, Severity};
use crate::{Settings, access, aliases, hosts, relay_domains, virtusertable};
use mail::Domain;
use std::path::{Path, PathBuf};

/// What the map files say; empty where none is named.
#[derive(Debug, Clone, Default)]
pub struct Maps {
    /// From `access.file`.
    pub access: Vec<access::Entry>,
    /// From `aliases.file`.
    pub aliases: Vec<aliases::AliasEntry>,
    /// From `aliases.virtusertable_file`.
    pub virtual_users: Vec<virtusertable::Entry>,
    /// From `relay.domains_file`.
    pub relay: Vec<relay_domains::Entry>,
    /// From `local.hosts_file`.
    pub hosts: Vec<Domain>,
}

/// Reads every map file that the settings name. With any error nothing is taken, and all problems
/// are told; otherwise the maps come with the warnings.
pub fn load_maps(settings: &Settings) -> Result<(Maps, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let folder = &settings.folder;
    let files: [&Option<PathBuf>; 5] = [
        &settings.access.file,
        &settings.aliases.file,
        &settings.aliases.virtusertable_file,
        &settings.relay.domains_file,
        &settings.local.hosts_file,
    ];
    let [access, aliases, virtual_users, relay, hosts] =
        files.map(|path| read(path.as_deref(), &mut problems));
    let maps = Maps {
        access: parse(access, access::parse_file, &mut problems),
        aliases: parse(
            aliases,
            |path, text| aliases::parse_file(path, text, Some(folder)),
            &mut problems,
        ),
        virtual_users: parse(virtual_users, virtusertable::parse_file, &mut problems),
        relay: parse(relay, relay_domains::parse_file, &mut problems),
        hosts: parse(hosts, hosts::parse_file, &mut problems),
    };
    problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    match problems.iter().any(|problem| problem.severity == Severity::Error) {
        true => Err(problems),
        false => Ok((maps, problems)),
    }
}

/// Old files may have comments in other charsets, so bytes that are no UTF-8 are only marked; in an
/// entry the reader then finds the mark.
fn read<'p>(path: Option<&'p Path>, problems: &mut Vec<Problem>) -> Option<(&'p Path, String)> {
    let path = path?;
    match crate::file::read_bytes(path, FILE_MAX) {
        Ok(bytes) => Some((path, String::from_utf8_lossy(&bytes).into_owned())),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn parse<T>(
    file: Option<(&Path, String)>,
    parse: impl Fn(&Path, &str) -> (Vec<T>, Vec<Problem>),
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let Some((path, text)) = file else { return Vec::new() };
    let (entries, found) = parse(path, &text);
    problems.extend(found);
    entries
}

#[cfg(test)]
mod tests;
