//! Replays the fuzz corpus, so that what fuzzing once found stays found.
#![expect(clippy::unwrap_used, reason = "tests")]

use config::{Settings, access, aliases, hosts, relay_domains, virtusertable};
use std::path::Path;

/// Gives every file of a target's corpus to `parse`.
fn replay(target: &str, parse: impl Fn(&Path, &str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        parse(&path, &String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn settings() {
    replay("settings", |path, text| {
        if let Err(problems) = Settings::from_str(text, path) {
            assert!(problems.iter().all(|problem| problem.line > 0), "{}", path.display());
        }
    });
}

#[test]
fn access_file() {
    replay("access_file", |path, text| {
        let (_, problems) = access::parse_file(path, text);
        assert!(problems.iter().all(|problem| problem.line > 0), "{}", path.display());
        virtusertable::parse_file(path, text);
        relay_domains::parse_file(path, text);
        hosts::parse_file(path, text);
    });
}

#[test]
fn aliases_file() {
    replay("aliases_file", |path, text| {
        let (entries, _) = aliases::parse_file(path, text, None);
        let leads_somewhere =
            |e: &aliases::AliasEntry| !e.goals.is_empty() || !e.refused.is_empty();
        assert!(entries.iter().all(leads_somewhere), "{}", path.display());
    });
}
