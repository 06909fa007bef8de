//! All map files that the settings name, read together.

use crate::lines::FILE_MAX;
use crate::problem::Problem;
use crate::{Settings, access, aliases, hosts, relay_domains, relay_recipients, virtusertable};
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
    /// From `relay.recipients_file`.
    pub relay_recipients: Vec<relay_recipients::Entry>,
    /// From `local.hosts_file`.
    pub hosts: Vec<Domain>,
}

/// Reads every map file that the settings name. With any error nothing is taken, and all problems
/// are told; otherwise the maps come with the warnings.
pub fn load_maps(settings: &Settings) -> Result<(Maps, Vec<Problem>), Vec<Problem>> {
    let (maps, problems) = read_maps(settings);
    match problems.iter().any(Problem::is_error) {
        true => Err(problems),
        false => Ok((maps, problems)),
    }
}

/// What can be read of the map files that the settings name, and all that is wrong with them, in
/// the order of files and lines. A file that cannot be read is told where the settings name it.
pub fn read_maps(settings: &Settings) -> (Maps, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut read = |key: &str, path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        // Old files may have comments in other charsets, so bytes that are no UTF-8 are only
        // marked; in an entry the reader then finds the mark.
        match crate::file::read_bytes(path, FILE_MAX) {
            Ok(bytes) => Some((path.clone(), String::from_utf8_lossy(&bytes).into_owned())),
            Err(problem) => {
                let message = format!("{} {}", path.display(), problem.message);
                problems.push(settings.problem_at(key, message));
                None
            }
        }
    };
    let access = read("access.file", &settings.access.file);
    let aliases = read("aliases.file", &settings.aliases.file);
    let virtual_users = read("aliases.virtusertable_file", &settings.aliases.virtusertable_file);
    let relay = read("relay.domains_file", &settings.relay.domains_file);
    let relayed = read("relay.recipients_file", &settings.relay.recipients_file);
    let hosts = read("local.hosts_file", &settings.local.hosts_file);
    let folder = Some(settings.folder.as_path());
    let maps = Maps {
        access: parse(access, access::parse_file, &mut problems),
        aliases: parse(
            aliases,
            |path, text| aliases::parse_file(path, text, folder),
            &mut problems,
        ),
        virtual_users: parse(virtual_users, virtusertable::parse_file, &mut problems),
        relay: parse(relay, relay_domains::parse_file, &mut problems),
        relay_recipients: parse(relayed, relay_recipients::parse_file, &mut problems),
        hosts: parse(hosts, hosts::parse_file, &mut problems),
    };
    problems.sort_by(Problem::by_place);
    (maps, problems)
}

fn parse<T>(
    file: Option<(PathBuf, String)>,
    parse: impl Fn(&Path, &str) -> (Vec<T>, Vec<Problem>),
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let Some((path, text)) = file else { return Vec::new() };
    let (entries, found) = parse(&path, &text);
    problems.extend(found);
    entries
}

#[cfg(test)]
mod tests;
