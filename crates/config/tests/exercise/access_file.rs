//! The `key value` files: each entry or problem has its line.

use config::{access, hosts, relay_domains, virtusertable};
use std::path::Path;

/// Reads it as each of them.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let path = Path::new("access");
    let (entries, problems) = access::parse_file(path, &text);
    assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0));
    let lines = text.split('\n').count();
    assert!(entries.iter().all(|entry| (1..=lines).contains(&entry.line)));
    virtusertable::parse_file(path, &text);
    relay_domains::parse_file(path, &text);
    hosts::parse_file(path, &text);
}
