//! The aliases file, without a folder to include from: no text makes it touch the disk.

use config::aliases::{Goal, parse_file, parse_goals};
use std::path::Path;

/// Reads it, and the text as the goals of one alias.
pub(crate) fn exercise(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (entries, problems) = parse_file(Path::new("aliases"), &text, None);
    assert!(problems.iter().all(|problem| problem.line > 0 && problem.column > 0));
    for entry in &entries {
        assert!(!entry.goals.is_empty() || !entry.refused.is_empty());
        for goal in &entry.goals {
            if let Goal::Local(name) | Goal::Final(name) = goal {
                assert!(!name.starts_with(['|', '/']), "a program or file is no local name");
            }
        }
    }
    let _ = parse_goals(&text);
}
